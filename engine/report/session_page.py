"""One session of a symbol as a page: candles, the indicators that scanners read, and hits."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.indicators.key import IndicatorKey
from engine.report.candle_charts import Mark, candle_page, chart_bars
from engine.scan.symbol_series import indicator_series
from engine.schema import HITS_SCHEMA
from engine.session.coordinator import SessionCoordinator

COLORS = ("#5c6bc0", "#ffa726", "#8d6e63", "#26c6da", "#ab47bc")


def session_page(
    loaded: LoadedConfig, archive: Archive, hits: pl.DataFrame, symbol: str, day: dt.date
) -> str:
    """An HTML page; `hits` are the symbol's of the session, which the archive has."""
    data = loaded.config.session_data_config
    slots = SessionCoordinator(loaded, archive).manager.slots
    keys = {key.name: key for slot in slots if slot.plan for key in slot.plan.indicators}
    keys |= {
        key.name: key
        for one in data.indicators
        for key in [IndicatorKey.make(one.name, one.params, one.interval)]
    }
    intraday = [key for key in keys.values() if not key.interval.is_daily]
    dates = [day]
    if archive.manifest.base.is_daily:
        intraday = list(keys.values())
        dates = [date for date in archive.sessions("1d") if date <= day][-120:]
    series = indicator_series(archive, symbol, intraday, dates, data.benchmark, data.extended_hours)
    bars = chart_bars(series, archive.calendar)
    columns = [column for key in intraday for column in key.columns]
    return candle_page(
        f"{symbol} {day}", bars, columns, _marks(hits, str(archive.calendar.tz), bars)
    )


def _marks(hits: pl.DataFrame, tz: str, bars: pl.DataFrame) -> list[Any]:
    """A mark a hit, at the close of the latest bar that it saw."""
    features = [name for name in hits.columns if name not in HITS_SCHEMA]
    local = hits.with_columns(
        pl.col("tick").dt.convert_time_zone(tz).dt.replace_time_zone(None).alias("local")
    ).sort("local")
    # a bar is known at its end: the one that starts before the tick is the latest that was seen
    closes = bars.select("time", seen_close="close").sort("time")
    seen = local.join_asof(closes, left_on="local", right_on="time", allow_exact_matches=False)
    names = {name: number for number, name in enumerate(dict.fromkeys(hits["scanner"]))}
    marks = []
    for row in seen.filter(pl.col("seen_close").is_not_null()).iter_rows(named=True):
        told = ", ".join(
            f"{name} {row[name]:.4g}" for name in features if isinstance(row[name], int | float)
        )
        text = f"{row['local']:%H:%M} rank {row['rank']}: {told}"
        marks.append(
            Mark(
                row["time"],
                row["seen_close"],
                row["scanner"],
                text,
                color=COLORS[names[row["scanner"]] % len(COLORS)],
            )
        )
    return marks
