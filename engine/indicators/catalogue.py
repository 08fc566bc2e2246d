"""Every indicator there is: one row each. A kernel that is not here does not exist; what is here is tested."""

from __future__ import annotations

from engine.indicators.indicator import Indicator, Param
from engine.kernels import (
    ad,
    atr,
    bollinger_bands,
    bop,
    cci,
    cmo,
    dema,
    donchian_channels,
    ema,
    hma,
    macd,
    mfi,
    midpoint,
    midprice,
    mom,
    natr,
    obv,
    roc,
    rolling_max,
    rolling_min,
    rsi,
    rvol,
    sma,
    smma,
    stddev,
    stoch,
    t3,
    tema,
    trima,
    trix,
    true_range,
    variance,
    vwap,
    vwma,
    williams_r,
    wma,
    zlema,
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
        Indicator.of(dema, "overlap", CLOSE, _period(20)),
        Indicator.of(donchian_channels, "overlap", ("high", "low"), _period(20), ("upper", "middle", "lower")),
        Indicator.of(hma, "overlap", CLOSE, _period(16, 4)),
        Indicator.of(midpoint, "overlap", CLOSE, _period(14, 2)),
        Indicator.of(midprice, "overlap", ("high", "low"), _period(14, 2)),
        Indicator.of(smma, "overlap", CLOSE, _period(14)),
        Indicator.of(t3, "overlap", CLOSE, (Param("period", 5, 2), Param("factor", 0.7, 0.0, 1.0))),
        Indicator.of(tema, "overlap", CLOSE, _period(20)),
        Indicator.of(trima, "overlap", CLOSE, _period(20, 2)),
        Indicator.of(vwma, "overlap", ("close", "volume"), _period(20)),
        Indicator.of(wma, "overlap", CLOSE, _period(20)),
        Indicator.of(zlema, "overlap", CLOSE, _period(20, 3)),
        # momentum
        Indicator.of(rsi, "momentum", CLOSE, _period(14, 2)),
        Indicator.of(
            macd, "momentum", CLOSE, (Param("fast", 12, 2), Param("slow", 26, 2), Param("signal", 9, 1)),
            ("macd", "signal", "histogram"),
        ),
        Indicator.of(roc, "momentum", CLOSE, _period(10)),
        Indicator.of(bop, "momentum", ("open", *RANGE)),
        Indicator.of(cci, "momentum", RANGE, _period(14, 2)),
        Indicator.of(cmo, "momentum", CLOSE, _period(14, 2)),
        Indicator.of(mfi, "momentum", (*RANGE, "volume"), _period(14, 2)),
        Indicator.of(mom, "momentum", CLOSE, _period(10)),
        Indicator.of(
            stoch, "momentum", RANGE, (Param("fast", 5, 1), Param("smooth", 3, 1), Param("signal", 3, 1)),
            ("percent_k", "percent_d"),
        ),
        Indicator.of(trix, "momentum", CLOSE, _period(30)),
        Indicator.of(williams_r, "momentum", RANGE, _period(14, 2)),
        # volatility
        Indicator.of(atr, "volatility", RANGE, _period(14)),
        Indicator.of(stddev, "volatility", CLOSE, _period(20, 2)),
        Indicator.of(natr, "volatility", RANGE, _period(14)),
        Indicator.of(true_range, "volatility", RANGE),
        Indicator.of(variance, "volatility", CLOSE, _period(20, 2)),
        # volume
        Indicator.of(ad, "volume", (*RANGE, "volume")),
        Indicator.of(obv, "volume", ("close", "volume")),
        Indicator.of(sma, "volume", VOLUME, _period(20), name="volume_sma"),
        Indicator.of(vwap, "volume", (*RANGE, "volume", "session", "regular")),
        Indicator.of(rvol, "volume", ("session_volume", "slot", "session"), _period(20), rows="ticks"),
        # statistics
        Indicator.of(rolling_max, "statistics", CLOSE, _period(20)),
        Indicator.of(rolling_min, "statistics", CLOSE, _period(20)),
    )
}  # fmt: skip
