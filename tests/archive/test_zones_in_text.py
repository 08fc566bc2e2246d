"""Times that carry their zone in the text, with a declared form and in the hour that a clock tells twice."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.errors import BarImportError
from tests.archive.sources import clock, csv, imported

EASTERN = ZoneInfo("America/New_York")
OPEN, TWICE = "2023-11-15 09:30", "2023-11-05 01:30"
NAMED = "%Y%m%d %H:%M:%S US/Eastern"


@pytest.mark.parametrize(
    "form, declared, zone",
    [
        (NAMED, NAMED, None),
        (NAMED, NAMED, "UTC"),
        (NAMED, "%Y%m%d %H:%M:%S %Z", None),
        ("%Y-%m-%d %H:%M:%S US/Eastern", None, None),
        ("%d.%m.%Y %H:%M -05:00", "%d.%m.%Y %H:%M %z", None),
        ("%d.%m.%Y %H:%M-05:00", "%d.%m.%Y %H:%M-05:00", "UTC"),
    ],
)
def test_a_zone_in_the_text_goes_before_the_declared_one(
    form: str, declared: str | None, zone: str | None, tmp_path: Path
) -> None:
    text = csv(f"{time:{form}}" for time in clock(OPEN, 5))
    archive, summary = imported(
        tmp_path, {"AAA.csv": text}, interval="1m", time_format=declared, timezone=zone
    )
    wanted = [time.replace(tzinfo=EASTERN) for time in clock(OPEN, 5)]
    assert (
        archive.read_session(dt.date(2023, 11, 15), ["timestamp"])["timestamp"].to_list() == wanted
    )
    assert not summary.quarantined


@pytest.mark.parametrize(
    "form, zone",
    [
        (NAMED, None),
        ("%Y-%m-%d %H:%M", "America/New_York"),
        ("%m/%d/%Y %H:%M", "America/New_York"),
        ("%d/%m/%Y %H:%M", "America/New_York"),
    ],
)
def test_the_hour_that_a_clock_tells_twice(form: str, zone: str | None, tmp_path: Path) -> None:
    """Is refused, and read as it is declared, whatever else decides on the order of the date's numbers."""
    times = [*clock(TWICE, 5), *clock("2023-11-15 01:30", 5)]
    files = {"AAA.csv": csv(f"{time:{form}}" for time in times)}
    options = {"interval": "1m", "exchange": "24/7", "timezone": zone}
    with pytest.raises(BarImportError, match=r"(?s)tells twice.*--repeated-hour"):
        imported(tmp_path, files, **options)
    for hour, fold in (("earlier", 0), ("later", 1)):
        archive, _ = imported(tmp_path / hour, files, repeated_hour=hour, **options)
        found = archive.read_session(dt.date(2023, 11, 5), ["timestamp"])["timestamp"].to_list()
        assert found == [
            time.replace(tzinfo=EASTERN, fold=fold).astimezone(dt.UTC) for time in clock(TWICE, 5)
        ]
