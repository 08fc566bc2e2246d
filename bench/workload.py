"""What is measured: scanners over an archive, against decoding the columns that they need."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from engine.archive import layout
from engine.archive.archive import Archive, DailyYear
from engine.archive.demo import make_demo
from engine.config.load import LoadedConfig
from engine.progress import Progress, silent
from engine.results.batch_scan import BatchScan, scan_archive
from engine.session.coordinator import SessionCoordinator


def bench_archive(root: Path, symbols: int, sessions: int, seed: int, progress: Progress = silent) -> Path:
    """The folder of a demo market of this size; made where it is not there yet."""
    path = root / f"bench-{symbols}x{sessions}-{seed}"
    make_demo(path, symbols, sessions, seed, progress=progress)
    return path


class NotingArchive(Archive):
    """An archive that notes which columns of the bars that are scanned are asked for."""

    def __init__(self, path: Path, manifest: layout.ArchiveManifest):
        super().__init__(path, manifest)
        self.asked: dict[str, None] = {}

    def read_session(self, date: dt.date, columns: Sequence[str], interval: str = "1m") -> pl.DataFrame:
        self.asked |= dict.fromkeys(columns)
        return super().read_session(date, columns, interval)

    def read_daily_year(self, year: int, columns: Sequence[str]) -> DailyYear:
        self.asked |= dict.fromkeys(["timestamp", *columns]) if self.manifest.base.is_daily else {}
        return super().read_daily_year(year, columns)


@dataclass(frozen=True)
class Scan:
    """One run of the scanners: wall time, and what it came to."""

    seconds: float
    result: BatchScan

    @property
    def ticks(self) -> int:
        """Scans, of all scanners."""
        return sum(one.scans for one in self.result.summary.scanners.values())

    @property
    def bars(self) -> int:
        """Bars of regular hours in the sessions of the run."""
        return self.result.summary.bars


@dataclass(frozen=True)
class Workload:
    """Scanners (a config without an archive of its own) over an archive."""

    path: Path
    loaded: LoadedConfig

    @cached_property
    def dates(self) -> list[dt.date]:
        """The sessions that are scanned."""
        return SessionCoordinator(self.loaded, Archive.open(self.path)).scope.dates

    @cached_property
    def columns(self) -> list[str]:
        """The columns of bars that the scanners need, as a run of one session asks for them."""
        first = self.between(self.dates[0], self.dates[0])
        archive = NotingArchive(self.path, layout.read_manifest(self.path))
        list(SessionCoordinator(first.loaded, archive).sessions())
        return list(archive.asked)

    def between(self, start: dt.date, end: dt.date) -> Workload:
        """The same over other dates."""
        span = self.loaded.config.backtest_config.model_copy(update={"start_date": start, "end_date": end})
        config = self.loaded.config.model_copy(update={"backtest_config": span})
        return Workload(self.path, LoadedConfig(config, self.loaded.path))

    def scan(self, workers: int = 1) -> Scan:
        """Scan and write the hits, as `barsweep scan --out --workers` does."""
        with tempfile.TemporaryDirectory(prefix="barsweep-bench-") as folder:
            archive, started = Archive.open(self.path), time.perf_counter()
            result = scan_archive(self.loaded, archive, Path(folder) / "hits.parquet", False, silent, workers)
            return Scan(time.perf_counter() - started, result)

    def scan_kept(self, archive: Archive) -> Scan:
        """Scan an archive that was opened before, and write nothing."""
        started = time.perf_counter()
        result = scan_archive(self.loaded, archive, None, False, silent)
        return Scan(time.perf_counter() - started, result)

    def decode(self) -> float:
        """Seconds to decode the columns that a scan needs, and nothing else."""
        base, columns = Archive.open(self.path).manifest.base, self.columns
        if base.is_daily:
            files = [layout.daily_file(self.path, year) for year in sorted({date.year for date in self.dates})]
        else:
            files = [layout.session_file(self.path, base.name, date) for date in self.dates]
        started = time.perf_counter()
        for file in files:
            pl.read_parquet(file, columns=columns, hive_partitioning=False, glob=False)
        return time.perf_counter() - started

    def hits(self) -> pl.DataFrame:
        """session, tick, symbol of every hit, sorted by tick and symbol."""
        with tempfile.TemporaryDirectory(prefix="barsweep-bench-") as folder:
            out = Path(folder) / "hits.parquet"
            scan_archive(self.loaded, Archive.open(self.path), out, False, silent)
            return pl.read_parquet(out, columns=["session", "tick", "symbol"]).sort("tick", "symbol")


def pairs(repeats: int, workload: Workload) -> list[tuple[float, Scan]]:
    """Decoding and scanning by turns, so that what slows the machine slows both."""
    return [(workload.decode(), workload.scan()) for _ in range(repeats)]


def median(values: Sequence[float]) -> float:
    """The median."""
    return float(np.median(values))
