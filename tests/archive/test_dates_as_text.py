"""Dates as text: decided by the whole source, refused where they can be read in two ways, never
mixed.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.ingest.recognise import InPlaceOptions, init_in_place
from engine.archive.reference.corporate_actions import read_actions
from engine.archive.reference.tickers import read_tickers
from engine.archive.reference.universe import read_membership
from engine.archive.vendor_files.time_text import DAY_FIRST, MONTH_FIRST, form_of, orders_of, parse
from engine.clock.calendar import ExchangeCalendar
from engine.errors import BarImportError, BarsweepError
from tests.archive.sources import clock, csv, imported, written

NYSE = ExchangeCalendar.of("XNYS")
MONDAY_ON = [dt.date(2018, 3, day) for day in (5, 6, 7)]


def dates_of(archive: Archive) -> list[dt.date]:
    return archive.sessions(archive.manifest.base.name)


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d.%m.%Y", "%m/%d/%y"])
def test_the_calendar_tells_the_order(form: str, tmp_path: Path) -> None:
    """3 June, 5 April are no sessions of 2018, so 03/05, 03/06, 03/07 are days of March."""
    days = (
        [dt.date(2018, 3, day) for day in (5, 6, 7)] + [dt.date(2018, 4, 5)]
        if "m" in form[:2]
        else MONDAY_ON
    )
    archive, summary = imported(tmp_path, {"AAA.csv": csv(f"{day:{form}}" for day in days)})
    assert (dates_of(archive), summary.interval, dict(summary.quarantined)) == (days, "1d", {})


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%d/%m/%Y"])
def test_a_part_above_12_tells_the_order_of_all_rows_of_all_files(
    form: str, tmp_path: Path
) -> None:
    days = [session.date for session in NYSE.sessions(dt.date(2018, 3, 1), dt.date(2018, 3, 29))]
    files = {
        f"{name}.csv": csv(f"{day:{form}}" for day in some)
        for name, some in (("AAA", days[:3]), ("BBB", days))
    }
    archive, summary = imported(tmp_path, files)
    assert dates_of(archive) == days and not summary.quarantined


def test_the_order_of_rows_tells_what_the_calendar_cannot(tmp_path: Path) -> None:
    """Round the clock every day is a session; only one reading has the days in order."""
    days = [
        dt.date(2018, 3, 10),
        dt.date(2018, 3, 11),
        dt.date(2018, 3, 12),
        dt.date(2018, 4, 1),
        dt.date(2018, 4, 2),
    ]
    archive, _ = imported(
        tmp_path, {"AAA.csv": csv(f"{day:%m/%d/%Y}" for day in days)}, exchange="24/7"
    )
    assert dates_of(archive) == days


@pytest.mark.parametrize(
    ("times", "options"),
    [
        (["03/05/2018", "03/06/2018", "03/07/2018"], {"exchange": "24/7"}),
        (
            [f"{time:%m/%d/%Y %H:%M}" for time in clock("2018-03-05 09:30", 390)],
            {"timezone": "America/New_York"},
        ),
        (["03/05/18", "03/06/18", "03/07/18"], {"exchange": "24/7"}),
    ],
)
def test_what_two_readings_are_left_of_is_refused(
    times: list[str], options: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(
        BarImportError, match=r"2018-03-05 and as 2018-05-03.*--time-format '%m/%d/%[yY]"
    ):
        imported(tmp_path, {"AAA.csv": csv(times)}, **options)
    assert not (tmp_path / "archive" / "archive.json").exists()


def test_the_form_that_is_given_decides(tmp_path: Path) -> None:
    times = [f"{time:%m/%d/%Y %H:%M}" for time in clock("2018-03-05 09:30", 390)]
    archive, _ = imported(
        tmp_path, {"AAA.csv": csv(times)}, timezone="America/New_York", time_format="%m/%d/%Y %H:%M"
    )
    assert dates_of(archive) == [dt.date(2018, 3, 5)]
    with pytest.raises(BarImportError, match="one of the form %d/%m/%Y"):
        wrong = csv(
            f"{day:%d/%m/%Y}"
            for day in (dt.date(2018, 3, 5), dt.date(2018, 3, 26), dt.date(2018, 3, 27))
        )
        imported(tmp_path / "wrong", {"AAA.csv": wrong}, time_format="%m/%d/%Y")


@pytest.mark.parametrize("together", [True, False])
def test_readings_are_never_mixed(together: bool, tmp_path: Path) -> None:
    one = [f"{day:%m/%d/%Y}" for day in (dt.date(2018, 3, 5), dt.date(2018, 3, 26))]
    other = [f"{day:%d/%m/%Y}" for day in (dt.date(2018, 3, 27), dt.date(2018, 3, 28))]
    files = (
        {"AAA.csv": csv(one + other)} if together else {"AAA.csv": csv(one), "BBB.csv": csv(other)}
    )
    with pytest.raises(
        BarImportError,
        match="is a date with the day first, and others are read with the month first",
    ):
        imported(tmp_path, files)


@pytest.mark.parametrize(
    ("form", "zone"),
    [
        ("%Y%m%d %H:%M:%S US/Eastern", None),
        ("%Y%m%d %H:%M", "America/New_York"),
        ("%m/%d/%Y %H:%M", "America/New_York"),
        ("%d-%b-%Y %H:%M", "America/New_York"),
        ("%Y%m%d;%H%M%S", "America/New_York"),
        ("%B %d, %Y %I:%M %p", "America/New_York"),
        ("%Y/%m/%dT%H:%M:%S.000", "America/New_York"),
        ("%m/%d/%Y %H:%M:%S-05:00", None),
        ("%Y-%m-%d %H:%M:%S-05:00", None),
    ],
)
def test_other_forms_are_the_same_bars(form: str, zone: str | None, tmp_path: Path) -> None:
    """Forms of public reports, with quotes where they hold a comma."""
    times = clock("2018-03-09 09:30", 390)
    text = csv(f'"{time:{form}}"' for time in times)
    archive, _ = imported(
        tmp_path,
        {"AAA.csv": text},
        timezone=zone,
        **({} if form[:3] != "%m/" else {"time_format": None}),
    )
    bars = archive.read_session(dt.date(2018, 3, 9), ["timestamp"])[
        "timestamp"
    ].dt.convert_time_zone("America/New_York")
    assert bars.dt.replace_time_zone(None).to_list() == times


DAYS = st.lists(
    st.dates(dt.date(2018, 1, 1), dt.date(2019, 12, 31)), min_size=1, max_size=30, unique=True
).map(sorted)


@given(
    DAYS,
    st.sampled_from(["/", "-", "."]),
    st.booleans(),
    st.sampled_from(["", " %H:%M", " %H:%M:%S", " %I:%M %p"]),
)
@settings(max_examples=60, deadline=None)
def test_an_order_reads_what_it_has_written(
    days: list[dt.date], between: str, month_first: bool, time: str
) -> None:
    moments = [dt.datetime.combine(day, dt.time(9, 31) if time else dt.time(0)) for day in days]
    form = (f"%m{between}%d" if month_first else f"%d{between}%m") + f"{between}%Y{time}"
    order = MONTH_FIRST if month_first else DAY_FIRST
    texts = [f"{moment:{form}}" for moment in moments]
    assert parse(pl.Series(texts), order).to_list() == moments
    assert orders_of(texts[0]) == (MONTH_FIRST, DAY_FIRST) and form_of(texts[0], None) is None


@given(DAYS, st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_table_is_read_rightly_or_refused(
    tmp_path_factory: pytest.TempPathFactory, days: list[dt.date], month_first: bool
) -> None:
    form = "%m/%d/%Y" if month_first else "%d/%m/%Y"
    path = tmp_path_factory.mktemp("table") / "actions.csv"
    path.write_text(
        "symbol,ex_date,cash_dividend\n" + "".join(f"A,{day:{form}},1\n" for day in days)
    )
    try:
        found = read_actions(path)["ex_date"].to_list()
    except BarsweepError as error:
        assert all(day.day <= 12 for day in days) and "--time-format" in str(error)
        return
    assert found == days


def test_all_tables_refuse_what_can_be_read_in_two_ways(tmp_path: Path) -> None:
    """`archive actions` used to read the same text the other way than an import."""
    path = tmp_path / "table.csv"
    path.write_text(
        "symbol,ex_date,cash_dividend\nA,03/05/2018,1\nA,03/06/2018,1\nA,03/07/2018,1\n"
    )
    with pytest.raises(BarsweepError, match="--time-format '%m/%d/%Y' or '%d/%m/%Y'"):
        read_actions(path)
    assert read_actions(path, calendar=NYSE)["ex_date"].to_list() == MONDAY_ON
    assert read_actions(path, "%d/%m/%Y")["ex_date"].to_list()[0] == dt.date(2018, 5, 3)
    path.write_text("symbol,ticker,start_date\nA,B,03/05/2018\n")
    with pytest.raises(BarsweepError, match="write them as 2018-03-05"):
        read_tickers(path)
    path.write_text("symbol,start_date,end_date\nA,03/05/2018,03/25/2018\n")
    assert read_membership(path).row(0) == ("A", dt.date(2018, 3, 5), dt.date(2018, 3, 25))
    path.write_text("symbol,start_date,end_date\nA,03/05/2018,03/06/2019\n")
    with pytest.raises(BarsweepError, match="write them as 2018-03-05"):
        read_membership(path)


@pytest.mark.parametrize("form", ["%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M"])
def test_in_place_the_paths_date_tells_the_order(form: str, tmp_path: Path) -> None:
    for day in ("2018-03-05", "2018-03-06"):
        text = (
            written(clock(f"{day} 09:30", 390), form)
            .replace("date,", "symbol,date,", 1)
            .replace("\n0", "\nAAA,0")
        )
        (tmp_path / f"{day}.csv").write_text(text)
    archive = init_in_place(tmp_path, tmp_path, InPlaceOptions("open", timezone="America/New_York"))
    assert [len(archive.read_session(date, ["close"])) for date in archive.sessions()] == [390, 390]


# -- dates without a time


@pytest.mark.parametrize("zone", [None, "Europe/London", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize("label", ["open", "close"])
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y%m%d", "%Y-%m-%d 00:00:00"])
def test_a_date_is_the_sessions_date_in_every_zone(
    form: str, label: str, zone: str | None, tmp_path: Path
) -> None:
    days = [dt.date(2018, 4, day) for day in (16, 17, 18)]
    archive, summary = imported(
        tmp_path, {"AAA.csv": csv(f"{day:{form}}" for day in days)}, timezone=zone, label=label
    )
    assert (dates_of(archive), summary.interval, dict(summary.quarantined)) == (days, "1d", {})


@pytest.mark.parametrize(
    "dtype", [pl.Date(), pl.Datetime("us"), pl.Datetime("ns", "Europe/London"), pl.Int32()]
)
def test_dates_of_other_dtypes_too(dtype: pl.DataType, tmp_path: Path) -> None:
    days = [dt.date(2018, 4, day) for day in (16, 17, 18)]
    column = pl.Series("date", days)
    column = column.dt.strftime("%Y%m%d").cast(dtype) if dtype == pl.Int32() else column
    if isinstance(dtype, pl.Datetime):
        column = column.cast(pl.Datetime(dtype.time_unit))
        column = column.dt.replace_time_zone(dtype.time_zone) if dtype.time_zone else column
    prices = {name: [10.0, 11.0, 12.0] for name in ("open", "high", "low", "close")}
    source = tmp_path / "source"
    source.mkdir()
    pl.DataFrame(
        {"symbol": ["A"] * 3, "date": column, **prices, "volume": [1, 2, 3]}
    ).write_parquet(source / "bars.parquet")
    archive, _ = imported(tmp_path, {}, symbol_pattern=None, interval="1d")
    assert dates_of(archive) == days


@pytest.mark.parametrize(
    ("exchange", "label", "hour", "expected"),
    [
        ("24/7@America/Chicago", "open", "05:00", 0),
        ("24/7@Etc/GMT+6", "open", "06:00", 0),
        ("24/7", "open", "00:00", 0),
        ("24/7", "close", "00:00", -1),
        ("24/7@America/Chicago", "close", "05:00", -1),
        ("24/7", "close", "23:59", 0),
    ],
)
def test_days_round_the_clock_are_known_when_they_end(
    exchange: str, label: str, hour: str, expected: int, tmp_path: Path
) -> None:
    seconds = ":59.999" if hour == "23:59" else ":00"
    days = [dt.date(2018, 4, 15) + dt.timedelta(days=n) for n in range(4)]
    archive, _ = imported(
        tmp_path,
        {"BTC.csv": csv(f"{day}T{hour}{seconds}Z" for day in days)},
        exchange=exchange,
        label=label,
    )
    assert dates_of(archive) == [day + dt.timedelta(days=expected) for day in days]
    ends = dt.datetime.fromtimestamp(
        archive.calendar.session(dates_of(archive)[0]).close / 1e6, dt.UTC
    )
    begun = dt.datetime.fromisoformat(f"{days[0]}T{hour}+00:00")
    assert ends == (
        begun + dt.timedelta(days=1)
        if label == "open"
        else begun + dt.timedelta(minutes=hour == "23:59")
    )


@pytest.mark.parametrize("label", ["open", "close"])
@pytest.mark.parametrize(
    ("month", "hour", "zone"),
    [(1, "06:00", "America/Chicago"), (4, "15:00", "Asia/Seoul"), (4, "03:00", r"Etc/GMT\+3")],
)
def test_days_that_begin_at_another_time_than_the_markets_are_refused(
    label: str, month: int, hour: str, zone: str, tmp_path: Path
) -> None:
    """Stored as days of UTC, a bar that begins at 06:00 would be known six hours before it is over."""
    times = csv(f"2018-0{month}-{day}T{hour}:00Z" for day in range(10, 20))
    with pytest.raises(
        BarImportError, match=rf"days (begin|end) at {hour} UTC.*--exchange 24/7@{zone}"
    ):
        imported(tmp_path, {"BTC.csv": times}, exchange="24/7", label=label)
