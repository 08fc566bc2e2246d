"""A variant of a sweep equals, to the last bit, the variant scanned and evaluated by itself: whatever is swept, whichever way."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import barsweep as bs
from engine.archive.archive import Archive
from engine.scan.expressions import universe_rank
from scanners.base import ColumnarScanner, ScannerParams
from tests.sweep.alone import assert_alone

BOXES, BITMAPS, ALONE = "one pass, boxes", "one pass, bitmaps", "one scan a variant"


class Branching(ColumnarScanner):
    """Its code reads parameters: a clause more above some value, and a threshold made of two."""

    class Params(ScannerParams):
        least: float = 0.0
        strict: int = 0
        scale: float = 1.0
        most: float = 100.0

    rank_by = "change"

    def features(self) -> dict[str, pl.Expr]:
        return {"change": pl.col("close") / pl.col("prev_close") - 1}

    def criteria(self) -> dict[str, pl.Expr]:
        params, change = self.params, pl.col("close") / pl.col("prev_close") - 1
        clauses = {
            "up": change > params.least * params.scale,
            "band": pl.col("rsi_14_1m") < params.most,
        }
        if params.strict > 1:
            clauses["strict"] = pl.col("close") > pl.col("session_vwap")
        return clauses


class Everything(ColumnarScanner):
    """Thresholds of every form."""

    class Params(ScannerParams):
        low: float = 20.0
        high: float = 80.0
        rank: int = 10
        bars: int = 5
        times: float = 1.0
        per_cent: float = 1.0

    session_limit = None

    def criteria(self) -> dict[str, pl.Expr]:
        params, close = self.params, pl.col("close")
        return {
            "between": pl.col("rsi_14_1m").is_between(params.low, params.high),
            "among": universe_rank(close / pl.col("prev_close")) <= params.rank,
            "traded": params.bars <= pl.col("bars_today"),
            "above": close * params.times > pl.col("session_vwap"),
            "moved": ((close / pl.col("prev_close") - 1).abs() > params.per_cent / 100)
            | (pl.col("bars_today") < 3),
        }


class Firsts(Everything):
    """Of a session the first few symbols."""

    session_limit = 4


class OwnSetup(Everything):
    """With a setup of its own."""

    def setup(self, context: Any) -> bool:
        return super().setup(context)


@pytest.fixture(scope="module")
def market(demo: Archive) -> bs.Market:
    return bs.open_archive(demo.path)


CASES: list[tuple[str, tuple[Any, ...], dict[str, Any], dict[str, Any]]] = [
    (BOXES, ("scanners.momentum_scanner",), {"min_change": "0:0.03:0.01", "min_rsi": [70, 50, 60]}, {}),
    (BOXES, ("scanners.momentum_scanner",), {"rsi_period": [5, 14], "min_rsi": "50:80:10"}, {}),
    (BOXES, ("scanners.hybrid_scanner",), {"min_gap": [0.0, 0.02], "min_rvol": [1, 2], "limit": [None]}, {}),
    (BOXES, (Everything,), {"low": [30, 20], "high": [60, 70, 80], "per_cent": [0.5, 1, 2]}, {}),
    (BOXES, (Everything,), {"rank": [3, 10, 20], "bars": [1, 30, 2], "low": [10]}, {}),
    (BITMAPS, (Everything,), {"times": [0.99, 1.0, 1.01], "rank": [5, 20]}, {}),
    (BOXES, (Branching,), {"least": [0.0, 0.02], "scale": [0.5, 1.0], "most": [60, 80]}, {}),
    (BOXES, (Branching,), {"least": [0.0, 0.02], "strict": [0, 1, 2, 3]}, {}),
    (BITMAPS, (Firsts,), {"low": [10, 30], "rank": [5, 30]}, {}),
    (ALONE, (OwnSetup,), {"low": [10, 30], "rank": [5, 30]}, {}),
    (BITMAPS, ("scanners.momentum_scanner",), {"min_change": [0.0, 0.02], "limit": [1, 3]}, {}),
    (BITMAPS, ("scanners.momentum_scanner",), {"min_change": [0.0, 0.02]}, {"first_hit": True}),
    (BITMAPS, ("scanners.gap_scanner",), {"direction": ["up", "both"], "min_average_volume": [0, 1e6]}, {}),
    (BITMAPS, ("scanners.momentum_scanner",), {"min_change": "0:0.03", "min_rsi": "50:80"}, {"random": 6}),
    (BITMAPS, ("scanners.momentum_scanner",), {"min_change": "0:0.03:0.01", "min_rsi": "50:80:5"}, {"sobol": 6}),
    (BOXES, ("scanners.momentum_scanner",), {"schedule": ["10:00-12:00/30m", "close"], "min_rsi": [50, 60]}, {}),
    (BOXES, ("scanners.momentum_scanner",), {"universe": [["AAPL", "MSFT"], "all"], "min_rsi": [50, 60]}, {}),
    (BOXES, (), {"drop": "-0.03:0.01:0.01"}, {"where": "close / prev_close - 1 < {drop}"}),
    (BOXES, (), {"bars": [5, 10], "x": [1, 2]}, {"where": ["close > sma_{bars}_1d", "rvol_5 > {x}"]}),
    (BITMAPS, (), {"x": [0.99, 1.01]}, {"where": "close > session_vwap * {x} or rsi_14 > 70"}),
    (BOXES, (), {"x": [1.5, 3], "y": [60, 70]}, {"where": "rvol_5 > {x} and (rsi_14 > {y} or bars_today < 5)"}),
    (BITMAPS, ("scanners.momentum_scanner",), {"rsi_period": [5, 9, 14], "min_rsi": "50:80", "limit": [1, 2, 9]}, {"random": 9}),
    (BITMAPS, (), {"bars": [5, 10], "x": "1:3", "y": "50:70"}, {"where": "rvol_{bars} > {x} or rsi_14 > {y}", "random": 8}),
]  # fmt: skip


@pytest.mark.parametrize(("way", "scanners", "grid", "options"), CASES)
def test_variants_equal_themselves_alone(
    market: bs.Market,
    way: str,
    scanners: tuple[Any, ...],
    grid: dict[str, Any],
    options: dict[str, Any],
) -> None:
    dates = {"start": "2017-11-01", "end": "2017-11-24"}
    swept = bs.sweep(*scanners, archive=market, grid=grid, **dates, **options)
    assert [one[: len(way)] for one in swept.ways.values()] == [way]
    assert swept.variants["hits"].sum() > 0
    numbers = np.random.default_rng(len(grid)).permutation(len(swept.variants))[:3].tolist()
    if any(isinstance(one, type) for one in scanners):
        _assert_alone(swept, market, scanners[0], numbers, dates)
    else:
        assert_alone(swept, market, numbers, first_hit=options.get("first_hit", False))


def _assert_alone(
    swept: bs.Swept, market: bs.Market, kind: Any, numbers: list[int], dates: dict[str, str]
) -> None:
    """Of a class that no module holds: the class itself is scanned."""
    for number in numbers:
        (block,) = swept.show(number).session_data_config.scanners
        scan = market.scan(kind(block.config), **dates)
        evaluated = market.evaluate(scan.hits).evaluations
        row = swept.variants.row(number, named=True)
        assert row["hits"] == len(scan.hits) and row["symbols"] == scan.hits["symbol"].n_unique()
        for one in evaluated:
            for horizon, own in one.returns.items():
                told = (
                    row[f"count_{horizon}"],
                    row[f"mean_{horizon}"],
                    row[f"excess_{horizon}"],
                    row[f"t_{horizon}"],
                )
                over = one.excess[horizon]
                assert told == (own["count"], own.get("mean"), over.get("mean"), over.get("t"))


@settings(max_examples=12)
@given(data=st.data())
def test_any_variant_of_any_sweep_equals_itself_alone(
    market: bs.Market, data: st.DataObject
) -> None:
    numbers = {
        "min_price": st.floats(0, 200),
        "min_change": st.floats(-0.05, 0.05),
        "min_rsi": st.floats(0, 100),
        "rsi_period": st.integers(2, 30),
        "sma_period": st.integers(1, 30),
        "limit": st.none() | st.integers(1, 5),
    }
    names = data.draw(
        st.lists(st.sampled_from(sorted(numbers)), min_size=1, max_size=3, unique=True)
    )
    grid = {n: data.draw(st.lists(numbers[n], min_size=1, max_size=4, unique=True)) for n in names}
    horizons = data.draw(st.sampled_from([None, ["m30"], ["close", "day5", "mae"]]))
    first_hit = data.draw(st.booleans())
    swept = bs.sweep(
        "scanners.momentum_scanner",
        archive=market,
        grid=grid,
        first_hit=first_hit,
        horizons=horizons,
        start="2017-11-06",
        end="2017-11-21",
    )
    number = data.draw(st.integers(0, len(swept.variants) - 1))
    assert_alone(swept, market, [number], horizons or swept.result.sweep.horizons, first_hit)


def test_several_scanners_of_real_bars(us2018: Archive) -> None:
    market = bs.open_archive(us2018.path)
    swept = bs.sweep(
        "scanners.gap_scanner",
        "scanners.momentum_scanner",
        archive=market,
        grid={"min_gap": [0.01, 0.03], "min_rsi": "60:80:10", "min_price": [5, 50]},
        start="2018-03-01",
        end="2018-03-20",
    )
    assert len(swept.variants) == 12 and set(swept.ways) == {
        "scanners.gap_scanner",
        "scanners.momentum_scanner",
    }
    assert_alone(swept, market, [0, 7])


def test_real_daily_bars(sp500: Archive) -> None:
    market = bs.open_archive(sp500.path)
    swept = bs.sweep(
        where="close > rolling_max_{bars}_1d * {times} and rsi_14_1d > {rsi}",
        archive=market,
        grid={"bars": [20, 50], "times": [0.99, 1.0], "rsi": [50, 60]},
        start="2016-01-01",
        end="2017-03-31",
    )
    assert_alone(swept, market, [1, 6])
