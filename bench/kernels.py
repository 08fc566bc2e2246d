"""Every kernel in million values a second, against TA-Lib's C on the same arrays in the same run.

python -m bench.kernels [--rows N] [--repeats N] [--json]

One thread, default parameters; the median over parts of one long series, kernels and TA-Lib
taking turns. Then the whole catalogue over many symbols' session, on one thread and on two.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import talib

from engine.indicators.catalogue import CATALOGUE
from engine.indicators.indicator import Indicator

CANDLES = {
    "doji": talib.CDLDOJI,
    "dragonfly_doji": talib.CDLDRAGONFLYDOJI,
    "gravestone_doji": talib.CDLGRAVESTONEDOJI,
    "hammer": talib.CDLHAMMER,
    "hanging_man": talib.CDLHANGINGMAN,
    "inverted_hammer": talib.CDLINVERTEDHAMMER,
    "shooting_star": talib.CDLSHOOTINGSTAR,
    "engulfing": talib.CDLENGULFING,
    "harami": talib.CDLHARAMI,
    "piercing": talib.CDLPIERCING,
    "dark_cloud_cover": talib.CDLDARKCLOUDCOVER,
    "morning_star": talib.CDLMORNINGSTAR,
    "evening_star": talib.CDLEVENINGSTAR,
    "three_white_soldiers": talib.CDL3WHITESOLDIERS,
    "three_black_crows": talib.CDL3BLACKCROWS,
    "marubozu": talib.CDLMARUBOZU,
    "spinning_top": talib.CDLSPINNINGTOP,
}


def _candle(function: Callable[..., Any], c: dict[str, Any]) -> Any:
    return function(c["open"], c["high"], c["low"], c["close"])


TALIB: dict[str, Callable[[dict[str, Any]], Any]] = {
    "sma": lambda c: talib.SMA(c["close"], 20),
    "ema": lambda c: talib.EMA(c["close"], 20),
    "bollinger_bands": lambda c: talib.BBANDS(c["close"], 20, 2.0, 2.0),
    "rsi": lambda c: talib.RSI(c["close"], 14),
    "macd": lambda c: talib.MACD(c["close"], 12, 26, 9),
    "roc": lambda c: talib.ROC(c["close"], 10),
    "atr": lambda c: talib.ATR(c["high"], c["low"], c["close"], 14),
    "stddev": lambda c: talib.STDDEV(c["close"], 20, 1.0),
    "volume_sma": lambda c: talib.SMA(c["volume"], 20),
    "rolling_max": lambda c: talib.MAX(c["close"], 20),
    "rolling_min": lambda c: talib.MIN(c["close"], 20),
    "ad": lambda c: talib.AD(c["high"], c["low"], c["close"], c["volume"]),
    "adx": lambda c: [
        f(c["high"], c["low"], c["close"], 14) for f in (talib.ADX, talib.PLUS_DI, talib.MINUS_DI)
    ],
    "apo": lambda c: talib.APO(c["close"], 12, 26, 1),
    "aroon": lambda c: talib.AROON(c["high"], c["low"], 14)[::-1],
    "aroon_oscillator": lambda c: talib.AROONOSC(c["high"], c["low"], 14),
    "bop": lambda c: talib.BOP(c["open"], c["high"], c["low"], c["close"]),
    "cci": lambda c: talib.CCI(c["high"], c["low"], c["close"], 14),
    "cmo": lambda c: talib.CMO(c["close"], 14),
    "dema": lambda c: talib.DEMA(c["close"], 20),
    "kama": lambda c: talib.KAMA(c["close"], 30),
    "linear_regression": lambda c: (
        talib.LINEARREG(c["close"], 14),
        talib.LINEARREG_SLOPE(c["close"], 14),
    ),
    "mfi": lambda c: talib.MFI(c["high"], c["low"], c["close"], c["volume"], 14),
    "midpoint": lambda c: talib.MIDPOINT(c["close"], 14),
    "midprice": lambda c: talib.MIDPRICE(c["high"], c["low"], 14),
    "mom": lambda c: talib.MOM(c["close"], 10),
    "natr": lambda c: talib.NATR(c["high"], c["low"], c["close"], 14),
    "obv": lambda c: talib.OBV(c["close"], c["volume"]),
    "ppo": lambda c: talib.PPO(c["close"], 12, 26, 1),
    "stoch": lambda c: talib.STOCH(c["high"], c["low"], c["close"], 5, 3, 0, 3, 0),
    "stoch_rsi": lambda c: talib.STOCHRSI(c["close"], 14, 14, 3, 0),
    "t3": lambda c: talib.T3(c["close"], 5, 0.7),
    "tema": lambda c: talib.TEMA(c["close"], 20),
    "trima": lambda c: talib.TRIMA(c["close"], 20),
    "trix": lambda c: talib.TRIX(c["close"], 30),
    "true_range": lambda c: talib.TRANGE(c["high"], c["low"], c["close"]),
    "ultimate_oscillator": lambda c: talib.ULTOSC(c["high"], c["low"], c["close"], 7, 14, 28),
    "variance": lambda c: talib.VAR(c["close"], 20, 1.0),
    "williams_r": lambda c: talib.WILLR(c["high"], c["low"], c["close"], 14),
    "wma": lambda c: talib.WMA(c["close"], 20),
    "ad_oscillator": lambda c: talib.ADOSC(c["high"], c["low"], c["close"], c["volume"], 3, 10),
    "correlation": lambda c: talib.CORREL(
        talib.ROCP(c["close"], 1)[1:], talib.ROCP(c["benchmark"], 1)[1:], 20
    ),
    "beta": lambda c: talib.BETA(c["benchmark"], c["close"], 20),
    **{name: partial(_candle, function) for name, function in CANDLES.items()},
    "parabolic_sar": lambda c: talib.SAR(c["high"], c["low"], 0.02, 0.2),
}
SLOTS = 77


def columns(rows: int) -> dict[str, Any]:
    """Random bars in sessions of 390 rows; for what has a row a tick, sessions of 77."""
    rng = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.0005, rows)))
    row = np.arange(rows)
    opens = np.concatenate([close[:1], close[:-1]]) * np.exp(rng.normal(0.0, 0.0001, rows))
    high = np.maximum(opens, close) * (1.0 + rng.exponential(0.0003, rows))
    low = np.minimum(opens, close) * (1.0 - rng.exponential(0.0003, rows))
    return {
        "open": opens,
        "high": high,
        "low": low,
        "close": close,
        "benchmark": 250.0 * np.exp(np.cumsum(rng.normal(0.0, 0.0003, rows))),
        "minute": row % 390 * 1.0,
        "volume": np.floor(rng.lognormal(6.0, 1.0, rows)),
        "session": 736_000.0 + row // 390,
        "regular": np.ones(rows),
        "session_volume": np.floor(rng.lognormal(9.0, 1.0, rows)),
        "slot": (row % SLOTS).astype(float),
    }


def measure(indicator: Indicator, bars: dict[str, Any], rows: int) -> dict[str, Any]:
    """Million values a second of our kernel and of TA-Lib's function.

    Each part of the data is computed once, so that branch prediction cannot learn it.
    """
    by_tick = indicator.rows == "ticks"
    bars = (
        bars | {"session": 736_000.0 + np.arange(len(bars["close"])) // SLOTS} if by_tick else bars
    )
    params = (*indicator.defaults, SLOTS) if by_tick else indicator.defaults
    state = np.zeros(max(1, indicator.state_size(*params)))
    outs = tuple(np.empty(rows) for _ in indicator.outputs)
    ours, theirs = [], []
    for start in range(0, len(bars["close"]), rows):  # the first compiles and warms
        part = {name: values[start : start + rows] for name, values in bars.items()}
        inputs = tuple(part[name] for name in indicator.inputs)
        state[:] = 0.0
        if indicator.name in TALIB:
            theirs.append(_seconds(lambda part=part: TALIB[indicator.name](part)))
        ours.append(
            _seconds(lambda inputs=inputs: indicator.kernel.over_rows(inputs, params, state, outs))
        )
    rate = rows / 1e6 / statistics.median(ours[1:])
    other = rows / 1e6 / statistics.median(theirs[1:]) if theirs else None
    return {
        "indicator": indicator.name,
        "barsweep": rate,
        "talib": other,
        "ratio": rate / other if other else None,
    }


def scaling(
    bars: dict[str, Any], symbols: int = 1_000, rows: int = 390, repeats: int = 3
) -> tuple[float, float]:
    """Million values a second of the whole catalogue over a session of many symbols: on one thread,
    on two.
    """
    many = {name: np.resize(values, symbols * rows) for name, values in bars.items()}
    starts = np.arange(symbols, dtype=np.int64) * rows
    ticks = starts[:, None] + np.arange(4, rows, 5)
    jobs = []
    for indicator in CATALOGUE.values():
        if indicator.rows == "bars":
            size = max(1, indicator.state_size(*indicator.defaults))
            outputs = len(indicator.outputs)
            jobs.append(
                (
                    indicator,
                    tuple(many[name] for name in indicator.inputs),
                    np.zeros((symbols, size)),
                    np.empty((outputs, symbols)),
                    tuple(np.empty((ticks.shape[1], symbols)) for _ in range(outputs)),
                )
            )

    def run(first: int, last: int) -> None:
        for indicator, inputs, states, carried, outs in jobs:
            scratch = tuple(np.empty(rows) for _ in outs)
            indicator.kernel.over_symbols(
                first,
                last,
                starts,
                starts + rows,
                inputs,
                indicator.defaults,
                states,
                ticks,
                scratch,
                carried,
                outs,
            )

    run(0, 1)
    chunks = [(i, i + 50) for i in range(0, symbols, 50)]
    rates = []
    for threads in (1, 2):
        with ThreadPoolExecutor(threads) as pool:
            taken = [
                _seconds(lambda pool=pool: list(pool.map(lambda c: run(*c), chunks)))
                for _ in range(repeats)
            ]
        rates.append(symbols * rows * len(jobs) / 1e6 / min(taken))
    return rates[0], rates[1]


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows",
        type=int,
        default=49_140,
        help="half a year of one symbol's minute bars by default",
    )
    parser.add_argument("--repeats", type=int, default=31, help="parts, each of other bars")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    bars = columns(given.rows * (given.repeats + 1))
    rows = [measure(indicator, bars, given.rows) for indicator in CATALOGUE.values()]
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'indicator':<20}{'M values/s':>12}{'TA-Lib':>10}{'ratio':>8}")
    for row in rows:
        talib_rate, ratio = (f"{row[k]:.2f}" if row[k] else "-" for k in ("talib", "ratio"))
        print(
            f"{row['indicator']:<20}{row['barsweep']:>12.0f}"
            f"{talib_rate.split('.')[0]:>10}{ratio:>8}"
        )
    ratios = [row["ratio"] for row in rows if row["ratio"]]
    print(f"median ratio {statistics.median(ratios):.2f}, lowest {min(ratios):.2f}")
    one, two = scaling(bars)
    print(
        f"the catalogue over 1,000 symbols: {one:.0f} M values/s on one thread, {two:.0f} on two: "
        f"{two / one:.2f} times"
    )


if __name__ == "__main__":
    main()
