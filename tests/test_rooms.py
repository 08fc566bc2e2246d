"""The table of rooms in ARCHITECTURE.md, held against the imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data import PROJECT

# In the order data passes through them: a room imports rooms before it and itself; `cli` anything.
ROOMS = [
    "errors",
    "schema",
    "progress",
    "text",
    "log",
    "plug_ins",
    "clock",
    "config",
    "archive",
    "kernels",
    "panel",
    "indicators",
    "scan",
    "session",
    "trading",
    "audit",
    "results",
]
KERNEL_LIBRARIES = {
    "fractions",
    "functools",
    "numba",
    "numpy",
    "math",
    "types",
    "typing",
    "collections",
    "hashlib",
    "importlib",
    "inspect",
    "sys",
    "pathlib",
    "__future__",
}
FILES = sorted((PROJECT / "engine").rglob("*.py")) + sorted((PROJECT / "scanners").glob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room(path: Path) -> str:
    parts = path.relative_to(PROJECT / "engine").parts
    return parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PROJECT)))
def test_a_room_imports_only_rooms_above_it(path: Path) -> None:
    names = list(imports(path))
    if path.is_relative_to(PROJECT / "scanners"):
        allowed = ("scanners.base", "scanners.criteria_scanner") if path.name != "base.py" else ("engine.scan", "engine.indicators")
        project = [n for n in names if n.split(".")[0] in ("engine", "scanners")]
        assert all(n.startswith(allowed) for n in project)
        return
    own = room(path)
    assert not any(n.split(".")[0] == "scanners" for n in names), "the engine imports no plug-in by name"
    if own == "strategies" and path.name not in ("base.py", "__init__.py"):
        assert all(n.startswith("engine.strategies.base") for n in names if n.split(".")[0] == "engine")
    if own in ("cli", "__init__", "strategies"):
        return
    for name in names:
        parts = name.split(".")
        if parts[0] == "engine" and len(parts) > 1 and parts[1] != "__version__":
            other = parts[1]
            assert ROOMS.index(other) <= ROOMS.index(own), f"{own} imports {other}"


@pytest.mark.parametrize("path", sorted((PROJECT / "engine/kernels").rglob("*.py")), ids=lambda p: p.name)
def test_kernels_know_arrays_only(path: Path) -> None:
    for name in imports(path):
        assert name.split(".")[0] in KERNEL_LIBRARIES or name.startswith("engine.kernels")


def test_only_the_command_line_prints() -> None:
    for path in FILES:
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        prints = any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)
        assert not prints, path


def test_every_file_says_what_it_is_for() -> None:
    assert [p for p in FILES if not ast.get_docstring(ast.parse(p.read_text()))] == []


def test_the_architecture_names_every_room() -> None:
    text = (PROJECT / "ARCHITECTURE.md").read_text()
    there = {p.name for p in (PROJECT / "engine").iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    assert all(f"engine/{name}/" in text for name in there)
