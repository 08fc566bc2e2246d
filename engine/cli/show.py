"""`barsweep show`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.adhoc import loaded_from
from engine.cli.options import DAY, FILE, FOLDER, archive_option
from engine.cli.output import print_table, say
from engine.errors import ConfigError, RunError, did_you_mean
from engine.text import file_name

if TYPE_CHECKING:
    import polars as pl

    from engine.archive.archive import Archive
    from engine.config.load import LoadedConfig

COLORS = ("#5c6bc0", "#ffa726", "#8d6e63", "#26c6da", "#ab47bc")


@click.command("show")
@click.argument("run", type=FOLDER)
@click.option("--symbol", required=True, help="The symbol to show.")
@click.option(
    "--session",
    "session",
    **DAY,
    help="Draw this session; all hits are listed where left out.",
)
@click.option("--out", type=FILE, help="Where the page goes; SYMBOL-SESSION.html in the run directory where left out.")
@archive_option(required=False)
def show_command(run: Path, symbol: str, session: Any, out: Path | None, archive_path: Path | None) -> None:
    """Show what a run found of a symbol: all its hits, or one session's candles, indicators and hits as an HTML page.

    The page holds everything it needs and opens from disk.
    """
    import polars as pl

    loaded, archive = loaded_from(run, archive_path)
    symbol = symbol.upper()
    hits = pl.scan_parquet(run / "hits.parquet").filter(pl.col("symbol") == symbol).collect()
    if symbol not in archive.symbols():
        near = did_you_mean(symbol, archive.symbols())
        raise RunError(f"no symbol {symbol!r}", where=archive.path, expected="a symbol of the archive", fix=near)
    if session is None and hits.is_empty():
        say(f"no hits of {symbol} in {run}")
        return
    if session is None:
        _list(hits, str(archive.calendar.tz))
        return
    page = out or run / f"{file_name(symbol, unique=True)}-{session.date()}.html"
    _draw(loaded, archive, hits.filter(pl.col("session") == session.date()), symbol, session.date(), page)
    say(page)


def _list(hits: pl.DataFrame, tz: str) -> None:
    import polars as pl

    local = pl.col("tick").dt.convert_time_zone(tz).dt.to_string("%H:%M")
    rows = hits.with_columns(local).drop("symbol")
    shown = [name for name in rows.columns if rows[name].null_count() < len(rows)]
    print_table(f"{len(hits)} hits", shown, rows.select(shown).rows())


def _draw(loaded: LoadedConfig, archive: Archive, hits: pl.DataFrame, symbol: str, day: dt.date, page: Path) -> None:
    from engine.archive.atomic import atomic_path
    from engine.indicators.key import IndicatorKey
    from engine.results.charts import candle_page, chart_bars
    from engine.scan.series import indicator_series
    from engine.session.coordinator import SessionCoordinator

    data = loaded.config.session_data_config
    if day not in archive.sessions(data.interval or archive.manifest.base.name):
        raise ConfigError(f"--session {day}", where=archive.path, expected="a session of the archive")
    slots = SessionCoordinator(loaded, archive).manager.slots
    keys = {key.name: key for slot in slots if slot.plan for key in slot.plan.indicators}
    keys |= {key.name: key for one in data.indicators for key in [IndicatorKey.make(one.name, one.params, one.interval)]}
    intraday = [key for key in keys.values() if not key.interval.is_daily]
    dates = [day]
    if archive.manifest.base.is_daily:
        intraday = list(keys.values())
        dates = [date for date in archive.sessions("1d") if date <= day][-120:]
    series = indicator_series(archive, symbol, intraday, dates, data.benchmark, data.extended_hours)
    bars = chart_bars(series, archive.calendar)
    columns = [column for key in intraday for column in key.columns]
    text = candle_page(f"{symbol} {day}", bars, columns, _marks(hits, str(archive.calendar.tz), bars))
    with atomic_path(page) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _marks(hits: pl.DataFrame, tz: str, bars: pl.DataFrame) -> list[Any]:
    """A mark a hit, at the close of the latest bar that it saw."""
    import polars as pl

    from engine.results.charts import Mark
    from engine.schema import HITS_SCHEMA

    features = [name for name in hits.columns if name not in HITS_SCHEMA]
    local = hits.with_columns(pl.col("tick").dt.convert_time_zone(tz).dt.replace_time_zone(None).alias("local")).sort("local")
    # a bar is known at its end: the one that starts before the tick is the latest that was seen
    closes = bars.select("time", seen_close="close").sort("time")
    seen = local.join_asof(closes, left_on="local", right_on="time", allow_exact_matches=False)
    names = {name: number for number, name in enumerate(dict.fromkeys(hits["scanner"]))}
    marks = []
    for row in seen.filter(pl.col("seen_close").is_not_null()).iter_rows(named=True):
        told = ", ".join(f"{name} {row[name]:.4g}" for name in features if isinstance(row[name], int | float))
        text = f"{row['local']:%H:%M} rank {row['rank']}: {told}"
        marks.append(Mark(row["time"], row["seen_close"], row["scanner"], text, color=COLORS[names[row["scanner"]] % len(COLORS)]))
    return marks
