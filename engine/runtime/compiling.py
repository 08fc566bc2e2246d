"""Who wants to know is told that numba compiles.

Why: a first scan compiles for seconds, and nothing else is to be seen meanwhile. numba has events
for it, and no other sign.
The test: tests/cli/test_scan.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numba.core import event


@contextmanager
def told_of_compiling(tell: Callable[[], object]) -> Iterator[None]:
    """Call `tell` when something is compiled, and not again."""

    class Once(event.Listener):
        told = False

        def on_start(self, _: object) -> None:
            if not self.told:
                tell()
            self.told = True

        def on_end(self, _: object) -> None:
            pass

    with event.install_listener("numba:compile", Once()):
        yield
