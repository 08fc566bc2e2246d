"""What reading in place costs: one session read in place, and from an imported session file."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from engine.archive.archive import Archive
from engine.archive.disk.bar_files import read_bars, read_index, write_bars
from engine.archive.in_place import ForeignFiles
from engine.schema import BAR_SCHEMA

VALUES = [name for name in BAR_SCHEMA if name != "symbol"]


@dataclass(frozen=True)
class ReadingCost:
    """Milliseconds to read all columns of one session.

    decode, convert, sort  in place, by stage
    imported               from a session file of our own
    """

    date: dt.date
    decode: float
    convert: float
    sort: float
    imported: float

    @property
    def in_place(self) -> float:
        """All stages."""
        return self.decode + self.convert + self.sort


def reading_cost(archive: Archive, date: dt.date) -> ReadingCost | None:
    """Measure one session.

    None for an imported archive, and for daily bars, which are read once only.
    """
    if archive.manifest.in_place is None or archive.manifest.base.is_daily:
        return None
    files, interval = ForeignFiles(archive.path, archive.manifest), archive.manifest.base.name
    files.catalogue()
    with tempfile.TemporaryDirectory(prefix="barsweep-") as folder:
        path = Path(folder) / "bars.parquet"
        write_bars(path, files.read(interval, date, list(BAR_SCHEMA)))
        files.seconds = dict.fromkeys(files.seconds, 0.0)
        files.read(interval, date, VALUES)
        stages = {name: 1000 * spent for name, spent in files.seconds.items()}
        started = time.perf_counter()
        read_index(path)
        read_bars(path, VALUES)
        return ReadingCost(date, **stages, imported=1000 * (time.perf_counter() - started))
