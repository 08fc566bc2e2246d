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


def ohlcv(c: Columns) -> list[Floats]:
    return [c[name] for name in ("open", "high", "low", "close", "volume")]


def weighted(values: Floats, period: int) -> Floats:
    weights = np.arange(1, period + 1)
    return windows(values, period, lambda window: float(np.dot(window, weights) / weights.sum()))


def hull(c: Columns, period: int) -> Floats:
    raw = 2 * weighted(c["close"], period // 2) - weighted(c["close"], period)
    return weighted(raw, int(period**0.5))


def wilder(values: Floats, period: int) -> Floats:
    out = np.full(len(values), np.nan)
    out[period - 1] = values[:period].mean()
    for row in range(period, len(values)):
        out[row] = (out[row - 1] * (period - 1) + values[row]) / period
    return out


def zero_lag(c: Columns, period: int) -> Floats:
    lag = (period - 1) // 2
    out = np.full(len(c["close"]), np.nan)
    out[lag:] = talib.EMA(2 * c["close"][lag:] - c["close"][:-lag], period)
    return out


def by_volume(c: Columns, period: int) -> Floats:
    return windows(c["close"] * c["volume"], period, np.sum) / windows(c["volume"], period, np.sum)


def donchian(c: Columns, period: int) -> list[Floats]:
    upper, lower = windows(c["high"], period, np.max), windows(c["low"], period, np.min)
    return [upper, (upper + lower) / 2, lower]


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
    "ad": lambda c: talib.AD(*ohlcv(c)[1:]),
    "bop": lambda c: talib.BOP(*ohlcv(c)[:4]),
    "cci": lambda c, period: talib.CCI(*ohlcv(c)[1:4], period),
    "cmo": lambda c, period: talib.CMO(c["close"], period),
    "dema": lambda c, period: talib.DEMA(c["close"], period),
    "donchian_channels": donchian,
    "hma": hull,
    "mfi": lambda c, period: talib.MFI(*ohlcv(c)[1:], period),
    "midpoint": lambda c, period: talib.MIDPOINT(c["close"], period),
    "midprice": lambda c, period: talib.MIDPRICE(c["high"], c["low"], period),
    "mom": lambda c, period: talib.MOM(c["close"], period),
    "natr": lambda c, period: talib.NATR(*ohlcv(c)[1:4], period),
    "obv": lambda c: talib.OBV(c["close"], c["volume"]),
    "smma": lambda c, period: wilder(c["close"], period),
    "stoch": lambda c, fast, smooth, signal: list(talib.STOCH(*ohlcv(c)[1:4], fast, smooth, 0, signal, 0)),
    "t3": lambda c, period, factor: talib.T3(c["close"], period, factor),
    "tema": lambda c, period: talib.TEMA(c["close"], period),
    "trima": lambda c, period: talib.TRIMA(c["close"], period),
    "trix": lambda c, period: talib.TRIX(c["close"], period),
    "true_range": lambda c: talib.TRANGE(*ohlcv(c)[1:4]),
    "variance": lambda c, period: windows(c["close"], period, np.var),
    "vwma": by_volume,
    "williams_r": lambda c, period: talib.WILLR(*ohlcv(c)[1:4], period),
    "wma": lambda c, period: talib.WMA(c["close"], period),
    "zlema": zero_lag,
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
    "cci": [(2,), (50,)],
    "cmo": [(2,), (30,)],
    "dema": [(2,), (50,)],
    "donchian_channels": [(1,), (55,)],
    "hma": [(4,), (25,)],
    "mfi": [(2,), (40,)],
    "midpoint": [(2,), (50,)],
    "midprice": [(2,), (50,)],
    "mom": [(1,), (33,)],
    "smma": [(2,), (50,)],
    "stoch": [(1, 1, 1), (14, 1, 3), (20, 5, 5)],
    "t3": [(2, 0.0), (10, 1.0)],
    "tema": [(2,), (50,)],
    "trima": [(2,), (3,), (21,), (50,)],
    "trix": [(2,), (15,)],
    "variance": [(2,), (100,)],
    "vwma": [(1,), (50,)],
    "williams_r": [(2,), (50,)],
    "wma": [(1,), (2,), (50,)],
    "zlema": [(3,), (4,), (50,)],
}

# By what factor each output grows when prices do by 4 and volumes by 1/4, as they do in a reverse split.
PRICE_DEGREE: dict[str, tuple[int, ...]] = {
    "sma": (1,), "ema": (1,), "bollinger_bands": (1, 1, 1, 0, 0), "rsi": (0,), "macd": (1, 1, 1), "roc": (0,), "atr": (1,),
    "stddev": (1,), "volume_sma": (-1,), "vwap": (1,), "rvol": (0,), "rolling_max": (1,), "rolling_min": (1,),
    "ad": (-1,), "bop": (0,), "cci": (0,), "cmo": (0,), "dema": (1,), "donchian_channels": (1, 1, 1), "hma": (1,), "mfi": (0,),
    "midpoint": (1,), "midprice": (1,), "mom": (1,), "natr": (0,), "obv": (-1,), "smma": (1,), "stoch": (0, 0), "t3": (1,),
    "tema": (1,), "trima": (1,), "trix": (0,), "true_range": (1,), "variance": (2,), "vwma": (1,), "williams_r": (0,),
    "wma": (1,), "zlema": (1,),
}  # fmt: skip

# Sums from where the run of bars begins: their changes forget what was before, their level cannot.
CUMULATIVE = {"ad", "obv"}
