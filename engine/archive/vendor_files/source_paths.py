"""Finds the files that may hold bars among paths and folders."""

from __future__ import annotations

from pathlib import Path

from engine.archive.disk import layout
from engine.archive.vendor_files.readers import (
    ending,
)
from engine.errors import BarImportError


def source_files(paths: list[Path]) -> list[Path]:
    """The files among paths and below folders that may hold bars, sorted; raises BarImportError
    where there are none.

    What archives below a folder have of their own is none of them.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise BarImportError("no such file or folder", where=path)
        if layout.is_imported(path):
            raise BarImportError(
                "is an archive already",
                where=path,
                expected="bars as a vendor delivers them",
                fix="use it as it is, or import one interval of it, such as "
                f"{path}/bars/interval=1m",
            )
        inside = _foreign_files(path) if path.is_dir() else [path]
        found += [p for p in inside if ending(p)]
    if not found:
        names = ", ".join(str(path) for path in paths)
        raise BarImportError(
            "no bar files",
            where=names,
            expected="files ending in .parquet, .csv, .txt (.gz, .zst), .zip or .json",
        )
    return list(dict.fromkeys(found))


def _foreign_files(folder: Path) -> list[Path]:
    below = sorted(folder.rglob("*"))
    archives = [path.parent for path in below if path.name == layout.MANIFEST]
    own = {root / name for root in archives for name in (layout.ACTIONS, layout.SYMBOL_MAP)}
    imported = [root for root in archives if layout.is_imported(root)]
    return [
        path
        for path in below
        if path.is_file() and path not in own and not any(path.is_relative_to(i) for i in imported)
    ]
