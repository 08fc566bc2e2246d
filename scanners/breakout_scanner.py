"""Breakouts from a consolidation on volume."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, IndicatorKey, ScannerParams


class BreakoutScanner(ColumnarScanner):
    """The latest bar closes above the high of the bars before it, which kept to a narrow range, on
    more volume than they had.

    A consolidation's resistance broken on volume is Edwards and Magee's breakout (Technical
    Analysis of Stock Trends, 1948). Bars are those of `interval`; resistance, range and usual
    volume are of the `consolidation` bars before the latest one.

    score (0 to 100) = 40 * min(1, break / (3 * min_break)) + 40 * min(1, volume ratio / (3 *
    volume_ratio))
                       + 20 * (1 - range / max_range)
    where break = close / resistance - 1 and range = resistance / support - 1. Of a session only the
    first `per_session` symbols are
    found, each once; where several break out at one tick, the best score first.
    """

    class Params(ScannerParams):
        consolidation: int = Field(5, ge=2, description="bars of the consolidation")
        interval: str = Field("5m", description="interval of the bars")
        volume_ratio: float = Field(
            1.5,
            gt=0,
            description="volume of the bar over the consolidation's mean must be at least this",
        )
        min_break: float = Field(
            0.005,
            gt=0,
            description="close over the resistance, minus 1, must be at least this; 0.005 is 0.5 %",
        )
        max_range: float = Field(
            0.03, gt=0, description="resistance over support, minus 1, must be at most this"
        )
        min_price: float = Field(50.0, description="close must be at least this, in currency")
        max_price: float = Field(2000.0, description="close must be at most this, in currency")
        min_volume: float = Field(
            10_000.0, ge=0, description="volume of the bar must be at least this, in shares"
        )
        per_session: int | None = Field(
            3, ge=1, description="find the first so many symbols of a session; null finds all"
        )

    rank_by = "score"

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        p = self.params
        self.session_limit = p.per_session
        before = IndicatorKey.make("prior_range", {"period": p.consolidation}, p.interval).name
        self._close = pl.col(IndicatorKey.make("sma", {"period": 1}, p.interval).name)
        self._volume = pl.col(IndicatorKey.make("volume_sma", {"period": 1}, p.interval).name)
        self._resistance, self._support, self._usual = (
            pl.col(f"{before}.{part}") for part in ("high", "low", "volume")
        )
        self._break = self._close / self._resistance - 1
        self._ratio = self._volume / self._usual
        self._range = self._resistance / self._support - 1

    def features(self) -> dict[str, pl.Expr]:
        p = self.params
        score = (
            40 * pl.min_horizontal(1.0, self._break / (3 * p.min_break))
            + 40 * pl.min_horizontal(1.0, self._ratio / (3 * p.volume_ratio))
            + 20 * (1 - self._range / p.max_range)
        )
        return {
            "close": self._close,
            "resistance": self._resistance,
            "break": self._break,
            "ratio": self._ratio,
            "range": self._range,
            "score": score,
        }

    def criteria(self) -> dict[str, pl.Expr]:
        p = self.params
        return {
            "price": (self._close >= p.min_price) & (self._close <= p.max_price),
            "narrow": self._range <= p.max_range,
            "breaks_out": self._break >= p.min_break,
            "volume": self._volume >= p.min_volume,
            "on_volume": self._ratio >= p.volume_ratio,
        }
