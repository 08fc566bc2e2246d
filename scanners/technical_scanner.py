"""Votes of RSI, MACD and Bollinger Bands, combined into a score."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, IndicatorKey, ScannerParams


class TechnicalScanner(ColumnarScanner):
    """Three indicators vote for a rise (+1), a fall (-1) or neither (0).

    Their weighted mean is the score, from -1 to 1.

    RSI (Wilder, 1978): +1 below `oversold`, -1 above `overbought`. MACD (Appel, 1979): +1 above its
    signal line, -1 below. Bollinger Bands (Bollinger, 2001): +1 with the close below the lower
    band, -1 above the upper one. score = (rsi_weight * RSI + macd_weight * MACD + bands_weight *
    Bollinger) / (sum of the weights)
    """

    class Params(ScannerParams):
        interval: str = Field("5m", description="interval of the bars")
        direction: Literal["up", "down", "both"] = Field("up", description="which scores to find")
        min_score: float = Field(
            0.6, gt=0, le=1, description="size of the score must be at least this"
        )
        rsi_period: int = Field(14, ge=2, description="bars of Wilder's RSI")
        oversold: float = Field(30.0, ge=0, le=100, description="RSI below this votes for a rise")
        overbought: float = Field(70.0, ge=0, le=100, description="RSI above this votes for a fall")
        bands_period: int = Field(20, ge=2, description="bars of the Bollinger Bands")
        bands_width: float = Field(2.0, gt=0, description="their width in standard deviations")
        rsi_weight: float = Field(1.0, ge=0, description="weight of the RSI's vote")
        macd_weight: float = Field(1.0, ge=0, description="weight of the MACD's vote")
        bands_weight: float = Field(1.0, ge=0, description="weight of the Bollinger Bands' vote")
        min_price: float = Field(5.0, description="close must be at least this, in currency")
        limit: int | None = Field(
            20,
            ge=1,
            description="keep the best so many a tick, by size of the score; null keeps all",
        )

    rank_by = "strength"

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        p = self.params
        self.limit = p.limit
        bands = IndicatorKey.make(
            "bollinger_bands", {"period": p.bands_period, "width": p.bands_width}, p.interval
        ).name
        macd = IndicatorKey.make("macd", {}, p.interval).name
        rsi = pl.col(IndicatorKey.make("rsi", {"period": p.rsi_period}, p.interval).name)
        histogram, place = pl.col(f"{macd}.histogram"), pl.col(f"{bands}.percent_b")
        self._votes = {
            "rsi_vote": _vote(rsi < p.oversold, rsi > p.overbought),
            "macd_vote": _vote(histogram > 0, histogram < 0),
            "bands_vote": _vote(place < 0, place > 1),
        }
        weights = dict(zip(self._votes, (p.rsi_weight, p.macd_weight, p.bands_weight), strict=True))
        total = sum(weights.values()) or 1.0
        self._score = (
            pl.sum_horizontal([vote * weights[name] for name, vote in self._votes.items()]) / total
        )
        self._known = rsi.is_not_null() & histogram.is_not_null() & place.is_not_null()

    def features(self) -> dict[str, pl.Expr]:
        return {
            "close": pl.col("close"),
            **self._votes,
            "score": self._score,
            "strength": self._score.abs(),
        }

    def criteria(self) -> dict[str, pl.Expr]:
        p = self.params
        size = {"up": self._score, "down": -self._score, "both": self._score.abs()}[p.direction]
        return {
            "price": pl.col("close") >= p.min_price,
            "warm": self._known,
            "score": size >= p.min_score,
        }


def _vote(up: pl.Expr, down: pl.Expr) -> pl.Expr:
    return pl.when(up).then(1.0).when(down).then(-1.0).otherwise(0.0)
