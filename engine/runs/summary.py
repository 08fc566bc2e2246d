"""summary.json of a run: counts by scanner, survivorship, warnings."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from engine.archive.archive import Archive
from engine.archive.reference.universe import Universe
from engine.runs.stored_block import Block
from engine.runs.survivorship import Survivorship, Traded, survivorship
from engine.scan.scanner_runtime import ScannerRuntime

TOP_SYMBOLS = 10


@dataclass
class ScannerSummary:
    """Counts of one scanner over a run.

    funnel   clause -> surviving symbols, summed over all scans
    symbols  symbol -> hits
    """

    scans: int = 0
    scanned: int = 0
    qualified: int = 0
    hits: int = 0
    promoted: int = 0
    errors: int = 0
    elapsed_us: float = 0.0
    funnel: dict[str, int] = field(default_factory=dict)
    symbols: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, slot: ScannerRuntime) -> ScannerSummary:
        """A summary without scans, with the scanner's clauses in their order."""
        return cls(funnel={clause.name: 0 for clause in slot.plan.clauses} if slot.plan else {})

    def add(self, scans: pl.DataFrame, elapsed_us: float, hits: Mapping[str, int]) -> None:
        """Add rows of SCANS_SCHEMA, their total time, and their hits by symbol."""
        self.scans += len(scans)
        self.errors += len(scans) - scans["error"].null_count()
        self.scanned += int(scans["scanned"].sum())
        self.qualified += int(scans["qualified"].sum())
        self.promoted += int(scans["promoted"].sum())
        self.elapsed_us += elapsed_us
        self.hits += sum(hits.values())
        self.symbols.update(hits)
        for clause in self.funnel:
            self.funnel[clause] += int(scans[clause].sum()) if clause in scans.columns else 0

    def why_empty(self, bars: int) -> str:
        """The reason why there are no hits; `bars` is the number of bars that were read."""
        if self.errors:
            return f"{self.errors:,} of {self.scans:,} scans failed"
        if not self.scans:
            return "it never scanned, for its schedule does not tick in these sessions"
        if not self.scanned:
            return (
                f"no symbol was scanned in {self.scans:,} scans, over {bars:,} bars: "
                "look at its universe and at min_quality"
            )
        clause = next((clause for clause, left in self.funnel.items() if not left), None)
        after = f"after {clause}" if clause else "after its clauses"
        return f"of {self.scanned:,} symbols scanned none is left {after}"

    def as_dict(self) -> dict[str, Any]:
        """For summary.json; times are in the manifest."""
        names = ("scans", "scanned", "qualified", "hits", "promoted", "errors", "funnel")
        most = sorted(self.symbols.items(), key=lambda item: (-item[1], item[0]))[:TOP_SYMBOLS]
        return {name: getattr(self, name) for name in names} | {
            "symbols": len(self.symbols),
            "most_hits": dict(most),
        }


@dataclass
class RunSummary:
    """Counts of a run, which grow block by block.

    survivorship  scanner -> what its universe leaves out; filled by `finish`
    skipped       session -> why its file cannot be read
    """

    scanners: dict[str, ScannerSummary]
    sessions: int = 0
    bars: int = 0
    first: str = ""
    last: str = ""
    survivorship: dict[str, Survivorship] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(self, block: Block) -> None:
        """Add a block of sessions."""
        self.sessions += len(block.dates)
        self.bars += block.bars
        self.first, self.last = self.first or str(block.dates[0]), str(block.dates[-1])
        for name, scanner in self.scanners.items():
            scans, timings = _of_scanner(block.scans, name), _of_scanner(block.timings, name)
            scanner.add(scans, float(timings["elapsed_us"].sum()), block.found.get(name, {}))

    def as_dict(self, warnings: list[str]) -> dict[str, Any]:
        """For summary.json."""
        return {
            "sessions": self.sessions,
            "first_session": self.first,
            "last_session": self.last,
            "bars": self.bars,
            "hits": sum(one.hits for one in self.scanners.values()),
            "failures": sum(one.errors for one in self.scanners.values()),
            "skipped_sessions": self.skipped,
            "scanners": {name: one.as_dict() for name, one in self.scanners.items()},
            "survivorship": {name: one.as_dict() for name, one in self.survivorship.items()},
            "warnings": warnings,
        }

    def copy(self) -> RunSummary:
        """A copy that later blocks do not change."""
        scanners = {
            name: replace(one, funnel=dict(one.funnel), symbols=one.symbols.copy())
            for name, one in self.scanners.items()
        }
        return replace(self, scanners=scanners)

    def why_empty(self) -> list[str]:
        """A line for each scanner without hits: the reason."""
        return [
            f"{name} found nothing: {one.why_empty(self.bars)}"
            for name, one in self.scanners.items()
            if not one.hits
        ]

    def finish(
        self, archive: Archive, universes: Mapping[str, Universe | None], dates: Sequence[dt.date]
    ) -> None:
        """Compute the survivorship of each scanner's universe over the sessions `dates`."""
        if universes:
            traded = Traded.of(archive, dates[0], dates[-1])
            self.survivorship = {
                name: survivorship(
                    universe, self.scanners[name].symbols, traded, dates[0], dates[-1]
                )
                for name, universe in universes.items()
            }


def _of_scanner(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows of one scanner.

    Series are filtered one by one: `DataFrame.filter` would wait for Polars' busy thread pool.
    """
    own = rows["scanner"] == name
    return pl.DataFrame([column.filter(own) for column in rows.get_columns()])
