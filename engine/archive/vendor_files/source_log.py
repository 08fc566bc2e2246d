"""sources.arrow: the files an archive was made from, so that `--append` reads only what is new."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.archive.disk.atomic import atomic_path

SOURCES = "sources.arrow"
SCHEMA = {
    "path": pl.String(),
    "size": pl.Int64(),
    "modified": pl.Int64(),
    "how": pl.String(),
    "first": pl.Date(),
    "last": pl.Date(),
}


@dataclass(frozen=True)
class SourceFile:
    """A file that was imported: its size, its time of change (ns), how it was read, and the first
    and last session it may hold.
    """

    path: str
    size: int
    modified: int
    how: str
    first: dt.date | None
    last: dt.date | None

    def touches(self, dates: Sequence[dt.date]) -> bool:
        """Whether it may hold bars of one of the dates, which increase."""
        if self.first is None or self.last is None:
            return False
        next_one = bisect_left(dates, self.first)
        return next_one < len(dates) and dates[next_one] <= self.last


def read_sources(root: Path) -> dict[str, SourceFile]:
    """The files an archive was made from, by path."""
    path = root / SOURCES
    if not path.exists():
        return {}
    return {row[0]: SourceFile(*row) for row in pl.read_ipc(path).iter_rows()}


def write_sources(
    root: Path, known: Mapping[str, SourceFile], imported: Iterable[SourceFile]
) -> None:
    """Add files to the known ones, or replace them."""
    files = dict(known) | {file.path: file for file in imported}
    rows = [tuple(vars(files[path]).values()) for path in sorted(files)]
    with atomic_path(root / SOURCES) as target:
        pl.DataFrame(rows, schema=SCHEMA, orient="row").write_ipc(target, compression="zstd")


def source_file(
    path: Path, how: str, first: dt.date | None = None, last: dt.date | None = None
) -> SourceFile:
    """What there is to know of a file."""
    stat = path.stat()
    return SourceFile(str(path.resolve()), stat.st_size, stat.st_mtime_ns, how, first, last)


def is_known(path: Path, how: str, known: Mapping[str, SourceFile]) -> bool:
    """Whether the file was imported in the same way and has not changed since."""
    before = known.get(str(path.resolve()))
    now = source_file(path, how)
    return before is not None and (before.size, before.modified, before.how) == (
        now.size,
        now.modified,
        now.how,
    )
