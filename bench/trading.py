"""What trading costs: scans alone against the same scans traded, and a strategy that decides bar by
bar.

python -m bench.trading [--archive FOLDER] [--symbols N] [--sessions N] [--repeats N]

1. the momentum scanner every five minutes over the market, alone, and with a columnar strategy on
   every bar of what it found;
2. a strategy written bar by bar over 20 symbols: seconds, and what 250 sessions of 390 bars would
   take.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.workload import bench_archive
from engine import api
from engine.progress import silent
from engine.strategies.base import Strategy, StrategyContext

SCANNER = {
    "module": "scanners.momentum_scanner",
    "regular_session": [{"start": "09:35", "end": "15:55", "interval": "5m"}],
}
COLUMNAR = {"module": "engine.strategies.vwap_pullback"}
BY_HAND = {"module": "bench.trading:Reversion"}
SYMBOLS = 20


class Reversion(Strategy):
    """Buys a low RSI and sells a high one, with a bracket: what a strategy written bar by bar
    usually asks for.
    """

    def indicators(self) -> list[str]:
        return ["rsi_14_1m", "sma_20_1m"]

    def on_bar(self, context: StrategyContext) -> None:
        for symbol in context.symbols:
            if not context.has_new_bar(symbol):
                continue
            rsi, close = context.value(symbol, "rsi_14_1m"), context.value(symbol, "close")
            held = context.position(symbol)
            if held == 0 and rsi < 25 and not context.orders(symbol):
                context.buy(symbol, percent=4, stop_loss=close * 0.99, take_profit=close * 1.01)
            elif held > 0 and rsi > 75:
                context.close(symbol)


def run(
    market: api.Market, strategies: list[dict[str, Any]], **data: Any
) -> tuple[float, int, int]:
    """Seconds of a run into a run directory, and its hits and fills."""
    config = {"mode": "backtest", "session_data_config": data, "strategies": strategies}
    with tempfile.TemporaryDirectory(prefix="barsweep-bench-") as folder:
        started = time.perf_counter()
        done = api.run(
            config, archive=market, out=folder, audit=False, report=False, on_progress=silent
        )
        return time.perf_counter() - started, len(done.hits), len(done.table("fills"))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--symbols", type=int, default=5_000)
    parser.add_argument("--sessions", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--archive", type=Path)
    given = parser.parse_args()
    path = given.archive or bench_archive(Path("parquet_data"), given.symbols, given.sessions, 7)
    archive = api.open_archive(path, keep=0)
    few = {"symbols": archive.symbols()[:SYMBOLS]}
    run(archive, [COLUMNAR], scanners=[SCANNER])  # compiles
    pairs = [
        (run(archive, [], scanners=[SCANNER]), run(archive, [COLUMNAR], scanners=[SCANNER]))
        for _ in range(given.repeats)
    ]
    by_hand = min(run(archive, [BY_HAND], **few) for _ in range(given.repeats))
    _, hits, fills = pairs[0][1]
    sessions = len(archive.sessions())
    print(f"{len(archive.symbols())} symbols, {sessions} sessions, {hits:,} hits, {fills:,} fills")
    print(f"scans alone           {statistics.median(scan[0] for scan, _ in pairs):8.2f} s")
    print(f"scans and trades      {statistics.median(trade[0] for _, trade in pairs):8.2f} s")
    print(
        "ratio                 "
        f"{statistics.median(trade[0] / scan[0] for scan, trade in pairs):8.2f}"
    )
    print(f"bar by bar            {by_hand[0]:8.2f} s, {SYMBOLS} symbols, {by_hand[2]:,} fills")
    print(f"  in 250 sessions     {by_hand[0] / sessions * 250:8.1f} s")


if __name__ == "__main__":
    main()
