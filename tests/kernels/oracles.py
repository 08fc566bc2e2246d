"""What every indicator of the catalogue must equal: TA-Lib where it has it, else a slow and obvious twin.

Each oracle takes (columns, *params) and returns one array an output. TA-Lib's RSI says 0 for prices that never change
where ours says 50; the random bars have no such stretch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import talib
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Columns = dict[str, Floats]


def windows(values: Floats, period: int, of: Callable[[Floats], float]) -> Floats:
    """of(the last `period` values) at each row, NaN before there are as many."""
    found = [of(values[i - period + 1 : i + 1]) if i >= period - 1 else np.nan for i in range(len(values))]
    return np.array(found)


def bollinger(c: Columns, period: int, width: float) -> list[Floats]:
    upper, middle, lower = talib.BBANDS(c["close"], period, width, width)
    return [upper, middle, lower, (upper - lower) / middle, (c["close"] - lower) / (upper - lower)]


def session_vwap(c: Columns) -> Floats:
    out = np.full(len(c["close"]), np.nan)
    for row in range(len(out)):
        so_far = [i for i in range(row + 1) if c["session"][i] == c["session"][row] and c["regular"][i]]
        volume = sum(c["volume"][i] for i in so_far)
        if volume:
            out[row] = sum((c["high"][i] + c["low"][i] + c["close"][i]) / 3 * c["volume"][i] for i in so_far) / volume
    return out


def relative_volume(c: Columns, period: int) -> Floats:
    slots = int(c["slot"].max()) + 1
    out = np.full(len(c["slot"]), np.nan)
    for row in range(period * slots, len(out)):
        out[row] = c["session_volume"][row] / np.mean([c["session_volume"][row - slots * k] for k in range(1, period + 1)])
    return out


ORACLES: dict[str, Callable[..., Floats | list[Floats]]] = {
    "sma": lambda c, period: talib.SMA(c["close"], period),
    "ema": lambda c, period: talib.EMA(c["close"], period),
    "bollinger_bands": bollinger,
    "rsi": lambda c, period: talib.RSI(c["close"], period),
    "macd": lambda c, fast, slow, signal: list(talib.MACD(c["close"], fast, slow, signal)),
    "roc": lambda c, period: talib.ROC(c["close"], period),
    "atr": lambda c, period: talib.ATR(c["high"], c["low"], c["close"], period),
    "stddev": lambda c, period: talib.STDDEV(c["close"], period, 1.0),
    "volume_sma": lambda c, period: talib.SMA(c["volume"], period),
    "vwap": session_vwap,
    "rvol": relative_volume,
    "rolling_max": lambda c, period: talib.MAX(c["close"], period),
    "rolling_min": lambda c, period: windows(c["close"], period, np.min),
}

# Other parameters than the defaults to try as well.
PARAMS: dict[str, list[tuple[float, ...]]] = {
    "sma": [(2,), (7,), (200,)],
    "ema": [(2,), (50,)],
    "bollinger_bands": [(5, 1.5)],
    "rsi": [(2,), (30,)],
    "macd": [(3, 10, 4), (5, 35, 5)],
    "atr": [(2,), (30,)],
    "stddev": [(2,), (100,)],
    "rvol": [(1,), (3,)],
    "rolling_max": [(2,), (64,)],
    "rolling_min": [(2,), (64,)],
    "roc": [(1,), (33,)],
}

# By what factor each output grows when prices do by 4 and volumes by 1/4, as they do in a reverse split.
PRICE_DEGREE: dict[str, tuple[int, ...]] = {
    "sma": (1,), "ema": (1,), "bollinger_bands": (1, 1, 1, 0, 0), "rsi": (0,), "macd": (1, 1, 1), "roc": (0,), "atr": (1,),
    "stddev": (1,), "volume_sma": (-1,), "vwap": (1,), "rvol": (0,), "rolling_max": (1,), "rolling_min": (1,),
}  # fmt: skip
