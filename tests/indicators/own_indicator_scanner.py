"""A user's module: an indicator of their own, and a scanner that names it."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.indicators.indicator import Param
from engine.indicators.register import register
from scanners.base import ColumnarScanner


@register(
    inputs=("close",),
    params=(Param("period", 3, 1),),
    state_size=lambda period: 2,
    warmup=lambda period: period,
)
def bars_since_start(close, period, state, out):
    """How many bars there were, once there were `period`. NaN: counted. Flat: counted. Too short: NaN."""
    for row in range(len(close)):
        state[0] += 1.0
        out[row] = state[0] if state[0] >= period else np.nan


class OwnScanner(ColumnarScanner):
    """Everything that has the indicator."""

    def features(self) -> dict[str, pl.Expr]:
        return {"seen": pl.col("bars_since_start_3_5m"), "bar_time": pl.col("bar_time")}

    def criteria(self) -> dict[str, pl.Expr]:
        return {"has": pl.col("bars_since_start_3_5m") > 0}
