"""Conditions and computations as steps of the machine that filters rows
(engine/compute/filter_rows).

What the machine knows is what most conditions are made of: numbers, arithmetic, comparisons, and,
or, not, and the rank of a number among the symbols of a tick. A condition with anything else in it
has no steps and is evaluated by Polars; where it has, both find the same rows to the last bit. To
both a NaN is a missing value: see `without_nan`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from engine.compute import filter_rows as machine
from engine.panel.bars import Floats, Ints
from engine.scan.columns import dtype_of
from engine.scan.expressions import nodes
from engine.scan.missing import nan_to_null_of


@dataclass(frozen=True)
class Rank:
    """A column that is made of others: the rank of a number among the symbols of a tick.

    steps       the number
    descending  whether the largest is 1
    highest     whether equal ones share the highest of their ranks, not the smallest
    share       whether it is divided by how many have a value
    counts      whether ranks are whole numbers, as Polars has them, or float64
    within      up to which rank they are asked for: those above may all be infinite
    """

    steps: Steps
    descending: bool
    highest: bool = False
    share: bool = False
    counts: bool = True
    within: float = math.inf


Step = tuple[int, str | Rank | float | None]  # what to do, and with which column or constant
Steps = tuple[Step, ...]

LARGEST_INTEGER = 2**53  # up to here a float64 holds every integer
ARITHMETIC = {
    "Plus": machine.ADD,
    "Minus": machine.SUBTRACT,
    "Multiply": machine.MULTIPLY,
    "TrueDivide": machine.DIVIDE,
}
COMPARISONS = {
    "Gt": machine.GREATER,
    "GtEq": machine.GREATER_EQUAL,
    "Lt": machine.LESS,
    "LtEq": machine.LESS_EQUAL,
    "Eq": machine.EQUAL,
    "NotEq": machine.UNEQUAL,
}
CONNECTIVES = {"And": machine.AND, "Or": machine.OR}
OF_NUMBERS = {"Negate": machine.NEGATE, "Abs": machine.ABSOLUTE}
ABOUT_MISSING = {  # of a number, of a truth
    "IsNull": (machine.IS_NAN, machine.IS_MISSING),
    "IsNotNull": (machine.IS_NUMBER, machine.IS_KNOWN),
}
BETWEEN = {
    "Both": ("GtEq", "LtEq"),
    "Left": ("GtEq", "Lt"),
    "Right": ("Gt", "LtEq"),
    "None": ("Gt", "Lt"),
}


class _NoSteps(Exception):
    """The machine does not know this."""


def steps_of(expression: pl.Expr) -> Steps | None:
    """The steps that evaluate a condition, or None where it takes more than the machine knows."""
    steps, is_truth = _known_steps(expression)
    return steps if is_truth else None


def value_steps_of(expression: pl.Expr) -> Steps | None:
    """The steps that compute a float64, or None where it takes more than the machine knows."""
    steps, is_truth = _known_steps(expression)
    return steps if steps and not (is_truth or _is_integer(steps) or _is_constant(steps)) else None


def _known_steps(expression: pl.Expr) -> tuple[Steps | None, bool]:
    """What the machine knows of an expression, and whether that is a truth."""
    try:
        steps, is_truth = _steps(nodes(expression))
    except _NoSteps:
        return None, False
    return (steps, is_truth) if _deepest(steps) <= machine.DEEPEST else (None, False)


def _names(programs: Sequence[Steps]) -> list[str | Rank]:
    arguments = (argument for steps in programs for _, argument in steps)
    return list(
        dict.fromkeys(argument for argument in arguments if isinstance(argument, str | Rank))
    )


@lru_cache(256)
def _assemble(programs: tuple[Steps, ...]) -> tuple[Ints, Floats, Ints]:
    """The machine's code, its constants, and where each program ends in the code."""
    steps = [step for program in programs for step in program]
    names: list[Any] = list(_names(programs))
    constants: list[Any] = [argument for _, argument in steps if isinstance(argument, float)]
    code = np.zeros((len(steps), 2), np.int64)
    code[:, 0] = [what for what, _ in steps]
    code[:, 1] = [
        (constants if isinstance(a, float) else names).index(a) if a is not None else 0
        for _, a in steps
    ]
    return code, np.array(constants, np.float64), np.cumsum([len(program) for program in programs])


def _steps(node: Any) -> tuple[Steps, bool]:
    """A node's steps, and whether what they leave is a truth (else a number)."""
    if not isinstance(node, dict) or len(node) != 1:
        raise _NoSteps
    ((kind, body),) = node.items()
    if kind not in _KINDS:
        raise _NoSteps
    return _KINDS[kind](body)


def _column(name: str) -> tuple[Steps, bool]:
    dtype = dtype_of(name)
    if dtype == pl.Boolean:
        return ((machine.LOAD_TRUTH, name),), True
    if not dtype.is_numeric():
        raise _NoSteps
    return ((machine.LOAD, name),), False


def _rank(body: Any) -> Rank:
    """What universe_rank and universe_percentile are."""
    match body:
        case {
            "function": function,
            "partition_by": [{"Column": "tick"}],
            "mapping": "GroupsToRows",
        }:
            return _rank_of(function)
    raise _NoSteps


def _rank_of(function: Any) -> Rank:
    match function:
        case {
            "Function": {
                "input": [number],
                "function": {"Rank": {"options": {"method": "Min", "descending": down}}},
            }
        }:
            return Rank(_ranked(number), bool(down))
        case {
            "BinaryExpr": {
                "left": {
                    "Function": {
                        "input": [number],
                        "function": {"Rank": {"options": {"method": "Max", "descending": down}}},
                    }
                },
                "op": "TrueDivide",
                "right": {"Agg": {"Count": {"input": counted, "include_nulls": False}}},
            }
        } if counted == number:
            return Rank(_ranked(number), bool(down), highest=True, share=True, counts=False)
    raise _NoSteps


def _ranked(number: Any) -> Steps:
    steps, is_truth = _steps(number)
    if is_truth or _is_constant(steps) or _deepest(steps) > machine.DEEPEST:
        raise _NoSteps
    return steps


def _as_float(body: Any) -> tuple[Steps, bool]:
    match body:
        case {"expr": {"Over": over}, "dtype": {"Literal": "Float64"}}:
            return ((machine.LOAD, replace(_rank(over), counts=False)),), False
    raise _NoSteps


def _literal(body: Any) -> tuple[Steps, bool]:
    value = _value(body)
    if isinstance(value, bool):
        return ((machine.TRUTH, float(value)),), True
    return ((machine.CONSTANT, value),), False


def _value(body: Any) -> bool | float:
    match body:
        case {"Dyn": {"Int": int(value)}} if abs(value) <= LARGEST_INTEGER:
            return float(value)
        case {"Dyn": {"Float": float(value) | int(value)}} | {
            "Scalar": {"Float64": float(value) | int(value)}
        }:
            return float(value)
        case {"Scalar": {"Boolean": bool(value)}}:
            return value
    raise _NoSteps


def _binary(operation: str, left: Any, right: Any) -> tuple[Steps, bool]:
    (a, a_truth), (b, b_truth) = _steps(left), _steps(right)
    if operation in CONNECTIVES and a_truth and b_truth:
        return (*a, *b, (CONNECTIVES[operation], None)), True
    if a_truth or b_truth or (_is_constant(a) and _is_constant(b)):
        raise _NoSteps
    if operation in COMPARISONS:
        return _apply(COMPARISONS[operation], _within(a, b), b), True
    if operation not in ARITHMETIC or _is_integer(a) or _is_integer(b):
        raise _NoSteps
    if operation in ("Plus", "Minus") and (
        _is_zero(a) or _is_zero(b)
    ):  # Polars adds no zero, which would take the sign of -0
        other = b if _is_zero(a) else a
        return (
            (*other, (machine.NEGATE, None)) if operation == "Minus" and _is_zero(a) else other
        ), False
    if operation == "TrueDivide" and _is_constant(
        b
    ):  # Polars multiplies by the reciprocal, which may differ in the last bit
        with np.errstate(divide="ignore"):
            b = ((machine.CONSTANT, float(1.0 / np.float64(_constant(b)))),)
        return _apply(machine.MULTIPLY, a, b), False
    return _apply(ARITHMETIC[operation], a, b), False


def _apply(operation: int, a: Steps, b: Steps) -> Steps:
    if _is_constant(b):
        return (*a, (operation + machine.WITH_CONSTANT, b[0][1]))
    return (*a, *b, (operation, None))


def _within(a: Steps, b: Steps) -> Steps:
    """Of a rank that is compared with a constant, only the ranks up to it."""
    ((_, rank), *more) = a
    if more or not isinstance(rank, Rank) or rank.share or not _is_constant(b):
        return a
    return ((machine.LOAD, replace(rank, within=_constant(b))),)


def _is_constant(steps: Steps) -> bool:
    return len(steps) == 1 and steps[0][0] == machine.CONSTANT


def _constant(steps: Steps) -> float:
    value = steps[0][1]
    assert isinstance(value, float)
    return value


def _is_zero(steps: Steps) -> bool:
    return _is_constant(steps) and steps[0][1] == 0.0


def _is_integer(steps: Steps) -> bool:
    """Whether it is a column of integers, which know no negative zero: arithmetic on them is left
    to Polars.
    """
    what, column = steps[0]
    if len(steps) > 1 or what != machine.LOAD:
        return False
    return column.counts if isinstance(column, Rank) else dtype_of(str(column)).is_integer()


def _function(function: Any, inputs: list[Any]) -> tuple[Steps, bool]:
    match function:
        case str(name) if name in OF_NUMBERS:
            steps, is_truth = _steps(inputs[0])
            if not (is_truth or _is_constant(steps) or _is_integer(steps)):
                return (*steps, (OF_NUMBERS[name], None)), False
        case {"Boolean": "Not"}:
            steps, is_truth = _steps(inputs[0])
            if is_truth:
                return (*steps, (machine.NOT, None)), True
        case {"Boolean": str(name)} if name in ABOUT_MISSING:
            steps, is_truth = _steps(inputs[0])
            return (*steps, (ABOUT_MISSING[name][is_truth], None)), True
        case {"Boolean": {"IsBetween": {"closed": closed}}}:
            value, low, high = inputs
            (above, _), (below, _) = (
                _binary(o, value, limit)
                for o, limit in zip(BETWEEN[closed], (low, high), strict=True)
            )
            return (*above, *below, (machine.AND, None)), True
    raise _NoSteps


def _deepest(steps: Steps) -> int:
    depth = deepest = 0
    for what, _ in steps:
        depth += 1 if what <= machine.TRUTH else -1 if what <= machine.OR else 0
        deepest = max(deepest, depth)
    return deepest


def _ternary(body: Any) -> tuple[Steps, bool]:
    """Of choices only that of null for NaN: to the machine they are the same."""
    inner = nan_to_null_of({"Ternary": body})
    if inner is None:
        raise _NoSteps
    return _steps(inner)


_KINDS: dict[str, Callable[[Any], tuple[Steps, bool]]] = {
    "Alias": lambda body: _steps(body[0]),
    "Column": _column,
    "Literal": _literal,
    "BinaryExpr": lambda body: _binary(body["op"], body["left"], body["right"]),
    "Function": lambda body: _function(body["function"], body["input"]),
    "Over": lambda body: (((machine.LOAD, _rank(body)),), False),
    "Cast": _as_float,
    "Ternary": _ternary,
}
