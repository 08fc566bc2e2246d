"""Archives of symbols that trade seldom."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.clock.calendar import ExchangeCalendar

DAILY_SHARES = {"DENSE": 1.0, "OFTEN": 0.8, "SELDOM": 0.4, "HARDLY": 0.12}
MINUTE_SHARES = {"DENSE": 1.0, "OFTEN": 0.2, "SELDOM": 0.06, "HARDLY": 0.015}


def thin_days(
    folder: Path,
    shares: dict[str, float],
    start: str = "2014-01-02",
    end: str = "2018-03-29",
    seed: int = 1,
) -> Archive:
    """Daily bars: each symbol trades in a share of the sessions, drawn at random; LATE begins in the last October."""
    sessions = ExchangeCalendar.of("XNYS").sessions(
        dt.date.fromisoformat(start), dt.date.fromisoformat(end)
    )
    rng, parts = np.random.default_rng(seed), []
    for symbol, share in (shares | {"LATE": 1.0}).items():
        traded = rng.random(len(sessions)) < share
        opens = [
            s.open
            for s, on in zip(sessions, traded, strict=True)
            if on and (symbol != "LATE" or str(s.date) >= "2017-10-02")
        ]
        parts.append(_bars(symbol, np.array(opens), rng))
    return _imported(folder, parts)


def thin_minutes(
    folder: Path, shares: dict[str, float], start: str, end: str, seed: int = 1
) -> Archive:
    """Minute bars: each symbol trades in a share of the minutes, drawn at random."""
    sessions = ExchangeCalendar.of("XNYS").sessions(
        dt.date.fromisoformat(start), dt.date.fromisoformat(end)
    )
    minutes = np.concatenate([np.arange(s.open, s.close, 60_000_000) for s in sessions])
    rng = np.random.default_rng(seed)
    return _imported(
        folder,
        [
            _bars(symbol, minutes[rng.random(len(minutes)) < share], rng)
            for symbol, share in shares.items()
        ],
    )


def seldom_minutes(
    folder: Path, every: dict[str, int], start: str, end: str, seed: int = 1
) -> Archive:
    """Minute bars: each symbol trades once in every so many minutes, at one of them that is drawn at random."""
    sessions = ExchangeCalendar.of("XNYS").sessions(
        dt.date.fromisoformat(start), dt.date.fromisoformat(end)
    )
    minutes = np.concatenate([np.arange(s.open, s.close, 60_000_000) for s in sessions])
    rng, parts = np.random.default_rng(seed), []
    for symbol, step in every.items():
        firsts = np.arange(0, len(minutes) - step + 1, step)
        parts.append(_bars(symbol, minutes[firsts + rng.integers(0, step, len(firsts))], rng))
    return _imported(folder / "minutes", parts)


def _bars(symbol: str, times: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    close = np.round(50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, len(times)))), 2)
    start = np.round(close * np.exp(rng.normal(0.0, 0.004, len(times))), 2)
    return pl.DataFrame(
        {
            "symbol": [symbol] * len(times),
            "timestamp": pl.Series(times, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
            "open": start,
            "high": np.maximum(start, close) + 0.05,
            "low": np.minimum(start, close) - 0.05,
            "close": close,
            "volume": np.round(rng.uniform(100.0, 1000.0, len(times))),
        }
    )


def _imported(folder: Path, parts: list[pl.DataFrame]) -> Archive:
    folder.mkdir(parents=True)
    pl.concat(parts).sort("symbol", "timestamp").write_parquet(folder / "bars.parquet")
    import_bars([folder / "bars.parquet"], folder / "archive", ImportOptions(label="open"))
    return Archive.open(folder / "archive")
