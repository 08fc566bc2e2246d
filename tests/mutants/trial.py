"""One fault at a time is put into a copy of the tree, and the tests that mirror the file are run.

A trial is a process forked after the libraries that take long to import, so that it costs what the
tests cost. The project's own modules are imported in the trial: those of the copy, one of them with
a fault. The work tree is only read.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutants.faults import Fault
from tests.mutants.table import Mirror

MEMORY = 8 * 2**30  # bytes of data that a trial may hold: a fault can fill memory without end
PATIENCE, LEAST_PATIENCE = 5.0, 30.0  # times the tests' own duration, and seconds


@dataclass(frozen=True)
class Outcome:
    """How the tests answered a fault: `told` is how they ended."""

    fault: Fault
    told: str  # noticed, timeout or survived
    seconds: float

    @property
    def noticed(self) -> bool:
        return self.told != "survived"


def copy_tree(root: Path, into: Path) -> Path:
    """The files that git knows of, or would, with what is compiled of them, in a new folder; `../shared` is linked."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    tree = into / "tree"
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, tree / name)
    for kept in root.glob("engine/**/__pycache__/*.nb[ic]"):  # numba's, told by the source's time
        (tree / kept.relative_to(root)).parent.mkdir(exist_ok=True)
        shutil.copy2(kept, tree / kept.relative_to(root))
    if (root.parent / "shared").exists():
        (into / "shared").symlink_to((root.parent / "shared").resolve())
    return tree


def run_trials(
    tree: Path, mirror: Mirror, faults: list[Fault], tell: Callable[[Outcome], None]
) -> None:
    """The faults of one file, one after the other; RuntimeError where the tests fail without any."""
    _in_child(lambda: _prepare_and_try(tree, mirror, faults, tell), None)


def _prepare_and_try(
    tree: Path, mirror: Mirror, faults: list[Fault], tell: Callable[[Outcome], None]
) -> None:
    _import_libraries(tree, mirror.compiled)
    if faults:
        _import_what_does_not_read(tree, faults[0].file)
    log = tree.parent / "trial.log"
    if mirror.compiled:
        _trial(tree, mirror, log, None)  # what is compiled stays compiled
    started = time.monotonic()
    if _trial(tree, mirror, log, None) != 0:
        raise SystemExit(f"the tests fail without any fault:\n{log.read_text()[-3000:]}")
    patience = max(LEAST_PATIENCE, PATIENCE * (time.monotonic() - started))
    for fault in faults:
        file = tree / fault.file
        sound, times = file.read_bytes(), file.stat()
        started = time.monotonic()
        try:
            _forget_bytecode(file)
            file.write_text(fault.source, encoding="utf-8")
            code = _trial(tree, mirror, log, patience)
        finally:
            file.write_bytes(sound)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
            _forget_bytecode(file)
        told = {0: "survived", None: "timeout"}.get(code, "noticed")
        tell(Outcome(fault, told, time.monotonic() - started))


def _forget_bytecode(file: Path) -> None:
    """Python tells bytecode by the source's size and second, which two faults may share."""
    for kept in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        kept.unlink()


def _import_libraries(tree: Path, compiled: bool) -> None:
    """What is not the project's and takes long, without threads: those do not survive a fork."""
    os.environ["NUMBA_DISABLE_JIT"] = str(int(not compiled))
    os.environ["PYTHONPATH"] = str(tree)
    os.chdir(tree)
    sys.path[:] = [str(tree), *(place for place in sys.path if place not in ("", str(tree)))]
    for name in [name for name in sys.modules if name.split(".")[0] in ("engine", "tests")]:
        del sys.modules[name]
    import exchange_calendars  # noqa: F401
    import hypothesis.extra.numpy
    import hypothesis.strategies  # noqa: F401
    import numba  # noqa: F401
    import polars  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import pydantic  # noqa: F401
    import pytest  # noqa: F401
    import rich.console  # noqa: F401


def _import_what_does_not_read(tree: Path, file: str) -> None:
    """The project's modules that a fault in the file cannot reach: those that do not import it, nor a module that does."""
    files = {
        str(path.relative_to(tree).with_suffix(""))
        .replace("/", ".")
        .removesuffix(".__init__"): path
        for path in tree.glob("engine/**/*.py")
    }
    imports = {name: _imported(path) & files.keys() for name, path in files.items()}
    reached = {file.removesuffix(".py").replace("/", ".")}
    while more := {name for name in files if imports[name] & reached} - reached:
        reached |= more
    for name in sorted(files.keys() - reached):
        importlib.import_module(name)


def _imported(path: Path) -> set[str]:
    """Modules that a file names in its imports, wherever they stand."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return names


def _trial(tree: Path, mirror: Mirror, log: Path, patience: float | None) -> int | None:
    shutil.rmtree(tree / ".hypothesis", ignore_errors=True)
    return _in_child(lambda: _run_tests(mirror, log), patience)


def _run_tests(mirror: Mirror, log: Path) -> int:
    import pytest

    out = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    # hypothesis is imported before pytest; numpy warns of what compiled kernels say nothing of
    quiet = "ignore::pytest.PytestAssertRewriteWarning" if mirror.compiled else "ignore"
    return int(
        pytest.main(
            ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", quiet, *mirror.tests],
            plugins=[_NoShrinking()],
        )
    )


class _NoShrinking:
    """Hypothesis draws the same cases each time, and stops at the first that fails."""

    @staticmethod
    def pytest_configure(config: Any) -> None:
        from hypothesis import Phase, settings

        settings.register_profile(
            "mutants", deadline=None, database=None, derandomize=True,
            phases=(Phase.explicit, Phase.generate), print_blob=False,
        )  # fmt: skip
        settings.load_profile("mutants")


def _in_child(work: Callable[[], int | None], patience: float | None) -> int | None:
    """Work's exit status in a process of its own, which is ended with all it started; None where it took too long."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setpgid(0, 0)
            code = work() or 0
        except SystemExit as end:
            print(end.code, file=sys.stderr)
            code = 71
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return _wait(child, patience)


def _wait(child: int, patience: float | None) -> int | None:
    deadline = None if patience is None else time.monotonic() + patience
    try:
        while True:
            done, status = os.waitpid(child, 0 if deadline is None else os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            if deadline is not None and time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return None
            time.sleep(0.01)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
