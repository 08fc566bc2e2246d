"""Running configs in tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.session.coordinator import SessionCoordinator
from engine.session.session_record import SessionTables

EVERY_5_MINUTES = [{"start": "09:35", "end": "15:55", "interval": "5m"}]


def config(scanners: list[dict[str, Any]], **session_data: Any) -> LoadedConfig:
    """A config of some scanners; keys of session_data_config by name, `start` and `end` for the dates."""
    span = {f"{key}_date": session_data.pop(key) for key in ("start", "end") if key in session_data}
    content = {
        "mode": "backtest",
        "backtest_config": span,
        "session_data_config": {"scanners": scanners, **session_data},
    }
    return LoadedConfig(SessionConfig(**content), Path.cwd() / "test.json")


def momentum(**settings: Any) -> dict[str, Any]:
    """The momentum scanner, every five minutes."""
    return {
        "module": "scanners.momentum_scanner",
        "regular_session": EVERY_5_MINUTES,
        "config": settings,
    }


def tables(loaded: LoadedConfig, archive: Archive) -> dict[str, pl.DataFrame]:
    """All tables of a run, without writing them."""
    coordinator = SessionCoordinator(loaded, archive)
    records = list(coordinator.sessions())
    names = ("scans", "hits", "symbols", "quality")
    return {name: getattr(SessionTables(records), name) for name in names}


def hits(loaded: LoadedConfig, archive: Archive) -> pl.DataFrame:
    """The hits of a run."""
    return tables(loaded, archive)["hits"]


def write_config(path: Path, content: dict[str, Any]) -> Path:
    """A config file."""
    path.write_text(json.dumps(content))
    return path
