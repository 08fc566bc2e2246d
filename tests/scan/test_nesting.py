"""Expressions of very many terms: evaluated, or refused in one message, whoever chained them."""

from __future__ import annotations

import operator
from functools import reduce

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.errors import BarsweepError, ScannerError
from engine.scan.expression_language import parse_condition, parse_value
from engine.scan.expression_parser import DEEPEST, LONGEST
from engine.scan.nesting import joined
from engine.scan.scan_plan import Clause
from tests.running import config, hits

FRAME = pl.DataFrame(
    {"close": [1.0, 250.5, 499.0, 5000.0, None], "volume": [1.0, 2.0, 3.0, 4.0, 5.0]}
)


def holds(expression: pl.Expr) -> list[bool]:
    clause = Clause.of("x", expression, "test")
    assert clause.stays_in_tick and clause.elementwise and clause.steps  # it takes the fast way
    return FRAME.select(clause.holds.alias("x"))["x"].to_list()


@pytest.mark.parametrize("count", [2, 99, 100, 101, 300, 500, 1_000, 5_000])
def test_so_many_terms_joined(count: int) -> None:
    prices = np.linspace(1.0, 499.0, count).round(3).tolist()
    among = [value in prices for value in FRAME["close"].fill_null(-1.0)]
    assert (
        holds(parse_condition(" or ".join(f"close == {price}" for price in prices), "x")) == among
    )
    others = [not one for one in among[:-1]] + [False]  # what has no value satisfies neither
    assert (
        holds(parse_condition(" and ".join(f"close != {price}" for price in prices), "x")) == others
    )
    rising = parse_condition(" < ".join(["0", "close", *map(str, range(5001, 5001 + count))]), "x")
    assert FRAME.select(rising.fill_null(False).alias("x"))["x"].to_list() == [True] * 4 + [False]
    assert (
        FRAME.select(
            parse_condition(f"close in ({', '.join(map(str, prices))})", "x").fill_null(False)
        )["close"].to_list()
        == among
    )


@pytest.mark.parametrize("count", [300, 500, 900])
def test_a_chain_that_a_plug_in_made(count: int) -> None:
    chain = reduce(operator.or_, [pl.col("close") == float(number) for number in range(count)])
    assert holds(chain) == [True, False, count > 499, False, False]


@given(
    st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=450),
    st.sampled_from([operator.or_, operator.and_]),
)
def test_groups_are_as_the_chain(values: list[bool | None], join: object) -> None:
    parts = [pl.lit(value, pl.Boolean) for value in values]
    a, b = (pl.select(one).item() for one in (joined(parts, join), reduce(join, parts)))  # type: ignore[arg-type]
    assert a is b


@pytest.mark.parametrize(
    "text",
    [
        " + ".join(["close"] * (LONGEST + 1)) + " > 0",
        " * ".join(["close"] * 2_000) + " > 0",
        "(" * (DEEPEST + 1) + "close" + ")" * (DEEPEST + 1),
        "**".join(["close"] * 500),
        "(" * 50_000,
    ],
)
def test_what_is_too_much_is_refused_where_it_is(text: str) -> None:
    with pytest.raises(BarsweepError, match="at character"):
        parse_value(text, "x")


@pytest.mark.parametrize(
    "text",
    [
        "(" * (DEEPEST - 1) + "close > 0" + ")" * (DEEPEST - 1),
        "not " * 5_000 + "close > 0",
        "-" * 5_000 + "close > 0",
        " + ".join(["close"] * LONGEST) + " > 0",
        "(" * 40 + "close" + (" + " + " + ".join(["1"] * 290) + ")") * 3 + ")" * 37 + " > 0",
    ],
)
def test_what_is_just_not_too_much_is_evaluated(text: str) -> None:
    with_value = FRAME.select(Clause.of("x", parse_condition(text, "x"), "x").holds.alias("x"))["x"]
    assert with_value.to_list() == [True] * 4 + [False]


def test_a_chain_without_end_is_one_message() -> None:
    chain = reduce(operator.add, [pl.col("close")] * 1_500)
    with pytest.raises(
        ScannerError, match=r"too many operations within each other.*1,000 at most.*any_horizontal"
    ):
        Clause.of("x", chain > 0, "test")


def test_five_hundred_terms_scan(demo: Archive) -> None:
    """The terms of which one holds find what it finds."""
    many = " or ".join(
        [
            "close > prev_close * 1.02",
            *(f"close == {number}.123" for number in range(100_000, 100_499)),
        ]
    )
    found = [
        hits(
            config(
                [
                    {
                        "module": "scanners.criteria_scanner",
                        "regular_session": [{"at": "close"}],
                        "config": {"criteria": {"x": text}},
                    }
                ],
                start="2017-12-04",
                end="2017-12-08",
            ),
            demo,
        )
        for text in (many, "close > prev_close * 1.02")
    ]
    assert len(found[1]) > 3 and found[0].equals(found[1])
