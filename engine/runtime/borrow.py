"""Arrays of which a view costs nothing in compiled code.

Why: numba counts the references to an array's memory, atomically, whenever a view of it is made:
some sixty times a symbol and node. A borrowed array has no counter. It must be kept alive by
another name for as long as it is used.
Measured: counting took 8 to 16 % of the processor time of scans of minutes.
No longer needed: when compiled code that cuts views has no call of NRT_incref without it
(tests/runtime/test_borrow.py).
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils
from numba.extending import intrinsic, overload


@intrinsic
def _uncounted(_typing, array):  # type: ignore[no-untyped-def]
    """The array without what counts references to it."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        made = context.make_array(array)(context, builder, value=args[0])
        made.meminfo = cgutils.get_null_value(made.meminfo.type)
        return made._getvalue()

    return array(array), generate


def borrow(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arrays of a tuple, borrowed; as they are where nothing is compiled."""
    return arrays


@overload(borrow)
def _overload_borrow(arrays):  # type: ignore[no-untyped-def]
    if len(arrays) == 0:
        return lambda arrays: ()
    if len(arrays) == 1:
        return lambda arrays: (_uncounted(arrays[0]),)
    return lambda arrays: (_uncounted(arrays[0]), *borrow(arrays[1:]))
