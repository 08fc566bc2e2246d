"""A run directory, read again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from engine.archive.archive import Archive
from engine.errors import ArchiveError, RunError
from engine.runs.provenance import archive_of, read_manifest
from engine.runs.trading_summary import Benchmark, grouped_trades, session_ends


@dataclass
class RunTables:
    """A run directory, and its archive where that can still be opened."""

    folder: Path
    archive: Archive | None = None

    def __post_init__(self) -> None:
        self.manifest = read_manifest(self.folder)
        try:
            self.summary = json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise RunError(
                "no run directory",
                where=self.folder,
                expected="a folder with manifest.json and summary.json",
            ) from None
        if self.archive is None:
            try:
                self.archive = archive_of(self.manifest)
            except ArchiveError:
                self.archive = None  # moved away: the page goes without bars and benchmark

    @property
    def name(self) -> str:
        """The session's name."""
        return str(self.manifest["config"]["session_name"])

    @property
    def trading(self) -> dict[str, Any] | None:
        """The block of summary.json, None where the run did not trade."""
        found: dict[str, Any] | None = self.summary.get("trading")
        return found

    @property
    def tz(self) -> str:
        """The exchange's time zone."""
        return str(self.archive.calendar.tz) if self.archive else "UTC"

    def table(self, name: str) -> pl.DataFrame:
        """A table of the run."""
        return pl.read_parquet(self.folder / f"{name}.parquet")

    @cached_property
    def hit_counts(self) -> pl.DataFrame:
        """scanner, tick, and how many hits (`len`) there were."""
        hits = pl.scan_parquet(self.folder / "hits.parquet")
        return hits.group_by("scanner", "tick", maintain_order=True).len().collect()

    @cached_property
    def ends(self) -> pl.DataFrame:
        """The account at each session's end."""
        return session_ends(self.folder)

    @cached_property
    def trades(self) -> pl.DataFrame:
        """The trades, with month, weekday and hour."""
        return grouped_trades(self.folder, self.tz)

    @cached_property
    def benchmark(self) -> Benchmark | None:
        """What the account is measured against."""
        if self.archive is None or self.ends.is_empty():
            return None
        symbols = (
            pl.scan_parquet(self.folder / "quality.parquet")
            .select(pl.col("symbol").unique())
            .collect()["symbol"]
            .to_list()
        )
        symbol = self.manifest["config"]["session_data_config"].get("benchmark")
        return Benchmark.of(
            self.archive, self.ends["session"].to_list(), symbol and symbol.upper(), symbols
        )
