"""Every indicator there is: one row each. A kernel that is not here does not exist; what is here is tested."""

from __future__ import annotations

from engine.indicators.indicator import Indicator, Param
from engine.kernels import (
    atr,
    bollinger_bands,
    ema,
    macd,
    roc,
    rolling_max,
    rolling_min,
    rsi,
    rvol,
    sma,
    stddev,
    vwap,
)

CLOSE, VOLUME, RANGE = ("close",), ("volume",), ("high", "low", "close")


def _period(default: int, minimum: int = 1) -> tuple[Param, ...]:
    return (Param("period", default, minimum),)


CATALOGUE: dict[str, Indicator] = {
    row.name: row
    for row in (
        # overlays
        Indicator.of(sma, "overlap", CLOSE, _period(20)),
        Indicator.of(ema, "overlap", CLOSE, _period(20)),
        Indicator.of(
            bollinger_bands, "overlap", CLOSE, (Param("period", 20, 2), Param("width", 2.0, 0.0)),
            ("upper", "middle", "lower", "bandwidth", "percent_b"),
        ),
        # momentum
        Indicator.of(rsi, "momentum", CLOSE, _period(14, 2)),
        Indicator.of(
            macd, "momentum", CLOSE, (Param("fast", 12, 2), Param("slow", 26, 2), Param("signal", 9, 1)),
            ("macd", "signal", "histogram"),
        ),
        Indicator.of(roc, "momentum", CLOSE, _period(10)),
        # volatility
        Indicator.of(atr, "volatility", RANGE, _period(14)),
        Indicator.of(stddev, "volatility", CLOSE, _period(20, 2)),
        # volume
        Indicator.of(sma, "volume", VOLUME, _period(20), name="volume_sma"),
        Indicator.of(vwap, "volume", (*RANGE, "volume", "session", "regular")),
        Indicator.of(rvol, "volume", ("session_volume", "slot", "session"), _period(20), rows="ticks"),
        # statistics
        Indicator.of(rolling_max, "statistics", CLOSE, _period(20)),
        Indicator.of(rolling_min, "statistics", CLOSE, _period(20)),
    )
}  # fmt: skip
