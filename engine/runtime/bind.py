"""A loop that is compiled once for each kernel, and cached.

Why: numba caches a function by its file, qualified name and globals, never by an argument that is a
function: in each new process a compiled function given as an argument is another type, so that a
loop over symbols that takes its kernel as an argument would be compiled again. A copy of the loop
that finds its kernel among its globals is cached like any function, and is compiled again when the
kernel's file changes, because the copy says that it stands there. Measured: the loop of `ema` takes
3.7 s to be compiled, 0.4 s to be found, what numba loads included. No longer needed: when a second
process hits the cache of a function that takes a function (tests/runtime/test_bind.py).
"""

from __future__ import annotations

import types
from typing import Any


def bind(template: Any, compiled: Any, **given: Any) -> types.FunctionType:
    """A copy of the function `template` with the name and file of the kernel `compiled`, and
    `given` among its globals.
    """
    source = compiled.py_func
    name = f"{source.__name__}{template.__name__}"
    code = template.__code__.replace(
        co_filename=source.__code__.co_filename, co_name=name, co_qualname=name
    )
    bound = types.FunctionType(code, template.__globals__ | given, name)
    bound.__module__, bound.__qualname__ = source.__module__, name
    return bound
