"""What every indicator of the catalogue must equal: TA-Lib where it has it, else a slow and obvious twin.

Each oracle takes (columns, *params) and returns one array an output. TA-Lib's RSI says 0 for prices that never change
where ours says 50; the random bars have no such stretch.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import talib
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Columns = dict[str, Floats]


def windows(values: Floats, period: int, of: Callable[[Floats], float]) -> Floats:
    """of(the last `period` values) at each row, NaN before there are as many."""
    found = [
        of(values[i - period + 1 : i + 1]) if i >= period - 1 else np.nan
        for i in range(len(values))
    ]
    return np.array(found)


def bollinger(c: Columns, period: int, width: float) -> list[Floats]:
    upper, middle, lower = talib.BBANDS(c["close"], period, width, width)
    return [upper, middle, lower, (upper - lower) / middle, (c["close"] - lower) / (upper - lower)]


def session_vwap(c: Columns) -> Floats:
    out = np.full(len(c["close"]), np.nan)
    for row in range(len(out)):
        so_far = [
            i for i in range(row + 1) if c["session"][i] == c["session"][row] and c["regular"][i]
        ]
        volume = sum(c["volume"][i] for i in so_far)
        if volume:
            out[row] = (
                sum(
                    (c["high"][i] + c["low"][i] + c["close"][i]) / 3 * c["volume"][i]
                    for i in so_far
                )
                / volume
            )
    return out


def relative_volume(c: Columns, period: int) -> Floats:
    slots = int(c["slot"].max()) + 1
    out = np.full(len(c["slot"]), np.nan)
    for row in range(period * slots, len(out)):
        out[row] = c["session_volume"][row] / np.mean(
            [c["session_volume"][row - slots * k] for k in range(1, period + 1)]
        )
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


def change(values: Floats) -> Floats:
    return np.diff(values, prepend=np.nan)


def ema_from(values: Floats, period: int) -> Floats:
    """talib.EMA of what comes after leading NaN values."""
    start = int(np.flatnonzero(~np.isnan(values))[0])
    return np.concatenate([np.full(start, np.nan), talib.EMA(values[start:], period)])


def keltner(c: Columns, period: int, atr_period: int, width: float) -> list[Floats]:
    middle, reach = talib.EMA(c["close"], period), width * talib.ATR(*ohlcv(c)[1:4], atr_period)
    hole = 0.0 * (middle + reach)
    return [middle + reach, middle + hole, middle - reach]


def regression(c: Columns, period: int) -> list[Floats]:
    r2 = windows(
        c["close"], period, lambda window: float(np.corrcoef(np.arange(period), window)[0, 1] ** 2)
    )
    return [talib.LINEARREG(c["close"], period), talib.LINEARREG_SLOPE(c["close"], period), r2]


def cutler(c: Columns, period: int) -> Floats:
    steps = change(c["close"])
    gain, loss = (windows(np.maximum(sign * steps, 0.0), period, np.sum) for sign in (1, -1))
    return 100 * gain / (gain + loss)


def strength(c: Columns, slow: int, fast: int) -> Floats:
    steps = change(c["close"])
    net, total = (ema_from(ema_from(values, slow), fast) for values in (steps, np.abs(steps)))
    return 100 * net / total


def coppock_curve(c: Columns, long: int, short: int, period: int) -> Floats:
    return weighted(talib.ROC(c["close"], long) + talib.ROC(c["close"], short), period)


def vortices(c: Columns, period: int) -> list[Floats]:
    _, high, low, close, _ = ohlcv(c)
    reach = windows(talib.TRANGE(high, low, close), period, np.sum)
    rise, fall = np.abs(high[1:] - low[:-1]), np.abs(low[1:] - high[:-1])
    return [windows(np.concatenate([[np.nan], v]), period, np.sum) / reach for v in (rise, fall)]


def money_flow(c: Columns, period: int) -> Floats:
    _, high, low, close, volume = ohlcv(c)
    flow = volume * ((close - low) - (high - close)) / (high - low)
    return windows(flow, period, np.sum) / windows(volume, period, np.sum)


def ulcer(c: Columns, period: int) -> Floats:
    fall = 100 * (c["close"] / windows(c["close"], period, np.max) - 1)
    return np.sqrt(windows(fall**2, period, np.mean))


def chop(c: Columns, period: int) -> Floats:
    _, high, low, close, _ = ohlcv(c)
    total = windows(talib.TRANGE(high, low, close), period, np.sum)
    span = windows(high, period, np.max) - windows(low, period, np.min)
    return 100 * np.log10(total / span) / np.log10(period)


def mass(c: Columns, period: int, total: int) -> Floats:
    once = talib.EMA(c["high"] - c["low"], period)
    return windows(once / ema_from(once, period), total, np.sum)


def price_volume(c: Columns) -> Floats:
    return np.concatenate(
        [[0.0], np.cumsum(c["volume"][1:] * (c["close"][1:] / c["close"][:-1] - 1))]
    )


def volatility(c: Columns, period: int, annual: float) -> Floats:
    steps = change(np.log(c["close"]))
    return (
        100 * np.sqrt(annual) * windows(steps, period, lambda window: float(np.std(window, ddof=1)))
    )


def detrended(c: Columns, period: int) -> Floats:
    back = period // 2 + 1
    return np.concatenate([np.full(back, np.nan), c["close"][:-back]]) - talib.SMA(
        c["close"], period
    )


def standard_score(c: Columns, period: int) -> Floats:
    return (c["close"] - talib.SMA(c["close"], period)) / windows(c["close"], period, np.std)


def awesome(c: Columns, fast: int, slow: int) -> Floats:
    middle = (c["high"] + c["low"]) / 2
    return talib.SMA(middle, fast) - talib.SMA(middle, slow)


def legoux(c: Columns, period: int, offset: float, sigma: float) -> Floats:
    weights = np.exp(
        -((np.arange(period) - offset * (period - 1)) ** 2) / (2 * (period / sigma) ** 2)
    )
    return windows(
        c["close"], period, lambda window: float(np.dot(window, weights) / weights.sum())
    )


def ease(c: Columns, period: int, scale: float) -> Floats:
    middle = (c["high"] + c["low"]) / 2
    return windows(change(middle) * (c["high"] - c["low"]) * scale / c["volume"], period, np.mean)


def cloud(c: Columns, conversion: int, base: int, span: int) -> list[Floats]:
    short, middle, long = (
        (windows(c["high"], period, np.max) + windows(c["low"], period, np.min)) / 2
        for period in (conversion, base, span)
    )
    return [short, middle, (short + middle) / 2, long]


def skewness(window: Floats) -> float:
    apart = window - window.mean()
    return float((apart**3).mean() / (apart**2).mean() ** 1.5)


def in_a_row(c: Columns) -> Floats:
    steps = np.sign(np.diff(c["close"]))
    out = [np.nan]
    for i, step in enumerate(steps):
        run = 0
        while run <= i and steps[i - run] == step and step:
            run += 1
        out.append(step * run)
    return np.array(out)


def compared_with_the_bar_before(c: Columns, inside: bool) -> Floats:
    high, low = c["high"], c["low"]
    held = (
        (high[1:] <= high[:-1]) & (low[1:] >= low[:-1])
        if inside
        else (high[1:] > high[:-1]) & (low[1:] < low[:-1])
    )
    return np.concatenate([[np.nan], held.astype(float)])


def super_trend(c: Columns, period: int, width: float) -> list[Floats]:
    _, high, low, close, _ = ohlcv(c)
    reach, middle = wilder(talib.TRANGE(high, low, close)[1:], period), (high + low) / 2
    reach = np.concatenate([[np.nan], reach])
    line, direction = np.full((2, len(close)), np.nan)
    upper = lower = trend = None
    for i in range(period, len(close)):
        top, bottom = middle[i] + width * reach[i], middle[i] - width * reach[i]
        if trend is None:
            trend = 1.0 if close[i] >= middle[i] else -1.0
        else:
            top = min(top, upper) if close[i - 1] <= upper else top
            bottom = max(bottom, lower) if close[i - 1] >= lower else bottom
            trend = (
                (-1.0 if close[i] < bottom else 1.0)
                if trend > 0
                else (1.0 if close[i] > top else -1.0)
            )
        upper, lower = top, bottom
        line[i], direction[i] = (lower if trend > 0 else upper), trend
    return [line, direction]


def fisher_transform(c: Columns, period: int) -> list[Floats]:
    middle = (c["high"] + c["low"]) / 2
    top, bottom = windows(middle, period, np.max), windows(middle, period, np.min)
    x = value = 0.0
    made = []
    for i in range(period - 1, len(middle)):
        x = 0.33 * 2 * ((middle[i] - bottom[i]) / (top[i] - bottom[i]) - 0.5) + 0.67 * x
        x = float(np.clip(x, -0.999, 0.999))
        value = 0.5 * np.log((1 + x) / (1 - x)) + 0.5 * value
        made.append(value)
    head = np.full(period, np.nan)
    return [np.concatenate([head, made[1:]]), np.concatenate([head, made[:-1]])]


def connors(c: Columns, period: int, streak: int, rank: int) -> Floats:
    close = c["close"]
    runs = np.nan_to_num(in_a_row(c))
    steps = 100 * (close[1:] / close[:-1] - 1)
    share = windows(steps, rank + 1, lambda w: 100.0 * float((w[:-1] < w[-1]).mean()))
    return (
        talib.RSI(close, period) + talib.RSI(runs, streak) + np.concatenate([[np.nan], share])
    ) / 3


def sure_thing(c: Columns, signal: int) -> list[Floats]:
    parts = [(10, 10, 1), (15, 10, 2), (20, 10, 3), (30, 15, 4)]
    total = sum(
        weight * windows(talib.ROC(c["close"], back), smooth, np.mean)
        for back, smooth, weight in parts
    )
    average = windows(total, signal, np.mean)
    return [total + 0.0 * average, average]


def squeeze(c: Columns, period: int, width: float, channel: float) -> list[Floats]:
    _, high, low, close, _ = ohlcv(c)
    reach = talib.TRANGE(high, low, close)
    reach[0] = high[0] - low[0]
    inside = width * windows(close, period, np.std) < channel * windows(reach, period, np.mean)
    middle = (windows(high, period, np.max) + windows(low, period, np.min)) / 2
    apart = close - (middle + windows(close, period, np.mean)) / 2
    line = windows(
        apart, period, lambda w: float(np.polyval(np.polyfit(np.arange(period), w, 1), period - 1))
    )
    return [np.where(np.isnan(line), np.nan, inside), line]


def sessions_of(c: Columns) -> list[slice]:
    cuts = [0, *(np.flatnonzero(np.diff(c["session"])) + 1).tolist(), len(c["session"])]
    return [slice(a, b) for a, b in pairwise(cuts)]


def gap(c: Columns) -> Floats:
    out, last = np.full(len(c["close"]), np.nan), np.nan
    for span in sessions_of(c):
        regular = np.flatnonzero(c["regular"][span]) + span.start
        if len(regular):
            out[regular[0] : span.stop] = 100 * (c["open"][regular[0]] / last - 1)
            last = c["close"][regular[-1]]
    return out


def first_minutes(c: Columns, minutes: int) -> list[Floats]:
    top, bottom = np.full((2, len(c["close"])), np.nan)
    for span in sessions_of(c):
        for row in range(span.start, span.stop):
            rows = [r for r in range(span.start, row + 1) if 0 <= c["minute"][r] < minutes]
            if rows and c["minute"][row] >= 0:
                top[row], bottom[row] = c["high"][rows].max(), c["low"][rows].min()
    return [top, bottom]


def before_the_open(c: Columns) -> list[Floats]:
    top, bottom, total = np.full((3, len(c["close"])), np.nan)
    for span in sessions_of(c):
        for row in range(span.start, span.stop):
            rows = [r for r in range(span.start, row + 1) if c["minute"][r] < 0]
            total[row] = c["volume"][rows].sum() if rows else 0.0
            if rows:
                top[row], bottom[row] = c["high"][rows].max(), c["low"][rows].min()
    return [top, bottom, total]


def extremes(c: Columns) -> list[Floats]:
    out = np.full((4, len(c["close"])), np.nan)
    for span in sessions_of(c):
        rows = np.flatnonzero(c["regular"][span]) + span.start
        for i, row in enumerate(rows):
            highs, lows = c["high"][rows[: i + 1]], c["low"][rows[: i + 1]]
            since = i - int(np.argmax(highs)), i - int(np.argmin(lows))
            out[:, row] = [since[0] == 0, since[1] == 0, *since]
    return list(out)


def far_from_vwap(c: Columns, period: int) -> Floats:
    return (c["close"] - session_vwap(c)) / talib.ATR(c["high"], c["low"], c["close"], period)


def vwap_since(c: Columns, sessions: int) -> Floats:
    out = np.full(len(c["close"]), np.nan)
    spans = sessions_of(c)
    typical = (c["high"] + c["low"] + c["close"]) / 3
    for number in range(sessions, len(spans)):
        for row in range(spans[number].start, spans[number].stop):
            rows = np.arange(spans[number - sessions].start, row + 1)
            rows = rows[c["regular"][rows] > 0]
            if len(rows):
                out[row] = np.average(typical[rows], weights=c["volume"][rows])
    return out


def pairs(c: Columns, period: int, function: Callable[[Floats, Floats], float]) -> Floats:
    own, other = (v[1:] / v[:-1] - 1 for v in (c["close"], c["benchmark"]))
    values = [
        function(own[i - period : i], other[i - period : i]) for i in range(period, len(own) + 1)
    ]
    return np.concatenate([np.full(period, np.nan), values])


def stronger(c: Columns, period: int) -> Floats:
    own, other = (v[period:] / v[:-period] for v in (c["close"], c["benchmark"]))
    return np.concatenate([np.full(period, np.nan), 100 * (own / other - 1)])


def volume_force(c: Columns, fast: int, slow: int, signal: int) -> list[Floats]:
    level, reach = c["high"] + c["low"] + c["close"], c["high"] - c["low"]
    force, trend, total = [np.nan], 0, 0.0
    for i in range(1, len(level)):
        turn = 1 if level[i] > level[i - 1] else -1
        total = total + reach[i] if turn == trend else reach[i - 1] + reach[i]
        trend = turn
        force.append(100 * c["volume"][i] * trend * abs(2 * reach[i] / total - 1))
    line = ema_from(np.array(force), fast) - ema_from(np.array(force), slow)
    return [line, ema_from(line, signal)]


def candle(name: str, warmup: int) -> Callable[[Columns], Floats]:
    def oracle(c: Columns) -> Floats:
        # TA-Lib is silent for a bar longer than it needs to be: give it one more
        found = getattr(talib, name)(*(np.concatenate([v[:1], v]) for v in ohlcv(c)[:4])).astype(
            float
        )[1:]
        return np.where(np.arange(len(found)) < warmup - 1, np.nan, found)

    return oracle


def range_before(c: Columns, period: int) -> list[Floats]:
    parts = (
        windows(c["high"], period, np.max),
        windows(c["low"], period, np.min),
        windows(c["volume"], period, np.mean),
    )
    return [np.concatenate([[np.nan], part[:-1]]) for part in parts]


def streaks(c: Columns) -> list[Floats]:
    out, vwap = np.full((2, len(c["close"])), np.nan), session_vwap(c)
    for span in sessions_of(c):
        sides = []
        for row in np.flatnonzero(c["regular"][span]) + span.start:
            sides.append(np.sign(c["close"][row] - vwap[row]))
            run = 0
            while run < len(sides) and sides[-1 - run] == sides[-1]:
                run += 1
            earlier = 0
            while run + earlier < len(sides) and sides[-1 - run - earlier] == -sides[-1]:
                earlier += 1
            out[:, row] = sides[-1] * run, -sides[-1] * earlier
    return list(out)


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
    "stoch": lambda c, fast, smooth, signal: list(
        talib.STOCH(*ohlcv(c)[1:4], fast, smooth, 0, signal, 0)
    ),
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
    "adx": lambda c, period: [
        f(*ohlcv(c)[1:4], period) for f in (talib.ADX, talib.PLUS_DI, talib.MINUS_DI)
    ],
    "apo": lambda c, fast, slow: talib.APO(c["close"], fast, slow, 1),
    "aroon": lambda c, period: list(talib.AROON(c["high"], c["low"], period))[::-1],
    "aroon_oscillator": lambda c, period: talib.AROONOSC(c["high"], c["low"], period),
    "awesome_oscillator": awesome,
    "choppiness": chop,
    "cmf": money_flow,
    "coppock": coppock_curve,
    "dpo": detrended,
    "force_index": lambda c, period: ema_from(change(c["close"]) * c["volume"], period),
    "historical_volatility": volatility,
    "kama": lambda c, period: talib.KAMA(c["close"], period),
    "keltner_channels": keltner,
    "linear_regression": regression,
    "mass_index": mass,
    "ppo": lambda c, fast, slow: talib.PPO(c["close"], fast, slow, 1),
    "pvt": price_volume,
    "rsi_cutler": cutler,
    "stoch_rsi": lambda c, period, fast, signal: list(
        talib.STOCHRSI(c["close"], period, fast, signal, 0)
    ),
    "tsi": strength,
    "ulcer_index": ulcer,
    "ultimate_oscillator": lambda c, *periods: talib.ULTOSC(*ohlcv(c)[1:4], *periods),
    "vortex": vortices,
    "zscore": standard_score,
    "alma": legoux,
    "parabolic_sar": lambda c, acceleration, maximum: talib.SAR(
        c["high"], c["low"], acceleration, maximum
    ),
    "supertrend": super_trend,
    "fisher": fisher_transform,
    "connors_rsi": connors,
    "kst": sure_thing,
    "ttm_squeeze": squeeze,
    "ad_oscillator": lambda c, fast, slow: talib.ADOSC(*ohlcv(c)[1:], fast, slow),
    "eom": ease,
    "ichimoku": cloud,
    "skew": lambda c, period: windows(c["close"], period, skewness),
    "rolling_rank": lambda c, period: windows(
        c["close"], period, lambda w: float((w <= w[-1]).mean())
    ),
    "average_dollar_volume": lambda c, period: windows(c["close"] * c["volume"], period, np.mean),
    "average_daily_range": lambda c, period: (
        100 * (windows(c["high"] / c["low"], period, np.mean) - 1)
    ),
    "consecutive_bars": in_a_row,
    "narrow_range": lambda c, period: windows(
        c["high"] - c["low"], period, lambda w: float(w[-1] <= w.min())
    ),
    "inside_bar": lambda c: compared_with_the_bar_before(c, True),
    "outside_bar": lambda c: compared_with_the_bar_before(c, False),
    "prior_range": range_before,
    "vwap_streak": streaks,
    "gap_percent": gap,
    "opening_range": first_minutes,
    "premarket": before_the_open,
    "session_extremes": extremes,
    "vwap_distance": far_from_vwap,
    "anchored_vwap": vwap_since,
    "percentile": lambda c, period, percent: windows(
        c["close"], period, lambda w: float(np.percentile(w, percent))
    ),
    "correlation": lambda c, period: pairs(c, period, lambda x, y: float(np.corrcoef(x, y)[0, 1])),
    "beta": lambda c, period: pairs(c, period, lambda x, y: float(np.polyfit(y, x, 1)[0])),
    "relative_strength": stronger,
    "klinger": volume_force,
    "doji": candle("CDLDOJI", 11),
    "dragonfly_doji": candle("CDLDRAGONFLYDOJI", 11),
    "gravestone_doji": candle("CDLGRAVESTONEDOJI", 11),
    "hammer": candle("CDLHAMMER", 11),
    "hanging_man": candle("CDLHANGINGMAN", 11),
    "inverted_hammer": candle("CDLINVERTEDHAMMER", 11),
    "shooting_star": candle("CDLSHOOTINGSTAR", 11),
    "engulfing": candle("CDLENGULFING", 2),
    "harami": candle("CDLHARAMI", 12),
    "piercing": candle("CDLPIERCING", 12),
    "dark_cloud_cover": candle("CDLDARKCLOUDCOVER", 12),
    "morning_star": candle("CDLMORNINGSTAR", 13),
    "evening_star": candle("CDLEVENINGSTAR", 13),
    "three_white_soldiers": candle("CDL3WHITESOLDIERS", 13),
    "three_black_crows": candle("CDL3BLACKCROWS", 13),
    "marubozu": candle("CDLMARUBOZU", 11),
    "spinning_top": candle("CDLSPINNINGTOP", 11),
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
    "adx": [(2,), (30,)],
    "apo": [(3, 10)],
    "aroon": [(2,), (40,)],
    "aroon_oscillator": [(2,), (40,)],
    "choppiness": [(2,), (50,)],
    "cmf": [(1,), (50,)],
    "coppock": [(5, 3, 4)],
    "dpo": [(2,), (9,)],
    "force_index": [(2,)],
    "historical_volatility": [(2, 252.0), (60, 98280.0)],
    "kama": [(2,), (10,)],
    "keltner_channels": [(10, 20, 1.5)],
    "linear_regression": [(2,), (60,)],
    "mass_index": [(4, 10)],
    "ppo": [(3, 10)],
    "rsi_cutler": [(2,), (30,)],
    "stoch_rsi": [(14, 5, 3), (7, 10, 4)],
    "tsi": [(5, 3)],
    "ulcer_index": [(2,), (30,)],
    "ultimate_oscillator": [(2, 5, 9)],
    "vortex": [(2,), (30,)],
    "zscore": [(2,), (60,)],
    "parabolic_sar": [(0.05, 0.1), (0.3, 0.2)],
    "supertrend": [(3, 1.0)],
    "fisher": [(2,), (30,)],
    "connors_rsi": [(5, 3, 20)],
    "kst": [(1,)],
    "ttm_squeeze": [(5, 2.0, 1.5), (10, 1.0, 2.0)],
    "alma": [(1, 0.5, 6.0), (30, 0.5, 4.0)],
    "ad_oscillator": [(2, 5), (10, 3)],
    "eom": [(1, 1.0)],
    "ichimoku": [(3, 5, 8)],
    "skew": [(3,), (60,)],
    "rolling_rank": [(2,), (60,)],
    "average_dollar_volume": [(1,)],
    "average_daily_range": [(1,), (5,)],
    "narrow_range": [(4,)],
    "prior_range": [(1,), (50,)],
    "opening_range": [(1,), (12,)],
    "vwap_distance": [(2,)],
    "anchored_vwap": [(1,), (12,)],
    "percentile": [(2, 25.0), (60, 100.0), (60, 0.0), (21, 90.0)],
    "correlation": [(2,), (60,)],
    "beta": [(2,), (7,), (60,)],
    "relative_strength": [(1,)],
    "klinger": [(3, 10, 4)],
}

# By what factor each output grows when prices do by 4 and volumes by 1/4, as they do in a reverse split.
PRICE_DEGREE: dict[str, tuple[int, ...]] = {
    "sma": (1,),
    "ema": (1,),
    "bollinger_bands": (1, 1, 1, 0, 0),
    "rsi": (0,),
    "macd": (1, 1, 1),
    "roc": (0,),
    "atr": (1,),
    "stddev": (1,),
    "volume_sma": (-1,),
    "vwap": (1,),
    "rvol": (0,),
    "rolling_max": (1,),
    "rolling_min": (1,),
    "ad": (-1,),
    "bop": (0,),
    "cci": (0,),
    "cmo": (0,),
    "dema": (1,),
    "donchian_channels": (1, 1, 1),
    "hma": (1,),
    "mfi": (0,),
    "midpoint": (1,),
    "midprice": (1,),
    "mom": (1,),
    "natr": (0,),
    "obv": (-1,),
    "smma": (1,),
    "stoch": (0, 0),
    "t3": (1,),
    "tema": (1,),
    "trima": (1,),
    "trix": (0,),
    "true_range": (1,),
    "variance": (2,),
    "vwma": (1,),
    "williams_r": (0,),
    "wma": (1,),
    "zlema": (1,),
    "adx": (0, 0, 0),
    "apo": (1,),
    "aroon": (0, 0),
    "aroon_oscillator": (0,),
    "awesome_oscillator": (1,),
    "choppiness": (0,),
    "cmf": (0,),
    "coppock": (0,),
    "dpo": (1,),
    "force_index": (0,),
    "historical_volatility": (0,),
    "kama": (1,),
    "keltner_channels": (1, 1, 1),
    "linear_regression": (1, 1, 0),
    "mass_index": (0,),
    "ppo": (0,),
    "pvt": (-1,),
    "rsi_cutler": (0,),
    "stoch_rsi": (0, 0),
    "tsi": (0,),
    "ulcer_index": (0,),
    "ultimate_oscillator": (0,),
    "vortex": (0, 0),
    "zscore": (0,),
    "alma": (1,),
    "ad_oscillator": (-1,),
    "eom": (3,),
    "ichimoku": (1, 1, 1, 1),
    "skew": (0,),
    "rolling_rank": (0,),
    "average_dollar_volume": (0,),
    "average_daily_range": (0,),
    "consecutive_bars": (0,),
    "narrow_range": (0,),
    "inside_bar": (0,),
    "outside_bar": (0,),
    "parabolic_sar": (1,),
    "supertrend": (1, 0),
    "fisher": (0, 0),
    "connors_rsi": (0,),
    "kst": (0, 0),
    "ttm_squeeze": (0, 1),
    "gap_percent": (0,),
    "opening_range": (1, 1),
    "premarket": (1, 1, -1),
    "session_extremes": (0, 0, 0, 0),
    "vwap_distance": (0,),
    "anchored_vwap": (1,),
    "percentile": (1,),
    "correlation": (0,),
    "beta": (0,),
    "relative_strength": (0,),
    "klinger": (-1, -1),
    "prior_range": (1, 1, -1),
    "vwap_streak": (0, 0),
    "doji": (0,),
    "dragonfly_doji": (0,),
    "gravestone_doji": (0,),
    "hammer": (0,),
    "hanging_man": (0,),
    "inverted_hammer": (0,),
    "shooting_star": (0,),
    "engulfing": (0,),
    "harami": (0,),
    "piercing": (0,),
    "dark_cloud_cover": (0,),
    "morning_star": (0,),
    "evening_star": (0,),
    "three_white_soldiers": (0,),
    "three_black_crows": (0,),
    "marubozu": (0,),
    "spinning_top": (0,),
}

# Sums from where the run of bars begins: their changes forget what was before, their level cannot.
CUMULATIVE = {"ad", "obv", "pvt"}
