"""Calendars kept between processes are those that were built."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from engine.clock import calendar_cache
from engine.clock.calendar import ExchangeCalendar

SPAN = (dt.date(2017, 3, 1), dt.date(2018, 12, 31))


@pytest.mark.parametrize("mic", ["XNYS", "XLON", "24/7"])
def test_a_kept_calendar_is_the_one_that_was_built(
    mic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(calendar_cache.FOLDER, str(tmp_path / "cache"))
    built = ExchangeCalendar(mic).sessions(*SPAN)
    monkeypatch.setattr(ExchangeCalendar, "_build", None)  # whoever builds again fails
    assert ExchangeCalendar(mic).sessions(*SPAN) == built and len(built) > 400


def test_what_is_not_kept_is_built_and_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(calendar_cache.FOLDER, str(tmp_path))
    near = ExchangeCalendar("XNYS").sessions(*SPAN)
    far = ExchangeCalendar("XNYS").sessions(dt.date(2005, 1, 1), SPAN[1])
    assert far[-len(near) :] == near and far[0].date == dt.date(2005, 1, 3)
    assert ExchangeCalendar("XNYS").sessions(dt.date(2005, 1, 1), SPAN[1]) == far


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"tz": "UTC"}', '{"tz": 1, "low": "x", "high": "y", "sessions": []}'],
)
def test_a_spoiled_file_is_as_good_as_none(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(calendar_cache.FOLDER, str(tmp_path))
    built = ExchangeCalendar("XNYS").sessions(*SPAN)
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    assert ExchangeCalendar("XNYS").sessions(*SPAN) == built


@pytest.mark.parametrize("folder", ["", "/proc/no/such/folder"])
def test_a_folder_that_cannot_be_written_does_not_matter(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(calendar_cache.FOLDER, folder)
    assert len(ExchangeCalendar("XNYS").sessions(*SPAN)) > 400
