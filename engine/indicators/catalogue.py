"""Every indicator there is: one row each. A kernel that is not here does not exist; what is here is tested."""

from __future__ import annotations

from engine.indicators.indicator import Indicator, Param
from engine.kernels import (
    ad,
    ad_oscillator,
    adx,
    alma,
    apo,
    aroon,
    aroon_oscillator,
    atr,
    average_daily_range,
    average_dollar_volume,
    awesome_oscillator,
    bollinger_bands,
    bop,
    cci,
    choppiness,
    cmf,
    cmo,
    connors_rsi,
    consecutive_bars,
    coppock,
    dema,
    donchian_channels,
    dpo,
    ema,
    eom,
    fisher,
    force_index,
    historical_volatility,
    hma,
    ichimoku,
    inside_bar,
    kama,
    keltner_channels,
    kst,
    linear_regression,
    macd,
    mass_index,
    mfi,
    midpoint,
    midprice,
    mom,
    narrow_range,
    natr,
    obv,
    outside_bar,
    parabolic_sar,
    ppo,
    pvt,
    roc,
    rolling_max,
    rolling_min,
    rolling_rank,
    rsi,
    rsi_cutler,
    rvol,
    skew,
    sma,
    smma,
    stddev,
    stoch,
    stoch_rsi,
    supertrend,
    t3,
    tema,
    trima,
    trix,
    true_range,
    tsi,
    ttm_squeeze,
    ulcer_index,
    ultimate_oscillator,
    variance,
    vortex,
    vwap,
    vwma,
    williams_r,
    wma,
    zlema,
    zscore,
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
        Indicator.of(kama, "overlap", CLOSE, _period(30, 2)),
        Indicator.of(
            keltner_channels, "overlap", RANGE, (Param("period", 20, 1), Param("atr_period", 10, 1), Param("width", 2.0, 0.0)),
            ("upper", "middle", "lower"),
        ),
        Indicator.of(linear_regression, "overlap", CLOSE, _period(14, 2), ("value", "slope", "r2")),
        Indicator.of(
            alma, "overlap", CLOSE, (Param("period", 9, 1), Param("offset", 0.85, 0.0, 1.0), Param("sigma", 6.0, 0.1))
        ),
        Indicator.of(
            ichimoku, "overlap", ("high", "low"), (Param("conversion", 9, 1), Param("base", 26, 1), Param("span", 52, 1)),
            ("conversion_line", "base_line", "span_a", "span_b"),
        ),
        Indicator.of(
            parabolic_sar, "overlap", ("high", "low"), (Param("acceleration", 0.02, 0.0, 1.0), Param("maximum", 0.2, 0.0, 1.0))
        ),
        Indicator.of(
            supertrend, "overlap", RANGE, (Param("period", 10, 1), Param("width", 3.0, 0.0)), ("line", "direction")
        ),
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
        Indicator.of(adx, "momentum", RANGE, _period(14, 2), ("adx", "plus_di", "minus_di")),
        Indicator.of(apo, "momentum", CLOSE, (Param("fast", 12, 2), Param("slow", 26, 2))),
        Indicator.of(aroon, "momentum", ("high", "low"), _period(14, 2), ("up", "down")),
        Indicator.of(aroon_oscillator, "momentum", ("high", "low"), _period(14, 2)),
        Indicator.of(awesome_oscillator, "momentum", ("high", "low"), (Param("fast", 5, 1), Param("slow", 34, 1))),
        Indicator.of(coppock, "momentum", CLOSE, (Param("long", 14, 1), Param("short", 11, 1), Param("period", 10, 1))),
        Indicator.of(dpo, "momentum", CLOSE, _period(20, 2)),
        Indicator.of(ppo, "momentum", CLOSE, (Param("fast", 12, 2), Param("slow", 26, 2))),
        Indicator.of(rsi_cutler, "momentum", CLOSE, _period(14, 2)),
        Indicator.of(
            stoch_rsi, "momentum", CLOSE, (Param("period", 14, 2), Param("fast", 14, 1), Param("signal", 3, 1)),
            ("percent_k", "percent_d"),
        ),
        Indicator.of(tsi, "momentum", CLOSE, (Param("slow", 25, 1), Param("fast", 13, 1))),
        Indicator.of(
            ultimate_oscillator, "momentum", RANGE, (Param("short", 7, 1), Param("middle", 14, 1), Param("long", 28, 1))
        ),
        Indicator.of(vortex, "momentum", RANGE, _period(14, 2), ("plus", "minus")),
        Indicator.of(
            connors_rsi, "momentum", CLOSE, (Param("period", 3, 2), Param("streak", 2, 2), Param("rank", 100, 1))
        ),
        Indicator.of(fisher, "momentum", ("high", "low"), _period(10, 2), ("fisher", "signal")),
        Indicator.of(kst, "momentum", CLOSE, (Param("signal", 9, 1),), ("kst", "signal_line")),
        # volatility
        Indicator.of(atr, "volatility", RANGE, _period(14)),
        Indicator.of(stddev, "volatility", CLOSE, _period(20, 2)),
        Indicator.of(natr, "volatility", RANGE, _period(14)),
        Indicator.of(true_range, "volatility", RANGE),
        Indicator.of(variance, "volatility", CLOSE, _period(20, 2)),
        Indicator.of(choppiness, "volatility", RANGE, _period(14, 2)),
        Indicator.of(historical_volatility, "volatility", CLOSE, (Param("period", 20, 2), Param("annual", 252.0, 1.0))),
        Indicator.of(mass_index, "volatility", ("high", "low"), (Param("period", 9, 1), Param("total", 25, 1))),
        Indicator.of(ulcer_index, "volatility", CLOSE, _period(14, 2)),
        Indicator.of(
            ttm_squeeze, "volatility", RANGE, (Param("period", 20, 2), Param("width", 2.0, 0.0), Param("channel", 1.5, 0.0)),
            ("squeeze", "momentum"),
        ),
        # volume
        Indicator.of(ad, "volume", (*RANGE, "volume")),
        Indicator.of(obv, "volume", ("close", "volume")),
        Indicator.of(sma, "volume", VOLUME, _period(20), name="volume_sma"),
        Indicator.of(vwap, "volume", (*RANGE, "volume", "session", "regular")),
        Indicator.of(rvol, "volume", ("session_volume", "slot", "session"), _period(20), rows="ticks"),
        Indicator.of(cmf, "volume", (*RANGE, "volume"), _period(20)),
        Indicator.of(force_index, "volume", ("close", "volume"), _period(13)),
        Indicator.of(pvt, "volume", ("close", "volume")),
        Indicator.of(ad_oscillator, "volume", (*RANGE, "volume"), (Param("fast", 3, 1), Param("slow", 10, 1))),
        Indicator.of(average_dollar_volume, "volume", ("close", "volume"), _period(20)),
        Indicator.of(eom, "volume", ("high", "low", "volume"), (Param("period", 14, 1), Param("scale", 100_000_000.0, 0.0, 1e15))),
        # bars
        Indicator.of(average_daily_range, "bars", ("high", "low"), _period(20)),
        Indicator.of(consecutive_bars, "bars", CLOSE),
        Indicator.of(inside_bar, "bars", ("high", "low")),
        Indicator.of(narrow_range, "bars", ("high", "low"), _period(7, 2)),
        Indicator.of(outside_bar, "bars", ("high", "low")),
        # statistics
        Indicator.of(rolling_max, "statistics", CLOSE, _period(20)),
        Indicator.of(rolling_min, "statistics", CLOSE, _period(20)),
        Indicator.of(rolling_rank, "statistics", CLOSE, _period(20, 2)),
        Indicator.of(skew, "statistics", CLOSE, _period(20, 3)),
        Indicator.of(zscore, "statistics", CLOSE, _period(20, 2)),
    )
}  # fmt: skip
