"""A value that is not a number satisfies no comparison and ranks nowhere, held against a slow twin in Python."""

from __future__ import annotations

import datetime as dt
import logging
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.analysis.explain import explain
from engine.archive.archive import Archive
from engine.clock.calendar import ExchangeCalendar
from engine.errors import ScannerError
from engine.panel.symbol_table import SymbolTable
from engine.scan.clause_evaluation import evaluate, values_of
from engine.scan.cross_section import CrossSection
from engine.scan.expression_language import parse_condition, parse_value
from engine.scan.expressions import (
    is_elementwise,
    stays_in_tick,
    universe_percentile,
    universe_rank,
    universe_zscore,
)
from engine.scan.filter_program import steps_of
from engine.scan.missing import as_written, without_nan
from engine.scan.scan_plan import Clause, ScanPlan
from engine.scan.session_hits import SessionHits
from engine.strategies.base import ColumnarStrategy
from engine.trading.signal_plan import SignalPlan, Signals
from tests.running import config, hits

COLUMNS = ("open", "high", "close")
VALUES = (
    math.nan,
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    0.5,
    8.0,
    math.inf,
    -math.inf,
)  # quotients of them are exact
SYMBOLS, TICKS = 5, 2
Value = float | bool | None
Row = dict[str, float]


class Part(NamedTuple):
    """A part of an expression: its text in the language, and what it comes to in a row, None where it has no value."""

    text: str
    of: Callable[[Row], Value]


def number(value: Any) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def arithmetic(sign: str, a: Part, b: Part) -> Part:
    compute = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}[sign]

    def of(row: Row) -> Value:
        left, right = a.of(row), b.of(row)
        with np.errstate(all="ignore"):
            return (
                None
                if left is None or right is None
                else number(compute(np.float64(left), np.float64(right)))
            )

    return Part(f"({a.text} {sign} {b.text})", of)


def root(name: str, a: Part) -> Part:
    compute = {"abs": np.abs, "sqrt": np.sqrt, "log": np.log}[name]

    def of(row: Row) -> Value:
        value = a.of(row)
        with np.errstate(all="ignore"):
            return None if value is None else number(compute(np.float64(value)))

    return Part(f"{name}({a.text})", of)


def first_known(name: str, parts: list[Part]) -> Part:
    pick = {"min": min, "max": max, "coalesce": lambda values: values[0]}[name]

    def of(row: Row) -> Value:
        known = [value for part in parts if (value := part.of(row)) is not None]
        return pick(known) if known else None

    return Part(f"{name}({', '.join(part.text for part in parts)})", of)


def choice(condition: Part, a: Part, b: Part) -> Part:
    return Part(
        f"if({condition.text}, {a.text}, {b.text})",
        lambda row: a.of(row) if condition.of(row) else b.of(row),
    )


def comparison(sign: str, a: Part, b: Part) -> Part:
    holds = {
        "<": np.less,
        "<=": np.less_equal,
        ">": np.greater,
        ">=": np.greater_equal,
        "==": np.equal,
        "!=": np.not_equal,
    }[sign]

    def of(row: Row) -> Value:
        left, right = a.of(row), b.of(row)
        return None if left is None or right is None else bool(holds(left, right))

    return Part(f"{a.text} {sign} {b.text}", of)


def connective(word: str, a: Part, b: Part) -> Part:
    def of(row: Row) -> Value:
        sides, settling = (a.of(row), b.of(row)), word == "or"
        return settling if settling in sides else None if None in sides else not settling

    return Part(f"({a.text}) {word} ({b.text})", of)


def negation(a: Part) -> Part:
    return Part(f"not ({a.text})", lambda row: None if (value := a.of(row)) is None else not value)


columns = st.sampled_from(
    [Part(name, lambda row, name=name: number(row[name])) for name in COLUMNS]
)
constants = st.sampled_from(
    [Part(str(value), lambda row, value=value: value) for value in (0.0, 1.0, 2.0, 0.5)]
)
numbers = st.deferred(
    lambda: (
        columns
        | st.builds(arithmetic, st.sampled_from("+-*/"), numbers, numbers | constants)
        | st.builds(root, st.sampled_from(["abs", "sqrt", "log"]), numbers)
        | st.builds(
            first_known, st.sampled_from(["min", "max"]), st.lists(numbers, min_size=2, max_size=3)
        )
        | st.builds(first_known, st.just("coalesce"), st.lists(numbers, min_size=2, max_size=2))
        | st.builds(choice, conditions, numbers, numbers)
    )
)
conditions = st.deferred(
    lambda: (
        st.builds(
            comparison,
            st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
            numbers,
            numbers | constants,
        )
        | numbers.map(lambda a: Part(f"known({a.text})", lambda row: a.of(row) is not None))
        | st.builds(connective, st.sampled_from(["and", "or"]), conditions, conditions)
        | conditions.map(negation)
    )
)
rows_of_values = st.lists(
    st.sampled_from(VALUES),
    min_size=len(COLUMNS) * TICKS * SYMBOLS,
    max_size=len(COLUMNS) * TICKS * SYMBOLS,
)


def cross_section(values: list[float]) -> CrossSection:
    session = ExchangeCalendar("XNYS").session(dt.date(2018, 3, 1))
    cube = np.array(values).reshape(len(COLUMNS), TICKS, SYMBOLS)
    made = {name: np.ascontiguousarray(cube[number]) for number, name in enumerate(COLUMNS)}
    ticks = session.open + np.arange(1, TICKS + 1) * 60_000_000
    return CrossSection(
        [session], SymbolTable("ABCDE"), [ticks], made, lags=[60_000_000], previous={}
    )


def scanned(cross: CrossSection, **declared: Any) -> SessionHits:
    settings = {
        "features": {},
        "rank_by": None,
        "descending": True,
        "limit": None,
        "session_limit": None,
        "indicators": (),
    }
    plan = ScanPlan.build("x", **{**settings, **declared})
    return evaluate(plan, cross, np.arange(TICKS), np.arange(SYMBOLS))


def table(cross: CrossSection) -> list[Row]:
    return [
        {name: float(cross.values(name)[tick, symbol]) for name in COLUMNS}
        for tick in range(TICKS)
        for symbol in range(SYMBOLS)
    ]


def frame(cross: CrossSection) -> pl.DataFrame:
    return cross.grid(("tick", *COLUMNS), np.arange(TICKS), np.arange(SYMBOLS))


@settings(max_examples=400, deadline=None)
@given(conditions, rows_of_values)
def test_a_condition_is_what_the_slow_twin_says(condition: Part, values: list[float]) -> None:
    cross = cross_section(values)
    expected = [condition.of(row) for row in table(cross)]
    parsed = parse_condition(condition.text, "x")
    assert (
        values_of(parsed, frame(cross)).to_list() == expected
    )  # by Polars, and by the machine where that knows all of it
    found = scanned(cross, criteria={"a": parsed})
    assert (found.ticks * SYMBOLS + found.symbols).tolist() == [
        row for row, holds in enumerate(expected) if holds
    ]
    assert not steps_of(parsed) or is_elementwise(parsed)


@settings(max_examples=300, deadline=None)
@given(numbers, rows_of_values, st.booleans(), st.integers(1, SYMBOLS))
def test_what_has_no_value_ranks_behind_all_and_is_null(
    part: Part, values: list[float], descending: bool, limit: int
) -> None:
    cross = cross_section(values)
    parsed, expected = parse_value(part.text, "x"), [part.of(row) for row in table(cross)]
    found = scanned(
        cross,
        criteria={"all": pl.lit(True) | pl.col("close").is_null()},
        features={"f": parsed},
        rank_by=parsed,
        limit=limit,
        descending=descending,
    )
    for tick in range(TICKS):
        own = expected[tick * SYMBOLS : (tick + 1) * SYMBOLS]
        key = [
            (value is None, 0.0 if value is None else -value if descending else value, symbol)
            for symbol, value in enumerate(own)
        ]
        best = [symbol for _, _, symbol in sorted(key)][:limit]
        assert found.symbols[found.at(tick)].tolist() == best
        assert found.features["f"][found.at(tick)].to_list() == [own[symbol] for symbol in best]


@settings(max_examples=200, deadline=None)
@given(numbers, rows_of_values)
def test_among_the_universe_only_numbers_count(part: Part, values: list[float]) -> None:
    cross = cross_section(values)
    expected, rows = [part.of(row) for row in table(cross)], frame(cross)
    text = part.text
    ranks, shares, means = (
        values_of(parse_value(f"{name}({text})", "x"), rows).to_list()
        for name in ("rank", "percentile", "mean")
    )
    for tick in range(TICKS):
        one = slice(tick * SYMBOLS, (tick + 1) * SYMBOLS)
        known = [value for value in expected[one] if value is not None]
        assert ranks[one] == [
            None if v is None else 1.0 + sum(other > v for other in known) for v in expected[one]
        ]
        for found, v in zip(shares[one], expected[one], strict=True):
            assert found == (
                None
                if v is None
                else pytest.approx(sum(other <= v for other in known) / len(known))
            )
        mean = number(sum(known) / len(known)) if known else None
        assert means[one] == [None if mean is None else pytest.approx(mean)] * SYMBOLS
    best = scanned(cross, criteria={"first": parse_condition(f"rank({text}) <= 1", "x")})
    assert (best.ticks * SYMBOLS + best.symbols).tolist() == [
        row for row, rank in enumerate(ranks) if rank == 1.0
    ]


NOT_A_NUMBER = float("nan")
RATIO = (pl.col("close") - pl.col("low")) / (pl.col("high") - pl.col("low"))
ONE = pl.DataFrame(
    {
        "symbol": ["A", "B"],
        "tick": [1, 1],
        "close": [5.0, 5.0],
        "low": [5.0, 4.0],
        "high": [5.0, 6.0],
    }
)  # 0 / 0, 0.5


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (RATIO >= 0.8, [None, False]),
        (RATIO > 0.2, [None, True]),
        (RATIO <= 0.8, [None, True]),
        (RATIO >= 0.8, [None, False]),
        (RATIO == RATIO, [None, True]),
        (RATIO != 0.7, [None, True]),
        (~(RATIO >= 0.8), [None, True]),
        (RATIO.is_between(0, 1), [None, True]),
        (RATIO.is_in([0.5]), [None, True]),
        (RATIO.is_null(), [True, False]),
        (RATIO.is_not_null(), [False, True]),
        (RATIO.is_nan(), [True, False]),
        (RATIO.is_finite(), [False, True]),
        (RATIO.eq_missing(None), [True, False]),
        (RATIO.fill_nan(0.9) > 0.8, [True, False]),
        (RATIO.fill_null(0.9) > 0.8, [True, False]),
        (RATIO.fill_nan(None) > 0.2, [None, True]),
        (RATIO.fill_nan(None).is_null(), [True, False]),
        (RATIO.is_null() | RATIO.is_nan(), [True, False]),
        (RATIO**0 == 1, [None, True]),
        (1**RATIO == 1, [None, True]),
        (RATIO.sqrt() > 0.1, [None, True]),
        (RATIO.round(1) > 0.1, [None, True]),
        (RATIO.clip(0, 1) >= 0, [None, True]),
        (pl.max_horizontal(RATIO, 0.1) > 0.2, [False, True]),
        (pl.min_horizontal(RATIO, 9.0) > 1, [True, False]),
        (pl.coalesce(RATIO, pl.lit(9.0)) > 1, [True, False]),
        (RATIO.max() > 0.2, [True, True]),
        (RATIO.mean() == 0.5, [True, True]),
        (RATIO.count() == 1, [True, True]),
        (RATIO.rank(descending=True) == 1, [None, True]),
        (RATIO.over("symbol") > 0.2, [None, True]),
        (universe_rank(RATIO) == 1, [None, True]),
        (universe_percentile(RATIO) == 1, [None, True]),
        (RATIO.cast(pl.Float32) > 0, [None, True]),
        (pl.when(RATIO > 0.2).then(1).otherwise(2) == 2, [True, False]),
        (float("inf") > RATIO, [None, True]),
        (float("-inf") < RATIO, [None, True]),
        (RATIO != NOT_A_NUMBER, [None, None]),
        (universe_zscore(pl.col("close")).is_null(), [True, True]),
        ((RATIO > 0.2).cast(pl.Int8) == 1, [None, True]),
        ((RATIO > 0.2) & (pl.col("close") > 9), [False, False]),
        ((RATIO > 0.9) | (pl.col("close") > 1), [True, True]),
        (RATIO.shift(1).is_null(), [True, True]),
        (RATIO.abs() > 0, [None, True]),
        (RATIO.rolling_mean(1) > 0, [None, True]),
        ((RATIO % 1) > 0, [None, True]),
        (RATIO // 1 == 0, [None, True]),
    ],
)
def test_what_polars_offers(condition: pl.Expr, expected: list[bool | None]) -> None:
    assert values_of(Clause.of("a", condition, "x").expression, ONE).to_list() == expected


@pytest.mark.parametrize(
    "text",
    [
        "close > 5",
        "symbol == 'A'",
        "bar_today",
        "close > sma_20_1d and not bar_today",
        "bars_today + 1 > 3",
    ],
)
def test_what_cannot_be_nan_is_left_as_it_is(text: str) -> None:
    condition = parse_condition(text, "x")
    assert without_nan(condition) is condition


@pytest.mark.parametrize(
    "written",
    [
        RATIO > 1,
        universe_zscore(RATIO),
        pl.max_horizontal(RATIO, 1.0) / RATIO,
        RATIO**2 > 3,
        ~(RATIO > 1),
    ],
)
def test_what_is_shown_is_what_was_written(written: pl.Expr) -> None:
    made = without_nan(written)
    assert (
        not made.meta.eq(written)
        and as_written(made).meta.eq(written)
        and without_nan(made).meta.eq(made)
    )
    assert stays_in_tick(made) == stays_in_tick(written) and is_elementwise(made) == is_elementwise(
        written
    )
    assert steps_of(made) == steps_of(written)


def test_what_is_too_deep_is_refused() -> None:
    deep = RATIO
    for _ in range(20):
        deep = pl.max_horizontal(deep, 1.0) / pl.col("close")
    with pytest.raises(ScannerError, match=r"x, 'a': .*too deep"):
        Clause.of("a", deep > 1, "x")


def test_a_python_function_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "barsweep"):
        Clause.of(
            "odd",
            pl.col("close").map_batches(lambda values: values / 0, return_dtype=pl.Float64) > 1,
            "mine.scanner",
        )
    assert "mine.scanner, 'odd': a Python function is called" in caplog.text


def test_equal_values_have_no_zscore() -> None:
    """The standard deviation of equal values may round to more than 0."""
    flat = pl.DataFrame({"tick": [1] * 7, "close": [3.59] * 7})
    assert values_of(parse_value("zscore(close)", "x"), flat).null_count() == 7


class TestRuns:
    def loaded(self, text: str) -> Any:
        scanner = {
            "module": "scanners.criteria_scanner",
            "regular_session": [{"start": "09:31", "end": "09:40", "interval": "1m"}],
            "config": {
                "criteria": {"c": text},
                "features": {"range": "session_high - session_low"},
            },
        }
        return config([scanner], start="2018-03-01", end="2018-03-01")

    @pytest.mark.parametrize(
        "text", ["{} >= 0", "not ({} < 0)", "{} > 2 or {} >= 0", "rank({}) >= 1", "round({}) >= 0"]
    )
    def test_no_hit_without_a_range(self, text: str, us2018: Archive) -> None:
        ratio = "((close - session_low) / (session_high - session_low))"
        found = hits(self.loaded(text.replace("{}", ratio)), us2018)
        assert len(found) > 1000 and (found["range"] > 0).all()
        everyone = hits(self.loaded("close > 0"), us2018)
        assert (everyone["range"] == 0).sum() > 5

    def test_explain_says_that_there_is_no_value(self, us2018: Archive) -> None:
        everyone = hits(self.loaded("close > 0"), us2018)
        flat = everyone.filter(pl.col("range") == 0).row(0, named=True)
        at = flat["tick"].astimezone(dt.timezone(dt.timedelta(hours=-5))).replace(tzinfo=None)
        text = "not (close - session_low) / (session_high - session_low) >= 0.8"
        answer = explain(self.loaded(text), us2018, None, flat["symbol"], at)
        (side,) = answer.clauses[0].sides
        assert (
            not answer.hit and not answer.clauses[0].holds and not side.holds and side.left is None
        )
        assert side.text == "((close) - (session_low)) / ((session_high) - (session_low)) >= 0.8"


class TestStrategies:
    class Declared(ColumnarStrategy):
        """Enters, and ranks, by a quotient that may be 0 / 0."""

        edge = True
        rank_by = (pl.col("close") - 5) / (pl.col("open") - 5)

        def entries(self) -> dict[str, pl.Expr]:
            return {"above": self.rank_by > 0.5}

        def exits(self) -> dict[str, pl.Expr]:
            return {"not above": ~(self.rank_by > 0.5)}

        def limit(self) -> pl.Expr:
            return self.rank_by

    def test_neither_an_entry_nor_an_exit(self) -> None:
        close, opens = (
            [5.0, 5.0, 6.0, 6.0, 4.0],
            [5.0, 6.0, 5.0, 6.0, 6.0],
        )  # 0 / 0, 0, infinite, 1, -1; at both ticks
        cross = cross_section([*opens, *opens, *[9.0] * SYMBOLS * TICKS, *close, *close])
        at, who = np.divmod(np.arange(TICKS * SYMBOLS), SYMBOLS)
        for edge, entered in (
            (False, [2, 3]),
            (True, []),
        ):  # what holds when a symbol is first seen is no edge
            strategy = self.Declared()
            strategy.edge = edge
            found = SignalPlan.build("x", strategy).signals(
                cross, at, who, np.ones(len(at), np.bool_), lambda name: 1
            )
            assert sorted({*found.symbol_ids[found.fields["side"] == 1].tolist()}) == entered
            assert sorted({*found.symbol_ids[found.fields["exit_long"] == 1].tolist()}) == [1, 4]
            limits = dict(
                zip(found.symbol_ids.tolist(), found.fields["limit"].tolist(), strict=True)
            )
            assert limits.get(3, 1.0) == 1.0 and limits[4] == -1.0 and 0 not in limits

    def test_ranks_behind_all_that_have_one(self) -> None:
        own = Signals(
            np.zeros(4, np.int64), np.arange(4), {}, np.array([np.nan, -np.inf, np.inf, 1.0])
        )
        made, _ = own.ordered_records(
            0, np.array([5]), np.array([0]), np.arange(4), dict.fromkeys(range(4), (0, -1, 0))
        )
        assert made["symbol"].tolist() == [2, 3, 1, 0]
