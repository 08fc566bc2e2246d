"""a * b + c, rounded once."""

import math
from fractions import Fraction
from typing import Any

from numba.core import types
from numba.extending import intrinsic

from engine.runtime.jit import COMPILED


@intrinsic
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c as IEEE 754 defines it: the same bits on every machine, and half the wait of a
    product and a sum.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


def _exactly(a: float, b: float, c: float) -> float:
    """The same where nothing is compiled (NUMBA_DISABLE_JIT=1)."""
    if not math.isfinite(a * b + c) or a * b + c == 0.0:
        return a * b + c
    return float(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)))


if not COMPILED:
    fma = _exactly  # type: ignore[assignment]
