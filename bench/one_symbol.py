"""What a session costs where there is little in it: one symbol, daily bars, a moving-average cross.

python -m bench.one_symbol [--sessions N] [--repeats N]

Told are the seconds of each run into a run directory, without audit and report; the first compiles
what is not in numba's cache.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from engine import api
from engine.archive.ingest.importer import ImportOptions, import_bars
from engine.clock.calendar import ExchangeCalendar
from engine.progress import silent

CONFIG = {
    "mode": "backtest",
    "session_data_config": {"symbols": ["ONE"], "streams": ["1d"]},
    "strategies": [{"module": "engine.strategies.moving_average_cross"}],
}


def main() -> None:
    """Measure, and print a line a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=2148)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="barsweep-bench-") as folder:
        archive = _archive(Path(folder), options.sessions)
        for number in range(options.repeats):
            started = time.perf_counter()
            done = api.run(
                CONFIG,
                archive=archive,
                out=Path(folder) / f"runs{number}",
                audit=False,
                report=False,
                on_progress=silent,
            )
            seconds = time.perf_counter() - started
            fills = len(done.table("fills"))
            print(f"{options.sessions} sessions, {fills} fills: {seconds:.2f} s")


def _archive(folder: Path, count: int) -> Path:
    """Daily bars of a random walk."""
    calendar = ExchangeCalendar.of("XNYS")
    dates = [s.date for s in calendar.sessions(dt.date(2005, 1, 3), dt.date(2024, 12, 31))][:count]
    rng = np.random.default_rng(1)
    close = np.round(50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.015, len(dates)))), 2)
    start = np.round(close * np.exp(rng.normal(0.0, 0.004, len(dates))), 2)
    pl.DataFrame(
        {
            "symbol": ["ONE"] * len(dates),
            "timestamp": [str(date) for date in dates],
            "open": start,
            "high": np.maximum(start, close) + 0.05,
            "low": np.minimum(start, close) - 0.05,
            "close": close,
            "volume": np.full(len(dates), 1000.0),
        }
    ).write_csv(folder / "bars.csv")
    import_bars(
        [folder / "bars.csv"], folder / "archive", ImportOptions(label="open", interval="1d")
    )
    return folder / "archive"


if __name__ == "__main__":
    main()
