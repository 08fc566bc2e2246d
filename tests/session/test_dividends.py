"""What a dividend does to the previous close, and to gaps."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.schema import CORPORATE_ACTIONS_SCHEMA
from tests.running import config, hits

DATES = [dt.date(2024, 3, day) for day in (4, 5, 6, 7, 8)]
# symbol -> its price on each date (None: it does not trade), open equal to close
PRICES: dict[str, list[float | None]] = {
    "PAYS": [
        100.0,
        95.0,
        95.0,
        95.0,
        95.0,
    ],  # 5.00 on the 5th: opens 5 % lower, and nothing has happened
    "FALLS": [100.0, 95.0, 95.0, 95.0, 95.0],  # no dividend: a gap
    "RISES": [
        100.0,
        100.0,
        100.0,
        100.0,
        100.0,
    ],  # 5.00 on the 5th: opens as high as before, which is a gap of 5.26 %
    "SPLITS": [100.0, 47.5, 47.5, 47.5, 47.5],  # 5.00 a share and 2 for 1 on the 5th: 95 / 2
    "AWAY": [
        100.0,
        None,
        None,
        45.0,
        45.0,
    ],  # 4.00 on the 5th, 2 for 1 on the 6th, 3.00 on the 7th: 100 / 2 - 2 - 3
    "TWICE": [100.0, 98.0, 95.0, 95.0, 95.0],
    "ALL": [10.0, 10.0, 10.0, 10.0, 10.0],  # pays more than it is worth
}
ACTIONS = [
    ("PAYS", 5, None, 5.0),
    ("RISES", 5, None, 5.0),
    ("SPLITS", 5, 2.0, 5.0),
    ("AWAY", 5, None, 4.0),
    ("AWAY", 6, 2.0, None),
    ("AWAY", 7, None, 3.0),
    ("TWICE", 5, None, 2.0),
    ("TWICE", 6, 1.0, 3.0),
    ("ALL", 5, None, 12.0),
    ("NOBODY", 5, None, 1.0),
]
# on each date: the close before in the date's scale, and the dividends since
EXPECTED = {
    ("PAYS", 5): (100.0, 5.0),
    ("PAYS", 6): (95.0, 0.0),
    ("FALLS", 5): (100.0, 0.0),
    ("RISES", 5): (100.0, 5.0),
    ("SPLITS", 5): (50.0, 2.5),
    ("SPLITS", 6): (47.5, 0.0),
    ("AWAY", 7): (50.0, 5.0),
    ("AWAY", 8): (45.0, 0.0),
    ("TWICE", 5): (100.0, 2.0),
    ("TWICE", 6): (98.0, 3.0),
    ("TWICE", 7): (95.0, 0.0),
}


@pytest.fixture(scope="module", params=["1m", "1d"])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder, rows = tmp_path_factory.mktemp("dividends"), []
    for symbol, prices in PRICES.items():
        for date, price in zip(DATES, prices, strict=True):
            opens = dt.datetime(date.year, date.month, date.day, 14, 30, tzinfo=dt.UTC)
            for minute in range(390 if request.param == "1m" else 1) if price else ():
                rows.append(
                    (
                        symbol,
                        opens + dt.timedelta(minutes=minute),
                        price,
                        price,
                        price,
                        price,
                        100.0,
                    )
                )
    names = ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(folder / "bars.parquet")
    import_bars([folder / "bars.parquet"], folder / "archive", ImportOptions(label="open"))
    days = [(symbol, dt.date(2024, 3, day), ratio, cash) for symbol, day, ratio, cash in ACTIONS]
    pl.DataFrame(days, schema=CORPORATE_ACTIONS_SCHEMA, orient="row").write_parquet(
        folder / "archive" / layout.ACTIONS
    )
    return Archive.open(folder / "archive")


def found(
    archive: Archive, module: str, when: dict[str, Any] | None = None, **settings: Any
) -> pl.DataFrame:
    at = when or {"regular_session": [{"at": "close"}]}
    return hits(config([{"module": module, **at, "config": settings}]), archive)


@pytest.mark.parametrize("at", ["open", "close"])
def test_the_previous_close_without_dividends(at: str, archive: Archive) -> None:
    when = {"pre_session": True} if at == "open" else None
    features = {"before": "prev_close", "ex": "prev_close_ex", "paid": "dividend"}
    logged = found(
        archive,
        "scanners.criteria_scanner",
        when,
        criteria={"known": "known(prev_close)"},
        features=features,
    )
    seen = {
        (symbol, date.day): values
        for date, symbol, *values in logged.select("session", "symbol", *features).rows()
    }
    for (symbol, day), (before, paid) in EXPECTED.items():
        assert seen[symbol, day] == pytest.approx([before, before - paid, paid]), (symbol, day)
    assert seen["ALL", 5] == [10.0, None, 12.0]
    assert all(
        paid == 0.0 and before == ex
        for (symbol, day), (before, ex, paid) in seen.items()
        if day == 8
    )
    if at == "open":  # while it does not trade, what it has paid adds up
        assert seen["AWAY", 5] == [100.0, 96.0, 4.0] and seen["AWAY", 6] == [50.0, 48.0, 2.0]


def test_a_dividend_is_no_gap(archive: Archive) -> None:
    """The case of the report: -5 % on the ex-date of a 5.00 dividend."""
    gaps = found(archive, "scanners.gap_scanner").filter(pl.col("symbol") != "ALL")
    rows = {
        (symbol, date.day): gap
        for date, symbol, gap in gaps.select("session", "symbol", "gap").rows()
    }
    assert rows == {("FALLS", 5): pytest.approx(-0.05), ("RISES", 5): pytest.approx(100 / 95 - 1)}
    one = (
        gaps.filter(pl.col("symbol") == "RISES")
        .select("first_price", "prev_close", "dividend")
        .row(0)
    )
    assert one == (100.0, 100.0, 5.0)


def test_a_gap_that_holds_and_strategies(archive: Archive) -> None:
    if archive.manifest.base.is_daily:
        pytest.skip("they want minutes")
    when = {
        "pre_session": True,
        "regular_session": [{"start": "10:00", "end": "10:00", "interval": "1m"}],
    }
    held = found(
        archive, "scanners.hybrid_scanner", when, min_rvol=0.0, rvol_sessions=1, min_gap=0.02
    )
    assert held.select(
        "symbol", pl.col("session").dt.day(), pl.col("tick").dt.hour()
    ).unique().rows() == [("RISES", 5, 15)]


def test_without_actions_it_is_the_previous_close(demo: Archive, tmp_path: Path) -> None:
    actions = demo.corporate_actions()
    some = config(
        [
            {
                "module": "scanners.criteria_scanner",
                "regular_session": [{"at": "close"}],
                "config": {
                    "criteria": {"paid": "dividend > 0"},
                    "features": {"before": "prev_close", "ex": "prev_close_ex", "paid": "dividend"},
                },
            }
        ],
        interval="1d",
    )
    logged = hits(some, demo).select("symbol", "session", "paid")
    assert (
        logged.sort("symbol").rows()
        == actions.filter(pl.col("cash_dividend") > 0)
        .sort("symbol")
        .select("symbol", "ex_date", "cash_dividend")
        .rows()
    )


def test_real_dividends(lean: Archive) -> None:
    """Twenty years of daily bars, as traded: the previous close and the dividends in the day's scale, by another calculation."""
    when = {"pre_session": False, "regular_session": [{"at": "close"}]}
    logged = found(
        lean,
        "scanners.criteria_scanner",
        when,
        criteria={"paid": "dividend > 0"},
        features={"before": "prev_close", "ex": "prev_close_ex"},
    )
    bars = lean.read_daily(["close"], None, None).with_columns(
        before=pl.col("close").shift(1).over("symbol")
    )
    actions = lean.corporate_actions().with_columns(
        pl.col("split_ratio").fill_null(1.0), pl.col("cash_dividend").fill_null(0.0)
    )
    paid = actions.filter(pl.col("cash_dividend") > 0, pl.col("split_ratio") == 1.0)
    both = paid.join(bars, left_on=["symbol", "ex_date"], right_on=["symbol", "date"]).drop_nulls(
        "before"
    )
    checked = both.join(logged, left_on=["symbol", "ex_date"], right_on=["symbol", "session"])
    assert len(both) == len(checked) > 300
    assert checked.select(
        ((pl.col("before_right") - pl.col("ex") - pl.col("cash_dividend")).abs() < 1e-9).all()
    ).item()
