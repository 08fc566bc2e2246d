"""Modules of plug-ins are imported anew.

Why: an audit replays a run several times in one process. What one replay leaves in a plug-in's
module (a cache, a counter, the newest bar it saw) would be a memory of the future to the next.
Modules of barsweep and of installed packages stay: they are large, and nobody's memory of bars.
The test: a module that remembers the newest bar it ever saw is told apart from one that looks ahead
(tests/audit/test_look_ahead.py, `ModuleMemory`).
"""

from __future__ import annotations

import ast
import importlib.util
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

OWN_PACKAGES = ("scanners", "engine")
PYTHONS = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
INSTALLED = [
    Path(folder).resolve()
    for folder in (*PYTHONS, *site.getsitepackages(), site.getusersitepackages())
]


def forget_modules(names: Iterable[str]) -> None:
    """Have modules, and those of the user that they import, imported anew.

    Packages of OWN_PACKAGES stay.
    """
    left, found = set(names), set[str]()
    while left:
        name = left.pop()
        module = sys.modules.get(name)
        top = name.partition(".")[0]
        if module is not None and name not in found and top not in OWN_PACKAGES:
            found.add(name)
            left |= {
                one
                for one in _imports(module)
                if one.partition(".")[0] == top or _is_the_users(one)
            }
    for name in [
        name
        for name in sys.modules
        if any(name == one or name.startswith(f"{one}.") for one in found)
    ]:
        package, _, leaf = name.rpartition(".")
        if package in sys.modules:  # where `from package import leaf` looks first
            vars(sys.modules[package]).pop(leaf, None)
        del sys.modules[name]


def _imports(module: ModuleType) -> Iterator[str]:
    """The modules that a module's source says it imports."""
    try:
        tree = ast.parse(Path(module.__file__ or "").read_bytes())
    except (OSError, ValueError, SyntaxError):  # not made of source
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = importlib.util.resolve_name(
                "." * node.level + (node.module or ""), module.__package__
            )
            inside = [f"{package}.{alias.name}" for alias in node.names]
            yield from (name if name in sys.modules else package for name in inside)


def _is_the_users(name: str) -> bool:
    """Whether a module is neither Python's nor of an installed package."""
    source = getattr(sys.modules.get(name), "__file__", None)
    return source is not None and not any(map(Path(source).resolve().is_relative_to, INSTALLED))
