"""How kernels are compiled: the one file with jit flags, and the loop over symbols that every kernel shares.

A kernel is a plain function of one symbol's bars,

    def sma(values, period, state, out): ...
    #       inputs, params, state, outputs

float64 arrays in, scalar params, a float64 state vector that is all zeros before the first bar and is carried
from call to call, and one float64 array an output. A kernel with a parameter `work` after the state is given scratch
memory (shared/work.py). `@kernel` compiles it and adds `.over_symbols`, which runs it
symbol by symbol over a session's bars and writes only the rows a scan will read: whole columns live in a
scratch buffer the size of one symbol's session, which stays in the processor's cache.

Compiled code is cached on disk beside the kernels. fastmath is off: results must not depend on the machine.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import cgutils
from numba.extending import intrinsic, overload

# numba notices a change of a kernel's own file, not of what the kernel calls. So the functions' cached names carry a digest of
# the files that kernels share; those of the broker, which call each other, one of the broker's files.
_HERE = Path(__file__).parent


@functools.cache
def _digest(folder: str) -> str:
    files = [Path(__file__), *sorted((_HERE / folder).glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]


WORK_COLUMNS, WORK_PAST = 20, 300  # what kernels take of their scratch memory, past values included; more is allocated
LINEAR_ALGEBRA = "scipy.linalg"
ROWS_A_PIECE = 1300  # not a power of two: buffers a multiple of 4096 bytes apart wait for each other


def _load_array_functions() -> None:
    """Have numba load what it knows of arrays, which it does before the first kernel runs, without its look at scipy.linalg:
    importing that takes longer than all the rest, and no kernel needs it. Who compiles linear algebra still gets it.
    """
    if LINEAR_ALGEBRA in sys.modules:
        return
    sys.modules[LINEAR_ALGEBRA] = None  # type: ignore[assignment]  # it cannot be imported
    try:
        arraymath: Any = importlib.import_module("numba.np.arraymath")
    finally:
        del sys.modules[LINEAR_ALGEBRA]
    arraymath._HAVE_BLAS = importlib.util.find_spec("scipy") is not None


_load_array_functions()

# NUMBA_DISABLE_JIT=1: kernels run as Python, so that their lines can be measured.
COMPILED: bool = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]
FLAGS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": False}


def njit(function: Callable[..., Any]) -> Any:
    """Compile a helper or a kernel with the project's flags. Passes that kernels share stand in shared/."""
    folder = Path(inspect.getfile(function)).parent.name
    function.__qualname__ = f"{function.__qualname__}_{_digest('broker' if folder == 'broker' else 'shared')}"
    compiled: Any = numba.njit(**FLAGS)(function)
    if not COMPILED:
        compiled.py_func = function
    return compiled


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a per-symbol kernel and give it `.over_symbols` and `.over_rows` (see `_over_symbols`, `_over_rows`)."""
    compiled = njit(function)
    takes_work = "work" in inspect.signature(function).parameters
    workspace = _workspace if takes_work else _no_workspace
    compiled.over_symbols = njit(_bind(_over_symbols, compiled, workspace))
    compiled.over_rows = njit(_bind(_over_rows, compiled, workspace))
    return compiled


def _bind(template: Any, compiled: Any, workspace: Any) -> types.FunctionType:
    """A copy of `template` that calls `compiled`, with a name and file of its own.

    numba caches by file, qualified name and globals, never by an argument that is a function; a copy bound to
    its kernel through its globals is cached like any other function, and again when the kernel's file changes.
    """
    source = compiled.py_func
    name = f"{source.__name__}{template.__name__}"
    code = template.__code__.replace(co_filename=source.__code__.co_filename, co_name=name, co_qualname=name)
    bound = types.FunctionType(code, {**template.__globals__, "_kernel": compiled, "_new_work": workspace}, name)
    bound.__module__, bound.__qualname__ = source.__module__, name
    return bound


@njit
def _workspace(rows):  # type: ignore[no-untyped-def]
    return (np.empty(WORK_COLUMNS * (rows + WORK_PAST)),)


@njit
def _no_workspace(rows):  # type: ignore[no-untyped-def]
    return ()


def _clear(work: tuple[Any, ...]) -> None:
    """Give a kernel all of its scratch memory again (see shared/work.py)."""
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


@intrinsic
def _uncounted(_typing, array):  # type: ignore[no-untyped-def]
    """The array without what counts references to it. It is kept alive by another name."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        made = context.make_array(array)(context, builder, value=args[0])
        made.meminfo = cgutils.get_null_value(made.meminfo.type)
        return made._getvalue()

    return array(array), generate


def _borrow(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arrays of which a view costs nothing. That of any other is counted, atomically: some sixty times a symbol and term."""
    return arrays


@overload(_borrow)
def _overload_borrow(arrays):  # type: ignore[no-untyped-def]
    if len(arrays) == 0:
        return lambda arrays: ()
    if len(arrays) == 1:
        return lambda arrays: (_uncounted(arrays[0]),)
    return lambda arrays: (_uncounted(arrays[0]), *_borrow(arrays[1:]))


def _over_rows(inputs, params, state, outs):  # type: ignore[no-untyped-def]
    """Run the kernel over one long series, piece by piece, so that what its passes hand to each other stays in the cache.

    inputs, outs  tuples of float64 arrays of one length
    params        tuple of scalars
    state         float64 vector, updated
    """
    rows = len(inputs[0])
    work = _new_work(min(rows, ROWS_A_PIECE))  # noqa: F821  bound in _bind
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
    rows           int64[symbols, ticks]: index of the latest visible bar, below start where there is none yet
    scratch        tuple of float64 buffers, one an output, at least as long as the longest slice
    carried        float64[outputs, symbols]: the last value of an earlier session, read where no bar is visible,
                   then updated to this session's last
    outs           tuple of float64[ticks, symbols], one an output
    """
    own_work = _new_work(len(scratch[0]))  # noqa: F821  bound in _bind
    work = _borrow(own_work)
    inputs, scratch, outs = _borrow(inputs), _borrow(scratch), _borrow(outs)
    starts, ends, states, rows, carried = _borrow((starts, ends, states, rows, carried))
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
