"""Finds symbols that may be two companies: their bars end, and begin again after a long gap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.archive.archive import Archive, DailyYear
from engine.archive.symbol_map import EPOCH

# Days, and sessions of the archive, without a bar of the symbol: too long for a halt.
LONG, MANY = 180, 60
# So many sessions are enough where the price then is this many times the price before, or the price
# before this many times it.
SOME, OTHER_PRICE = 10, 2.0
LATEST = 1 << 40  # a day number after any date

Last = dict[str, tuple[int, float]]  # symbol -> the day and the close of its last bar so far


class Gap(NamedTuple):
    """A daily bar that may be another company's than the symbol's bar before.

    date      of the bar
    days      since the bar before
    sessions  of the archive in between
    close     of the bar before
    open      of this one
    """

    symbol: str
    date: dt.date
    days: int
    sessions: int
    close: float
    open: float

    def __str__(self) -> str:
        return (
            f"the bar before is {self.days:,} days older, and closes at {self.close:g}; this "
            f"one opens at {self.open:g}"
        )


def long_gaps(archive: Archive) -> Iterator[Gap]:
    """Bars after MANY sessions in LONG days or more without one, or after SOME sessions at another
    price; see the module's limits.

    Sessions that the whole archive lacks are no gap of a symbol. Prices are compared in the scale
    of the day, by the splits known.
    """
    sessions = np.array([(date - EPOCH).days for date in archive.sessions("1d")], np.int64)
    splits = archive.corporate_actions().filter(pl.col("split_ratio").is_not_null())
    last: Last = {}
    for year in archive.daily_years():
        bars = archive.read_daily_year(year, ["open", "close"])
        for gap in _gaps(bars, last, sessions):
            ratio = _split_between(splits, gap)
            jump = max(gap.open * ratio / gap.close, gap.close / (gap.open * ratio))
            if jump > OTHER_PRICE or (gap.sessions >= MANY and gap.days >= LONG):
                yield gap
        ends = np.cumsum(bars.counts) - 1
        closing = zip(bars.days[ends].tolist(), bars.columns["close"][ends].tolist(), strict=True)
        last |= zip(bars.symbols, closing, strict=True)


def _gaps(bars: DailyYear, last: Last, sessions: NDArray[np.int64]) -> Iterator[Gap]:
    """The year's bars after SOME sessions without one."""
    ends = np.cumsum(bars.counts)
    begins = ends - bars.counts
    days, closes = np.roll(bars.days, 1), np.roll(bars.columns["close"], 1)  # of the bar before
    for symbol, begin in zip(bars.symbols, begins.tolist(), strict=True):
        days[begin], closes[begin] = last.get(symbol, (LATEST, np.nan))
    between = np.searchsorted(sessions, bars.days) - np.searchsorted(sessions, days, side="right")
    for row in np.flatnonzero(between >= SOME).tolist():
        symbol = bars.symbols[int(np.searchsorted(ends, row, side="right"))]
        day, before = int(bars.days[row]), int(days[row])
        date = EPOCH + dt.timedelta(days=day)
        yield Gap(
            symbol,
            date,
            day - before,
            int(between[row]),
            float(closes[row]),
            float(bars.columns["open"][row]),
        )


def _split_between(splits: pl.DataFrame, gap: Gap) -> float:
    """New shares for one old, of a symbol's splits after the bar before and up to the gap's end."""
    before = gap.date - dt.timedelta(days=gap.days)
    own = splits.filter(
        pl.col("symbol") == gap.symbol, pl.col("ex_date") > before, pl.col("ex_date") <= gap.date
    )
    return float(own["split_ratio"].product()) if len(own) else 1.0
