"""The expression language against Polars written by hand, and its answers to mistakes."""

from __future__ import annotations

import polars as pl
import pytest

from engine.errors import ConfigError
from engine.scan.expression_language import conjuncts, parse_condition
from engine.scan.expressions import is_elementwise, stays_in_tick

FRAME = pl.DataFrame(
    {
        "symbol": ["A", "B", "C", "D"],
        "tick": [1, 1, 1, 1],
        "close": [10.0, 20.0, None, 5.0],
        "prev_close": [9.0, 21.0, 4.0, 5.0],
        "bar_today": [True, False, True, None],
        "rsi_14_1m": [70.0, None, 30.0, 50.0],
        "macd_12_26_9_5m.signal": [1.0, -1.0, 0.0, 2.0],
        "bollinger_bands_20_2.5_5m.upper": [11.0, 19.0, 1.0, 5.0],
    }
)


def rows(text: str) -> list[bool]:
    return FRAME.select(parse_condition(text, "x").fill_null(False).alias("v"))["v"].to_list()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("close > 9", [True, True, False, False]),
        ("close > prev_close * 1.02 and rsi_14 > 50", [True, False, False, False]),
        ("9 < close <= 20", [True, True, False, False]),
        ("not close > 9", [False, False, False, True]),
        ("not not (close > 9 or rsi_14_1m < 40)", [True, True, True, False]),
        ("close / prev_close - 1 >= 0.1 or symbol == 'B'", [True, True, False, False]),
        ('symbol in ("A", "D")', [True, False, False, True]),
        ("close in (5, 20)", [False, True, False, True]),
        ("bar_today and known(close)", [True, False, False, False]),
        (
            "macd_12_26_9_5m.signal > 0 and close < bollinger_bands_20_2.5_5m.upper",
            [True, False, False, False],
        ),
        ("-2 ** 2 == 0 - 4 and close > 0", [True, True, False, True]),
        (
            "2 ** 3 ** 2 == 512 and 7 % 4 == 3 and 2 + 3 * 4 == 14 and known(prev_close)",
            [True, True, True, True],
        ),
        ("max(close, prev_close, 15) > 15", [False, True, False, False]),
        ("if(bar_today, close, prev_close) > 9.5", [True, True, False, False]),
        (
            "prev_close > - coalesce(5, close) and coalesce(close, 4, prev_close) < 5",
            [False, False, True, False],
        ),
        ("coalesce(close, prev_close) < 5", [False, False, True, False]),
        ("rank(close) <= 2", [True, True, False, False]),
        ("percentile(prev_close) > 0.9", [False, True, False, False]),
        ("close > mean(close)", [False, True, False, False]),
        ("close >= quantile(close, 0.5)", [True, True, False, False]),
        ("zscore(prev_close) > 1", [False, True, False, False]),
        (
            "rank(close) - rank(prev_close) < 0 or - rank(prev_close) == -4",
            [False, False, True, False],
        ),
        ("abs(close - prev_close) < 1.5 and sqrt(close) > 3", [True, True, False, False]),
        ("true and close > 9", [True, True, False, False]),
        ("1e1 == close", [True, False, False, False]),
    ],
)
def test_what_it_means(text: str, expected: list[bool]) -> None:
    assert rows(text) == expected


def test_plain_conditions_are_evaluated_for_all_ticks_at_once() -> None:
    assert is_elementwise(
        parse_condition(
            "close > 9 and not (symbol in ('A', 'B')) or if(bar_today, 1, 2) > max(close, 3)", "x"
        )
    )
    assert stays_in_tick(
        parse_condition("rank(close) <= 3 and zscore(close) > quantile(prev_close, 0.9)", "x")
    )


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("close > sma_20_1d * and", 21, "'and' in place of a value"),
        ("close >", 8, "ends too early"),
        ("close > smaa_20", 9, "did you mean 'sma'"),
        ("clsoe > 5", 1, "did you mean 'close'"),
        ("close > 5 $", 11, "'$' means nothing here"),
        ("close > 5 close", 11, "'close' after the end"),
        ("(close > 5", 11, "expected ')'"),
        ("foo(close) > 1", 1, "unknown function 'foo'"),
        ("abs(close, 2) > 1", 1, "2 arguments of abs"),
        ("close and rsi_14 > 5", 1, "this is a number"),
        ("close > 'text'", 7, "a number compared with a text"),
        ("symbol > 'A'", 8, "a text has no >"),
        ("bar_today + 1 > 2", 1, "this is a condition"),
        ("macd_12_26_9_5m > 1", 1, "macd_12_26_9_5m.signal"),
        ("quantile(close, 2) > 1", 17, "from 0 to 1"),
        ("rank(5) < close", 6, "the same for every symbol"),
        ("bar_time > 5", 1, "bar_age"),
        ("close in (close, 5)", 11, "written out"),
        ("'open", 1, "means nothing"),
        ("1x > close", 1, "means nothing"),
        ("rsi_0_1m > 5", 1, "period"),
    ],
)
def test_a_mistake_points_at_its_character(text: str, at: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_condition(text, "criteria.x")
    told = str(caught.value)
    assert f"at character {at}" in told and message in told and told.startswith("criteria.x")
    line, pointer = told.split("\n")[1:3]
    assert pointer.index("^") == line.index(text[:10]) + at - 1


@pytest.mark.parametrize(
    "text",
    ["close", "", "   ", "(" * 100 + "close" + ")" * 100 + " > 1", "2" + "**2" * 200 + " > close"],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_condition(text, "x")


def test_a_condition_falls_into_its_parts() -> None:
    assert conjuncts("close > 5 and (rsi_14 > 3 or bar_today) and not bar_today", "x") == [
        "close > 5",
        "(rsi_14 > 3 or bar_today)",
        "not bar_today",
    ]
    assert conjuncts("close > 5 and bar_today or close < 3", "x") == [
        "close > 5 and bar_today or close < 3"
    ]
