"""Criteria in words: a small expression language over the columns of a cross-section, for configs
and the command line.

    close > sma_20_1d * 1.02 and rvol_20 > 2 10 <= close < 500 and not (symbol in ("SPY", "QQQ"))
    rank(close / prev_close) <= 20

    or, and, not, comparisons (chained ones too, and `in`), + -, * / %, unary -, ** in the order of
    Python's
    numbers, "text", true, false, columns of the vocabulary, indicator keys
    (`macd_12_26_9_5m.signal`)
    abs(x) sqrt(x) log(x) exp(x) sign(x) round(x) floor(x) ceil(x)   min(x, y ...) max(x, y ...)
    if(condition, x, y)
    known(x): whether there is a value   coalesce(x, y ...): the first that there is
    rank(x): 1 for the universe's largest at the tick   percentile(x): share of the universe at most
    x
    zscore(x)   mean(x)   quantile(x, q)   over the universe at the tick
    previous(x): at the tick before   crosses_above(x, y)   crosses_below(x, y): which it was not,
    or equal, at the tick before

Parsed into a Polars expression, never run as code. A value that is not a number (0 / 0) is a
missing one. A comparison with a missing value does not hold, nor does its `not`.
"""

from __future__ import annotations

import polars as pl

from engine.errors import ScannerError
from engine.runtime.recursion import room_to_recurse
from engine.scan.expression_parser import _Parser
from engine.scan.language_functions import (
    CONDITION,
)
from engine.scan.missing import without_nan


def parse_condition(text: str, where: str) -> pl.Expr:
    """The condition that `text` states; ConfigError points at the character that is wrong."""
    return _parse(text, where, CONDITION)


def parse_value(text: str, where: str) -> pl.Expr:
    """The number (or condition) that `text` gives."""
    return _parse(text, where, None)


def conjuncts(text: str, where: str) -> list[str]:
    """The conditions that `text` joins by `and`; each is counted and explained by itself."""
    tokens = _Parser(text, where).tokens
    depth, cuts = 0, [(0, 0)]  # each: where a condition ends, where the next begins
    for token in tokens:
        if token.kind == "sign":
            depth += (token.text == "(") - (token.text == ")")
        elif depth == 0 and token.kind == "word" and token.text == "or":
            return [text.strip()]
        elif depth == 0 and token.kind == "word" and token.text == "and":
            cuts.append((token.at, token.at + len(token.text)))
    ends = [end for end, _ in cuts[1:]] + [len(text)]
    return [text[start:end].strip() for (_, start), end in zip(cuts, ends, strict=True)]


def _parse(text: str, where: str, kind: str | None) -> pl.Expr:
    parser = _Parser(text, where)
    with room_to_recurse():
        part = parser.whole()
    if kind and part.kind != kind:
        parser.fail(f"this is {part.kind}", part.at, expected=f"{kind} such as close > 10")
    try:
        with room_to_recurse():
            return without_nan(part.expression)
    except ScannerError as error:
        parser.fail(error.what, part.at, expected=error.expected)
        raise AssertionError from error
