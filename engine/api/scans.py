"""Scans of a market, and what they found."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from engine.api.notebook_html import facts_html
from engine.api.open_market import OpenMarket, Scannable, open_market
from engine.api.progress_display import by_session, telling
from engine.api.result_tables import funnel_table, latest, left_out_table, scanners_table
from engine.api.scan_options import ScanOptions
from engine.archive.reading_cost import ReadingCost, reading_cost
from engine.config.load import LoadedConfig
from engine.errors import Interrupted, RunError
from engine.progress import Progress
from engine.runs.batch_scan import BatchScan, scan_archive
from engine.runs.summary import RunSummary

if TYPE_CHECKING:
    from engine.api.evaluations import Evaluated
    from engine.api.explanations import Answer, NearMisses
    from engine.api.pages import Shown


@dataclass(frozen=True)
class Scan:
    """What a scan came to.

    batch   counts, warnings, failures, seconds
    market  what was scanned
    loaded  the config that scanners and options came to
    """

    batch: BatchScan = field(repr=False)
    market: OpenMarket
    loaded: LoadedConfig = field(repr=False)

    @property
    def hits(self) -> pl.DataFrame:
        """A row a hit, in the columns of hits.parquet: session, tick (UTC), scanner, symbol, rank,
        promoted, the features.
        """
        if self.batch.hits is None:
            raise RunError("hits were not kept", expected="a scan with keep_hits=True")
        return self.batch.hits

    @property
    def summary(self) -> RunSummary:
        """Sessions, bars, counts by scanner, and what universes left out."""
        return self.batch.summary

    @property
    def warnings(self) -> list[str]:
        """What is odd, in words; sessions that were skipped among it."""
        return [
            f"session {session} was skipped: {why}" for session, why in self.summary.skipped.items()
        ] + self.batch.warnings

    @property
    def failures(self) -> int:
        """How many scans failed and sessions were skipped."""
        return self.batch.failures

    @property
    def seconds(self) -> float:
        """Wall time."""
        return self.batch.seconds

    @property
    def interrupted(self) -> bool:
        """Whether it ends before its last session."""
        return self.batch.interrupted

    @property
    def found(self) -> int:
        """How many hits there were, before only a symbol's first of a session was kept."""
        return sum(one.hits for one in self.summary.scanners.values())

    @property
    def kept(self) -> int:
        """How many hits there are."""
        return self.batch.kept

    @property
    def scanners(self) -> pl.DataFrame:
        """A row a scanner: scans, scanned, hits, symbols, promoted, errors, ms."""
        spent = {name: one.elapsed_us / 1000 for name, one in self.summary.scanners.items()}
        return scanners_table(self._told["scanners"], spent)

    @property
    def funnel(self) -> pl.DataFrame:
        """How many symbols each clause left, all scans together: scanner, clause, left, share
        (percent).
        """
        return funnel_table(self._told["scanners"])

    @property
    def left_out(self) -> pl.DataFrame:
        """What each scanner's universe leaves out (survivorship)."""
        return left_out_table(self._told["survivorship"])

    @property
    def tz(self) -> str:
        """The exchange's time zone."""
        return str(self.market.archive.calendar.tz)

    @cached_property
    def latest(self) -> pl.DataFrame:
        """The last hits, with ticks as text in exchange time, without columns that are empty."""
        return latest(self.batch.top.drop("promoted", "session"), self.tz)

    def reading_cost(self) -> ReadingCost | None:
        """What reading a session in place costs against an import.

        None for an archive that is imported.
        """
        last = self.summary.last
        return reading_cost(self.market.archive, dt.date.fromisoformat(last)) if last else None

    def evaluate(self, **options: Any) -> Evaluated:
        """What the hits did next; options as of `Market.evaluate`."""
        from engine.api.evaluations import evaluate_hits

        return evaluate_hits(self.hits, self.market.archive, **options)

    def explain(self, symbol: str, at: str | dt.datetime, scanner: str | None = None) -> Answer:
        """Why a symbol was found at a tick (exchange time), or why not.

        `scanner` names one of several.
        """
        from engine.api.explanations import answer_of

        return answer_of(self.loaded, self.market.archive, symbol, at, scanner)

    def near_misses(self, at: str | dt.datetime, scanner: str | None = None) -> NearMisses:
        """The symbols that failed exactly one clause at a tick."""
        from engine.api.explanations import misses_of

        return misses_of(self.loaded, self.market.archive, at, scanner)

    def show(
        self, symbol: str, session: str | dt.date | None = None, out: str | Path | None = None
    ) -> Shown:
        """All hits of a symbol, or one session's bars, indicators and hits, as a page at `out`."""
        from engine.api.pages import shown_of

        return shown_of(self.loaded, self.market.archive, self.hits, symbol, session, out)

    @property
    def _told(self) -> dict[str, Any]:
        return self.summary.as_dict(self.batch.warnings)

    def _repr_html_(self) -> str:
        one = self.summary
        facts = {
            "sessions": f"{one.sessions} ({one.first} to {one.last})",
            "bars": one.bars,
            "hits": self.kept,
            "time": f"{self.seconds:.2f} s",
            **({"interrupted": "yes"} if self.interrupted else {}),
            **{f"warning {n}": text for n, text in enumerate(self.warnings, 1)},
        }
        return facts_html(
            facts,
            ("scanners", self.scanners),
            ("funnel", self.funnel),
            ("latest hits", self.latest),
        )


def scan(
    archive: str | Path | OpenMarket,
    *scanners: Scannable,
    out: str | Path | None = None,
    first_hit: bool = False,
    keep_hits: bool = True,
    workers: int = 1,
    on_progress: Progress | None = None,
    **options: Unpack[ScanOptions],
) -> Scan:
    """Scan an archive; see `Market.scan`."""
    market = open_market(archive)
    return scan_config_of(
        market,
        market.loaded(*scanners, **options),
        out=out,
        first_hit=first_hit,
        keep_hits=keep_hits,
        workers=workers,
        on_progress=on_progress,
    )


def scan_config_of(
    market: OpenMarket,
    loaded: LoadedConfig,
    *,
    out: str | Path | None = None,
    first_hit: bool = False,
    keep_hits: bool = True,
    workers: int = 1,
    on_progress: Progress | None = None,
) -> Scan:
    """Scan with the scanners of a config."""
    target = None if out is None else Path(out)
    with telling(on_progress) as progress:
        try:
            batch = scan_archive(
                loaded, market.archive, target, first_hit, by_session(progress), workers, keep_hits
            )
        except Interrupted as stopped:
            raise Interrupted(Scan(stopped.result, market, loaded), str(stopped)) from None
    return Scan(batch, market, loaded)
