"""The scanner API, in one import."""

from engine.indicators.key import IndicatorKey
from engine.scan.base import BaseScanner, ColumnarScanner, ScannerParams
from engine.scan.expression_language import parse_condition, parse_value
from engine.scan.expressions import (
    universe_mean,
    universe_percentile,
    universe_quantile,
    universe_rank,
    universe_zscore,
)
from engine.scan.missing import without_nan
from engine.scan.previous import crosses_above, crosses_below, previous
from engine.scan.scan_context import ScanContext
from engine.scan.scan_result import ScanResult

__all__ = [
    "BaseScanner",
    "ColumnarScanner",
    "IndicatorKey",
    "ScanContext",
    "ScanResult",
    "ScannerParams",
    "crosses_above",
    "crosses_below",
    "parse_condition",
    "parse_value",
    "previous",
    "universe_mean",
    "universe_percentile",
    "universe_quantile",
    "universe_rank",
    "universe_zscore",
    "without_nan",
]
