"""The same logic in columns and bar by bar gives the same orders, fills, trades and equity."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from tests.trading.runs import TABLES, config, trade

AT_0935 = [{"start": "09:35", "end": "09:35", "interval": "5m"}]
IN_PLAY = {
    "module": "scanners.opening_range_scanner",
    "regular_session": AT_0935,
    "config": {"sessions": 3, "min_average_volume": 1000.0, "min_atr": 0.01, "min_rvol": 0.5},
}
COSTS = {"commission_per_share": 0.005, "minimum_commission": 1.0, "slippage_bps": 2.0}


def run(
    archive: Archive,
    module: str,
    settings: dict[str, Any],
    account: dict[str, Any],
    scanners: list[Any],
) -> dict[str, pl.DataFrame]:
    strategy = {"module": module, "name": "orb", "config": settings}
    return trade(
        config([strategy], account, COSTS, start="2017-11-01", end="2017-12-15", scanners=scanners),
        archive,
    )


@pytest.mark.parametrize(
    "account",
    [
        {"flat_at_close": True, "leverage": 4.0, "max_position_percent": 20},
        {"flat_at_close": True, "max_open_positions": 3, "max_participation": 0.05},
        {"flat_at_close": True, "leverage": 2.0, "daily_loss_limit_percent": 1.0, "lot_size": 0},
    ],
)
@pytest.mark.parametrize("target", [None, 2.0])
def test_columns_and_bars_agree(
    demo: Archive, account: dict[str, Any], target: float | None
) -> None:
    settings = {"size": 0.5, "size_unit": "risk", "stop_atr": 0.15, "target_r": target}
    columns = run(demo, "engine.strategies.opening_range_breakout", settings, account, [IN_PLAY])
    by_hand = run(demo, "tests.trading.opening_range_by_hand", settings, account, [IN_PLAY])
    assert len(columns["trades"]) > 40
    for name in (*TABLES, "symbols"):
        assert columns[name].equals(by_hand[name]), name


def test_symbols_found_one_by_one_are_traded_alike(demo: Archive) -> None:
    """A scanner of one's own cannot be foreseen: the session is laid out anew when it finds something."""
    own = {
        **IN_PLAY,
        "module": "tests.trading.opening_range_symbols",
        "name": "scanners.opening_range_scanner",
    }
    settings = {"size": 0.5, "size_unit": "risk", "stop_atr": 0.15}
    account = {"flat_at_close": True, "leverage": 2.0}
    for module in (
        "engine.strategies.opening_range_breakout",
        "tests.trading.opening_range_by_hand",
    ):
        foreseen, found = (
            run(demo, module, settings, account, [scanner]) for scanner in (IN_PLAY, own)
        )
        assert len(foreseen["trades"]) > 40
        for name in TABLES:
            assert foreseen[name].equals(found[name]), name
