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
    """What an indicator walks: bars, or one row a scheduled tick, for what has a value at every
    tick.
    """

    BARS = "bars"
    TICKS = "ticks"


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """A catalogue row.

    inputs          columns it reads: open, high, low, close, volume; session (its ordinal), regular
                    (1 in regular hours), minute (of the bar's start, from the session's open on),
                    benchmark (the latest close of the run's benchmark symbol); for rows="ticks":
                    session_volume, slot, session
    outputs         names of what it makes; a single one is the indicator's own column
    state_size      params -> length of the state vector (rows="ticks": params and the number of
                    slots)
    warmup          params -> rows up to and including the first value
    settle          params -> rows after which what was before weighs less than 1e-9
    window          params -> rows of which a value is an exact function, to the last bit; 0 where
                    it depends on all before
    session_window  params -> earlier sessions it looks at by definition
    known_after     params -> minutes after the session's open from which it has a value
    rows            what it walks
    of_session      its value is the session's own: none before the session's first bar
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
    session_window: Callable[..., int]
    known_after: Callable[..., int]
    window: Callable[..., int]
    rows: RowsOf = RowsOf.BARS
    of_session: bool = False

    @classmethod
    def made(
        cls,
        name: str,
        group: str,
        kernel: Any,
        *,
        inputs: tuple[str, ...],
        params: tuple[Param, ...],
        outputs: tuple[str, ...],
        state_size: Callable[..., int],
        warmup: Callable[..., int],
        settle: Callable[..., int] | None = None,
        window: Callable[..., int] | None = None,
        session_window: Callable[..., int] | None = None,
        known_after: Callable[..., int] | None = None,
        rows: RowsOf = RowsOf.BARS,
        of_session: bool = False,
    ) -> Indicator:
        """A row of the catalogue, a built-in's or a user's. Without `settle` it settles within its
        window, else its warm-up.
        """
        return cls(
            name=name,
            group=group,
            inputs=inputs,
            params=params,
            outputs=outputs,
            kernel=kernel,
            state_size=state_size,
            warmup=warmup,
            settle=window or settle or warmup,
            session_window=session_window or _none,
            known_after=known_after or _none,
            window=window or _none,
            rows=RowsOf(rows),
            of_session=of_session,
        )

    @property
    def doc(self) -> str:
        """Formula, source and odd answers: the kernel's docstring."""
        return self.kernel.py_func.__doc__ or ""

    @property
    def defaults(self) -> tuple[int | float, ...]:
        """The parameters' defaults."""
        return tuple(param.default for param in self.params)


def _none(*params: float) -> int:
    return 0
