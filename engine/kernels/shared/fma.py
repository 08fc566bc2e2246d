"""a * b + c, rounded once."""

from typing import Any

from numba.core import types
from numba.extending import intrinsic


@intrinsic
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c as IEEE 754 defines it: the same bits on every machine, and half the wait of a product and a sum."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate
