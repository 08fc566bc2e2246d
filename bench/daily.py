"""A daily archive of many symbols, and the scan that is measured on it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from bench.workload import Workload
from engine.archive.disk import layout
from engine.archive.disk.bar_files import write_bars
from engine.clock.calendar import ExchangeCalendar
from engine.schema import BAR_SCHEMA

FIRST = dt.date(2013, 1, 2)
SCANNER = {
    "module": "scanners.daily_screen",
    "regular_session": [{"at": "close"}],
    "config": {
        "criteria": {"largest": "rank(average_dollar_volume_20_1d) <= 500"},
        "features": {
            "momentum": "roc_60_1d",
            "reversal": "roc_5_1d",
            "trend": "close / sma_50_1d - 1",
            "size": "average_dollar_volume_20_1d",
        },
        "rank_by": "momentum",
        "limit": None,
    },
}


def daily_archive(root: Path, symbols: int, days: int, seed: int) -> Path:
    """The folder of an archive of daily bars alone: random walks, every symbol every day; made where it is not there yet."""
    path = root / f"bench-daily-{symbols}x{days}-{seed}"
    if (path / layout.MANIFEST).exists():
        return path
    calendar = ExchangeCalendar.of("XNYS")
    sessions = calendar.sessions(FIRST, FIRST + dt.timedelta(days=2 * days))[:days]
    random = np.random.default_rng(seed)
    close = 40 * np.exp(
        np.cumsum(random.normal(0, 0.02, (days, symbols)), axis=0) + random.normal(0, 1, symbols)
    )
    spread = 1 + np.abs(random.normal(0, 0.01, (days, symbols)))
    volume = np.round(
        np.exp(random.normal(0, 0.4, (days, symbols)) + random.normal(13, 2, symbols))
    )
    for year in sorted({session.date.year for session in sessions}):
        rows = [number for number, session in enumerate(sessions) if session.date.year == year]
        opens = np.array([sessions[number].open for number in rows])
        columns = {
            "symbol": np.repeat([f"D{number:05d}" for number in range(symbols)], len(rows)),
            "timestamp": np.tile(opens, symbols).astype("datetime64[us]"),
            "open": close[rows].T.ravel(),
            "high": (close * spread)[rows].T.ravel(),
            "low": (close / spread)[rows].T.ravel(),
            "close": close[rows].T.ravel(),
            "volume": volume[rows].T.ravel(),
        }
        bars = (
            pl.DataFrame(columns)
            .with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
            .select(*BAR_SCHEMA)
        )
        write_bars(layout.daily_file(path, year), bars)
    source = f"random walks: symbols={symbols} days={days} seed={seed}"
    layout.write_manifest(
        path, layout.ArchiveManifest(exchange="XNYS", source=source, intervals=("1d",))
    )
    return path


def daily_workload(path: Path) -> Workload:
    """Four factors, and the 500 largest of each day."""
    return Workload(
        path, {"mode": "backtest", "session_data_config": {"interval": "1d", "scanners": [SCANNER]}}
    )
