"""What the catalogue says of an indicator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Param:
    """A parameter: an int or a float, as its default is, between bounds that are allowed themselves."""

    name: str
    default: int | float
    minimum: int | float
    maximum: int | float = 10_000

    @property
    def kind(self) -> type:
        """int or float."""
        return type(self.default)


@dataclass(frozen=True)
class Indicator:
    """A catalogue row.

    inputs          columns it reads: open, high, low, close, volume; session (its ordinal), regular (1 in regular
                    hours), minute (of the bar's start, from the session's open on), benchmark (the latest close of the
                    run's benchmark symbol); for rows="ticks": session_volume, slot, session
    outputs         names of what it makes; a single one is the indicator's own column
    state_size      params -> length of the state vector (rows="ticks": params and the number of slots)
    warmup          params -> rows up to and including the first value
    settle          params -> rows after which what was before weighs less than 1e-9
    window          params -> rows of which a value is an exact function, to the last bit; 0 where it depends on all before
    session_window  params -> earlier sessions it looks at by definition
    known_after     params -> minutes after the session's open from which it has a value
    rows            "bars", or "ticks" for what has a value at every scheduled tick
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
    rows: str = "bars"
    of_session: bool = False

    @classmethod
    def of(
        cls, module: ModuleType, group: str, inputs: tuple[str, ...], params: tuple[Param, ...] = (),
        outputs: tuple[str, ...] = ("value",), name: str | None = None, rows: str = "bars", of_session: bool = False,
    ) -> Indicator:  # fmt: skip
        """A row from a kernel's module, which holds a kernel of its own name and what there is to know beside it."""
        own, window = module.__name__.rpartition(".")[2], getattr(module, "window", None)
        return cls(
            name or own, group, inputs, params, outputs, getattr(module, own), module.state_size, module.warmup,
            window or module.settle, getattr(module, "session_window", _none), getattr(module, "known_after", _none),
            window or _none, rows, of_session,
        )  # fmt: skip

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
