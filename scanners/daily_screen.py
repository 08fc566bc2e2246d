"""A screen over daily bars: any clauses, after the close or before the open."""

from __future__ import annotations

from pydantic import Field

from scanners.criteria_scanner import CriteriaScanner


class DailyScreen(CriteriaScanner):
    """A daily screen in the expression language.

    The default is Mark Minervini's trend template, shortened.

    Liquid stocks above their rising long averages, well off their low and near their high of a year
    (Trade Like a Stock Market Wizard, 2013). Scanned at the close, `close` is today's; before the
    open it is yesterday's, as `prev_close` is.
    """

    class Params(CriteriaScanner.Params):
        criteria: dict[str, str] = Field(
            {
                "liquid": "average_dollar_volume_20_1d > 5000000",
                "above_averages": "close > sma_50_1d and sma_50_1d > sma_150_1d and sma_150_1d > "
                "sma_200_1d",
                "off_the_low": "close >= 1.3 * rolling_min_252_1d",
                "near_the_high": "close >= 0.75 * rolling_max_252_1d",
            },
            min_length=1,
            description="name and condition of each clause; all must hold",
        )
        features: dict[str, str] = Field(
            {
                "close": "close",
                "strength": "roc_252_1d",
                "off_high": "close / rolling_max_252_1d - 1",
            },
            description="name and expression of what is logged with each hit",
        )
        rank_by: str | None = Field(
            "strength", description="a feature's name or an expression, the largest first"
        )
        limit: int | None = Field(
            50, ge=1, description="keep the best so many a session; null keeps all"
        )
