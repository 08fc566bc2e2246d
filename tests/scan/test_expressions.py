"""What may be evaluated on a whole session at once never looks at another tick."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_series_equal

from engine.clock.calendar import ExchangeCalendar
from engine.errors import ScannerError
from engine.indicators.key import IndicatorKey
from engine.panel.symbol_table import SymbolTable
from engine.scan.clause_evaluation import evaluate
from engine.scan.cross_section import CrossSection
from engine.scan.expressions import (
    is_elementwise,
    stays_in_tick,
    universe_mean,
    universe_percentile,
    universe_quantile,
    universe_rank,
    universe_zscore,
)
from engine.scan.scan_plan import ScanPlan
from engine.scan.session_hits import SessionHits

A, B = pl.col("a"), pl.col("b")
ELEMENTWISE = [
    A / B - 1 > 0.03,
    (A > 1) & ~(B < 2) | (A == B),
    pl.when(A > 1).then(B).otherwise(None) > 0,
    A.is_between(1, 2),
    A.abs() > B,
    pl.coalesce("a", "b") > 0,
    pl.max_horizontal("a", "b") > 1,
    A.clip(0, 1) > 0.5,
    A.fill_null(0) > 0,
    A.cast(pl.Int64) % 2 == 0,
    A.round(1) > 1,
    A.sqrt() > 1,
    A.log() > 0,
    A**2 > 4,
    -A < 0,
    A.is_not_null(),
    A.is_in([1.0, 2.0]),
    pl.lit(True),
]
IN_TICK = [
    universe_rank(A) <= 3,
    universe_percentile(A) > 0.5,
    universe_zscore(A) > 1,
    universe_mean(A) < A,
    universe_quantile(A, 0.8) < A,
]
ACROSS = [
    A.shift(-1) > 0,
    A.shift(1) > 0,
    A.rank() > 3,
    A.mean() < A,
    A.forward_fill() > 0,
    A.backward_fill() > 0,
    A.cum_sum() > 1,
    A.diff() > 0,
    A.reverse() > 0,
    A.max() < A,
    A.first() > 0,
    A.rank().over("symbol") > 1,
    A.shift(-1).over("symbol") > 0,
    A.rolling_mean(3) > 1,
    A.sort() > 0,
    A.interpolate() > 0,
    A.ewm_mean(span=3) > 0,
    A.map_batches(lambda s: s) > 0,
    A.gather(0) > 1,
    A.is_duplicated(),
    A.quantile(0.5) < A,
]


@pytest.mark.parametrize("expression", ELEMENTWISE, ids=str)
def test_elementwise(expression: pl.Expr) -> None:
    assert is_elementwise(expression) and stays_in_tick(expression)


@pytest.mark.parametrize("expression", IN_TICK, ids=str)
def test_helpers_compare_symbols_of_one_tick(expression: pl.Expr) -> None:
    assert not is_elementwise(expression) and stays_in_tick(expression)


@pytest.mark.parametrize("expression", ACROSS, ids=lambda e: str(e)[:40])
def test_everything_else_is_evaluated_tick_by_tick(expression: pl.Expr) -> None:
    assert not is_elementwise(expression) and not stays_in_tick(expression)


@pytest.mark.parametrize("expression", [*ELEMENTWISE, *IN_TICK], ids=str)
def test_a_session_at_once_equals_tick_by_tick(expression: pl.Expr) -> None:
    frame = pl.DataFrame(
        {
            "tick": [1] * 5 + [2] * 5,
            "a": [1.0, 2, None, 4, 2.5, 9, 8, 7, None, 1.5],
            "b": [2.0, 1, 3, None, 2, 8, 9, 1, 1, 1],
        }
    )
    at_once = frame.select(expression.alias("x"), tick=pl.col("tick"))["x"]
    by_tick = pl.concat(
        [
            part.select(expression.alias("x"), tick=pl.col("tick"))["x"]
            for part in frame.partition_by("tick")
        ]
    )
    assert_series_equal(at_once, by_tick)


def plan(
    criteria: dict[str, pl.Expr], features: dict[str, pl.Expr] | None = None, **more: object
) -> ScanPlan:
    chosen = {
        "rank_by": None,
        "descending": True,
        "limit": None,
        "session_limit": None,
        "indicators": (),
    } | more
    return ScanPlan.build("scanner x", criteria, features or {}, **chosen)  # type: ignore[arg-type]


def test_indicators_are_provisioned_from_the_names_that_expressions_mention() -> None:
    made = plan(
        {"a": pl.col("close") > pl.col("sma_20_1d"), "b": pl.col("macd_12_26_9_1m.signal") > 0},
        {"f": pl.col("rvol_5_1m")},
    )
    assert [key.name for key in made.indicators] == ["sma_20_1d", "macd_12_26_9_1m", "rvol_5_1m"]
    assert (
        plan({"a": pl.col("close") > 1}, indicators=[IndicatorKey.parse("atr_14_1d")])
        .indicators[0]
        .name
        == "atr_14_1d"
    )


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ({"a": pl.col("clos") > 1}, "unknown column 'clos'.*did you mean 'close'"),
        ({}, "names no clause"),
        ({"rank": pl.col("close") > 1}, "is a column of the logs"),
        ({"a": pl.col("sma_20") > 1}, "unknown column 'sma_20'.*whole: sma_20_1m"),
        ({"a": pl.col("macd_12_26_9_5m") > 1}, "one of its outputs: macd_12_26_9_5m.macd, "),
        ({"a": True}, "is not an expression"),
    ],
)
def test_a_wrong_declaration_names_scanner_and_clause(
    criteria: dict[str, pl.Expr], message: str
) -> None:
    with pytest.raises(ScannerError, match=message):
        plan(criteria)


def test_an_unknown_column_of_a_feature_is_told_of_the_feature() -> None:
    with pytest.raises(ScannerError, match="'volume': unknown column 'rvol_20'"):
        plan({"a": pl.col("close") > 1}, {"volume": pl.col("rvol_20")}, rank_by="volume")


def evaluated(made: ScanPlan) -> SessionHits:
    """The hits among three symbols at two ticks."""
    session = ExchangeCalendar.of("XNYS").session(dt.date(2018, 3, 1))
    close = np.array([[1.0, 2.0, 3.0], [9.0, np.nan, 7.0]])
    ticks = session.open + np.array([60_000_000, 120_000_000])
    cross = CrossSection(
        [session], SymbolTable("ABC"), [ticks], {"close": close}, lags=[0], previous={}
    )
    return evaluate(made, cross, np.arange(2), np.arange(3))


@pytest.mark.parametrize(
    ("above", "found", "ranks"),
    [(0, [2, 1, 0, 2], [1, 2, 1, 2]), (2, [2, 0, 2], [1, 1, 2]), (8, [0], [1]), (9, [], [])],
)
def test_symbols_are_compared_however_few_rows_are_left(
    above: float, found: list[int], ranks: list[int]
) -> None:
    lead = universe_rank(pl.col("close"))
    hits = evaluated(
        plan({"above": pl.col("close") > above, "lead": lead <= 2}, {"lead": lead}, rank_by="close")
    )
    assert hits.symbols.tolist() == found
    assert hits.features["lead"].to_list() == ranks


def test_a_clause_and_a_feature_of_one_name_are_two_things() -> None:
    made = plan(
        {"lead": universe_rank(pl.col("close")) <= 2},
        {"lead": pl.col("close") * 10},
        rank_by="lead",
        limit=1,
    )
    hits = evaluated(made)
    assert hits.features["lead"].to_list() == [30.0, 90.0]
    assert hits.symbols.tolist() == [2, 0] and hits.funnel["lead"].tolist() == [2, 2]


def test_a_choice_that_falls_alike_in_every_row_has_a_value_in_each() -> None:
    # of such a choice between a constant and a column Polars makes one value
    flat = pl.lit(0.0) < -pl.when(pl.col("close") > 0).then(-1.0).otherwise(pl.col("close"))
    hits = evaluated(
        plan(
            {"price": pl.col("close") > 0},
            {"flat": flat, "close": pl.col("close")},
            rank_by="close",
        )
    )
    assert hits.features["flat"].to_list() == [True] * len(hits.symbols) and len(hits.symbols) > 1
