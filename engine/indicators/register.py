"""A user's own indicator: a kernel in their module, one decorator, and it is a full citizen.

    @register(inputs=("close", "volume"), params=(Param("period", 10, 1),), state_size=lambda
    period: 2,
              warmup=lambda period: period)
    def my_average(close, volume, period, state, out):
        ...

From then on `my_average_10_5m` is a key like any other: in expressions and configs, warm, carried
from session to session.
"""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable
from typing import Any

from engine.compute.kernel import kernel
from engine.errors import IndicatorError
from engine.indicators.catalogue import CATALOGUE
from engine.indicators.indicator import Indicator, Param, RowsOf
from engine.plug_ins import plug_in_code

__all__ = ["Param", "register"]

INPUTS = frozenset(
    {
        "open",
        "high",
        "low",
        "close",
        "volume",
        "vwap",
        "trade_count",
        "session",
        "regular",
        "minute",
        "benchmark",
    }
)
INPUTS_OF_TICKS = frozenset({"session_volume", "slot", "session"})


def register(
    *,
    inputs: tuple[str, ...],
    state_size: Callable[..., int],
    warmup: Callable[..., int],
    settle: Callable[..., int] | None = None,
    window: Callable[..., int] | None = None,
    session_window: Callable[..., int] | None = None,
    known_after: Callable[..., int] | None = None,
    params: tuple[Param, ...] = (),
    outputs: tuple[str, ...] = ("value",),
    group: str | None = None,
    rows: str = "bars",
    of_session: bool = False,
) -> Callable[[Callable[..., Any]], Any]:
    """Compile the decorated function as a kernel and put it into the catalogue under its own name.

    state_size  parameters -> length of the float64 state, all zeros before the first row
    warmup      parameters -> rows up to and including the first value
    settle      parameters -> rows after which what was before does not matter; `warmup` where left
                out
    window      parameters -> rows of which a value is an exact function, to the last bit: such an
                indicator is computed for the symbols for which it is read, and needs no `settle`
    session_window  parameters -> earlier sessions that it looks back over by definition
    known_after     parameters -> minutes after the session's open from which it has a value
    rows        "bars", or "ticks" for one row a scheduled tick: inputs are then session_volume,
                slot, session, and the kernel and `state_size` get the number of times of day after
                the parameters
    of_session  the value is the session's own: none before the session's first bar

    The same facts stand beside the built-in kernels. Returns the compiled kernel. Raises
    IndicatorError for a name that is taken, for rows that there are not, and for inputs that these
    do not have.
    """
    if rows not in tuple(RowsOf):
        raise IndicatorError(f"rows = {rows!r}", where="register", expected=" or ".join(RowsOf))
    there = INPUTS if rows == RowsOf.BARS else INPUTS_OF_TICKS
    unknown = [name for name in inputs if name not in there]

    def decorate(function: Callable[..., Any]) -> Any:
        name, module = function.__name__, function.__module__
        if unknown:
            raise IndicatorError(
                f"unknown input {unknown[0]!r}",
                where=f"indicator {name}",
                expected=", ".join(sorted(there)),
            )
        if CATALOGUE.module_of(name) not in (None, module):
            raise IndicatorError(
                f"the name {name!r} is taken",
                where=module,
                fix="name the function otherwise",
            )
        compiled = kernel(function)
        compiled.over_symbols = _guarded(
            f"indicator {name}", "the kernel", compiled.over_symbols, function
        )

        def counted(what: str, count: Callable[..., int] | None) -> Callable[..., int] | None:
            return None if count is None else _whole_number(f"indicator {name}", f"{what}()", count)

        row = Indicator.made(
            name,
            group or CATALOGUE.group_of(module),
            compiled,
            inputs=inputs,
            params=params,
            outputs=outputs,
            state_size=_whole_number(f"indicator {name}", "state_size()", state_size),
            warmup=_whole_number(f"indicator {name}", "warmup()", warmup),
            settle=counted("settle", settle),
            window=counted("window", window),
            session_window=counted("session_window", session_window),
            known_after=counted("known_after", known_after),
            rows=RowsOf(rows),
            of_session=of_session,
        )
        CATALOGUE.add(row)
        return compiled

    return decorate


def _guarded(where: str, what: str, call: Callable[..., Any], code: Any) -> Callable[..., Any]:
    """The user's code, of which an error is one message."""

    @functools.wraps(code)
    def guarded(*arguments: Any) -> Any:
        with plug_in_code(what, where, IndicatorError, code):
            return call(*arguments)

    return guarded


def _whole_number(where: str, what: str, function: Callable[..., int]) -> Callable[..., int]:
    """The user's function of the parameters, of which the result is checked."""
    guarded = _guarded(where, what, function, function)

    def checked(*params: float) -> int:
        found = guarded(*params)
        if not isinstance(found, numbers.Integral) or found < 0:
            raise IndicatorError(
                f"{what} of {params} returned {found!r}",
                where=where,
                expected="a whole number of 0 and more",
            )
        return int(found)

    return checked
