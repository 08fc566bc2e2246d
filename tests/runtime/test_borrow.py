"""The loop over symbols counts references to the arrays that it cuts, and none to those that it has borrowed."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from numba.extending import overload

from engine.compute.kernel import _no_workspace, _over_symbols
from engine.runtime.bind import bind
from engine.runtime.borrow import borrow
from engine.runtime.jit import COMPILED


@numba.njit
def last(values, state, out):  # type: ignore[no-untyped-def]
    for row in range(len(values)):
        out[row] = state[0]
        state[0] = values[row]


def counted(arrays: Any) -> Any:
    """Instead of `borrow`: the arrays as they are."""
    return arrays


@overload(counted)
def _overload_counted(arrays):  # type: ignore[no-untyped-def]
    return lambda arrays: arrays


def references_counted(borrowing: Any) -> int:
    """How often the compiled loop counts one."""
    loop = numba.njit(
        bind(_over_symbols, last, _kernel=last, _new_work=_no_workspace, borrow=borrowing)
    )
    starts, ends, rows, out = np.array([0]), np.array([3]), np.array([[2]]), np.zeros((1, 1))
    loop(
        0,
        1,
        starts,
        ends,
        (np.array([1.0, 2.0, 3.0]),),
        (),
        np.zeros((1, 1)),
        rows,
        (np.zeros(3),),
        np.zeros((1, 1)),
        (out,),
    )
    assert out[0, 0] == 2.0
    (code,) = loop.inspect_llvm().values()
    return int(code.count("call void @NRT_incref("))


@pytest.mark.skipif(not COMPILED, reason="there is no compiled code")
def test_references_to_borrowed_arrays_are_not_counted() -> None:
    """When the first are none, nothing needs to be borrowed."""
    assert references_counted(counted) > references_counted(borrow) == 0
