"""A market: an archive that is open, and all that can be asked of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from engine.api.notebook_html import facts_html
from engine.api.open_market import GIGABYTE, OpenMarket, Scannable
from engine.api.scan_options import ScanOptions, Spell
from engine.archive.quality.repair import MOST_REMOVED
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.api.audits import Audit
    from engine.api.evaluations import Evaluated
    from engine.api.explanations import Answer, NearMisses
    from engine.api.optimizations import Optimization
    from engine.api.pages import Chart
    from engine.api.qualities import Checked, Quality
    from engine.api.scans import Scan
    from engine.api.sweeps import Swept
    from engine.archive.archive_info import ArchiveInfo


def open_archive(path: str | Path, *, keep: int = GIGABYTE, spell: Spell = str) -> Market:
    """The market in an archive's folder; ArchiveError where there is none.

    keep   bytes of decoded bars that stay in memory, so that the next scan over them decodes
           nothing; 0 for none
    spell  how messages name an option; a command spells it with hyphens
    """
    return Market(path, keep=keep, spell=spell)


class Market(OpenMarket):
    """An archive that is open, with all that can be asked of it as methods.

    The market keeps decoded bars in memory until the market is collected or `forget` is called.
    Files that have changed since (an import, say) are read again. Threads may share a market.
    """

    def info(self) -> ArchiveInfo:
        """What the archive holds: sessions, symbols, rows, size, span, coverage."""
        from engine.api.qualities import info

        return info(self)

    def scan(
        self,
        *scanners: Scannable,
        out: str | Path | None = None,
        first_hit: bool = False,
        keep_hits: bool = True,
        workers: int = 1,
        on_progress: Progress | None = None,
        **options: Unpack[ScanOptions],
    ) -> Scan:
        """Scan with an expression, a scanner's class, one made of it, or its module's name.

        Several share one pass.

        In place of scanners and options: one session config, as a dict or a model, of which the
        scanners are run.

        out          also write the hits to this .parquet, .csv or .json file, whole or not at all
        first_hit    keep the first hit of each scanner, symbol and session
        keep_hits    whether `hits` are in memory; without them memory does not grow with their
                     number
        workers      processes that may share the scan; they do where they would save time
        on_progress  called with what, done, of how many; a notebook and a terminal show it by
                     themselves where left out
        options      see ScanOptions

        Raises BarsweepError for a mistake, and Interrupted, with the scan so far, when it is
        interrupted.
        """
        from engine.api.scans import scan_config_of

        return scan_config_of(
            self,
            self.loaded(*scanners, **options),
            out=out,
            first_hit=first_hit,
            keep_hits=keep_hits,
            workers=workers,
            on_progress=on_progress,
        )

    def explain(
        self,
        symbol: str,
        at: str | dt.datetime,
        *scanners: Scannable,
        scanner: str | None = None,
        **options: Unpack[ScanOptions],
    ) -> Answer:
        """Why a symbol was found at a tick (exchange time), or why not.

        `scanner` names one of several.
        """
        from engine.api.explanations import answer_of

        return answer_of(self.loaded(*scanners, **options), self.archive, symbol, at, scanner)

    def near_misses(
        self,
        at: str | dt.datetime,
        *scanners: Scannable,
        scanner: str | None = None,
        **options: Unpack[ScanOptions],
    ) -> NearMisses:
        """The symbols that failed exactly one clause at a tick."""
        from engine.api.explanations import misses_of

        return misses_of(self.loaded(*scanners, **options), self.archive, at, scanner)

    def audit(
        self,
        *scanners: Scannable,
        ticks: int = 5,
        sessions: int = 1,
        before: int = 3,
        seed: int = 0,
        warm_up: bool = True,
        on_progress: Progress | None = None,
        **options: Unpack[ScanOptions],
    ) -> Audit:
        """Prove that scanners do not look ahead; see `barsweep.audit`."""
        from engine.api.audits import audit_of
        from engine.audit.look_ahead import AuditOptions

        asked = AuditOptions(ticks, sessions, before, seed)
        return audit_of(
            self.loaded(*scanners, **options), self.archive, asked, warm_up, on_progress
        )

    def evaluate(
        self,
        hits: pl.DataFrame | str | Path,
        *,
        universe: str | None = None,
        tried: int = 1,
        last_price: bool = False,
        out: str | Path | None = None,
        keep_rows: bool = True,
        on_progress: Progress | None = None,
    ) -> Evaluated:
        """What hits did next, of this market or of a hits.parquet; see `barsweep.evaluate`."""
        from engine.api.evaluations import evaluate_hits

        source = hits if isinstance(hits, pl.DataFrame) else Path(hits)
        return evaluate_hits(
            source,
            self.archive,
            universe=universe,
            tried=tried,
            last_price=last_price,
            out=out,
            keep_rows=keep_rows,
            on_progress=on_progress,
        )

    def sweep(self, *scanners: Scannable | Path, **options: Any) -> Swept:
        """Judge variants of scanners in one pass; see `barsweep.sweep`."""
        from engine.api.sweeps import sweep

        return sweep(*scanners, archive=self, **options)

    def optimize(self, *scanners: Scannable | Path, **options: Any) -> Optimization:
        """Search the best variant of scanners; see `barsweep.optimize`."""
        from engine.api.optimizations import optimize

        return optimize(*scanners, archive=self, **options)

    def show(
        self,
        symbol: str,
        *keys: str,
        date: str | dt.date | None = None,
        sessions: int | None = None,
        benchmark: str | None = None,
        out: str | Path | None = None,
    ) -> Chart:
        """A symbol's bars and indicators, as scans see them; see `Chart`."""
        from engine.api.pages import chart_of

        return chart_of(
            self.archive, symbol, keys, date=date, sessions=sessions, benchmark=benchmark, out=out
        )

    # -- the archive itself

    def check(
        self,
        *,
        fix: bool = False,
        remove_up_to: float = MOST_REMOVED,
        on_progress: Progress | None = None,
    ) -> Checked:
        """Read every bar and tell what is wrong; see `barsweep.check`."""
        from engine.api.qualities import check

        return check(self, fix=fix, remove_up_to=remove_up_to, on_progress=on_progress)

    def quality(
        self,
        *symbols: str,
        start: str | dt.date | None = None,
        end: str | dt.date | None = None,
        columns: int = 60,
        out: str | Path | None = None,
        on_progress: Progress | None = None,
    ) -> Quality:
        """How complete the bars are; see `barsweep.quality`."""
        from engine.api.qualities import quality

        return quality(
            self, *symbols, start=start, end=end, columns=columns, out=out, on_progress=on_progress
        )

    def _repr_html_(self) -> str:
        info = self.info()
        facts: Mapping[str, Any] = {
            "archive": info.path,
            "exchange": info.exchange,
            "symbols": info.symbols,
        }
        spans: Sequence[tuple[str, str]] = [
            (
                one.interval,
                f"{one.sessions:,} sessions, {one.first} to {one.last}, {one.rows:,} bars",
            )
            for one in info.intervals
        ]
        return facts_html({**facts, **dict(spans)})
