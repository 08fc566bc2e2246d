"""The grammar of expressions is Python's for what both know: Python itself says what a text comes to. And where mistakes are."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.scan.expression_language import conjuncts, parse_condition, parse_value
from engine.scan.expression_parser import DEEPEST, LONGEST

ROWS = [
    {"close": 1.0, "open": 2.0, "volume": 4.0, "bar_today": True, "symbol": "A"},
    {"close": 8.0, "open": -2.0, "volume": 0.5, "bar_today": False, "symbol": "B"},
    {"close": 3.0, "open": 3.0, "volume": 2.0, "bar_today": True, "symbol": "C"},
    {"close": -4.0, "open": 16.0, "volume": 1.0, "bar_today": False, "symbol": "or"},
]
FRAME = pl.DataFrame(ROWS).with_columns(tick=pl.lit(1))
PYTHONS = {
    "abs": abs, "min": min, "max": max, "floor": math.floor, "ceil": math.ceil, "sqrt": math.sqrt,
    "log": math.log, "exp": math.exp, "sign": lambda x: float(x > 0) - float(x < 0),
    "true": True, "false": False, "known": lambda x: True, "coalesce": lambda x, *_: x,
    "choose": lambda condition, x, y: x if condition else y,
}  # fmt: skip

atoms = st.sampled_from(
    ("close", "open", "volume", "2", "3", "0.5", "4", ".25", "1e1", "7.", "1.5E0")
)
halves = st.sampled_from(("2", "4", "0.5", "volume", "(volume)"))
numbers = st.deferred(
    lambda: st.one_of(
        atoms,
        atoms,
        st.tuples(numbers, st.sampled_from("+-*"), numbers).map(" ".join),
        st.tuples(numbers, st.just("/"), halves).map("".join),
        st.tuples(st.just("abs("), numbers, st.just(") % "), st.sampled_from(("3", "4"))).map(
            "".join
        ),
        st.tuples(halves, st.just("**"), st.sampled_from(("2", "-1", "+3", "2 ** 2", "- - 2"))).map(
            " ".join
        ),
        numbers.map(lambda x: f"({x})"),
        numbers.map(lambda x: f"-{x}"),
        numbers.map(lambda x: f"+{x}"),
        st.tuples(st.sampled_from(("min", "max", "coalesce")), numbers, numbers, numbers).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]},{t[3]})"
        ),
        st.tuples(st.sampled_from(("abs", "floor", "ceil", "sign")), numbers).map(
            lambda t: f"{t[0]}({t[1]})"
        ),
        st.tuples(conditions, numbers, numbers).map(lambda t: f"if({t[0]}, {t[1]}, {t[2]})"),
    )
)
signs = st.sampled_from(("<", "<=", ">", ">=", "==", "!="))
conditions = st.deferred(
    lambda: st.one_of(
        st.tuples(numbers, signs, numbers).map(" ".join),
        st.tuples(numbers, signs, numbers, signs, numbers).map("".join),
        st.tuples(conditions, st.sampled_from(("and", "or")), conditions).map(" ".join),
        st.tuples(conditions, st.just("and"), conditions, st.just("or"), conditions).map(" ".join),
        conditions.map(lambda x: f"({x})"),
        conditions.map(lambda x: f"not ({x})"),
        st.tuples(numbers, signs, numbers).map(lambda t: f"not not not {' '.join(t)}"),
        st.tuples(numbers, signs, numbers).map(lambda t: f"not not {' '.join(t)}"),
        st.sampled_from(("bar_today", "true", "false", "not bar_today", "known(close)",
                         "symbol == 'A'", 'symbol != "B"', "symbol in ('or', 'C')",
                         "close in (1, 3, -4)", "close + 1 in (2, 9)", "volume in (0.5, +4)")),
    )
)  # fmt: skip


def by_python(text: str, row: dict[str, Any]) -> Any:
    """What Python makes of a text that was generated here; `if` is a word there."""
    return eval(text.replace("if(", "choose("), {"__builtins__": {}}, {**PYTHONS, **row})


def expected(text: str) -> list[Any]:
    try:
        return [by_python(text, row) for row in ROWS]
    except (ZeroDivisionError, OverflowError, ValueError):
        assume(False)
        raise


@settings(max_examples=120)
@given(conditions)
def test_conditions_are_pythons(text: str) -> None:
    wanted = expected(text)
    assert FRAME.with_columns(x=parse_condition(text, "x"))["x"].to_list() == wanted
    parts = conjuncts(text, "x")
    joined = [all(expected(part)[row] for part in parts) for row in range(len(ROWS))]
    assert joined == wanted
    if " and " not in text:
        assert parts == [text.strip()]


@settings(max_examples=120)
@given(numbers)
def test_numbers_are_pythons(text: str) -> None:
    wanted = expected(text)
    assume(not any(isinstance(value, complex) for value in wanted))
    found = FRAME.with_columns(x=parse_value(text, "x"))["x"].to_list()
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", ["sqrt", "log", "exp", "round"])
def test_functions_of_a_number(name: str) -> None:
    of = PYTHONS.get(name, round)
    found = FRAME.with_columns(x=parse_value(f"{name}(volume + 0.125)", "x"))["x"].to_list()
    assert found == pytest.approx([of(row["volume"] + 0.125) for row in ROWS])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("close > 1", ["close > 1"]),
        ("  close>1  and(open<2)and bar_today ", ["close>1", "(open<2)", "bar_today"]),
        ("(close > 1 and open < 2)", ["(close > 1 and open < 2)"]),
        ("((close > 1) and true) and (true)", ["((close > 1) and true)", "(true)"]),
        ("(close > 1 or open < 2) and true", ["(close > 1 or open < 2)", "true"]),
        ("true or close > 1 and open < 2", ["true or close > 1 and open < 2"]),
        ("symbol == 'and' and symbol != \"or\"", ["symbol == 'and'", 'symbol != "or"']),
        ("max(close, 1) > 0 and true", ["max(close, 1) > 0", "true"]),
    ],
)
def test_what_is_joined_by_and(text: str, parts: list[str]) -> None:
    assert conjuncts(text, "x") == parts


MISTAKES = {
    "close > 5 $ 3": ("$", "means nothing here"),
    "close >  ¤": ("¤", "means nothing here"),
    "close > 5 open": ("open", "after the end of the expression"),
    "close > (5": ("", "'the end' in place of ')'"),
    "close > 5)": (")", "after the end"),
    "close > )": (")", "in place of a value"),
    "close > and": ("and", "in place of a value"),
    "close >": ("", "the expression ends too early"),
    "abs(close open) > 1": ("open)", "in place of ','"),
    "abs() > 1": ("abs", "0 arguments of abs; expected 1: abs(x)"),
    "max(close) > 1": ("max", "1 arguments of max; expected 2 or more: max(x, y ...)"),
    "if(bar_today, 1) > 1": ("if", "2 arguments of if; expected 3"),
    "quantile(close) > 1": ("quantile", "1 arguments"),
    "crosses_above(close)": ("crosses_above", "1 arguments"),
    "crosses_below(close, 1, 2)": ("crosses_below", "3 arguments"),
    "known() and true": ("known", "0 arguments"),
    "coalesce(close) > 1": ("coalesce", "1 arguments"),
    "previous(close, 1) > 1": ("previous", "2 arguments"),
    "abs(bar_today) > 1": ("bar_today", "this is a condition; expected a number"),
    "max(close, 'x') > 1": ("'x'", "this is a text; expected a number"),
    "max(close, 1, bar_today) > 1": ("bar_today", "this is a condition"),
    "if(close, 1, 2) > 1": ("close", "this is a number; expected a condition"),
    "if(bar_today, 1, 'x') > 1": ("'x'", "this is a text; expected a number"),
    "coalesce(close, bar_today) > 1": ("bar_today", "this is a condition; expected a number"),
    "coalesce(bar_today, close) and true": ("close)", "this is a number; expected a condition"),
    "close + bar_today > 1": ("bar_today", "this is a condition"),
    "-bar_today > 1": ("bar_today", "this is a condition"),
    "not close": ("close", "this is a number; expected a condition"),
    "bar_today and close": ("close", "this is a number; expected a condition"),
    "close or bar_today": ("close", "this is a number; expected a condition"),
    "bar_today == close": ("==", "a condition compared with a number"),
    "bar_today < true": ("<", "a condition has no <"),
    "symbol >= 'A'": (">=", "a text has no >="),
    "symbol in ('A', 5)": ("5", "this is not a text written out"),
    "close in (1, open)": ("open", "this is not a number written out"),
    "close in 5": ("5", "in place of '('"),
    "rank(5) > 1": ("5", "the same for every symbol"),
    "mean(1 + 2) > 1": ("1", "the same for every symbol"),
    "quantile(close, 1.5) > 1": ("1.5", "the share of a quantile"),
    "quantile(close, -0.5) > 1": ("-0.5", "the share of a quantile"),
    "quantile(close, open) > 1": ("open", "the share of a quantile"),
    "previous(symbol) == 'A'": ("symbol", "a text is the same at every tick"),
    "clos > 1": ("clos", "unknown name 'clos'"),
    "sma_20 > rsi_0": ("rsi_0", "period"),
    "ranks(close) > 1": ("ranks", "unknown function 'ranks'"),
    "macd_12_26_9_5m > 1": ("macd", "has several outputs; expected one of"),
    "bar_time > 1": ("bar_time", "is a time, which cannot be compared"),
    "close": ("close", "this is a number; expected a condition"),
    "symbol": ("symbol", "this is a text; expected a condition"),
    "5x > close": ("5x", "means nothing here"),
    "1.2.3 > close": ("1.2.3", "means nothing here"),
    "'A > symbol": ("'A", "means nothing here"),
}


@pytest.mark.parametrize("before", ["", " " * 70, "true and " * 9, "true and\n\ttrue and "])
@pytest.mark.parametrize("after", ["", " " * 60])
@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_pointed_at(text: str, before: str, after: str) -> None:
    where, told = MISTAKES[text]
    if before.strip() and (told.endswith("expected a condition") and where == text):
        told = "this is "
    if before.strip() and " or " in text:
        return  # joined to the part before
    whole = before + text + after
    place = len(before) + (text.index(where) if where else len(text + after))
    with pytest.raises(ConfigError) as caught:
        parse_condition(whole, "criteria.x")
    message = str(caught.value)
    assert message.startswith("criteria.x: ") and f", at character {place + 1}\n" in message
    assert told.split("; ")[0] in message and told.split("; ")[-1] in message
    line, pointer = message.split("\n")[1:3]
    column = pointer.index("^")
    flat = whole.replace("\n", " ").replace("\t", " ")
    assert (
        line[column : column + 5].removesuffix("...")
        == (flat[place : place + 5])[: len(line[column : column + 5].removesuffix("..."))]
    )
    assert line.startswith("    ...") == (place > 60)
    assert line.endswith("...") == (place + 40 < len(whole))
    first = max(0, place - 60)
    shown = flat[first : place + 40]
    assert line == "    " + "..." * (place > 60) + shown + "..." * (place + 40 < len(whole))
    assert column == 4 + 3 * (place > 60) + place - first


@pytest.mark.parametrize("text", [None, 5, True, ["close > 1"]])
def test_what_is_no_text_is_no_expression(text: Any) -> None:
    with pytest.raises(ConfigError, match="is no expression"):
        parse_condition(text, "x")
    for empty in ("", " \n"):
        with pytest.raises(ConfigError, match="an empty expression"):
            parse_value(empty, "x")


def test_how_deep_and_how_long_an_expression_may_be() -> None:
    deep = "(" * (DEEPEST - 1) + "close" + ")" * (DEEPEST - 1)
    assert FRAME.with_columns(x=parse_value(deep, "x"))["x"].to_list() == [r["close"] for r in ROWS]
    with pytest.raises(ConfigError, match="too many parentheses") as caught:
        parse_value(f"({deep})", "x")
    assert f"at character {DEEPEST + 1}" in str(caught.value)
    parse_value(" + ".join(["(close)"] * LONGEST), "x")  # one after the other is not deep
    for sign in "+*":
        chain = sign.join(["1"] * LONGEST)
        parse_value(chain, "x")
        with pytest.raises(ConfigError, match="too many numbers in one chain"):
            parse_value(f"{chain}{sign}1", "x")
    powers = "**".join(["1"] * DEEPEST)
    with pytest.raises(ConfigError, match="powers of each other's results, too deep"):
        parse_value(powers, "x")  # there is no room for them in what evaluates them
    with pytest.raises(ConfigError, match="too many powers of powers"):
        parse_value(f"{powers}**1**1", "x")
    parse_value("+".join(["2**2**2"] * 20), "x")


@pytest.mark.parametrize("text", ["0", "0.25", "1", "+0.5", "- -0.75", "-0", "- + -1"])
def test_a_share_of_the_universe(text: str) -> None:
    made = FRAME.with_columns(x=parse_value(f"quantile(close, {text})", "x"))["x"].to_list()
    share = float(eval(text))
    closes = sorted(row["close"] for row in ROWS)
    place = share * (len(closes) - 1)
    low = math.floor(place)
    high = min(low + 1, len(closes) - 1)
    wanted = closes[low] + (closes[high] - closes[low]) * (place - low)
    assert made == pytest.approx([wanted] * len(ROWS))


def test_the_first_value_that_there_is() -> None:
    frame = FRAME.with_columns(close=pl.Series([None, 8.0, None, -4.0]))
    for text, wanted in {
        "coalesce(close, 5, open)": [5, 8, 5, -4],
        "coalesce(close, open, 5)": [2, 8, 3, -4],
        "coalesce(close, volume)": [4, 8, 2, -4],
        "coalesce(7, close)": [7] * 4,
    }.items():
        assert frame.with_columns(x=parse_value(text, "x"))["x"].to_list() == wanted, text


@given(st.integers(0, 3), st.integers(1, 40))
def test_ranks_are_numbers_that_can_be_subtracted(row: int, most: int) -> None:
    closes = [one["close"] for one in ROWS]
    made = FRAME.with_columns(x=parse_value(f"rank(close) - {most}", "x"))["x"].to_list()
    assert made[row] == sorted(closes, reverse=True).index(closes[row]) + 1 - most
