"""What is measured: scanners over an archive, against decoding the columns that they need."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.api import Market, make_demo, open_archive
from engine.api import Scan as MarketScan
from engine.archive.archive import Archive, DailyYear
from engine.archive.disk import layout
from engine.progress import Progress, silent


def bench_archive(
    root: Path, symbols: int, sessions: int, seed: int, progress: Progress = silent
) -> Path:
    """The folder of a demo market of this size; made where it is not there yet."""
    path = root / f"bench-{symbols}x{sessions}-{seed}"
    make_demo(path, symbols=symbols, sessions=sessions, seed=seed, on_progress=progress)
    return path


class NotingArchive(Archive):
    """An archive that notes which columns of the bars that are scanned are asked for."""

    def __init__(self, path: Path, manifest: layout.ArchiveManifest):
        super().__init__(path, manifest)
        self.asked: dict[str, None] = {}

    def read_session(
        self, date: dt.date, columns: Sequence[str], interval: str = "1m"
    ) -> pl.DataFrame:
        self.asked |= dict.fromkeys(columns)
        return super().read_session(date, columns, interval)

    def read_daily_year(self, year: int, columns: Sequence[str]) -> DailyYear:
        self.asked |= dict.fromkeys(["timestamp", *columns]) if self.manifest.base.is_daily else {}
        return super().read_daily_year(year, columns)


@dataclass(frozen=True)
class Scan:
    """One run of the scanners: wall time, and what it came to."""

    seconds: float
    result: MarketScan

    @property
    def ticks(self) -> int:
        """Scans, of all scanners."""
        return sum(one.scans for one in self.result.summary.scanners.values())

    @property
    def bars(self) -> int:
        """Bars of regular hours in the sessions of the run."""
        return self.result.summary.bars


class NotingMarket(Market):
    """A market that notes the same."""

    def __init__(self, path: Path):
        self.noting = NotingArchive(path, layout.read_manifest(path))
        super().__init__(path, keep=0)

    def read(self) -> Archive:
        return self.noting


@dataclass(frozen=True)
class Workload:
    """Scanners (a session config without an archive of its own, as JSON has it) over an archive."""

    path: Path
    config: dict[str, Any]

    @cached_property
    def dates(self) -> list[dt.date]:
        """The sessions that are scanned."""
        span, data = self.config.get("backtest_config") or {}, self.config["session_data_config"]
        first, last = (
            span.get(name) or default for name, default in (("start_date", "0"), ("end_date", "9"))
        )
        return [
            date
            for date in open_archive(self.path, keep=0).sessions(data.get("interval"))
            if first <= str(date) <= last
        ]

    @cached_property
    def columns(self) -> list[str]:
        """The columns of bars that the scanners need, as a run of one session asks for them."""
        first, market = self.between(self.dates[0], self.dates[0]), NotingMarket(self.path)
        market.scan(first.config, keep_hits=False, on_progress=silent)
        return list(market.noting.asked)

    def between(self, start: dt.date, end: dt.date) -> Workload:
        """The same over other dates."""
        span = (self.config.get("backtest_config") or {}) | {
            "start_date": str(start),
            "end_date": str(end),
        }
        return Workload(self.path, self.config | {"backtest_config": span})

    def scan(self, workers: int = 1) -> Scan:
        """Scan and write the hits, as `barsweep scan --out --workers` does."""
        with tempfile.TemporaryDirectory(prefix="barsweep-bench-") as folder:
            market, started = open_archive(self.path, keep=0), time.perf_counter()
            out = Path(folder) / "hits.parquet"
            result = market.scan(
                self.config, out=out, keep_hits=False, workers=workers, on_progress=silent
            )
            return Scan(time.perf_counter() - started, result)

    def scan_kept(self, market: Market) -> Scan:
        """Scan a market that keeps its bars, and write nothing."""
        started = time.perf_counter()
        result = market.scan(self.config, keep_hits=False, on_progress=silent)
        return Scan(time.perf_counter() - started, result)

    def decode(self) -> float:
        """Seconds to decode the columns that a scan needs, and nothing else."""
        base, columns = open_archive(self.path, keep=0).archive.manifest.base, self.columns
        if base.is_daily:
            files = [
                layout.daily_file(self.path, year)
                for year in sorted({date.year for date in self.dates})
            ]
        else:
            files = [layout.session_file(self.path, base.name, date) for date in self.dates]
        started = time.perf_counter()
        for file in files:
            pl.read_parquet(file, columns=columns, hive_partitioning=False, glob=False)
        return time.perf_counter() - started

    def hits(self) -> pl.DataFrame:
        """session, tick, symbol of every hit, sorted by tick and symbol."""
        found = open_archive(self.path, keep=0).scan(self.config, on_progress=silent)
        return found.hits.select("session", "tick", "symbol").sort("tick", "symbol")


def pairs(repeats: int, workload: Workload) -> list[tuple[float, Scan]]:
    """Decoding and scanning by turns, so that what slows the machine slows both."""
    return [(workload.decode(), workload.scan()) for _ in range(repeats)]


def median(values: Sequence[float]) -> float:
    """The median."""
    return float(np.median(values))
