"""Environment variables and arguments of the command line that are read are noticed.

Why: nothing tells of a look into a dictionary. `os.environ` is an object of a class written in
Python, of which a subclass can tell; `sys.argv` is a list, which a list that tells can stand for.
The test: tests/runtime/test_read_settings.py.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Told = Callable[[str, object], object]


@contextmanager
def watched_settings(tell: Told) -> Iterator[None]:
    """Call tell("environment", name) and tell("argv", None) for each look meanwhile.

    Every name is "*".
    """
    environment: Any = os.environ
    usual, argv = environment.__class__, sys.argv

    class Environment(usual):  # type: ignore[misc,valid-type]
        def __getitem__(self, key: Any) -> Any:
            tell("environment", key)
            return super().__getitem__(key)

        def __iter__(self) -> Any:
            tell("environment", "*")
            return super().__iter__()

    class Arguments(list[str]):
        def __getitem__(self, at: Any) -> Any:
            tell("argv", None)
            return super().__getitem__(at)

        def __iter__(self) -> Any:
            tell("argv", None)
            return super().__iter__()

        def __contains__(self, one: object) -> bool:
            tell("argv", None)
            return super().__contains__(one)

        def __len__(self) -> int:
            tell("argv", None)
            return super().__len__()

    environment.__class__, sys.argv = Environment, Arguments(argv)
    try:
        yield
    finally:
        environment.__class__, sys.argv = usual, argv
