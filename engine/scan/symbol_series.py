"""One symbol's bars and indicators over some sessions, as scans see them: for charts and for
looking at a single name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.clock.calendar import ExchangeCalendar
from engine.errors import ArchiveError, did_you_mean
from engine.indicators.key import IndicatorKey
from engine.panel.symbol_table import SymbolTable
from engine.scan.replay import MarketReplay
from engine.scan.requirements import Requirements
from engine.scan.session_batch import ReplaySpec
from engine.scan.ticks import EveryBar


def indicator_series(
    archive: Archive,
    symbol: str,
    keys: Sequence[IndicatorKey],
    dates: Sequence[dt.date],
    benchmark: str | None = None,
    extended: bool = False,
) -> pl.DataFrame:
    """tick (UTC), bar_time, open ..

    Volume, then a column an output of each key; one row a base bar of regular hours.

    Where all keys are daily: one row a session, at its close. A value is what a scan sees at that
    tick. Raises ArchiveError for a symbol that the archive does not hold.
    """
    for name in filter(None, (symbol, benchmark)):
        if name not in archive.symbols():
            near = did_you_mean(name, archive.symbols())
            raise ArchiveError(
                f"no symbol {name!r}",
                where=archive.path,
                expected="a symbol of the archive",
                fix=near,
            )
    calendar = ExchangeCalendar.of(archive.exchange)
    base = archive.manifest.base
    daily = all(key.interval.is_daily for key in keys)
    sessions = [calendar.session(date) for date in dates]
    ticks = EveryBar(0 if daily else base.micros, sessions)
    bars = ("open", "high", "low", "close", "volume", "bar_time")
    needs = Requirements(
        base.name, max(session.minutes for session in sessions), ticks.slot_count, benchmark
    )
    needs.need_columns(bars)
    needs.need_keys(keys)
    table = SymbolTable([symbol, *([benchmark] if benchmark else [])])
    replay = MarketReplay(
        ReplaySpec(
            archive=archive,
            calendar=calendar,
            base=base,
            extended=extended,
            dates=dates,
            nodes=needs.nodes,
            ticks=ticks,
            table_of=lambda *_: table,
            benchmark=benchmark,
        )
    )
    row = table.id(symbol)
    names = ["bar_time", *bars[:5], *(column for key in keys for column in key.columns)]
    parts = []
    for batch in replay.batches():
        at = np.arange(len(batch.cross.ticks))
        parts.append(batch.cross.frame(["tick", *names], at, np.full(len(at), row)))
    return pl.concat(parts)
