"""Where a module that a config names may come from.

Why: a config can be somebody else's, and importing a module runs it. So only these are imported,
told
before anything is: barsweep's own modules, those of installed packages, of the folder a command is
run in, and of folders that the user has named in `PYTHONPATH` or `BARSWEEP_MODULES`.
The test: tests/runtime/test_module_origin.py.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

from engine.errors import ConfigError

# The environment variable that names further folders, joined as in PATH; workers inherit it.
ALLOWED = "BARSWEEP_MODULES"
OWN = Path(__file__).resolve().parents[2]


def make_importable() -> None:
    """Add the current folder, which a console script lacks, and allowed folders to sys.path."""
    for folder in map(str, [Path.cwd(), *_named(ALLOWED)]):
        if folder not in sys.path:
            sys.path.append(folder)


def allow_folders(folders: Sequence[str | Path], option: str) -> None:
    """Allow folders in this process and those that it starts.

    ConfigError, naming the option, for one that is not there.
    """
    for folder in folders:
        if not Path(folder).is_dir():
            raise ConfigError("no such folder", where=f"{option} {folder}")
    paths = [str(Path(folder).absolute()) for folder in folders]
    os.environ[ALLOWED] = os.pathsep.join([*paths, *filter(None, [os.environ.get(ALLOWED)])])


def foreign_folder(name: str) -> Path | None:
    """The folder of a module that must not be imported.

    None where it may be, or is not there at all. Imports nothing.
    """
    top = name.partition(".")[0]
    if top == "__main__":  # the program that runs
        return None
    folders = [folder.resolve() for folder in _folders(find(top))]
    allowed = [folder.resolve() for folder in _allowed()]
    foreign = [
        folder
        for folder in folders
        if folder in standard_library() or not any(map(folder.is_relative_to, allowed))
    ]
    if not foreign or (
        standard_library().isdisjoint(foreign)
        and top in importlib.metadata.packages_distributions()
    ):
        return None  # the second: installed in place, where it is developed
    return foreign[0]


def find(top: str) -> ModuleSpec | None:
    """Where the outermost package of a module's name is, without importing it."""
    try:
        return importlib.util.find_spec(top) if top.isidentifier() else None
    except ValueError:  # made by hand, without a spec
        return None


def _folders(spec: ModuleSpec | None) -> Iterator[Path]:
    """The folders in which a module or package lies."""
    if spec is None:
        return
    if spec.submodule_search_locations is not None:
        yield from (Path(location).parent for location in spec.submodule_search_locations)
    else:
        yield (
            Path(spec.origin).parent
            if spec.has_location and spec.origin
            else Path(sysconfig.get_path("stdlib"))
        )


def _allowed() -> list[Path]:
    packages = [
        *site.getsitepackages(),
        site.getusersitepackages(),
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
    ]
    return [OWN, Path.cwd(), *map(Path, packages), *_named(ALLOWED), *_named("PYTHONPATH")]


def standard_library() -> set[Path]:
    """Where Python's own modules are.

    They hold nothing to scan with, and some do things when they are imported.
    """
    return {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}


def _named(variable: str) -> list[Path]:
    return [
        Path(folder).expanduser()
        for folder in os.environ.get(variable, "").split(os.pathsep)
        if folder
    ]
