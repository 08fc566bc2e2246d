"""An indicator that says that it is settled long before it is, and a scanner that reads it."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.indicators.indicator import Param
from engine.indicators.register import register
from scanners.base import ColumnarScanner


@register(
    inputs=("close",),
    params=(Param("period", 5000, 1),),
    state_size=lambda period: 2,
    warmup=lambda period: 2,
    settle=lambda period: 60,
)
def hasty_average(close, period, state, out):
    """An exponential average of which the seed weighs for thousands of bars, taken for settled after sixty."""
    for row in range(len(close)):
        state[1] = (
            close[row]
            if state[0] == 0.0
            else state[1] + (close[row] - state[1]) * 2.0 / (period + 1.0)
        )
        state[0] += 1.0
        out[row] = state[1] if state[0] > 1.0 else np.nan


class AboveHasty(ColumnarScanner):
    def criteria(self) -> dict[str, pl.Expr]:
        return {
            "above": pl.col("close") > pl.col("hasty_average_5000_1m"),
            "usual": pl.col("sma_20_1m") > 0,
        }
