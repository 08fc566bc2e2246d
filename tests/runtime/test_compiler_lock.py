"""Who is interrupted while numba compiles gives numba's lock back."""

from __future__ import annotations

from typing import Any

import numba
import pytest
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher

from engine.runtime.compiler_lock import _compile, numbas_own
from engine.runtime.jit import COMPILED

pytestmark = pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
LOCK: Any = global_compiler_lock._lock


@numba.njit
def inner(x):  # type: ignore[no-untyped-def]
    return x + 1


def interrupted(compile_: Any, taken: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the lock is still taken after an interruption of numba's n-th taking it; it is given back."""
    acquire, count = type(global_compiler_lock).acquire, [0]

    def acquire_and_be_told(self: Any) -> None:
        acquire(self)
        count[0] += 1
        if count[0] == taken:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Dispatcher, "compile", compile_)
        patch.setattr(type(global_compiler_lock), "acquire", acquire_and_be_told)
        with pytest.raises(KeyboardInterrupt):
            numba.njit(lambda x: inner(x) + 2)(1)
    held: bool = LOCK._is_owned()
    if held:
        LOCK._release_save()
    return held


@pytest.mark.parametrize("taken", [1, 2, 5])
def test_an_interrupted_lock_is_given_back(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """When numba's own gives it back, ours is not needed."""
    assert interrupted(numbas_own, taken, monkeypatch)
    assert not interrupted(_compile, taken, monkeypatch)


def test_what_was_interrupted_is_compiled_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for taken in range(1, 6):
        interrupted(_compile, taken, monkeypatch)
    assert Dispatcher.compile is _compile
    assert numba.njit(lambda x: inner(x) + 3)(1) == 5 and not LOCK._is_owned()
