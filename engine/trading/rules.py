"""The rules of an account, its costs and its strategies, as the ledger's records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.config.models import AccountConfig, CostsConfig
from engine.trading.broker import records

Records = NDArray[np.void]
UNITS = {
    "shares": records.SHARES,
    "cash": records.CASH,
    "percent": records.PERCENT,
    "risk": records.RISK,
}
SMALLEST_FRACTION = 1e-9  # of a share, where any fraction can be held


@dataclass(frozen=True)
class StrategyTerms:
    """The limits of a strategy that the broker enforces; 0 is no limit.

    unit           of its sizes: shares, cash, percent or risk
    once           whether it may enter a symbol only once per session
    band           rebalancing band, part of equity: smaller changes of weight are not traded
    max_positions  number of open positions
    max_percent    largest position, percent of equity
    max_bars       number of bars after which a position is closed
    """

    name: str
    unit: str = "shares"
    once: bool = False
    band: float = 0.0
    max_positions: int = 0
    max_percent: float = 0.0
    max_bars: int = 0


def rules_of(account: AccountConfig, costs: CostsConfig, scale: float) -> Records:
    """The RULES record [1] of an account and its costs; `scale`: money units per currency unit."""
    rules = np.zeros(1, records.RULES)
    margin = account.maintenance_margin
    given = {
        "scale": scale,
        "leverage": account.leverage,
        "maintenance": 0.5 / account.leverage if margin is None else margin,
        "lot": account.lot_size,
        "tick": account.tick_size,
        "participation": account.max_participation,
        "max_positions": account.max_open_positions,
        "max_position": account.max_position_percent and account.max_position_percent / 100.0,
        "daily_loss": account.daily_loss_limit_percent and account.daily_loss_limit_percent / 100.0,
        "flat_at_close": account.flat_at_close,
        "shorting": account.shorting,
        "delist_after": account.delist_after_sessions,
        "delisting_value": account.delisting_value_percent / 100.0,
        "borrow_rate": account.borrow_rate,
        "margin_rate": account.margin_rate,
        "per_share": costs.commission_per_share,
        "per_order": costs.commission_per_order,
        "percent": costs.commission_percent,
        "minimum": costs.minimum_commission,
        "slippage_bps": costs.slippage_bps,
        "slippage_spread": costs.slippage_spread,
    }
    given["dust"] = account.lot_size / 2 if account.lot_size else SMALLEST_FRACTION
    assert set(given) == set(records.RULES.names or ())
    for name, value in given.items():
        rules[0][name] = value or 0
    return rules


def terms_of(strategies: Sequence[StrategyTerms]) -> Records:
    """The strategies' limits as STRATEGY records [strategies], for the ledger."""
    rows = np.zeros(len(strategies), records.STRATEGY)
    for row, terms in zip(rows, strategies, strict=True):
        row["unit"], row["once"], row["band"] = UNITS[terms.unit], terms.once, terms.band
        row["max_positions"], row["allocation"], row["max_bars"] = (
            terms.max_positions,
            terms.max_percent / 100.0,
            terms.max_bars,
        )
    return rows
