"""An archive of which what was decoded is kept, so that the next scan over it decodes nothing."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from engine.archive.archive import Archive, DailyYear
from engine.archive.disk import layout

T = TypeVar("T")
Stamp = tuple[
    object, ...
]  # of the files that a value was read from: their sizes and times of change


@dataclass
class KeptBars:
    """Decoded columns of one archive's files, up to `limit` bytes; threads may share it.

    What was read first stays, so that scans over the same sessions find the same part of them here. What was read from a file
    that has changed since is read again.
    """

    limit: int
    bytes: int = 0
    _values: dict[object, tuple[Stamp, int, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, key: object, stamp: Stamp) -> Any:
        """A value that was read from these files; None where there is none."""
        with self._lock:
            found = self._values.get(key)
        return found[2] if found is not None and found[0] == stamp else None

    def get(self, key: object, stamp: Stamp, size: Callable[[T], int], load: Callable[[], T]) -> T:
        """The value of a key, loaded where it is not there yet, or is of other files."""
        found: T | None = self.find(key, stamp)
        if found is None:
            found = load()
            self.put(key, stamp, size(found), found)
        return found

    def put(self, key: object, stamp: Stamp, size: int, value: object) -> None:
        """Keep a value, in place of an older one, if there is room."""
        with self._lock:
            _, before, _ = self._values.pop(key, ((), 0, None))
            self.bytes -= before
            if self.bytes + size <= self.limit:
                self._values[key] = stamp, size, value
                self.bytes += size

    def forget(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._values.clear()
            self.bytes = 0


class KeptArchive(Archive):
    """An archive that reads what `kept` does not have."""

    def __init__(
        self,
        path: Path,
        manifest: layout.ArchiveManifest,
        left_out: frozenset[dt.date] = frozenset(),
        *,
        kept: KeptBars,
    ):
        super().__init__(path, manifest, left_out)
        self._kept = kept
        self._map = _stamp([path / layout.SYMBOL_MAP])  # symbols are the map's

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process goes the archive alone."""
        return Archive, (self.path, self.manifest, self.left_out)

    def without(self, sessions: Iterable[dt.date]) -> Archive:
        return KeptArchive(
            self.path, self.manifest, self.left_out | frozenset(sessions), kept=self._kept
        )

    def read_session(
        self, date: dt.date, columns: Sequence[str], interval: str = "1m"
    ) -> pl.DataFrame:
        stamp, named = (
            self._stamp(interval, date),
            "symbol" in columns,
        )  # which may put the rows in another order
        found = {
            name: self._kept.find(("bars", interval, date, named, name), stamp) for name in columns
        }
        missing = [name for name, values in found.items() if values is None]
        if missing:
            fresh = super().read_session(
                date, list(dict.fromkeys([*(["symbol"] if named else []), *missing])), interval
            )
            for name in missing:
                found[name] = fresh[name]
                self._kept.put(
                    ("bars", interval, date, named, name),
                    stamp,
                    int(fresh[name].estimated_size()),
                    fresh[name],
                )
        return pl.DataFrame(list(found.values()))

    def read_session_index(
        self, date: dt.date, interval: str = "1m"
    ) -> tuple[list[str], np.ndarray] | None:
        read = super().read_session_index
        return self._kept.get(
            ("index", interval, date),
            self._stamp(interval, date),
            _size_of_index,
            lambda: read(date, interval),
        )

    def read_daily_year(self, year: int, columns: Sequence[str]) -> DailyYear:
        read = super().read_daily_year
        key = "daily", year, tuple(columns)
        return self._kept.get(
            key, self._daily_stamp(year), _size_of_year, lambda: read(year, columns)
        )

    def daily_symbols(self, year: int) -> Sequence[str]:
        read = super().daily_symbols
        return self._kept.get(
            ("daily symbols", year), self._daily_stamp(year), _size_of_names, lambda: read(year)
        )

    def _stamp(self, interval: str, date: dt.date) -> Stamp:
        return self._map + _stamp(self.files.paths(interval, date))

    def _daily_stamp(self, year: int) -> Stamp:
        return self._map + _stamp([self.daily_file(year)])


def _stamp(paths: Sequence[Path]) -> Stamp:
    """Sizes and times of change; -1 of a file that is not there, which reading it will tell."""
    found: list[object] = []
    for path in paths:
        try:
            stat = os.stat(path)
        except OSError:
            found += [str(path), -1, -1]
        else:
            found += [str(path), stat.st_size, stat.st_mtime_ns]
    return tuple(found)


def _size_of_index(index: tuple[list[str], np.ndarray] | None) -> int:
    return 0 if index is None else index[1].nbytes + 64 * len(index[0])


def _size_of_year(year: DailyYear) -> int:
    arrays = [year.counts, year.days, *year.columns.values()]
    return sum(array.nbytes for array in arrays) + 64 * len(year.symbols)


def _size_of_names(names: Sequence[str]) -> int:
    return 64 * len(names)
