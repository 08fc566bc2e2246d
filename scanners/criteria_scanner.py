"""Any clauses, written in the config."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, ScannerParams, parse_condition, parse_value


class CriteriaScanner(ColumnarScanner):
    """What the config's `criteria` say, each a named condition in the expression language of
    docs/scanning.md.

        {"module": "scanners.criteria_scanner", "config": {
            "criteria": {"trend": "close > sma_20_1d * 1.02", "volume": "rvol_20 > 2"},
            "features": {"change": "close / prev_close - 1"}, "rank_by": "change", "limit": 20}}

    Indicators are provisioned from the names that the expressions mention.
    """

    class Params(ScannerParams):
        criteria: dict[str, str] = Field(
            min_length=1, description="name and condition of each clause; all must hold"
        )
        features: dict[str, str] = Field(
            {}, description="name and expression of what is logged with each hit"
        )
        rank_by: str | None = Field(
            None,
            description=(
                "a feature's name or an expression, the largest first; null ranks by symbol"
            ),
        )
        limit: int | None = Field(
            None, ge=1, description="keep the best so many a tick; null keeps all"
        )

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        where = f"{type(self).__module__} config"
        self._criteria = {
            n: parse_condition(text, f"{where}, criteria.{n}")
            for n, text in self.params.criteria.items()
        }
        self._features = {
            n: parse_value(text, f"{where}, features.{n}")
            for n, text in self.params.features.items()
        }
        rank = self.params.rank_by
        self.rank_by = (
            rank
            if rank is None or rank in self._features
            else parse_value(rank, f"{where}, rank_by")
        )
        self.limit = self.params.limit

    def features(self) -> dict[str, pl.Expr]:
        return self._features

    def criteria(self) -> dict[str, pl.Expr]:
        return self._criteria
