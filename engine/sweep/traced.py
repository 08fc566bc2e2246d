"""Numbers that know which swept parameter they are, and note what a scanner does with them.

A scanner is built with such numbers to see how its declarations depend on its parameters. Where a
number only ever ends up as a literal of an expression, alone or after arithmetic with plain
numbers, that literal is a function of this one parameter. All else is noted: asked whether it is
true or how it compares, turned into text, used as a key, mixed with another parameter.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any


class Notes:
    """What was done with parameters but to put them into expressions.

    used  names of parameters on which the scanner's own code may depend
    """

    def __init__(self) -> None:
        self.used: set[str] = set()


class Traced:
    """A number, the names of the parameters it is made of, and where uses are noted."""

    _names: frozenset[str]
    _notes: Notes


class TracedFloat(float, Traced):
    """A float."""


class TracedInt(int, Traced):
    """An int."""


def traced(value: float, names: frozenset[str], notes: Notes) -> Any:
    """A number as one that is traced."""
    made: Any = TracedInt(value) if isinstance(value, int) else TracedFloat(value)
    made._names, made._notes = names, notes
    return made


def names_of(value: Any) -> frozenset[str]:
    """The parameters that a value is made of."""
    return value._names if isinstance(value, Traced) else frozenset()


def plain(value: Any) -> Any:
    """A value as a plain number."""
    if isinstance(value, TracedFloat):
        return float.__pos__(value)
    return int.__pos__(value) if isinstance(value, TracedInt) else value


def _arithmetic(name: str, reflected: bool) -> Callable[[Any, Any], Any]:
    compute = getattr(operator, name)

    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, int | float):
            return NotImplemented
        both = names_of(self) | names_of(other)
        if len(both) > 1:
            self._notes.used |= both
        a, b = plain(self), plain(other)
        found = compute(b, a) if reflected else compute(a, b)
        return traced(found, both, self._notes) if isinstance(found, int | float) else found

    return method


def _alone(name: str) -> Callable[[Any], Any]:
    compute = getattr(operator, name)
    return lambda self: traced(compute(plain(self)), self._names, self._notes)


def _noted(kind: type, name: str) -> Callable[..., Any]:
    inner = getattr(kind, name)

    def method(self: Any, *arguments: Any) -> Any:
        self._notes.used |= self._names
        for argument in arguments:
            self._notes.used |= names_of(argument)
        return inner(self, *arguments)

    return method


def _compared(kind: type, name: str) -> Callable[[Any, Any], Any]:
    inner = getattr(kind, name)

    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, int | float):  # an expression, which compares by itself
            return inner(self, other)
        self._notes.used |= self._names | names_of(other)
        return inner(self, other)

    return method


def _itself(self: Any, *_: Any) -> Any:
    return self


ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
COMPARED = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
NOTED = (
    "__bool__ __hash__ __int__ __float__ __str__ __repr__ __format__ __round__"
    " __trunc__ __floor__ __ceil__ __index__ __divmod__ __rdivmod__ is_integer as_integer_ratio hex"
    " __and__ __or__ __xor__ __invert__ bit_length to_bytes"
).split()

for _kind, _base in ((TracedFloat, float), (TracedInt, int)):
    for _name in ARITHMETIC:
        setattr(_kind, f"__{_name}__", _arithmetic(_name, False))
        setattr(_kind, f"__r{_name}__", _arithmetic(_name, True))
    for _name in ("neg", "pos", "abs"):
        setattr(_kind, f"__{_name}__", _alone(_name))
    for _name in COMPARED:
        setattr(_kind, _name, _compared(_base, _name))
    for _name in ("__copy__", "__deepcopy__"):
        setattr(_kind, _name, _itself)
    for _name in NOTED:
        if hasattr(_base, _name):
            setattr(_kind, _name, _noted(_base, _name))
