"""Sweeps against one scan that is evaluated, by turns in one process.

The largest also in a process of its own, for its memory.

python -m bench.sweep ARCHIVE [REPEATS [NAME ...]] prints a line of JSON a sweep; `barsweep bench
--goals` asks `sweep_goals`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.workload import median
from engine.api import open_archive, sweep
from engine.runtime.peak_memory import peak_memory_mb

MOMENTUM = "scanners.momentum_scanner"
MILLION = "1,048,576 threshold variants, three horizons"
MOST_MB = 1500.0
# name -> at most so many times as long as one scan that is evaluated, and what is swept
SWEEPS: dict[str, tuple[float, dict[str, Any]]] = {
    "1,000 threshold variants": (
        1.5,
        {"grid": {"min_change": "0.01:0.10:0.01", "min_rsi": "50:95:5", "min_price": "5:50:5"}},
    ),
    "10,000 threshold variants": (
        2.0,
        {"grid": {"min_change": "0.01:0.10:0.01", "min_rsi": "50:95:5", "min_price": "1:100:1"}},
    ),
    MILLION: (
        8.0,
        {
            "where": "close > {price} and close / prev_close - 1 > {change} "
            "and close / session_vwap - 1 > {distance} and rsi_14 > {rsi}",
            "grid": {
                "price": "5:36:1",
                "change": "0.01:0.072:0.002",
                "distance": "0:0.031:0.001",
                "rsi": "50:81:1",
            },
            "horizons": ["m30", "close", "day5"],
        },
    ),
    "1,000 variants that rank and limit": (
        6.0,
        {"grid": {"min_change": "0.01:0.10:0.01", "min_rsi": "50:95:5", "limit": "1:10:1"}},
    ),
    "20 periods of RSI x 50 thresholds": (
        3.0,
        {"grid": {"rsi_period": "2:21:1", "min_rsi": "50:99:1"}},
    ),
}


def one_evaluated(path: Path) -> float:
    """Seconds of a scan with the momentum scanner and of the evaluation of its hits."""
    market, clock = open_archive(path, keep=0), time.perf_counter()
    market.scan(MOMENTUM).evaluate(keep_rows=False)
    return time.perf_counter() - clock


def swept(path: Path, name: str) -> float:
    """Seconds of a sweep."""
    market, clock = open_archive(path, keep=0), time.perf_counter()
    asked = SWEEPS[name][1]
    sweep(*(() if "where" in asked else (MOMENTUM,)), archive=market, **asked)
    return time.perf_counter() - clock


def ratios(
    path: Path, repeats: int, names: Sequence[str] = tuple(SWEEPS)
) -> Iterator[tuple[str, float]]:
    """Sweep and how many times as long as one scan that is evaluated it takes: the median of pairs,
    in either order.
    """
    one_evaluated(path)
    for name in names:
        swept(path, name)  # compiles
        found = []
        for number in range(repeats):
            if number % 2:
                longer, one = swept(path, name), one_evaluated(path)
            else:
                one, longer = one_evaluated(path), swept(path, name)
            found.append(longer / one)
        yield name, median(found)


def peak_of_the_largest(path: Path) -> float:
    """MB that a process holds at most which makes the largest sweep."""
    command = [sys.executable, "-m", "bench.sweep", str(path), "0"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    peak: float = json.loads(done.stdout.splitlines()[-1])["peak_mb"]
    return peak


def sweep_goals(path: Path, repeats: int) -> Iterator[tuple[str, float, float, str]]:
    """Name, figure, limit and form of each goal."""
    for name, ratio in ratios(path, repeats):
        yield f"{name} over one scan that is evaluated", ratio, SWEEPS[name][0], "{:.2f}"
    yield f"peak memory, {MILLION}", peak_of_the_largest(path), MOST_MB, "{:.0f} MB"


def main() -> None:
    """Print ratios; with 0 repeats make the largest sweep and print the memory that it took."""
    path, repeats = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    if not repeats:
        seconds = swept(path, MILLION)
        print(json.dumps({"sweep": MILLION, "seconds": seconds, "peak_mb": peak_memory_mb()}))
        return
    for name, ratio in ratios(path, repeats, sys.argv[3:] or tuple(SWEEPS)):
        print(
            json.dumps({"sweep": name, "over one": ratio, "at most": SWEEPS[name][0]}), flush=True
        )


if __name__ == "__main__":
    main()
