"""Ctrl-C does not leave numba's compiler lock taken.

Why: numba compiles under one lock, which it takes in methods written in Python. A KeyboardInterrupt
that is raised in them after the lock was taken, and before it is noted who gives it back, leaves it
taken for good. Every other thread that has something to compile then waits for ever, and so does
who waits for that thread.
Measured: a run with nothing compiled before, told by SIGINT after 5 to 8 s, hung for good.
No longer needed: when numba itself gives its lock back (tests/runtime/test_compiler_lock.py).
"""

from __future__ import annotations

from typing import Any

from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher

numbas_own: Any = Dispatcher.compile


def give_back_lock() -> None:
    """Have whatever compiles, and is interrupted, give the lock back.

    It holds it once for each function in the other.
    """
    numbas: Any = Dispatcher
    numbas.compile = _compile


def _compile(dispatcher: Any, signature: Any) -> Any:
    lock: Any = global_compiler_lock._lock
    if lock._is_owned():  # within another function's compilation, which gives it back
        return numbas_own(dispatcher, signature)
    try:
        return numbas_own(dispatcher, signature)
    except BaseException:
        if lock._is_owned():
            lock._release_save()  # however often it was taken
        raise
