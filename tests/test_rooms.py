"""The table of rooms in ARCHITECTURE.md, held against the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data import PROJECT

# In the order data passes through them: a room imports rooms before it and itself; `cli` and `bench` ask
# `api`.
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
    "runtime",
    "compute",
    "statistics",
    "panel",
    "indicators",
    "features",
    "scan",
    "session",
    "trading",
    "audit",
    "analysis",
    "runs",
    "report",
    "sweep",
    "optimize",
    "api",
]
# The folders of engine/archive/, in the same sense; "" are the files beside them.
ARCHIVE_FOLDERS = ["disk", "vendor_files", "", "reference", "quality", "ingest"]
# All that commands know of the project: the door, what is said in errors, logs and progress and as text, and what is done to their process.
FOR_COMMANDS = {"api", "errors", "log", "progress", "runtime", "text", "cli", "__version__"}
# What benches run goes through the door; what they measure from outside, and peers read, they may name.
NOT_FOR_BENCHES = {
    "cli",
    "config",
    "session",
    "scan",
    "trading",
    "audit",
    "runs",
    "analysis",
    "report",
}
MEASURED_FROM_OUTSIDE = {
    "bench/phases.py": NOT_FOR_BENCHES,
    "bench/fresh.py": {"runs"},
}  # its clocks; peak memory
OPENED = {"main.py": {"open"}}  # the null device, for a pipe that is closed
FORBIDDEN_CALLS = {
    "tempfile",
    "read_parquet",
    "scan_parquet",
    "read_csv",
    "read_ipc",
    "SessionConfig",
    "LoadedConfig",
}
KERNEL_LIBRARIES = {
    "fractions",
    "functools",
    "numba",
    "numpy",
    "math",
    "types",
    "typing",
    "collections",
    "inspect",
    "__future__",
}
# What is done to a process: other rooms ask engine/runtime/ to do it.
PROCESS_CALLS = {
    "os": {"_exit", "chdir", "dup", "dup2", "fork", "sched_getaffinity", "cpu_count", "putenv"},
    "signal": {"signal", "setitimer", "alarm", "pthread_sigmask", "set_wakeup_fd"},
    "sys": {"addaudithook", "setswitchinterval", "setrecursionlimit", "settrace", "setprofile"},
    "gc": {"collect", "disable", "enable", "freeze"},
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
        allowed = (
            ("scanners.base", "scanners.criteria_scanner")
            if path.name != "base.py"
            else ("engine.scan", "engine.indicators")
        )
        project = [n for n in names if n.split(".")[0] in ("engine", "scanners")]
        assert all(n.startswith(allowed) for n in project)
        return
    own = room(path)
    assert not any(n.split(".")[0] == "scanners" for n in names), (
        "the engine imports no plug-in by name"
    )
    if own == "strategies" and path.name not in ("base.py", "__init__.py"):
        assert all(
            n.startswith("engine.strategies.base") for n in names if n.split(".")[0] == "engine"
        )
    if own == "cli":
        assert {room for room in rooms(path) if room not in FOR_COMMANDS} == set()
    if own in ("cli", "__init__", "strategies"):
        return
    for name in names:
        parts = name.split(".")
        if parts[0] == "engine" and len(parts) > 1 and parts[1] != "__version__":
            other = parts[1]
            assert ROOMS.index(other) <= ROOMS.index(own), f"{own} imports {other}"


def archive_folder(module: str) -> str:
    """The folder of engine/archive/ that a module of it lies in."""
    folder = module.split(".")[2] if module.count(".") > 1 else ""
    return folder if folder in ARCHIVE_FOLDERS else ""


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "engine/archive").rglob("*.py")), ids=lambda p: p.name
)
def test_a_folder_of_the_archive_imports_only_folders_above_it(path: Path) -> None:
    own = archive_folder(".".join(path.relative_to(PROJECT).with_suffix("").parts))
    for name in imports(path):
        if name.startswith("engine.archive.") and name != f"engine.archive.{own}":
            other = archive_folder(name)
            assert ARCHIVE_FOLDERS.index(other) <= ARCHIVE_FOLDERS.index(own), name


def rooms(path: Path) -> set[str]:
    """The rooms of the engine that a file imports."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("engine.")}


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "bench").rglob("*.py")), ids=lambda p: str(p.relative_to(PROJECT))
)
def test_benches_run_what_they_measure_through_the_front_door(path: Path) -> None:
    exempt = MEASURED_FROM_OUTSIDE.get(str(path.relative_to(PROJECT)), set())
    assert rooms(path) & NOT_FOR_BENCHES - exempt == set()


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "engine/cli").glob("*.py")), ids=lambda p: p.name
)
def test_no_command_builds_a_config_or_reads_a_file(path: Path) -> None:
    """A command parses options, calls the door, prints."""
    names = {
        node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)
    }
    attributes = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert (names | attributes | set(imports(path))) & (
        FORBIDDEN_CALLS | {"open", "read_text", "read_bytes"}
    ) <= OPENED.get(path.name, set())


def test_the_door_itself_costs_nothing() -> None:
    """`import barsweep` imports nothing heavy; so it takes no time, however slow the machine."""
    code = (
        "import sys, barsweep; print([m for m in ('polars', 'numba', 'numpy', 'pydantic', 'pyarrow') if m in sys.modules],"
        " set(barsweep.__all__) <= set(dir(barsweep)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert done.stdout == "[] True\n"


COMPILED = [
    *(PROJECT / "engine/compute").rglob("*.py"),
    *(PROJECT / "engine/indicators").glob("*/*.py"),
    *(PROJECT / "engine/trading/broker").glob("*.py"),
]


@pytest.mark.parametrize("path", sorted(COMPILED), ids=lambda p: str(p.relative_to(PROJECT)))
def test_kernels_know_arrays_only(path: Path) -> None:
    """An indicator's file names, beside arrays, `@register` alone."""
    own = {"indicators": "engine.indicators.register", "trading": "engine.trading.broker"}
    for name in imports(path):
        assert name.split(".")[0] in KERNEL_LIBRARIES or name.startswith(
            ("engine.compute", "engine.runtime", own.get(room(path), "engine.compute"))
        )


def test_only_the_command_line_prints() -> None:
    for path in FILES:
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        prints = any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)
        assert not prints, path


def test_every_file_says_what_it_is_for() -> None:
    assert [p for p in FILES if not ast.get_docstring(ast.parse(p.read_text()))] == []


def test_the_architecture_names_every_room() -> None:
    text = (PROJECT / "ARCHITECTURE.md").read_text()
    there = {
        p.name
        for p in (PROJECT / "engine").iterdir()
        if p.is_dir() and (p / "__init__.py").exists()
    }
    assert all(f"engine/{name}/" in text for name in there)


def process_calls(path: Path) -> set[str]:
    """What a file does to its process: calls, and writes into `os.environ` and `sys.modules`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            module, _, name = ast.unparse(node.func).partition(".")
            found |= {f"{module}.{name}"} if name in PROCESS_CALLS.get(module, ()) else set()
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            written = ast.unparse(target) if isinstance(target, ast.expr) else ""
            found |= {name for name in ("os.environ", "sys.modules") if written.startswith(name)}
    return found


def test_only_the_runtime_room_changes_the_process() -> None:
    """The console script closes a pipe that nobody reads; the archive, which stands before the room, counts cores."""
    elsewhere = [p for p in FILES if p.parent != PROJECT / "engine/runtime"]
    found = {str(p.relative_to(PROJECT)): process_calls(p) for p in elsewhere if process_calls(p)}
    assert found == {
        "engine/cli/main.py": {"os.dup2"},
        "engine/archive/ingest/read_source.py": {"os.cpu_count"},
    }


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "engine/runtime").glob("[a-z]*.py")), ids=lambda p: p.name
)
def test_a_trick_says_why_and_which_test_tells_when_it_is_not_needed(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    tests = [word.strip("().,;") for word in text.split() if word.lstrip("(").startswith("tests/")]
    assert "Why" in text and ("No longer needed: " in text or "The test: " in text)
    assert tests and all((PROJECT / one).is_file() for one in tests)
