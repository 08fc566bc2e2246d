"""An archive that keeps decoded columns in memory, so that later scans decode nothing again."""

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

    When the limit is reached, what was read first stays and nothing is evicted: repeated scans over
    the same sessions then find the same part of them here, where evicting the oldest would make
    every scan miss. Values of files that have changed since are read again.
    """

    limit: int
    bytes: int = 0
    _values: dict[object, tuple[Stamp, int, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, key: object, stamp: Stamp) -> Any:
        """The value of a key if it was read from files with this stamp, else None."""
        with self._lock:
            found = self._values.get(key)
        return found[2] if found is not None and found[0] == stamp else None

    def get(self, key: object, stamp: Stamp, size: Callable[[T], int], load: Callable[[], T]) -> T:
        """The value of a key; `load` reads it where it is missing or its files have changed."""
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
    """An archive that reads from disk only what `kept` does not hold."""

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
        """Pickled as a plain Archive: decoded columns are not sent to other processes."""
        return Archive, (self.path, self.manifest, self.left_out)

    def without(self, sessions: Iterable[dt.date]) -> Archive:
        """As `Archive.without`, over the same kept columns."""
        return KeptArchive(
            self.path, self.manifest, self.left_out | frozenset(sessions), kept=self._kept
        )

    def read_session(
        self, date: dt.date, columns: Sequence[str], interval: str = "1m"
    ) -> pl.DataFrame:
        """As `Archive.read_session`; each column is kept by itself."""
        stamp = self._stamp(interval, date)
        named = "symbol" in columns  # renaming tickers to symbols may change the order of rows
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
        """As `Archive.read_session_index`."""
        read = super().read_session_index
        return self._kept.get(
            ("index", interval, date),
            self._stamp(interval, date),
            _size_of_index,
            lambda: read(date, interval),
        )

    def read_daily_year(self, year: int, columns: Sequence[str]) -> DailyYear:
        """As `Archive.read_daily_year`."""
        read = super().read_daily_year
        key = "daily", year, tuple(columns)
        return self._kept.get(
            key, self._daily_stamp(year), _size_of_year, lambda: read(year, columns)
        )

    def daily_symbols(self, year: int) -> Sequence[str]:
        """As `Archive.daily_symbols`."""
        read = super().daily_symbols
        return self._kept.get(
            ("daily symbols", year), self._daily_stamp(year), _size_of_names, lambda: read(year)
        )

    def _stamp(self, interval: str, date: dt.date) -> Stamp:
        return self._map + _stamp(self.files.paths(interval, date))

    def _daily_stamp(self, year: int) -> Stamp:
        return self._map + _stamp([self.daily_file(year)])


def _stamp(paths: Sequence[Path]) -> Stamp:
    """Paths, sizes and modification times (ns) of files; -1 for a file that does not exist."""
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
