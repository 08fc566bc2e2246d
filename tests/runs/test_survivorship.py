"""What a run says of those that its universe leaves out, counted again from the files."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.reference import tickers
from engine.archive.reference.universe import load_universe
from engine.progress import silent
from engine.runs.batch_scan import scan_archive
from engine.runs.execute_run import execute_run
from engine.runs.survivorship import SILENT, Traded
from engine.schema import HITS_SCHEMA
from tests.data import real_data
from tests.running import config, momentum

SPAN = dt.date(2018, 3, 1), dt.date(2018, 4, 13)
INDICES = ("sp500_membership_1996_2025.parquet", "nasdaq100_membership_2015_2026.parquet")


def summary(scanner: dict[str, Any], archive: Archive, out: Path, **more: Any) -> dict[str, Any]:
    run = execute_run(config([scanner], **more), archive, out, silent)
    told: dict[str, Any] = json.loads((run.path / "summary.json").read_text())
    return told


@pytest.mark.parametrize("name", INDICES)
def test_a_real_index_over_real_minutes(name: str, us2018: Archive, tmp_path: Path) -> None:
    path = real_data(name)
    first, last = SPAN
    told = summary(momentum(universe=str(path)), us2018, tmp_path, start=str(first), end=str(last))
    rows = [
        row
        for row in pl.read_parquet(path).rows()
        if row[1] <= last and (row[2] is None or row[2] > first)
    ]
    members = {symbol for symbol, _, _ in rows}
    bars = {
        s
        for date in us2018.sessions()
        if first <= date <= last
        for s in us2018.read_session(date, ["symbol"])["symbol"].unique()
    }
    (one,) = told["survivorship"].values()
    assert one["members"] == len(members) and one["point_in_time"] is True
    assert one["without_data"] == len(members - bars) > 0
    assert one["left_later"] == len({symbol for symbol, _, end in rows if end is not None}) > 0
    assert one["hits"] == told["hits"] > 0 and one["hits_stopped"] == one["stopped"] == 0
    (warning,) = [text for text in told["warnings"] if "are not in the archive" in text]
    assert f"{len(members - set(us2018.symbols()))} of its {len(members)} symbols" in warning


def test_members_of_twenty_years_as_the_companies_they_were(lean: Archive, tmp_path: Path) -> None:
    """WM, FB and GOOG are of other companies at other times; the index names six of the archive's in these years."""
    universe = str(real_data(INDICES[0]))
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": [{"at": "close"}],
        "config": {"universe": universe, "criteria": {"up": "close > prev_close"}},
    }
    out = tmp_path / "hits.parquet"
    scan = scan_archive(
        config([scanner], interval="1d", start="2005-01-01", end="2008-12-31"),
        lean,
        out,
        False,
        silent,
    )
    (one,) = scan.summary.survivorship.values()
    assert one.members is not None and one.members - one.without_data == 6  # type: ignore[operator]
    hits = pl.read_parquet(out)
    assert set(hits["symbol"]) == {"AAPL", "AIG", "BAC", "GOOGL", "IBM", "WM"}
    tickers = dict(hits.select("symbol", "ticker").unique().rows())
    assert tickers["GOOGL"] == "GOOG" and tickers["WM"] == "WMI" and tickers["IBM"] == "IBM"
    assert one.hits == len(hits) and one.hits_stopped == 0


def test_hits_in_symbols_that_stopped_trading(demo: Archive, tmp_path: Path) -> None:
    """The demo market delists one symbol, twelve sessions before its end."""
    bars = demo.read_daily(["close"], None, None)
    ends = dict(bars.group_by("symbol").agg(pl.col("date").max()).rows())
    gone = {symbol for symbol, end in ends.items() if end < demo.sessions("1d")[-SILENT]}
    assert len(gone) == 1
    told = summary(momentum(min_change=0.002), demo, tmp_path)
    hits = pl.read_parquet(next(tmp_path.iterdir()) / "hits.parquet")
    (one,) = told["survivorship"].values()
    assert one == {
        "point_in_time": False,
        "members": 30,
        "without_data": 0,
        "left_later": None,
        "stopped": 1,
        "hits": len(hits),
        "hits_stopped": len(hits.filter(pl.col("symbol").is_in(list(gone)))),
    }
    assert one["hits_stopped"] > 0 and "ticker" not in hits.columns


def test_who_has_bars_in_a_run_and_who_only_around_it(lean: Archive) -> None:
    """QQQ was QQQQ from 2004-12 to 2011-03, whose bars are not in the data; FB.1 was delisted in 2003."""
    traded = Traded.of(lean, dt.date(2006, 1, 1), dt.date(2010, 12, 31))
    bars = lean.read_daily(["close"], dt.date(2006, 1, 1), dt.date(2011, 1, 1))
    assert traded.present == set(bars["symbol"]) and "QQQ" not in traded.present
    assert traded.stopped == {"AAA.1", "FB.1", "GOOAV", "TFCFA"}


def test_a_member_that_goes_on_under_another_ticker_has_not_left(
    lean: Archive, tmp_path: Path
) -> None:
    """Facebook's last day as FB is Meta's last day before its first: an index by tickers lists both."""
    rows = {
        "symbol": ["META", "META"],
        "ticker": ["FB", "META"],
        "start_date": [dt.date(2012, 5, 18), dt.date(2022, 6, 9)],
        "end_date": [dt.date(2022, 6, 9), None],
    }
    for name in ("archive.json", "bars"):
        (tmp_path / name).symlink_to(lean.path / name)
    span = dt.date(2014, 1, 2), dt.date(2015, 12, 31)
    path = str(real_data(INDICES[0]))
    before = load_universe(path, Archive.open(tmp_path), Path).leavers(*span)
    tickers.bring_in(Archive.open(tmp_path), pl.DataFrame(rows))
    universe = load_universe(path, Archive.open(tmp_path), Path)
    after = universe.leavers(*span)
    assert before is not None and after is not None
    assert (
        "FB" in before
        and set(before) - set(after) == {"FB"}
        and "META" in universe.members(span[0])
    )


@pytest.mark.usefixtures("shared_at_once")
def test_a_run_over_renamed_symbols_is_the_same_bytes_on_two_workers(
    lean: Archive, tmp_path: Path
) -> None:
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": [{"at": "close"}],
        "config": {
            "universe": "all",
            "criteria": {"up": "close > sma_20_1d"},
            "features": {"sma": "sma_20_1d"},
        },
    }
    loaded = config([scanner], interval="1d", start="2008-06-02", end="2010-06-30")
    one, two = (
        execute_run(loaded, lean, tmp_path / str(workers), silent, workers).path
        for workers in (1, 2)
    )
    for name in ("hits.parquet", "scans.parquet", "symbols.parquet", "summary.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    hits = pl.read_parquet(one / "hits.parquet")
    assert hits.columns == [*HITS_SCHEMA, "ticker", "sma"]
    changed = (
        hits.filter(pl.col("symbol") == "WM")
        .group_by("ticker")
        .agg(pl.col("session").min(), pl.col("session").max().alias("last"))
    )
    last = dict(changed.select("ticker", "last").rows())
    assert set(last) == {"WMI", "WM"} and last["WMI"] < dt.date(2009, 8, 5)
