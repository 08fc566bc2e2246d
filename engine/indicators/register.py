"""`@register`: a function becomes an indicator of the catalogue, a built-in's or a user's.

    @register(
        inputs=("close", "volume"),
        params=(Param("period", 10, 1),),
        state_size=lambda period: 2,
        warmup=lambda period: period,
    )
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
    """Compile the decorated function as a kernel, and add it to the catalogue under its own name.

    Keywords are the fields of `Indicator`. Without `settle` it is the window, else the warm-up.
    With `rows="ticks"` the kernel and `state_size` get the number of times of day last. Returns the
    compiled kernel. Raises IndicatorError for a name that is taken, and for unknown rows or inputs.
    """
    if rows not in tuple(RowsOf):
        raise IndicatorError(f"rows = {rows!r}", where="register", expected=" or ".join(RowsOf))
    known = INPUTS if rows == RowsOf.BARS else INPUTS_OF_TICKS
    counts = {"state_size": state_size, "warmup": warmup, "settle": window or settle or warmup}
    given = "window" if window else "settle" if settle else "warmup"
    optional = {"window": window, "session_window": session_window, "known_after": known_after}
    counts |= {name: count for name, count in optional.items() if count is not None}

    def decorate(function: Callable[..., Any]) -> Any:
        name, where = function.__name__, f"indicator {function.__name__}"
        _check(function, inputs, known)
        compiled = kernel(function)
        compiled.over_symbols = _guarded(where, "the kernel", compiled.over_symbols, function)
        row = Indicator(
            name=name,
            group=group or CATALOGUE.group_of(function.__module__),
            inputs=inputs,
            params=params,
            outputs=outputs,
            kernel=compiled,
            rows=RowsOf(rows),
            of_session=of_session,
            **{
                # Without a `settle` of its own an error is one of the function in its place.
                what: _whole_number(where, f"{given if what == 'settle' else what}()", count)
                for what, count in counts.items()
            },
        )
        CATALOGUE.add(row)
        return compiled

    return decorate


def _check(function: Callable[..., Any], inputs: tuple[str, ...], known: frozenset[str]) -> None:
    """Refuse unknown inputs, and the name of an indicator of another module."""
    name, module = function.__name__, function.__module__
    unknown = [one for one in inputs if one not in known]
    if unknown:
        raise IndicatorError(
            f"unknown input {unknown[0]!r}",
            where=f"indicator {name}",
            expected=", ".join(sorted(known)),
        )
    if CATALOGUE.module_of(name) not in (None, module):
        raise IndicatorError(
            f"the name {name!r} is taken", where=module, fix="name the function otherwise"
        )


def _guarded(where: str, what: str, call: Callable[..., Any], code: Any) -> Callable[..., Any]:
    """Call the user's code; an exception of it becomes one IndicatorError."""

    @functools.wraps(code)
    def guarded(*arguments: Any) -> Any:
        with plug_in_code(what, where, IndicatorError, code):
            return call(*arguments)

    return guarded


def _whole_number(where: str, what: str, function: Callable[..., int]) -> Callable[..., int]:
    """A function of the parameters whose result must be a whole number of 0 or more."""
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
