"""The functions of the expression language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from engine.scan.expressions import (
    universe_mean,
    universe_percentile,
    universe_rank,
    universe_zscore,
)
from engine.scan.previous import crosses_above, crosses_below, previous

# The types of the language's expressions, as error messages name them.
NUMBER, CONDITION, TEXT = "a number", "a condition", "a text"


@dataclass(frozen=True)
class LanguageFunction:
    """A function: its form, numbers of arguments (least, most), kinds, kind of value, maker."""

    form: str
    counts: tuple[int, int]
    kinds: tuple[str | None, ...]  # of the arguments; the last one's for all that follow
    gives: str
    make: Callable[[Sequence[pl.Expr]], pl.Expr]


def _plain(form: str, make: Callable[[pl.Expr], pl.Expr]) -> LanguageFunction:
    return LanguageFunction(form, (1, 1), (NUMBER,), NUMBER, lambda arguments: make(arguments[0]))


MANY = 100


OF_TICK_BEFORE = frozenset({"previous", "crosses_above", "crosses_below"})


OF_UNIVERSE = frozenset({"rank", "percentile", "zscore", "mean", "quantile"})


def _coalesce(arguments: Sequence[pl.Expr]) -> pl.Expr:
    """Up to the first constant, which there always is.

    Polars gives a frame of one row where that comes first.
    """
    constants = [number for number, one in enumerate(arguments) if not one.meta.root_names()]
    used = arguments[: constants[0] + 1] if constants else arguments
    return used[0] if len(used) == 1 else pl.coalesce(used)


COMPARE: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
ARITHMETIC: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
}
FUNCTIONS: dict[str, LanguageFunction] = {
    "abs": _plain("abs(x)", lambda x: x.abs()),
    "sqrt": _plain("sqrt(x)", lambda x: x.sqrt()),
    "log": _plain("log(x)", lambda x: x.log()),
    "exp": _plain("exp(x)", lambda x: x.exp()),
    "sign": _plain("sign(x)", lambda x: x.sign()),
    "round": _plain("round(x)", lambda x: x.round(0)),
    "floor": _plain("floor(x)", lambda x: x.floor()),
    "ceil": _plain("ceil(x)", lambda x: x.ceil()),
    "min": LanguageFunction("min(x, y ...)", (2, MANY), (NUMBER,), NUMBER, pl.min_horizontal),
    "max": LanguageFunction("max(x, y ...)", (2, MANY), (NUMBER,), NUMBER, pl.max_horizontal),
    "if": LanguageFunction(
        "if(condition, x, y)",
        (3, 3),
        (CONDITION, None, None),
        NUMBER,
        lambda a: pl.when(a[0]).then(a[1]).otherwise(a[2]),
    ),
    "known": LanguageFunction("known(x)", (1, 1), (None,), CONDITION, lambda a: a[0].is_not_null()),
    "coalesce": LanguageFunction("coalesce(x, y ...)", (2, MANY), (None,), NUMBER, _coalesce),
    "previous": LanguageFunction("previous(x)", (1, 1), (None,), NUMBER, lambda a: previous(a[0])),
    "crosses_above": LanguageFunction(
        "crosses_above(x, y)", (2, 2), (NUMBER,), CONDITION, lambda a: crosses_above(a[0], a[1])
    ),
    "crosses_below": LanguageFunction(
        "crosses_below(x, y)", (2, 2), (NUMBER,), CONDITION, lambda a: crosses_below(a[0], a[1])
    ),
    "rank": _plain(
        "rank(x)", lambda x: universe_rank(x).cast(pl.Float64)
    ),  # a count without sign has no difference below 0
    "percentile": _plain("percentile(x)", universe_percentile),
    "zscore": _plain("zscore(x)", universe_zscore),
    "mean": _plain("mean(x)", universe_mean),
    "quantile": LanguageFunction(
        "quantile(x, share)", (2, 2), (NUMBER, NUMBER), NUMBER, lambda a: a[0]
    ),
}
