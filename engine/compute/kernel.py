"""How a kernel is compiled, and the loops over symbols and rows that every kernel shares.

A kernel is a plain function of one symbol's bars,

    def sma(values, period, state, out): ...
    #       inputs, params, state, outputs

with float64 arrays as inputs, scalar parameters, a float64 state vector that is all zeros before
the first bar and is carried from call to call, and one float64 array an output. A kernel with a
parameter `work` after the state is given scratch memory (shared/scratch.py).

`@kernel` compiles it with the flags of engine/runtime/jit.py, and adds `.over_symbols`: it runs the
kernel symbol by symbol over a session's bars, and writes only the rows that a scan reads. Whole
columns live in a scratch buffer of one symbol's session, which stays in the processor's cache.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import overload

from engine.runtime.bind import bind
from engine.runtime.borrow import borrow
from engine.runtime.jit import njit

WORK_COLUMNS, WORK_PAST = (
    20,
    300,
)  # what kernels take of their scratch memory, past values included; more is allocated
ROWS_A_PIECE = (
    1300  # not a power of two: buffers a multiple of 4096 bytes apart wait for each other
)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel of one symbol, and give it `.over_symbols` and `.over_rows`."""
    compiled = njit(function)
    takes_work = "work" in inspect.signature(function).parameters
    workspace = _workspace if takes_work else _no_workspace
    compiled.over_symbols = njit(
        bind(_over_symbols, compiled, _kernel=compiled, _new_work=workspace)
    )
    compiled.over_rows = njit(bind(_over_rows, compiled, _kernel=compiled, _new_work=workspace))
    return compiled


@njit
def _workspace(rows):  # type: ignore[no-untyped-def]
    return (np.empty(WORK_COLUMNS * (rows + WORK_PAST)),)


@njit
def _no_workspace(rows):  # type: ignore[no-untyped-def]
    return ()


def _clear(work: tuple[Any, ...]) -> None:
    """Give a kernel all of its scratch memory again (see shared/scratch.py)."""
    if work:
        work[0][0] = 1.0


@overload(_clear)
def _overload_clear(work):  # type: ignore[no-untyped-def]
    if len(work) == 0:
        return lambda work: None

    def clear(work):  # type: ignore[no-untyped-def]
        work[0][0] = 1.0

    return clear


def _cut(arrays: tuple[Any, ...], start: int, end: int) -> tuple[Any, ...]:
    return tuple(array[start:end] for array in arrays)


@overload(_cut)
def _overload_cut(arrays, start, end):  # type: ignore[no-untyped-def]
    # tuples have no loop in nopython mode: recurse
    if len(arrays) == 1:
        return lambda arrays, start, end: (arrays[0][start:end],)
    return lambda arrays, start, end: (arrays[0][start:end], *_cut(arrays[1:], start, end))


def _over_rows(inputs, params, state, outs):  # type: ignore[no-untyped-def]
    """Run the kernel over one long series in pieces that fit the processor's cache.

    inputs, outs  tuples of float64 arrays of one length
    params        tuple of scalars
    state         float64 vector, updated
    """
    rows = len(inputs[0])
    work = _new_work(min(rows, ROWS_A_PIECE))  # noqa: F821  bound in kernel()
    for start in range(0, rows, ROWS_A_PIECE):
        end = min(rows, start + ROWS_A_PIECE)
        _clear(work)
        _kernel(*_cut(inputs, start, end), *params, state, *work, *_cut(outs, start, end))  # noqa: F821


def _over_symbols(  # type: ignore[no-untyped-def]
    first, last, starts, ends, inputs, params, states, rows, scratch, carried, outs
):
    """Run the kernel over symbols [first, last) and write its value at each symbol's `rows`.

    starts, ends   int64[symbols]: the symbol's bars are inputs[start:end]
    inputs         tuple of float64 arrays over all bars
    params         tuple of scalars
    states         float64[symbols, state size], updated
    rows           int64[symbols, ticks]: index of the latest visible bar, below start where none is
    scratch        tuple of float64 buffers, one an output, at least as long as the longest slice
    carried        float64[outputs, symbols]: last value of an earlier session, written where no bar
                   is visible; then updated to this session's last value
    outs           tuple of float64[ticks, symbols], one an output
    """
    own_work = _new_work(len(scratch[0]))  # noqa: F821  bound in kernel()
    work = borrow(own_work)
    inputs, scratch, outs = borrow(inputs), borrow(scratch), borrow(outs)
    starts, ends, states, rows, carried = borrow((starts, ends, states, rows, carried))
    for symbol in range(first, last):
        start, end = starts[symbol], ends[symbol]
        values = _cut(scratch, 0, end - start)
        _clear(work)
        _kernel(*_cut(inputs, start, end), *params, states[symbol], *work, *values)  # noqa: F821
        for output in range(len(outs)):
            out, value = outs[output], values[output]
            for tick in range(rows.shape[1]):
                row = rows[symbol, tick]
                out[tick, symbol] = value[row - start] if row >= start else carried[output, symbol]
            if end > start:
                carried[output, symbol] = value[end - start - 1]
    _clear(own_work)  # which is freed where it is named last
