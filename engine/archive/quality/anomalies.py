"""Marks bars that are valid but implausible: stale prices, spikes, fills without volume.

The limits are such that of 4.8 million real minute bars (284 US stocks, 44 sessions of 2018) none
is stale and six are spikes.
"""

from __future__ import annotations

import polars as pl

from engine.schema import PRICE_COLUMNS

STALE = 15  # bars on end with the same four prices; the longest such run of the real bars is 12
# Below this price a tick is so much of it that prices stand still by themselves: there volume has
# to repeat too
COARSE = 10.0
# Of the price: how far beyond the prices before and after a bar its high or low is at least
SPIKE = 0.03
SPIKE_RANGES = 10.0  # and how many times the symbol's usual range of a bar in that session
KINDS = {
    "stale": "stale prices",  # STALE bars or more on end with the same open, high, low and close
    # A high or low far beyond the close before and the open after its bar
    "spike": "spike that reverts",
    # No volume and the price of the bar before, where the symbol's volume is otherwise recorded
    "filled": "fill without volume",
}


def mark_anomalies(bars: pl.DataFrame) -> pl.DataFrame:
    """A session's sorted bars with a Boolean column for each of KINDS."""
    symbol = pl.col("symbol")
    follows, is_followed = (
        (symbol == symbol.shift()).fill_null(False),
        (symbol == symbol.shift(-1)).fill_null(False),
    )
    repeats = (pl.col("close") >= COARSE) | (pl.col("volume") == pl.col("volume").shift())
    same = pl.all_horizontal(
        follows,
        repeats,
        pl.col("volume") > 0,
        *(pl.col(name) == pl.col(name).shift() for name in PRICE_COLUMNS),
    ).fill_null(False)
    before, after = pl.col("close").shift(), pl.col("open").shift(-1)
    beyond = pl.max_horizontal(
        pl.col("high") / pl.max_horizontal(before, after) - 1.0,
        1.0 - pl.col("low") / pl.min_horizontal(before, after),
    )
    flat = pl.all_horizontal(pl.col(name) == before for name in PRICE_COLUMNS)
    marked = bars.with_columns(
        (~same).cum_sum().alias("_run"),
        (follows & is_followed & (beyond > SPIKE)).fill_null(False).alias("spike"),
        (follows & (pl.col("volume") == 0) & flat).fill_null(False).alias("filled"),
    )
    runs = marked["_run"].rle().struct.field("len")
    stale = (runs >= STALE).gather(marked["_run"].rle_id())
    marked = marked.with_columns(stale.alias("stale")).drop("_run")
    if marked[
        "filled"
    ].any():  # a volume that is never above 0 is not recorded, and says nothing of a bar
        marked = marked.with_columns(pl.col("filled") & (pl.col("volume") > 0).any().over("symbol"))
    if marked["spike"].any():
        usual = (pl.col("high") / pl.col("low") - 1.0).median().over("symbol")
        marked = marked.with_columns(pl.col("spike") & (beyond > SPIKE_RANGES * usual))
    return marked
