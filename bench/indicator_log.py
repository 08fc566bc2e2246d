"""The momentum scanner with further indicators in its log: what one more costs is measured with
it."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from scanners.momentum_scanner import MomentumScanner


class IndicatorLog(MomentumScanner):
    """Logs indicators, by their keys, with each hit."""

    class Params(MomentumScanner.Params):
        indicators: list[str] = Field([], description="keys such as ema_20_1m")

    def features(self) -> dict[str, pl.Expr]:
        return super().features() | {key: pl.col(key) for key in self.params.indicators}
