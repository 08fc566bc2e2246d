"""Whose bars a ticker's are: LEAN's map files over real bars, and any map against a loop over its rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.ingest.lean import ticker_intervals
from engine.archive.quality.check_bars import check_archive
from engine.archive.quality.long_gaps import long_gaps
from engine.archive.reference import tickers
from engine.archive.reference.universe import load_universe
from engine.archive.symbol_map import NOBODY, SymbolMap, empty_map
from engine.errors import ArchiveError
from engine.schema import BAR_SCHEMA, MEMBERSHIP_SCHEMA, SYMBOL_MAP_SCHEMA
from tests.data import real_data
from tests.lean import bare_archive, map_files
from tests.running import config, hits

HEAD = "symbol,ticker,start_date,end_date\n"
DAY = dt.date(2000, 1, 1)


def intervals(*rows: tuple[str, str, dt.date, dt.date | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SYMBOL_MAP_SCHEMA, orient="row")


def closes(archive: Archive, symbol: str) -> pl.DataFrame:
    return archive.read_daily(["close"], None, None).filter(pl.col("symbol") == symbol)


# -- bars


def test_a_renamed_companys_history_goes_on(lean: Archive) -> None:
    """USA Waste (UW) became Waste Management (WMI in 1998, WM in 2009); NationsBank took the name and ticker of BankAmerica."""
    bars = closes(lean, "WM")["date"]
    assert {
        dt.date(1998, 7, 16),
        dt.date(1998, 7, 17),
        dt.date(2009, 8, 4),
        dt.date(2009, 8, 5),
    } <= set(bars)
    assert bars.is_sorted() and bars.n_unique() == len(bars)
    assert "WMI" not in lean.symbols() and "UW" not in lean.symbols()


def test_companies_that_had_the_same_ticker_are_two(lean: Archive) -> None:
    """FB was Falcon Products until 2003, and Facebook from 2012; WM was Washington Mutual until 2008."""
    falcon, facebook = closes(lean, "FB.1")["date"], closes(lean, "FB")["date"]
    assert falcon.max() < dt.date(2003, 3, 29) and facebook.min() == dt.date(2012, 5, 18)  # type: ignore[operator]
    with_map = closes(lean, "WM").filter(pl.col("date") == dt.date(2005, 1, 3))
    raw = pl.read_parquet(real_data("equity_usa_daily.parquet")).filter(
        pl.col("label_exchange_time") == dt.datetime(2005, 1, 3)
    )
    told = dict(raw.select("symbol", "close").rows())
    assert with_map["close"].item() == told["WMI"] != told["WM"]


def test_every_way_to_read_renames_alike(lean: Archive) -> None:
    whole = lean.read_daily(["close", "volume"], None, None)
    assert whole.equals(whole.sort("symbol", "date")) and NOBODY not in whole["symbol"]
    assert whole["symbol"].unique().sort().to_list() == lean.symbols()
    for year in (2001, 2004, 2009, 2011, 2014):
        bars, one = (
            lean.read_daily_year(year, ["close", "volume"]),
            whole.filter(pl.col("date").dt.year() == year),
        )
        assert list(bars.symbols) == one["symbol"].unique().sort().to_list()
        assert (
            bars.counts.tolist()
            == one.group_by("symbol", maintain_order=True).len()["len"].to_list()
        )
        assert bars.columns["close"].tolist() == one["close"].to_list()
        assert bars.days.tolist() == one["date"].to_physical().to_list()


def test_minute_bars_are_read_as_their_symbols(demo: Archive, tmp_path: Path) -> None:
    """AAPL's bars as those of one that was called so until a date; MSFT's before it as nobody's."""
    date, later = dt.date(2017, 11, 8), dt.date(2017, 11, 9)
    for name in ("archive.json", "corporate_actions.parquet", "bars"):
        (tmp_path / name).symlink_to(demo.path / name)
    rows = intervals(
        ("OLD", "AAPL", DAY, later), ("AAPL", "AAPL", later, None), ("MSFT", "MSFT", later, None)
    )
    tickers.bring_in(Archive.open(tmp_path), rows)
    archive = Archive.open(tmp_path)
    for day, name in ((date, "OLD"), (later, "AAPL")):
        raw = demo.read_session(day, list(BAR_SCHEMA)).filter(pl.col("symbol") == "AAPL")
        own = archive.read_session(day, list(BAR_SCHEMA))
        assert own.filter(pl.col("symbol") == name).drop("symbol").equals(raw.drop("symbol"))
        assert own.equals(own.sort("symbol", "timestamp"))
        index = archive.read_session_index(day)
        assert index is not None and (index[0].count(NOBODY) == 1) == (day == date)
    loaded = config(
        [
            {
                "module": "scanners.criteria_scanner",
                "regular_session": [{"start": "10:00", "end": "15:00", "interval": "60m"}],
                "config": {
                    "criteria": {"known": "known(sma_5_1d)"},
                    "features": {"sma": "sma_5_1d", "before": "prev_close"},
                },
            }
        ],
        start="2017-11-08",
        end="2017-11-20",
    )
    found, plain = hits(loaded, archive), hits(loaded, demo)
    assert (
        found.filter(pl.col("symbol") == "KO")
        .drop("rank")
        .equals(plain.filter(pl.col("symbol") == "KO").drop("rank"))
    )
    assert found.filter(pl.col("symbol") == "OLD")["session"].unique().to_list() == [date]
    own, before = (frame.filter(pl.col("symbol") == "AAPL") for frame in (found, plain))
    assert before["session"].min() == dt.date(2017, 11, 8) and own["session"].min() == dt.date(
        2017, 11, 16
    )  # its fifth session is over
    assert own.drop("rank", "promoted").equals(
        before.filter(pl.col("session") >= dt.date(2017, 11, 16)).drop("rank", "promoted")
    )


def test_indicators_go_on_over_a_rename_and_stop_between_companies(
    lean: Archive, tmp_path: Path
) -> None:
    """Without a map Facebook's first days would see Falcon's prices of nine years before."""
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": [{"at": "close"}],
        "config": {
            "universe": ["FB", "WM", "GOOG", "GOOGL"],
            "criteria": {"known": "known(close)"},
            "features": {"sma": "sma_5_1d", "before": "prev_close", "close": "close"},
        },
    }
    loaded = config([scanner], interval="1d", start="2012-05-18", end="2012-05-25")
    facebook = hits(loaded, lean).filter(pl.col("symbol") == "FB").sort("session")
    assert facebook["before"][0] is None and facebook["sma"][:4].null_count() == 4
    assert facebook["sma"][4] == pytest.approx(closes(lean, "FB")["close"][:5].mean(), rel=1e-12)
    chained = hits(loaded, bare_archive(tmp_path)).filter(pl.col("symbol") == "FB").sort("session")
    assert chained["before"][0] is not None  # so the test could fail
    waste = hits(
        config([scanner], interval="1d", start="2009-08-04", end="2009-08-06"), lean
    ).filter(pl.col("symbol") == "WM")
    own = closes(lean, "WM").filter(pl.col("date") <= dt.date(2009, 8, 6))["close"]
    assert waste["before"].to_list() == own[-4:-1].to_list()
    assert waste["sma"][-1] == pytest.approx(own[-5:].mean(), rel=1e-12)
    google = hits(config([scanner], interval="1d", start="2014-04-02", end="2014-04-03"), lean)
    before = google.filter(pl.col("symbol") == "GOOGL", pl.col("session") == dt.date(2014, 4, 3))[
        "before"
    ].item()
    assert before == pytest.approx(
        closes(lean, "GOOGL").filter(pl.col("date") == dt.date(2014, 4, 2))["close"].item() / 2
    )


# -- universes


def test_lists_of_tickers_and_of_symbols_are_both_read_rightly(lean: Archive) -> None:
    """GOOG was the ticker of the class A shares until they became GOOGL on 2014-04-03."""
    universe = load_universe(["GOOG", "FB", "WMI"], lean, Path)
    assert universe.members(dt.date(2007, 1, 3)) == ["GOOGL", "WM"]
    assert universe.members(dt.date(2002, 3, 1)) == ["FB.1", "WM"]
    assert universe.members(dt.date(2015, 1, 2)) == ["FB", "GOOG"]
    assert not universe.point_in_time and universe.leavers(DAY, dt.date(2020, 1, 1)) is None
    everyone = load_universe("all", lean, Path)
    assert "FB.1" in everyone.members(dt.date(2003, 3, 28)) and "FB.1" not in everyone.members(
        dt.date(2003, 3, 31)
    )
    assert "GOOG" not in everyone.members(dt.date(2014, 3, 26)) and "GOOG" in everyone.members(
        dt.date(2014, 3, 27)
    )


def test_an_index_file_by_tickers_names_the_companies_of_the_day(lean: Archive) -> None:
    universe = load_universe(str(real_data("sp500_membership_1996_2025.parquet")), lean, Path)
    assert universe.members(dt.date(2007, 1, 3)) == [
        "AAPL",
        "AIG",
        "BAC",
        "GOOGL",
        "IBM",
        "WM",
    ]  # GOOGL from 2006-04-03 on
    assert universe.members(dt.date(2015, 1, 2)) == [
        "AAPL",
        "AIG",
        "BAC",
        "FB",
        "GOOG",
        "GOOGL",
        "IBM",
        "TFCFA",
        "WM",
    ]


DATES = st.integers(0, 30).map(lambda day: DAY + dt.timedelta(days=day))
NAMES = st.sampled_from("ABC")


@st.composite
def maps(draw: Callable[..., object]) -> pl.DataFrame:
    """Up to eight intervals that can be: those that overlap an earlier one are left out."""
    rows: list[tuple[str, str, dt.date, dt.date | None]] = []
    for symbol, ticker, start, end in draw(
        st.lists(st.tuples(NAMES, NAMES, DATES, st.none() | DATES), max_size=8)
    ):  # type: ignore[attr-defined]
        late = end or dt.date.max
        clash = any(
            (symbol == s or ticker == t) and start < (e or dt.date.max) and b < late
            for s, t, b, e in rows
        )
        if start < late and not clash:
            rows.append((symbol, ticker, start, end))
    return intervals(*rows)


def owner(table: pl.DataFrame, ticker: str, date: dt.date) -> str:
    names = set(table["symbol"]) | set(table["ticker"])
    found = [
        s
        for s, t, start, end in table.rows()
        if t == ticker and start <= date and (end is None or date < end)
    ]
    return found[0] if found else NOBODY if ticker in names else ticker


@settings(deadline=None)
@given(maps(), st.lists(st.tuples(st.sampled_from("ABCD"), DATES), unique=True, max_size=40))
def test_bars_are_renamed_row_by_row(table: pl.DataFrame, keys: list[tuple[str, dt.date]]) -> None:
    known = SymbolMap(table)
    bars = pl.DataFrame(
        sorted(keys), schema={"symbol": pl.String, "date": pl.Date}, orient="row"
    ).with_row_index("row")
    rows = [(owner(table, ticker, date), date, row) for row, ticker, date in bars.rows()]
    expected = sorted(row for row in rows if row[0] != NOBODY)
    assert known.rename_daily(bars).select("symbol", "date", "row").rows() == expected
    runs = bars["symbol"].rle().struct.unnest()
    symbols, counts, order = known.rename_runs(
        runs["value"].to_list(),
        runs["len"].cast(pl.Int64).to_numpy(),
        bars["date"].to_physical().cast(pl.Int64).to_numpy(),
    )
    assert order.tolist() == [row for _, _, row in expected]
    assert [
        symbol for symbol, count in zip(symbols, counts, strict=True) for _ in range(count)
    ] == [symbol for symbol, _, _ in expected]
    for date in {date for _, date in keys}:
        one = bars.filter(pl.col("date") == date)
        assert known.rename_session(one, date).rows() == [
            (row, symbol, day) for symbol, day, row in expected if day == date
        ]
        assert known.owners(one["symbol"].to_list(), date) == [
            owner(table, ticker, date) for ticker in one["symbol"]
        ]


@settings(deadline=None)
@given(maps(), st.lists(st.tuples(st.sampled_from("ABCD"), DATES, st.none() | DATES), max_size=6))
def test_memberships_are_resolved_day_by_day(
    table: pl.DataFrame, rows: list[tuple[str, dt.date, dt.date | None]]
) -> None:
    lives = {
        symbol: (min(r[2] for r in own), max(r[3] or dt.date.max for r in own))
        for symbol in set(table["symbol"])
        if (own := [r for r in table.rows() if r[0] == symbol])
    }
    resolved = SymbolMap(table).members(pl.DataFrame(rows, schema=MEMBERSHIP_SCHEMA, orient="row"))
    for day in (DAY + dt.timedelta(days=n) for n in range(-1, 33)):
        expected = set()
        for name, start, end in rows:
            if start <= day and (end is None or day < end):
                held = owner(table, name, day)
                alive = lives.get(name, (dt.date.max, dt.date.max))
                expected.add(
                    held if held != NOBODY else name if alive[0] <= day < alive[1] else NOBODY
                )
        found = {
            symbol
            for symbol, start, end in resolved.rows()
            if start <= day and (end is None or day < end)
        }
        assert found == expected - {NOBODY}


# -- the table


def test_map_files_tell_the_last_day_of_a_ticker(tmp_path: Path) -> None:
    table = ticker_intervals(map_files(tmp_path / "maps"))
    assert table.filter(pl.col("symbol") == "QQQ").rows() == [
        ("QQQ", "QQQ", dt.date(1999, 3, 10), dt.date(2004, 12, 1)),
        ("QQQ", "QQQQ", dt.date(2004, 12, 1), dt.date(2011, 3, 23)),
        ("QQQ", "QQQ", dt.date(2011, 3, 23), None),
    ]
    assert table.filter(pl.col("symbol") == "FB.1").rows() == [
        ("FB.1", "FB", dt.date(1999, 9, 29), dt.date(2003, 3, 29))
    ]
    (tmp_path / "x.csv").write_text("20140402\n")
    with pytest.raises(ArchiveError, match=r"x\.csv: line 1 is '20140402'; expected date, ticker"):
        ticker_intervals(tmp_path / "x.csv")


def test_bringing_in_counts_merges_and_tells_of_bars_that_are_nobodys(tmp_path: Path) -> None:
    archive = bare_archive(tmp_path / "archive")
    assert not archive.symbol_map and tickers.stray_bars(archive) == {}
    digest = archive.digest()
    summary = tickers.bring_in(archive, ticker_intervals(map_files(tmp_path / "maps")))
    assert (
        summary.symbols,
        summary.intervals,
        summary.added,
        summary.replaced,
        summary.reused,
    ) == (26, 40, 26, 0, 5)
    raw = pl.read_parquet(real_data("equity_usa_daily.parquet")).with_columns(
        date=pl.col("label_exchange_time").dt.date()
    )
    mutual = raw.filter(pl.col("symbol") == "WM", pl.col("date") < dt.date(2009, 8, 5))
    assert summary.stray["WM"] == len(mutual) > 2000
    archive = Archive.open(archive.path)
    assert archive.digest() != digest
    found = {
        f.where: f.count
        for f in check_archive(archive)
        if f.kind == "daily bars that are no symbol's"
    }
    assert found == {f"1d {ticker}": count for ticker, count in summary.stray.items()}
    path = tmp_path / "mutual.csv"
    path.write_text(f"{HEAD}wamuq,wm,1990-01-01,2008-01-01\n")
    summary = tickers.bring_in(archive, tickers.read_tickers(path))
    assert (summary.added, summary.replaced, summary.symbols) == (1, 0, 27) and summary.stray[
        "WM"
    ] == len(mutual.filter(pl.col("date") >= dt.date(2008, 1, 1)))
    assert len(closes(Archive.open(archive.path), "WAMUQ")) == len(mutual) - summary.stray["WM"]


def test_tickers_that_may_have_been_used_again_are_told_of(
    lean: Archive, sp500: Archive, tmp_path: Path
) -> None:
    """Against a walk over the bars; with the map only what the data leave out is left."""
    bare = bare_archive(tmp_path)
    for archive in (bare, lean):
        bars = archive.read_daily(["open", "close"], None, None).with_columns(
            days=pl.col("date").diff().over("symbol").dt.total_days(),
            before=pl.col("close").shift(1).over("symbol"),
        )
        between = {date: number for number, date in enumerate(archive.sessions("1d"))}
        expected = [
            (symbol, date, days, before, open_)
            for symbol, date, days, before, open_ in bars.select(
                "symbol", "date", "days", "before", "open"
            )
            .drop_nulls()
            .rows()
            if days >= 180
            or (
                between[date] - between[date - dt.timedelta(days=days)] > 10
                and not 0.5 <= open_ / before <= 2
            )
        ]
        assert (
            sorted(
                (gap.symbol, gap.date, gap.days, gap.close, gap.open) for gap in long_gaps(archive)
            )
            == expected
        )
    found = [(gap.symbol, gap.date) for gap in long_gaps(bare)]
    assert ("FB", dt.date(2012, 5, 18)) in found
    assert (
        "EEM",
        dt.date(2003, 4, 11),
    ) in found  # 127 days: the fund begins, under a ticker that was another's
    assert [gap.symbol for gap in long_gaps(lean)] == ["QQQ"]  # its bars as QQQQ are not there
    assert list(long_gaps(sp500)) == []
    found = [f.example for f in check_archive(bare) if f.where == "1d 2012-05-18 FB"]
    assert found == [
        "the bar before is 3,339 days older, and closes at 33.2; this one opens at 42.05"
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("A,X,2000-01-01,\nB,X,2005-01-01,\n", "ticker X is two symbols' from 2005-01-01: A and B"),
        (
            "A,X,2000-01-01,2006-01-01\nA,Y,2005-01-01,\n",
            "symbol A is two tickers' from 2005-01-01: X and Y",
        ),
        (
            "A,X,2000-01-02,2000-01-02\n",
            "an interval from 2000-01-02 to 2000-01-02; expected end_date after start_date",
        ),
        ("A,,2000-01-02,\n", "ticker is missing in row 1"),
        ("A,X,soon,\n", "start_date is 'soon' in row 1; expected a date"),
        ("", "no rows"),
    ],
)
def test_a_map_that_cannot_be_is_refused(rows: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text(HEAD + rows)
    with pytest.raises(ArchiveError, match=message):
        tickers.read_tickers(path)


def test_merging_into_a_map_that_would_then_clash_leaves_it(lean: Archive, tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text(f"{HEAD}SPLK,FB,2015-01-01,\n")
    before = (lean.path / layout.SYMBOL_MAP).read_bytes()
    with pytest.raises(
        ArchiveError, match="ticker FB is two symbols' from 2015-01-01: FB and SPLK"
    ):
        tickers.bring_in(lean, tickers.read_tickers(path))
    assert (lean.path / layout.SYMBOL_MAP).read_bytes() == before


def test_an_empty_map_changes_nothing() -> None:
    known = empty_map()
    assert not known and known.owner("A", DAY) == "A" and known.ticker("A", DAY) == "A"
    assert known.rename_runs(["B"], np.array([2]), np.array([3, 4]))[2].tolist() == [0, 1]
