"""A complete run: its tables, its figures, and what can be asked of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.api.notebook_html import facts_html
from engine.api.pages import report as write_report
from engine.api.pages import show as show_run
from engine.api.result_tables import funnel_table, left_out_table, scanners_table
from engine.api.scan_sources import (
    loaded_from,
)
from engine.archive.reading_cost import ReadingCost, reading_cost
from engine.errors import RunError
from engine.runs.execute_run import FinishedRun
from engine.runs.provenance import read_manifest
from engine.runs.run_directory import TRADING_TABLES
from engine.runs.run_tables import RunTables

if TYPE_CHECKING:
    from engine.api.evaluations import Evaluated
    from engine.api.explanations import Answer, NearMisses
    from engine.api.pages import Shown


@dataclass(frozen=True)
class Run:
    """A run directory; its tables are read when they are asked for.

    path      where it is
    finished  what there is to tell of a run that this process made; None of one that was there
              already
    changed   what was not as it was in the run that this one repeats, in words
    """

    path: Path
    finished: FinishedRun | None = field(default=None, repr=False)
    changed: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Config, digests, versions, times, peak memory, the audit."""
        return read_manifest(self.path)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The run in numbers: sessions, bars, hits, counts by scanner, trading, warnings."""
        told: dict[str, Any] = RunTables(self.path).summary
        return told

    @cached_property
    def hits(self) -> pl.DataFrame:
        """A row a hit: session, tick (UTC), scanner, symbol, rank, promoted, the features."""
        return self.table("hits")

    @cached_property
    def scans(self) -> pl.DataFrame:
        """A row a scan: scanned, qualified, promoted, how many symbols each clause left, the error
        if it failed.
        """
        return self.table("scans")

    @cached_property
    def trades(self) -> pl.DataFrame:
        """A row a trade, from flat to flat; empty where nothing traded."""
        return self.table("trades")

    @cached_property
    def equity(self) -> pl.DataFrame:
        """The account at every bar; empty where nothing traded."""
        return self.table("equity")

    def table(self, name: str) -> pl.DataFrame:
        """A table of the run directory: scans, hits, symbols, quality, timings, orders, fills,
        trades, equity.
        """
        path = self.path / f"{name}.parquet"
        if not path.exists() and name in TRADING_TABLES:
            return pl.DataFrame(schema=TRADING_TABLES[name])
        if not path.exists():
            there = sorted(file.stem for file in self.path.glob("*.parquet"))
            raise RunError(
                f"no table {name!r}", where=self.path, expected=f"one of {', '.join(there)}"
            )
        return pl.read_parquet(path)

    @property
    def metrics(self) -> dict[str, Any]:
        """Return, volatility, Sharpe ratio, drawdown, alpha, beta and the others of summary.json.

        Empty where nothing traded.
        """
        return dict(self.summary["trading"]["metrics"]) if "trading" in self.summary else {}

    @property
    def scanners(self) -> pl.DataFrame:
        """A row a scanner: scans, scanned, hits, symbols, promoted, errors, ms."""
        return scanners_table(
            self.summary["scanners"], self.manifest.get("milliseconds_by_scanner", {})
        )

    @property
    def funnel(self) -> pl.DataFrame:
        """How many symbols each clause left, all scans together: scanner, clause, left, share
        (percent).
        """
        return funnel_table(self.summary["scanners"])

    @property
    def left_out(self) -> pl.DataFrame:
        """What each scanner's universe leaves out (survivorship)."""
        return left_out_table(self.summary.get("survivorship", {}))  # runs of before have none

    @property
    def warnings(self) -> list[str]:
        """What is odd, in words; sessions that were skipped among it."""
        skipped = [
            f"session {session} was skipped: {why}"
            for session, why in self.summary["skipped_sessions"].items()
        ]
        return [*skipped, *self.summary["warnings"]]

    @property
    def failed(self) -> bool:
        """Whether a scanner or a strategy failed on the way, or a session was skipped."""
        return bool(self.manifest["exit_state"] == "failures")

    @property
    def looks_ahead(self) -> bool:
        """Whether the audit that runs along found that something does."""
        return bool((self.manifest.get("audit") or {}).get("differences"))

    def report(self, path: str | Path | None = None) -> Path:
        """Write the run's report as one HTML page (extra `charts`).

        Into the run directory where left out.
        """
        return write_report(self.path, out=path)

    def show(
        self, symbol: str, session: str | dt.date | None = None, out: str | Path | None = None
    ) -> Shown:
        """All hits of a symbol, or one session's candles, indicators and hits as an HTML page."""
        return show_run(self.path, symbol, session, out=out)

    def evaluate(self, **options: Any) -> Evaluated:
        """What the hits did next; options as of `barsweep.evaluate`."""
        from engine.api.evaluations import evaluate

        return evaluate(self.path, **options)

    def explain(self, symbol: str, at: str | dt.datetime, scanner: str | None = None) -> Answer:
        """Why a symbol was found at a tick (exchange time), or why not.

        `scanner` names one of several.
        """
        from engine.api.explanations import answer_of

        return answer_of(*loaded_from(self.path, None), symbol, at, scanner)

    def near_misses(self, at: str | dt.datetime, scanner: str | None = None) -> NearMisses:
        """The symbols that failed exactly one clause at a tick."""
        from engine.api.explanations import misses_of

        return misses_of(*loaded_from(self.path, None), at, scanner)

    def reading_cost(self) -> ReadingCost | None:
        """What reading a session in place costs against an import.

        None for an archive that is imported.
        """
        archive = self.finished.archive if self.finished else loaded_from(self.path, None)[1]
        return reading_cost(archive, dt.date.fromisoformat(self.summary["last_session"]))

    def _repr_html_(self) -> str:
        one = self.summary
        facts = {
            "run": self.path,
            "sessions": f"{one['sessions']} ({one['first_session']} to {one['last_session']})",
            "bars": one["bars"],
            "hits": one["hits"],
            **{k: v for k, v in self.metrics.items() if v is not None},
            **{f"warning {n}": text for n, text in enumerate(self.warnings, 1)},
        }
        trades = [("trades", self.trades)] if len(self.trades) else []
        return facts_html(facts, ("scanners", self.scanners), ("funnel", self.funnel), *trades)
