"""The staging folder of an import: the source's rows, put by session.

The source is cut into units, which threads read side by side; each unit writes files of its own.

    .import/plan.json                digest of the import's source and options
    .import/units.jsonl              a line for each unit that is staged completely
    .import/2018-03-01/000007.arrow  rows of that session from unit 7: Arrow streams in a row
    .import/quarantine/000007.arrow  rows of unit 7 that cannot be bars
    .import/done.jsonl               progress of writing sessions (session_writer.py)

When an interrupted import continues, units that were staged completely are not read again; files of
the other units are thrown away.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.archive.disk.atomic import atomic_path
from engine.archive.vendor_files.readers import ending, unreadable
from engine.archive.vendor_files.source_options import Part

PLAN, UNITS, DONE, QUARANTINE = "plan.json", "units.jsonl", "done.jsonl", "quarantine"
SMALLEST_UNIT, USUAL_UNITS = 8 << 20, 256  # bytes of a unit at least; units of a large source


@dataclass(frozen=True)
class Unit:
    """Parts of the source that one thread stages together; `bytes` is their size on disk."""

    number: int
    parts: tuple[Part, ...]
    bytes: int


def plan_units(files: Sequence[Path], first: int = 0) -> list[Unit]:
    """Units of 8 MB or more in the order of the files, numbered from `first`.

    Small files share a unit; large Parquet files are cut between row groups.
    """
    total = sum(file.stat().st_size for file in files)
    enough = max(SMALLEST_UNIT, total // USUAL_UNITS)
    units: list[Unit] = []
    parts: list[Part] = []
    size = 0
    for part, part_bytes in _parts(files, enough):
        parts.append(part)
        size += part_bytes
        if size >= enough:
            units.append(Unit(first + len(units), tuple(parts), size))
            parts, size = [], 0
    return [*units, Unit(first + len(units), tuple(parts), size)] if parts else units


def _parts(files: Sequence[Path], enough: int) -> Iterator[tuple[Part, int]]:
    for file in files:
        size = file.stat().st_size
        if ending(file) != "parquet" or size < 2 * enough:
            yield Part(file), size
            continue
        try:
            groups = pq.read_metadata(file).num_row_groups
        except (pa.ArrowException, OSError) as error:
            raise unreadable(file, error, "a whole Parquet file") from None
        step = max(1, groups * enough // size)
        for start in range(0, groups, step):
            stop = min(start + step, groups)
            yield Part(file, start, stop), size * (stop - start) // groups


class Staging:
    """The staging folder of one archive. Threads may append different units at the same time."""

    def __init__(self, folder: Path):
        self.folder = folder

    def begin(self, fingerprint: str) -> bool:
        """Prepare the folder; True where an interrupted import of this fingerprint is continued."""
        if self.is_of(fingerprint):
            self._drop_incomplete_units()
            return True
        self.discard()
        (self.folder / QUARANTINE).mkdir(parents=True)
        with atomic_path(self.folder / PLAN) as path:
            path.write_text(json.dumps({"fingerprint": fingerprint}))
        return False

    def is_of(self, fingerprint: str) -> bool:
        """Whether an import of this fingerprint has left the folder."""
        try:
            return bool(json.loads((self.folder / PLAN).read_text())["fingerprint"] == fingerprint)
        except (OSError, ValueError, KeyError):
            return False

    def discard(self) -> None:
        """Remove the folder, plan.json first: a kill in between must not leave a usable half."""
        (self.folder / PLAN).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def append(self, unit: Unit, date: dt.date, bars: pl.DataFrame) -> None:
        """Add a unit's rows of one session."""
        folder = self.folder / str(date)
        folder.mkdir(exist_ok=True)
        _append(folder / f"{unit.number:06d}.arrow", bars)

    def quarantine(self, unit: Unit, rows: pl.DataFrame) -> None:
        """Add a unit's rows that cannot be bars, each with its `reason`."""
        if len(rows):
            _append(self.folder / QUARANTINE / f"{unit.number:06d}.arrow", rows)

    def quarantine_session(self, date: dt.date, rows: pl.DataFrame) -> None:
        """Put aside conflicting rows of one session.

        Repeating this after a kill rewrites the file.
        """
        if len(rows):
            rows.write_ipc_stream(
                self.folder / QUARANTINE / f"{date}.arrow", compat_level=pl.CompatLevel.oldest()
            )

    def quarantined(self) -> Iterator[pl.DataFrame]:
        """Frames of the rows put aside: those of units in the source's order, then of sessions."""
        paths = (self.folder / QUARANTINE).glob("*.arrow")
        # 000007.arrow is of a unit, 2018-03-01.arrow of a session.
        return map(_read, sorted(paths, key=lambda path: ("-" in path.stem, path.stem)))

    def read(self, date: dt.date) -> pl.DataFrame:
        """All staged rows of a session; columns that some units lack are null there."""
        return pl.concat(
            [_read(path) for path in sorted((self.folder / str(date)).glob("*.arrow"))],
            how="diagonal",
        )

    def dates(self) -> list[dt.date]:
        """The sessions that have rows, increasing."""
        return sorted(dt.date.fromisoformat(path.name) for path in self.folder.glob("????-??-??"))

    def mark(self, kind: str, line: dict[str, Any]) -> None:
        """Add a line to units.jsonl or done.jsonl, on disk when it returns."""
        with (self.folder / kind).open("a") as handle:
            handle.write(json.dumps(line) + "\n")
            handle.flush()
            os.fsync(handle.fileno())

    def marks(self, kind: str) -> list[dict[str, Any]]:
        """The lines of units.jsonl or done.jsonl, without one that a kill has cut short."""
        path = self.folder / kind
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def _drop_incomplete_units(self) -> None:
        complete = {f"{mark['unit']:06d}" for mark in self.marks(UNITS)}
        for path in self.folder.glob("*/*.arrow"):
            if path.stem.isdigit() and path.stem not in complete:
                path.unlink()
        for folder in self.folder.glob("????-??-??"):
            if not any(folder.iterdir()):
                folder.rmdir()
        for kind in (UNITS, DONE):  # the next line would be appended to one that was cut short
            text = "".join(json.dumps(mark) + "\n" for mark in self.marks(kind))
            with atomic_path(self.folder / kind) as path:
                path.write_text(text)


def _append(path: Path, frame: pl.DataFrame) -> None:
    with path.open("ab") as handle:
        frame.write_ipc_stream(handle, compat_level=pl.CompatLevel.oldest())


def _read(path: Path) -> pl.DataFrame:
    """The rows of all Arrow streams in a file."""
    frames = []
    with pa.OSFile(str(path)) as handle:
        while handle.tell() < handle.size():
            frames.append(pl.DataFrame(pa.ipc.open_stream(handle).read_all()))
    return pl.concat(frames, how="diagonal")
