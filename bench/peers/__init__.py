"""The momentum scan written by hand in other tools, over the same files, as well as we know how.

Each module has `find(archive, dates) -> frame of session, tick, symbol`: the default momentum
scanner every five minutes from 09:35 to 15:55, sorted by tick and symbol. They get by without a
look-up of every symbol at every tick: a bar is the latest one until the symbol's next, so bars that
pass are found first and then spread over the ticks that see them. As in barsweep, every month is
computed from its own warm-up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import groupby

import polars as pl

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.clock.interval import MICROS_A_MINUTE
from engine.clock.schedule import Schedule
from engine.features.feature_node import warmup_sessions
from engine.indicators.key import IndicatorKey

SCHEDULE = Schedule.parse("09:35-15:55/5m")
STEP = 5 * MICROS_A_MINUTE


def sessions(archive: Archive, dates: Sequence[dt.date]) -> pl.DataFrame:
    """A row a session and month that it is computed for: its own, and the next one whose averages
    warm up in it.

    date, month; opens and closes; first_tick, ticks: the first and how many, none in a warm-up;
    averaged: whether the simple average begins here or before. Times in microseconds.
    """
    rows = []
    for month, own in groupby(dates, key=lambda date: date.year * 12 + date.month):
        within = list(own)
        before = [date for date in archive.sessions() if date < within[0]]
        sma, rsi = (
            warmup_sessions(IndicatorKey.parse(key), 390) for key in ("sma_20_1m", "rsi_14_1m")
        )
        for date in [*before[-max(sma, rsi) :], *within]:
            session = archive.calendar.session(date)
            ticks, averaged = SCHEDULE.ticks(session), date in within or date in before[-sma:]
            rows.append(
                (
                    date,
                    month,
                    session.open,
                    session.close,
                    int(ticks[0]),
                    len(ticks) if date in within else 0,
                    averaged,
                )
            )
    names = ("date", "month", "opens", "closes", "first_tick", "ticks", "averaged")
    schema = dict.fromkeys(names, pl.Int64) | {"date": pl.Date, "averaged": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def files(archive: Archive, clock: pl.DataFrame) -> list[str]:
    """The files of the sessions, in order."""
    return [
        str(layout.session_file(archive.path, "1m", date)) for date in clock["date"].unique().sort()
    ]


def previous_closes(archive: Archive, dates: Sequence[dt.date]) -> pl.DataFrame:
    """symbol, date.

    Prev_close in the scale of the date; scale: what prices of the date are divided by for that of
    the last one.
    """
    daily = archive.read_daily(["close"], None, dates[-1] + dt.timedelta(days=1))
    actions = archive.corporate_actions().filter(
        pl.col("split_ratio") != 1, pl.col("ex_date") <= dates[-1]
    )
    ratio = pl.col("split_ratio").fill_null(1.0)
    daily = daily.join(
        actions.select("symbol", pl.col("ex_date").alias("date"), "split_ratio"),
        on=["symbol", "date"],
        how="left",
    )
    later = ratio.cum_prod(reverse=True).over("symbol") / ratio
    return daily.sort("symbol", "date").select(
        "symbol",
        "date",
        (pl.col("close").shift(1).over("symbol") / ratio).alias("prev_close"),
        later.alias("scale"),
    )
