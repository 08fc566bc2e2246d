"""Finds splits that the corporate actions lack, and splits that the bars do not show.

Daily bars are examined a year at a time. The previous close, adjusted by the known actions, should
be near the day's open. A jump between them looks like a split where

    1. the jump is near a usual ratio: its logarithm is within 5 % of the ratio's, or within 0.025
    2. the price level changes, not one bar: the median of the three closes before jumps to the
       median of the three closes from the day on
    3. volume is not that of news: at most four times the median of twenty sessions, in shares
       before or after the split

Spin-offs and special dividends that the actions lack are found as well. A known split without a
jump of prices means that the bars are adjusted already; reading would adjust them twice.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.archive.reference.corporate_actions import at_bars

# New shares for old. Below 5:4 prices jump by themselves too often; reverse splits are to one
# share.
WHOLE = (
    *range(2, 11),
    12,
    15,
    20,
    25,
    30,
    40,
    50,
    60,
    75,
    80,
    100,
    120,
    150,
    200,
    250,
    300,
    400,
    500,
    1000,
)
RATIOS = np.array(
    [5 / 4, 4 / 3, 3 / 2, 5 / 3, 5 / 2, 7 / 2, *WHOLE, *(1 / number for number in WHOLE)]
)
JUMP, NO_JUMP = "jump like a split's, without a corporate action", "split without a jump"
LEAST = math.log(1.25)
NEAR, NEAREST = 0.05, 0.025  # of the logarithm of a ratio; at least
NEWS = 4.0  # times the usual volume
USUAL, FEWEST = 20, 5  # sessions of the usual volume
LONGEST_GAP = 10  # days between two bars; what happened in more was not overnight
BEFORE, AFTER = dt.timedelta(days=60), dt.timedelta(days=10)  # bars around a year
COLUMNS = ["open", "close", "volume"]


def split_jumps(archive: Archive) -> Iterator[tuple[str, str, dt.date, str]]:
    """(JUMP or NO_JUMP, symbol, date, what), in order of years, then symbols."""
    actions = archive.corporate_actions()
    for year in archive.daily_years():
        first, end = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
        bars = at_bars(archive.read_daily(COLUMNS, first - BEFORE, end + AFTER), actions)
        jumps = _jumps(bars).filter((pl.col("date") >= first) & (pl.col("date") < end))
        for symbol, date, before, now, ratio, known in jumps.iter_rows():
            if known is None:
                yield (
                    JUMP,
                    symbol,
                    date,
                    f"{before:g} to {now:g}, as in a {ratio_text(ratio)} split",
                )
            else:
                yield (
                    NO_JUMP,
                    symbol,
                    date,
                    f"{before:g} to {now:g}, though the split is {ratio_text(known)}: adjusted "
                    "already?",
                )


def ratio_text(ratio: float) -> str:
    """New shares for old: 7:1, 1:20, 3:2."""
    whole = Fraction(ratio).limit_denominator(1000)
    return f"{whole.numerator}:{whole.denominator}"


def _jumps(bars: pl.DataFrame) -> pl.DataFrame:
    """symbol, date, previous close, open, ratio, split: rows that look like a split, or like none
    where there is one.
    """
    close = pl.col("close")
    rows = bars.with_columns(
        before=close.shift(1).over("symbol"),
        gap=(pl.col("date") - pl.col("date").shift(1)).over("symbol").dt.total_days(),
        level=close.shift(1).rolling_median(3, min_samples=1).over("symbol"),
        after=close.reverse().rolling_median(3, min_samples=1).reverse().over("symbol"),
        usual=pl.col("volume").shift(1).rolling_median(USUAL, min_samples=FEWEST).over("symbol"),
    ).filter(pl.col("before").is_not_null(), pl.col("gap") <= LONGEST_GAP)
    cash, before, level = pl.col("cash_dividend"), pl.col("before"), pl.col("level")
    left = (
        1.0 - pl.when(cash < before).then(cash).otherwise(0.0) / before
    )  # of a price, once the dividend is paid
    rows = rows.with_columns(
        jump=(before * left / pl.col("open")).log(), shift=(level * left / pl.col("after")).log()
    )
    return pl.concat([_without_split(rows), _without_jump(rows)]).sort("symbol", "date")


def _without_split(rows: pl.DataFrame) -> pl.DataFrame:
    some = rows.filter(pl.col("jump").abs() > LEAST - NEAREST, pl.col("split_ratio") == 1.0)
    ratios = RATIOS[_nearest(some["jump"].to_numpy())]
    size = pl.col("ratio").log()
    near = (pl.col("jump") - size).abs() <= pl.max_horizontal(NEAR * size.abs(), NEAREST)
    level = (pl.col("shift") - size).abs() < size.abs() / 2
    calm = pl.col("volume") <= NEWS * pl.col("usual") * pl.max_horizontal(pl.lit(1.0), "ratio")
    found = some.with_columns(ratio=pl.Series(ratios)).filter(near, level, calm)
    return found.select("symbol", "date", "before", "open", "ratio", known=pl.lit(None, pl.Float64))


def _without_jump(rows: pl.DataFrame) -> pl.DataFrame:
    size = pl.col("split_ratio").log()
    still = pl.max_horizontal(pl.col("jump").abs(), pl.col("shift").abs()) < size.abs() / 2
    found = rows.filter(size.abs() >= LEAST - 1e-9, still)
    return found.select("symbol", "date", "before", "open", ratio=pl.lit(1.0), known="split_ratio")


def _nearest(logs: Sequence[float] | np.ndarray) -> np.ndarray:
    """Places in RATIOS of the ratios that are nearest to logarithms."""
    places: np.ndarray = np.abs(np.log(RATIOS)[None, :] - np.asarray(logs)[:, None]).argmin(axis=1)
    return places
