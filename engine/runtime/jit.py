"""The flags that everything is compiled with, and names under which numba's cache notices a change.

fastmath is off: results must not depend on the machine. `NUMBA_DISABLE_JIT=1` runs kernels as
Python, so that their lines can be measured. Compiled code is cached on disk beside the source.

Why the names: numba's cache compares the time stamp of the file that a function stands in, not of
the files that it calls into. A change of a pass in compute/shared/ would leave every kernel that
inlined it as it was. So a function's cached name carries a digest of the files that kernels share;
in the broker, whose files call each other, of the broker's files.
Measured: a helper's file changed between two processes, and the second still computed with the old
one.
No longer needed: when numba recompiles by itself (tests/runtime/test_jit.py).
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from engine.runtime.compiler_lock import give_back_lock
from engine.runtime.linear_algebra import load_array_functions

load_array_functions()
give_back_lock()

COMPILED: bool = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]
FLAGS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": False}
_HERE = Path(__file__).parent
_ENGINE = _HERE.parent
_EVERYWHERE = [
    *(_HERE / name for name in ("jit.py", "borrow.py", "bind.py")),
    _ENGINE / "compute" / "kernel.py",
]
_FOLDERS = {"shared": _ENGINE / "compute" / "shared", "broker": _ENGINE / "trading" / "broker"}


def njit(function: Callable[..., Any]) -> Any:
    """Compile a helper or a kernel with the project's flags."""
    folder = Path(inspect.getfile(function)).parent.name
    function.__qualname__ = (
        f"{function.__qualname__}_{_digest('broker' if folder == 'broker' else 'shared')}"
    )
    compiled: Any = numba.njit(**FLAGS)(function)
    if not COMPILED:
        compiled.py_func = function
    return compiled


@functools.cache
def _digest(folder: str) -> str:
    files = [*_EVERYWHERE, *sorted(_FOLDERS[folder].glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]
