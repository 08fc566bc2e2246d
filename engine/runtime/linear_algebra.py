"""numba is loaded without scipy.linalg.

Why: what numba knows of arrays (`numba.np.arraymath`), which it loads before the first kernel runs,
tries `import scipy.linalg` to learn whether there is a BLAS. That import takes longer than the rest
of numba, and no kernel needs it.
Measured: `python -X importtime` over a first kernel, scipy 1.16: 0.2 s of 0.5 s.
No longer needed: when a first kernel without this module leaves scipy.linalg out of `sys.modules`
(tests/runtime/test_linear_algebra.py).
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

LINEAR_ALGEBRA = "scipy.linalg"


def load_array_functions() -> None:
    """Import `numba.np.arraymath` while scipy.linalg cannot be imported.

    Who compiles linear algebra still gets it.
    """
    if LINEAR_ALGEBRA in sys.modules:
        return
    sys.modules[LINEAR_ALGEBRA] = None  # type: ignore[assignment]  # it cannot be imported
    try:
        arraymath: Any = importlib.import_module("numba.np.arraymath")
    finally:
        del sys.modules[LINEAR_ALGEBRA]
    arraymath._HAVE_BLAS = importlib.util.find_spec("scipy") is not None
