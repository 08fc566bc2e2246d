"""What an archive holds, what is wrong with it, and how complete it is."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.api.notebook_html import facts_html
from engine.api.open_market import OpenMarket, folder_of, open_market
from engine.api.progress_display import telling
from engine.api.scan_options import Spell, check_order, date_of
from engine.archive.archive import Archive
from engine.archive.archive_info import ArchiveInfo, describe
from engine.archive.disk.atomic import atomic_path
from engine.archive.quality.anomalies import KINDS
from engine.archive.quality.check_bars import Finding, check_archive
from engine.archive.quality.completeness import ArchiveQuality, QualityTotals
from engine.archive.quality.repair import MOST_REMOVED, fix_archive
from engine.archive.quality.repair_log import FIXES
from engine.errors import ConfigError
from engine.progress import Progress
from engine.report.candle_charts import plotly
from engine.report.coverage_page import coverage_page
from engine.runs.growing_tables import whole_table
from engine.schema import ARCHIVE_QUALITY_SCHEMA

MAP_COLUMNS, PAGE_COLUMNS = 60, 520  # of a heat map: as text, in a page
NEARLY_COMPLETE = 99.0


@dataclass(frozen=True)
class Checked:
    """What is wrong with an archive.

    findings  faults, which a run must not see, and notes, which are oddities
    changes   what was repaired first, and how often; each is written down in the folder `fixes`
    """

    findings: list[Finding]
    changes: Counter[str]
    fixes: Path = field(repr=False)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def faults(self) -> list[Finding]:
        """The findings that a run must not see; the others are notes."""
        return [finding for finding in self.findings if finding.fault]

    @property
    def fills(self) -> int:
        """How many bars without volume, at the price before, there are."""
        return sum(finding.count for finding in self.findings if finding.kind == KINDS["filled"])

    @property
    def table(self) -> pl.DataFrame:
        """A row a finding: level (fault, note), kind, where, count, example."""
        rows = [
            ("fault" if f.fault else "note", f.kind, f.where, f.count, str(f.example))
            for f in self.findings
        ]
        schema = {
            "level": pl.String(),
            "kind": pl.String(),
            "where": pl.String(),
            "count": pl.Int64(),
            "example": pl.String(),
        }
        return pl.DataFrame(rows, schema=schema, orient="row")

    def as_dicts(self) -> list[dict[str, Any]]:
        """The findings for JSON."""
        return [dataclasses.asdict(finding) for finding in self.findings]

    def _repr_html_(self) -> str:
        return facts_html(
            {"findings": len(self.findings) or "clean: nothing found", **self.changes},
            ("findings", self.table),
        )


@dataclass(frozen=True)
class Quality:
    """How complete the bars of regular hours are.

    dates  the sessions
    table  a row a symbol, the least complete first: sessions, expected, present, quality_percent,
           worst_session, worst_percent,
           longest_gap (minutes), and how many bars are stale, spikes, filled, crossed
    """

    dates: list[dt.date]
    table: pl.DataFrame
    totals: QualityTotals = field(repr=False)
    title: str = field(repr=False)

    @property
    def facts(self) -> dict[str, Any]:
        """Of all symbols together."""
        expected, present = (int(self.table[name].sum()) for name in ("expected", "present"))
        return {
            "sessions": f"{len(self.dates)} ({self.dates[0]} to {self.dates[-1]})",
            "symbols": len(self.table),
            "bars": present,
            "expected": expected,
            "quality": f"{100 * present / max(1, expected):.2f} %",
            "complete": f"{(self.table['quality_percent'] >= NEARLY_COMPLETE).sum()} symbols with "
            "99 % or more",
        }

    @property
    def columns(self) -> list[dt.date]:
        """The first session of each column of `map`."""
        return self.totals.columns

    @property
    def market(self) -> NDArray[np.float64]:
        """float64[columns]: percent of the bars of all symbols together."""
        return self.totals.market

    def map(self, symbols: list[str]) -> NDArray[np.float64]:
        """float64[symbols, columns]: the same of some symbols; NaN where one is not expected."""
        return self.totals.map(symbols)

    def page(self, path: str | Path) -> Path:
        """Write a page with a map of symbols by sessions (extra `charts`)."""
        text = coverage_page(self.title, self.totals)
        with atomic_path(Path(path)) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return Path(path)

    def _repr_html_(self) -> str:
        return facts_html(self.facts, ("the least complete symbols", self.table))


def info(archive: str | Path | OpenMarket) -> ArchiveInfo:
    """What an archive holds: sessions, symbols, rows, size, span, coverage.

    Reads no intraday bars.
    """
    return describe(_read(archive))


def check(
    archive: str | Path | OpenMarket,
    *,
    fix: bool = False,
    remove_up_to: float = MOST_REMOVED,
    on_progress: Progress | None = None,
) -> Checked:
    """Read every bar of an archive and tell what is wrong.

    fix           repair first what is safe to repair: sort, drop exact copies and fills without
                  volume, put right highs and lows
                  that are exchanged or miss open or close by rounding
    remove_up_to  with `fix`: percent of a symbol's bars in a session that may be removed as fills
                  without volume
    """
    if not 0 <= remove_up_to <= 100:
        raise ConfigError(f"remove_up_to {remove_up_to:g}", expected="a percentage, from 0 to 100")
    read = _read(archive)
    with telling(on_progress) as progress:
        changes = fix_archive(read, progress, remove_up_to) if fix else Counter()
        return Checked(check_archive(read, progress), changes, read.path / FIXES)


def quality(
    archive: str | Path | OpenMarket,
    *symbols: str,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    columns: int = MAP_COLUMNS,
    out: str | Path | None = None,
    page: str | Path | None = None,
    on_progress: Progress | None = None,
    spell: Spell = str,
) -> Quality:
    """Tell how complete the bars of an archive are, of all symbols or of some, from their first
    session to their last.

    columns  of the map of symbols by sessions, at most
    out      also write a row a symbol and session to this .parquet file
    page     also write a page with the map to this HTML file (extra `charts`)
    """
    check_order(start, end, spell)
    if page:
        plotly()  # before anything is read
        columns = PAGE_COLUMNS
    asked = ArchiveQuality(
        _read(archive), date_of(start), date_of(end), [symbol.upper() for symbol in symbols]
    )
    totals = QualityTotals(asked, columns)
    rows_of = whole_table(Path(out), ARCHIVE_QUALITY_SCHEMA) if out else nullcontext()
    with rows_of as table, telling(on_progress) as progress:
        for number, rows in enumerate(asked):
            totals.add(number, rows)
            if table:
                table.add(rows)
            progress("sessions", number + 1, len(asked.dates))
    name = folder_of(archive)
    title = f"{name}: bars present, {asked.dates[0]} to {asked.dates[-1]}"
    found = Quality(asked.dates, totals.by_symbol, totals, title)
    if page:
        found.page(page)
    return found


def _read(archive: str | Path | OpenMarket) -> Archive:
    """The archive, of which nothing is kept: every bar is read once."""
    return (
        Archive.open(archive.path)
        if isinstance(archive, OpenMarket)
        else open_market(archive, keep=0).archive
    )
