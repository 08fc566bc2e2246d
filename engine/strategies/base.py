"""The strategy API, in one import."""

from engine.indicators.key import IndicatorKey
from engine.scan.expressions import (
    universe_mean,
    universe_percentile,
    universe_quantile,
    universe_rank,
    universe_zscore,
)
from engine.scan.language import parse_condition, parse_value
from engine.trading.context import StrategyContext
from engine.trading.strategy import ColumnarStrategy, SizeUnit, Strategy, StrategyParams

__all__ = [
    "ColumnarStrategy",
    "IndicatorKey",
    "SizeUnit",
    "Strategy",
    "StrategyContext",
    "StrategyParams",
    "parse_condition",
    "parse_value",
    "universe_mean",
    "universe_percentile",
    "universe_quantile",
    "universe_rank",
    "universe_zscore",
]
