"""The scanner API, in one import."""

from engine.indicators.key import IndicatorKey
from engine.scan.base import BaseScanner, ColumnarScanner, ScannerParams
from engine.scan.context import ScanContext
from engine.scan.expressions import (
    universe_mean,
    universe_percentile,
    universe_quantile,
    universe_rank,
    universe_zscore,
)
from engine.scan.language import parse_condition, parse_value
from engine.scan.result import ScanResult

__all__ = [
    "BaseScanner",
    "ColumnarScanner",
    "IndicatorKey",
    "ScanContext",
    "ScanResult",
    "ScannerParams",
    "parse_condition",
    "parse_value",
    "universe_mean",
    "universe_percentile",
    "universe_quantile",
    "universe_rank",
    "universe_zscore",
]
