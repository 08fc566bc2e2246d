"""Running configs that trade."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.runs.execute_run import make_desk
from engine.session.coordinator import SessionCoordinator
from engine.session.session_record import SessionTables

TABLES = ("orders", "fills", "trades", "equity")


def config(
    strategies: list[dict[str, Any]],
    account: dict[str, Any] | None = None,
    costs: dict[str, Any] | None = None,
    start: str | None = None,
    end: str | None = None,
    **data: Any,
) -> LoadedConfig:
    """A config; keywords are those of session_data_config."""
    content = {
        "mode": "backtest",
        "backtest_config": {"start_date": start, "end_date": end},
        "session_data_config": data,
        "strategies": strategies,
        "account": account or {},
        "costs": costs or {},
    }
    return LoadedConfig(SessionConfig(**content), Path.cwd() / "test.json")


def trade(loaded: LoadedConfig, archive: Archive) -> dict[str, pl.DataFrame]:
    """The tables of a run, without writing them, what is open at its end included; failures of strategies raise."""
    desk = make_desk(loaded, archive)
    assert desk is not None
    coordinator = SessionCoordinator(loaded, archive, desk)
    records = list(coordinator.sessions())
    rest = desk.end_run()
    assert [slot.errors for slot in desk.slots if slot.errors] == []
    tables = {
        name: pl.concat(
            [*SessionTables(records).trading(name), *([rest[name]] if name in rest else [])]
        )
        for name in TABLES
    }
    return tables | {"symbols": SessionTables(records).symbols, "hits": SessionTables(records).hits}
