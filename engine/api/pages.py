"""What is looked at: a symbol's hits, its bars and indicators, reports of runs, and how two runs
differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from engine.api.notebook_html import facts_html
from engine.api.open_market import OpenMarket, folder_of
from engine.api.result_tables import latest
from engine.api.scan_options import Spell, date_of
from engine.api.scan_sources import loaded_from
from engine.archive.archive import Archive
from engine.archive.disk.atomic import atomic_path
from engine.config.load import LoadedConfig
from engine.errors import ConfigError, RunError, did_you_mean
from engine.indicators.key import IndicatorKey
from engine.report.candle_charts import candle_page, chart_bars
from engine.report.run_page import compare_page, report_page
from engine.report.session_page import session_page
from engine.runs.run_diff import RunsDiff, compare_runs
from engine.runs.run_tables import RunTables
from engine.scan.symbol_series import indicator_series
from engine.text import file_name


@dataclass(frozen=True)
class Shown:
    """A symbol's hits of a run or a scan.

    `page` is where a session was drawn, None where none was.
    """

    symbol: str
    hits: pl.DataFrame
    page: Path | None
    tz: str = field(repr=False)

    @property
    def table(self) -> pl.DataFrame:
        """The hits with ticks as times of the exchange, without columns that are empty."""
        return latest(self.hits.drop("symbol"), self.tz, "%H:%M")

    def _repr_html_(self) -> str:
        facts = {
            "symbol": self.symbol,
            "hits": len(self.hits),
            **({"page": self.page} if self.page else {}),
        }
        return facts_html(facts, ("hits", self.table))


@dataclass(frozen=True)
class Chart:
    """A symbol's bars and indicators, as scans see them.

    bars     tick (UTC), bar_time, open .. volume, then a column an output of each indicator
    columns  the indicators' columns
    span     from when to when
    page     the HTML file with candles; None where none was asked for
    """

    symbol: str
    bars: pl.DataFrame
    columns: tuple[str, ...]
    span: str
    page: Path | None

    def _repr_html_(self) -> str:
        return facts_html({"symbol": self.symbol, "span": self.span}, ("bars", self.bars))


def show(
    run: str | Path,
    symbol: str,
    session: str | dt.date | None = None,
    *,
    out: str | Path | None = None,
    archive: str | Path | OpenMarket | None = None,
    spell: Spell = str,
) -> Shown:
    """What a run found of a symbol: all its hits, or one session's candles, indicators and hits as
    an HTML page.

    out      where the page goes; SYMBOL-SESSION.html in the run directory where left out
    archive  where the run's archive is now, if it was moved
    """
    folder = Path(run)
    loaded, bars = loaded_from(folder, folder_of(archive))
    page = out or folder / f"{file_name(symbol.upper(), unique=True)}-{date_of(session)}.html"
    hits = (
        pl.scan_parquet(folder / "hits.parquet")
        .filter(pl.col("symbol") == symbol.upper())
        .collect()
    )
    return shown_of(loaded, bars, hits, symbol, session, page, spell)


def shown_of(
    loaded: LoadedConfig,
    archive: Archive,
    hits: pl.DataFrame,
    symbol: str,
    session: str | dt.date | None,
    out: str | Path | None,
    spell: Spell = str,
) -> Shown:
    """Show hits of a config's scan, a session of them as a page at `out`."""
    symbol, day = symbol.upper(), date_of(session)
    _check_symbol(symbol, archive)
    own = hits.filter(pl.col("symbol") == symbol)
    if day is None:
        return Shown(symbol, own, None, str(archive.calendar.tz))
    if day not in archive.sessions(
        loaded.config.session_data_config.interval or archive.manifest.base.name
    ):
        raise ConfigError(
            f"{spell('session')} {day}", where=archive.path, expected="a session of the archive"
        )
    own = own.filter(pl.col("session") == day)
    page = Path(out or f"{file_name(symbol, unique=True)}-{day}.html")
    _write(page, session_page(loaded, archive, own, symbol, day))
    return Shown(symbol, own, page, str(archive.calendar.tz))


def chart_of(
    archive: Archive,
    symbol: str,
    keys: Sequence[str],
    *,
    date: str | dt.date | None,
    sessions: int | None,
    benchmark: str | None,
    out: str | Path | None,
) -> Chart:
    """Indicators by name or key (rsi, rsi_14_5m) over a symbol's last sessions up to `date`.

    sessions   how many: 1, or 120 where all keys are daily, where left out
    benchmark  symbol that beta, correlation and relative_strength are measured against
    out        where a page with candles goes
    """
    symbol, last, found = symbol.upper(), date_of(date), [IndicatorKey.parse(key) for key in keys]
    count = sessions or (120 if found and all(key.interval.is_daily for key in found) else 1)
    dates = [day for day in archive.sessions() if last is None or day <= last][-count:]
    if not dates:
        raise ConfigError(
            f"no session up to {last}",
            where=archive.path,
            expected=f"{archive.sessions()[0]} or later",
        )
    bars = indicator_series(archive, symbol, found, dates, benchmark and benchmark.upper())
    span = f"{dates[0]}" if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    columns = tuple(column for key in found for column in key.columns)
    if out:
        title = f"{symbol} {span}: {', '.join(key.name for key in found)}"
        _write(Path(out), candle_page(title, chart_bars(bars, archive.calendar), columns))
    return Chart(symbol, bars, columns, span, Path(out) if out else None)


def report(
    *runs: str | Path, out: str | Path | None = None, archive: str | Path | OpenMarket | None = None
) -> Path:
    """Write the report of a run directory, or of several side by side, as one HTML page that opens
    from disk (extra `charts`).

    out      where it goes; report.html in the run directory, for several runs in the current folder
    archive  where the runs' archive is now, if it was moved
    """
    bars = (
        archive.archive
        if isinstance(archive, OpenMarket)
        else Archive.open(archive)
        if archive
        else None
    )
    tables = [RunTables(Path(run), bars) for run in runs]
    text = report_page(tables[0]) if len(tables) == 1 else compare_page(tables)
    page = (
        Path(out)
        if out
        else Path(runs[0]) / "report.html"
        if len(runs) == 1
        else Path("report.html")
    )
    _write(page, text)
    return page


def diff(one: str | Path, other: str | Path) -> RunsDiff:
    """Compare two run directories: which tables, rows and columns differ, and the first difference
    explained.
    """
    return compare_runs(Path(one), Path(other))


def _write(page: Path, text: str) -> None:
    with atomic_path(page) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _check_symbol(symbol: str, archive: Archive) -> None:
    if symbol not in archive.symbols():
        near = did_you_mean(symbol, archive.symbols())
        raise RunError(
            f"no symbol {symbol!r}",
            where=archive.path,
            expected="a symbol of the archive",
            fix=near,
        )
