"""What the catalogue says of an indicator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class Param:
    """A parameter: an int or a float, as its default is, between bounds that are allowed
    themselves.
    """

    name: str
    default: int | float
    minimum: int | float
    maximum: int | float = 10_000

    @property
    def kind(self) -> type:
        """int or float."""
        return type(self.default)


class RowsOf(StrEnum):
    """The rows that a kernel walks: bars, or one row a scheduled tick."""

    BARS = "bars"
    TICKS = "ticks"


def _none(*params: float) -> int:
    return 0


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """What the catalogue says of an indicator. Counts are functions of its parameters.

    name            of the indicator, its kernel and its file
    group           a built-in's folder, or "own"
    inputs          columns that the kernel reads: open, high, low, close, volume; session (its
                    ordinal), regular (1 in regular hours), minute (of the bar's start, from the
                    session's open), benchmark (the latest close of the run's benchmark symbol);
                    with rows="ticks": session_volume, slot, session
    params          parameters of the kernel, after the inputs
    outputs         names of the kernel's outputs; the column of a single one has the key's name
    kernel          compiled: kernel(*inputs, *params, state, *outputs)
    state_size      length of the float64 state vector, all zeros before the first row (with
                    rows="ticks" a function of the parameters and the number of slots)
    warmup          rows up to and including the first value
    settle          rows after which what was before weighs less than 1e-9
    session_window  earlier sessions that it reads by definition
    known_after     minutes after the session's open from which it has a value
    window          rows of which a value is an exact function, to the last bit, so that it can be
                    computed for the symbols alone that are read; 0 where all earlier rows count
    rows            what the kernel walks
    of_session      whether it has no value before the session's first bar
    """

    name: str
    group: str
    inputs: tuple[str, ...]
    params: tuple[Param, ...]
    outputs: tuple[str, ...]
    kernel: Any
    state_size: Callable[..., int]
    warmup: Callable[..., int]
    settle: Callable[..., int]
    session_window: Callable[..., int] = _none
    known_after: Callable[..., int] = _none
    window: Callable[..., int] = _none
    rows: RowsOf = RowsOf.BARS
    of_session: bool = False

    @property
    def doc(self) -> str:
        """Formula, source and odd answers: the kernel's docstring."""
        return self.kernel.py_func.__doc__ or ""

    @property
    def defaults(self) -> tuple[int | float, ...]:
        """The parameters' defaults."""
        return tuple(param.default for param in self.params)
