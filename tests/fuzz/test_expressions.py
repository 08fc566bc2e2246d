"""Expression strings: what is in the grammar is evaluated, what is not is refused at a character."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from engine.api import open_archive
from engine.archive.archive import Archive
from engine.errors import BarsweepError
from engine.scan.clause_evaluation import values_of
from engine.scan.columns import COLUMNS, previous_name
from engine.scan.expression_language import conjuncts, parse_condition, parse_value
from engine.scan.expressions import is_elementwise, stays_in_tick
from tests.fuzz.cases import TEXTS, answer, cases

INDICATORS = ["sma_20_1d", "rsi_14_1m", "macd_12_26_9_5m.signal"]
NUMBER_COLUMNS = [name for name, column in COLUMNS.items() if column.dtype.is_numeric()]
ODD = [1.0, None, math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, 1.7e308, -3.5]
FRAME = pl.DataFrame(
    {
        "symbol": list("ABCDEFGHIJ"),
        "tick": [1] * 5 + [2] * 5,
        "bar_today": [True, None, False, True, True] * 2,
    }
    | {name: ODD[i % 10 :] + ODD[: i % 10] for i, name in enumerate([*NUMBER_COLUMNS, *INDICATORS])}
    | {
        previous_name(name): ODD[i % 7 :] + ODD[: i % 7]
        for i, name in enumerate([*NUMBER_COLUMNS, *INDICATORS])
    }
)

WORDS = (
    st.sampled_from(
        [
            "close",
            "symbol",
            "bar_today",
            "bar_time",
            "and",
            "or",
            "not",
            "in",
            "true",
            "false",
            "(",
            ")",
            ",",
            ".",
            "<",
            "<=",
            "==",
            "!=",
            "+",
            "-",
            "*",
            "/",
            "%",
            "**",
            "'A'",
            '"',
            "5",
            "2.5e3",
            "1e400",
            "1e-400",
            "0",
            "sma",
            "sma_0",
            "sma_20_1d",
            "sma_99999999999999999999",
            "macd.signal",
            "macd.x",
            "rsi_14_1x",
            "known",
            "coalesce",
            "if",
            "rank",
            "quantile",
            "previous",
            "crosses_above",
            "crosses_below",
            "exp",
            "é",
            "\n",
            "\x00",
        ]
    )
    | TEXTS
)

columns = st.sampled_from([*NUMBER_COLUMNS, *INDICATORS])
ratios = columns | st.tuples(columns, columns).map(lambda t: f"({t[0]} / {t[1]})")
numbers = st.recursive(
    columns
    | ratios.map(lambda x: f"previous({x})")
    | st.floats(0, 1e308, allow_nan=False).map(lambda x: format(x, "f" if x < 1e15 else "e")),
    lambda n: st.one_of(
        st.tuples(n, st.sampled_from(["+", "-", "*", "/", "%", "**"]), n).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        st.tuples(
            st.sampled_from(
                [
                    "abs",
                    "sqrt",
                    "log",
                    "exp",
                    "sign",
                    "round",
                    "floor",
                    "ceil",
                    "rank",
                    "percentile",
                    "zscore",
                    "mean",
                ]
            ),
            n,
        ).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(st.sampled_from(["min", "max", "coalesce"]), n, n).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]})"
        ),
        st.tuples(n, st.floats(0, 1)).map(lambda t: f"quantile({t[0]}, {t[1]:f})"),
        n.map(lambda x: f"- {x}"),
        st.tuples(n, n, n).map(lambda t: f"if({t[0]} > 1, {t[1]}, {t[2]})"),
    ),
    max_leaves=6,
)
conditions = st.recursive(
    st.tuples(numbers, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers).map(" ".join)
    | numbers.map(lambda n: f"known({n})")
    | st.tuples(
        st.sampled_from(["crosses_above", "crosses_below"]), ratios, ratios | st.just("1.5")
    ).map(lambda t: f"{t[0]}({t[1]}, {t[2]})")
    | st.sampled_from(
        ["bar_today", "true", "symbol == 'A'", 'symbol in ("A", "B")', "close in (1, -3.5)"]
    ),
    lambda c: (
        st.tuples(c, st.sampled_from(["and", "or"]), c).map(" ".join)
        | c.map(lambda x: f"not ({x})")
    ),
    max_leaves=5,
)


def is_refused(error: BarsweepError) -> bool:
    """Whether an expression of the grammar is refused for what it comes to."""
    refusals = ("the same for every symbol", "the same at every tick", "previous of previous")
    return any(refusal in str(error) for refusal in refusals)


@cases(300, 30_000)
@given(
    st.sampled_from([parse_condition, parse_value, conjuncts]),
    st.lists(WORDS, max_size=25).map(" ".join)
    | st.lists(WORDS, max_size=8).map("".join)
    | st.text(max_size=60),
)
def test_any_text(parse: Callable[[str, str], Any], text: str) -> None:
    found = answer("expression", lambda: parse(text, "where"))
    assert not isinstance(found, BarsweepError) or str(found).startswith("where")


def evaluated(condition: pl.Expr, frame: pl.DataFrame) -> pl.Series:
    """A value a row, also where the condition names no column."""
    return values_of(condition.alias("x"), frame)


@cases(150, 8_000)
@given(conditions)
def test_what_the_grammar_allows_is_evaluated(text: str) -> None:
    condition = answer("expression", lambda: parse_condition(text, "x"))
    if isinstance(condition, BarsweepError):
        assert is_refused(condition)
        return
    together = evaluated(condition, FRAME)
    assert together.dtype == pl.Boolean
    assert stays_in_tick(condition)
    apart = pl.concat(
        [evaluated(condition, part) for part in FRAME.partition_by("tick", maintain_order=True)]
    )
    assert together.equals(apart, null_equal=True)
    if is_elementwise(condition):
        assert together[3:4].equals(evaluated(condition, FRAME[3:4]), null_equal=True)
    parts = conjuncts(text, "x")
    joined = evaluated(
        pl.all_horizontal([parse_condition(part, "x").fill_null(False) for part in parts]), FRAME
    )
    assert joined.equals(together.fill_null(False))


@cases(8, 300)
@given(conditions, st.lists(numbers, max_size=2))
def test_a_scan(small: Archive, text: str, features: list[str]) -> None:
    named = {f"f{number}": feature for number, feature in enumerate(features)}

    def scan() -> int:
        found = open_archive(small.path, keep=0).scan(
            where=text, features=named, schedule="10:00-15:00/1h", keep_hits=False
        )
        assert not found.failures
        return found.kept

    found = answer("scan", scan)
    assert not isinstance(found, BarsweepError) or is_refused(found)
