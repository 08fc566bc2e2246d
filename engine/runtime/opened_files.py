"""Files, processes and addresses that are opened are noticed.

Why: Python tells audit hooks (`sys.addaudithook`) of each file that it opens. A hook stays for the
life of the process, so there is one, which passes on what it is told while somebody watches.
Polars, PyArrow and DuckDB open files without Python: their functions that read are given names of
files, so these are wrapped meanwhile.
No longer needed: the wrapping, when a file that Polars reads is told to audit hooks
(tests/runtime/test_opened_files.py).
"""

from __future__ import annotations

import functools
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

EVENTS = {
    "open",
    "os.listdir",
    "os.scandir",
    "glob.glob",
    "sqlite3.connect",
    "socket.connect",
    "subprocess.Popen",
    "os.system",
}
LIBRARIES = {
    "polars": r"(read|scan)_\w+",
    "pyarrow.parquet": r"read_\w+",
    "pyarrow.dataset": r"dataset|parquet_dataset",
    "pyarrow.csv": r"read_csv|open_csv",
    "pyarrow.feather": r"read_\w+",
    "duckdb": r"sql|query|execute|read_\w+|from_(parquet|csv_auto)",
}
Told = Callable[[str, object], object]

_watching: list[Told] = []
_within = threading.local()


@contextmanager
def watched(tell: Told) -> Iterator[None]:
    """Call tell(event, what) for each meanwhile, in the thread that opens: an event's first
    argument, a reader's paths or SQL.
    """
    _install()
    _watching.append(tell)
    wrapped = list(_wrap())
    try:
        yield
    finally:
        for module, name, function in wrapped:
            setattr(module, name, function)
        _watching.remove(tell)


@functools.cache
def _install() -> None:
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in EVENTS:
        _pass_on(event, arguments[1] if event == "socket.connect" else arguments[0])


def _pass_on(event: str, what: object) -> None:
    if getattr(_within, "busy", False):  # who is told looks at files, too
        return
    _within.busy = True
    try:
        for tell in list(_watching):
            tell(event, what)
    finally:
        _within.busy = False


def _wrap() -> Iterator[tuple[Any, str, Any]]:
    for name, readers in LIBRARIES.items():
        module = sys.modules.get(name)
        for attribute in dir(module) if module else ():
            function = getattr(module, attribute)
            if (
                re.fullmatch(readers, attribute)
                and callable(function)
                and not isinstance(function, type)
            ):
                setattr(module, attribute, _telling(function, f"{name}.{attribute}"))
                yield module, attribute, function


def _telling(function: Callable[..., Any], event: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def told(*given: Any, **named: Any) -> Any:
        for what in (*given, *named.values()):
            for one in what if isinstance(what, list | tuple) else (what,):
                if isinstance(one, str | os.PathLike):
                    _pass_on(event, one)
        return function(*given, **named)

    return told
