"""Corporate actions and tickers of an archive, brought in from tables or LEAN's files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from engine.api.scan_options import Spell
from engine.archive.archive import Archive
from engine.archive.ingest.import_summary import ImportSummary
from engine.archive.ingest.lean import factor_actions, ticker_intervals
from engine.archive.reference import corporate_actions as corporate
from engine.archive.reference import tickers as renamed
from engine.archive.reference.corporate_actions import ActionsSummary
from engine.archive.reference.tickers import TickersSummary
from engine.errors import ConfigError


def actions(
    archive: str | Path,
    *,
    table: str | Path | None = None,
    lean_factors: str | Path | None = None,
    by_ticker: bool = False,
    time_format: str | None = None,
    replace: bool = False,
    spell: Spell = str,
) -> ActionsSummary | pl.DataFrame:
    """Bring splits and cash dividends into an archive; without a source, those that it has.

    table         CSV or Parquet: symbol, ex_date, split_ratio (new shares for one old),
                  cash_dividend
    lean_factors  LEAN's factor files: a folder, a zip, or one symbol's .csv
    by_ticker     the table names tickers of the ex-date; the symbol map says whose they were
    time_format   of the table's dates, such as "%d/%m/%Y"; found where they tell it
    replace       forget what the archive has; else it is merged
    """
    read = Archive.open(archive)
    if not _has_source(
        table=table, lean_factors=lean_factors, changes=by_ticker or replace, spell=spell
    ):
        return read.corporate_actions()
    skipped: tuple[str, ...] = ()
    if table:
        rows = corporate.read_actions(Path(table), time_format, read.calendar)
    else:
        rows, skipped = factor_actions(read, Path(lean_factors or ""))
    rows = corporate.by_ticker(read, rows) if by_ticker else rows
    return corporate.bring_in(read, rows, replace, skipped)


def tickers(
    archive: str | Path,
    *,
    table: str | Path | None = None,
    lean_maps: str | Path | None = None,
    time_format: str | None = None,
    replace: bool = False,
    spell: Spell = str,
) -> TickersSummary | pl.DataFrame:
    """Tell an archive which symbol had which ticker when; without a source, what it knows.

    table        CSV or Parquet: symbol, ticker, start_date, end_date (the first day after; empty:
                 still so)
    lean_maps    LEAN's map files: a folder, a zip, or one symbol's .csv
    time_format  of the table's dates, such as "%d/%m/%Y"; found where they tell it
    """
    read = Archive.open(archive)
    if not _has_source(table=table, lean_maps=lean_maps, changes=replace, spell=spell):
        return read.symbol_map.intervals
    rows = (
        renamed.read_tickers(Path(table), time_format)
        if table
        else ticker_intervals(Path(lean_maps or ""))
    )
    return renamed.bring_in(read, rows, replace)


def lean_markets(summary: ImportSummary, sources: Sequence[str | Path]) -> list[Path]:
    """Folders with factor and map files beside or above the LEAN files of an import."""
    folders = {folder for one in map(Path, sources) for folder in (one, *one.absolute().parents)}
    return sorted(
        folder
        for folder in folders
        if summary.layout == "lean" and (folder / "factor_files").exists()
    )


def _has_source(*, changes: bool, spell: Spell, **sources: str | Path | None) -> bool:
    """Whether one source is given; ConfigError for two, and for changes with none."""
    one, other = map(spell, sources)
    given = sum(source is not None for source in sources.values())
    if given > 1:
        raise ConfigError(
            f"{one} and {other}", expected="one of them", fix="bring in one after the other"
        )
    if changes and not given:
        raise ConfigError("nothing to bring in", expected=f"{one} or {other}")
    return given == 1
