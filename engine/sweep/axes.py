"""Axes of a sweep: a parameter's name and the values that it takes, of texts such as
0.01:0.10:0.005 or 50,60,70.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.errors import ConfigError

MOST_VALUES = 1_000_000  # of one axis
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
FORM = "NAME=FIRST:LAST:STEP, NAME=VALUE,VALUE,... or, to draw from, NAME=LOW:HIGH"


@dataclass(frozen=True)
class Axis:
    """A swept parameter.

    values  what it takes, as JSON has values: numbers, texts, true, false, null, lists, objects
    span    lowest and highest value of a continuous axis, from which values are drawn; it has no
            `values` until then
    """

    name: str
    values: tuple[Any, ...] = ()
    span: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def text(self, place: int) -> str:
        """A value as it stands in an expression: a negative number in parentheses."""
        return text_of(self.values[place])


def text_of(value: Any) -> str:
    """A value as it stands in an expression; the text of a float reads back as the same float."""
    if isinstance(value, str):
        return value
    text = json.dumps(value)
    negative = isinstance(value, int | float) and not isinstance(value, bool) and value < 0
    return f"({text})" if negative else text


def axes_of(grid: Mapping[str, Any] | Iterable[str], spell: Any = str) -> tuple[Axis, ...]:
    """The axes of NAME=VALUES texts, or of name -> values: a text of the same form, or a sequence
    of values.

    Raises ConfigError where a name is there twice, a text is no axis, or a value is there twice.
    """
    option = spell("grid")
    pairs = (
        list(grid.items()) if isinstance(grid, Mapping) else [_pair(text, option) for text in grid]
    )
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"{option} {name} is given twice",
                expected="each parameter once, with all its values",
            )
    return tuple(_axis(name, values, option) for name, values in pairs)


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, values = text.partition("=")
    if not equals or not name.strip() or not values.strip():
        raise ConfigError(f"{option} {text}", expected=FORM)
    return name.strip(), values


def _axis(name: str, values: Any, option: str) -> Axis:
    where = f"{option} {name}"
    if isinstance(values, str):
        return _of_text(name, values.strip(), where)
    if not isinstance(values, Sequence) and hasattr(values, "tolist"):  # an array, a column
        values = values.tolist()
    if not isinstance(values, Iterable) or isinstance(values, Mapping):
        raise ConfigError(f"{values!r}", where=where, expected="a sequence of values, or a text")
    return _of_values(name, [_plain(value, where) for value in values], where)


def _of_text(name: str, text: str, where: str) -> Axis:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) in (2, 3) and all(NUMBER.fullmatch(part) for part in parts):
        if len(parts) == 2:
            low, high = map(float, parts)
            if not low < high:
                raise ConfigError(
                    f"{text}: {low:g} is not below {high:g}", where=where, expected=FORM
                )
            return Axis(name, span=(low, high))
        return _of_values(name, _steps(parts[0], parts[1], parts[2], text, where), where)
    return _of_values(name, [_value(part) for part in _split(text)], where)


def _split(text: str) -> list[str]:
    """Values at commas; a JSON list or object is one value, in which commas are its own."""
    found, depth, quoted, start = [], 0, False, 0
    for place, sign in enumerate(text):
        quoted ^= sign == '"'
        depth += 0 if quoted else (sign in "[{") - (sign in "]}")
        if sign == "," and not depth and not quoted:
            found.append(text[start:place].strip())
            start = place + 1
    return [*found, text[start:].strip()]


def _steps(first: str, last: str, step: str, text: str, where: str) -> list[Any]:
    """Values from first to last, both included where steps lead there: exact decimals, no sums of
    floats.
    """
    try:
        low, high, by = Decimal(first), Decimal(last), Decimal(step)
    except InvalidOperation:
        raise ConfigError(text, where=where, expected=FORM) from None
    if by == 0 or (high - low) / by < 0:
        raise ConfigError(
            f"{text}: steps of {step} do not lead from {first} to {last}",
            where=where,
            expected=FORM,
        )
    count = int((high - low) / by) + 1
    if count > MOST_VALUES:
        raise ConfigError(
            f"{text}: {count:,} values", where=where, expected=f"{MOST_VALUES:,} at most"
        )
    whole = all(re.fullmatch(r"[+-]?\d+", part) for part in (first, last, step))
    values = [low + by * number for number in range(count)]
    return [int(value) if whole else float(value) for value in values]


def _value(text: str) -> Any:
    """A JSON value, or a text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return float(text) if NUMBER.fullmatch(text) else text


def _plain(value: Any, where: str) -> Any:
    """A value of Python or numpy as JSON has it."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{value}", where=where, expected="finite numbers")
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        raise ConfigError(
            f"{value!r}",
            where=where,
            expected="values that a config can hold: numbers, texts, lists",
        ) from None


def _of_values(name: str, values: Sequence[Any], where: str) -> Axis:
    if not values:
        raise ConfigError("no value", where=where, expected=FORM)
    if len(values) > MOST_VALUES:
        raise ConfigError(
            f"{len(values):,} values", where=where, expected=f"{MOST_VALUES:,} at most"
        )
    keys = [json.dumps(value, sort_keys=True) for value in values]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ConfigError(f"{twice} is there twice", where=where, expected="each value once")
    return Axis(name, tuple(values))
