"""A grid of moving average crosses on real daily bars of 500 symbols, swept here and by vectorbt.

Compared are trades, seconds and memory.

    python -m venv OTHER && OTHER/bin/pip install vectorbt "plotly<6" pyarrow python -m
    bench.sweep_against_vectorbt --archive FOLDER --theirs OTHER/bin/python

Vectorbt wants an older plotly than barsweep's pages, so it has an environment of its own. Each side
is a process of its own. Signals are those of the close, filled at the next open, long only, as in
bench/against_vectorbt.py. Only symbols with a bar in every session are compared. Seconds are those
of a second run in the process, without compilation. Here one account has enough cash for all
symbols; vectorbt gives each column cash of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SHARES, FEES, CASH = 100, 0.001, 1e9
THEIRS = """
import json, resource, sys, time
import numpy as np, pandas as pd, vectorbt as vbt
bars, fasts, slows = pd.read_parquet(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
close = bars.pivot(index="date", columns="symbol", values="close")
open_ = bars.pivot(index="date", columns="symbol", values="open")
def shift(values):
    moved = np.zeros_like(values); moved[1:] = values[:-1]; return moved
def run(fasts, slows):
    pairs = [(fast, slow) for fast in fasts for slow in slows if fast < slow]
    fast = vbt.MA.run(close, [one for one, _ in pairs]).ma.values
    slow = vbt.MA.run(close, [one for _, one in pairs]).ma.values
    above, below, known = fast > slow, fast < slow, ~np.isnan(slow)
    entries = shift(above & ~shift(above) & shift(known))
    wide = (1, len(pairs))
    portfolio = vbt.Portfolio.from_signals(np.tile(close.values, wide), entries, shift(below),
        price=np.tile(open_.values, wide), size=SHARES, fees=FEES, init_cash=1e6, freq="1D")
    columns = portfolio.trades.records["col"].values // close.shape[1]
    counts = np.bincount(columns, minlength=len(pairs)).tolist()
    gains = (portfolio.final_value().values.reshape(len(pairs), -1) - 1e6).sum(axis=1).tolist()
    return {f"{fast},{slow}": [n, gain] for (fast, slow), n, gain in zip(pairs, counts, gains)}
run(fasts[:1], slows[-1:])
clock = time.perf_counter()
found = run(fasts, slows)
print(json.dumps({"found": found, "seconds": time.perf_counter() - clock,
    "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def config(symbols: list[str]) -> dict[str, Any]:
    """The long-only cross of two averages over symbols."""
    strategy = {
        "module": "engine.strategies.moving_average_cross",
        "config": {"sides": "long", "size": SHARES, "size_unit": "shares"},
    }
    return {
        "mode": "backtest",
        "session_data_config": {"symbols": symbols, "interval": "1d"},
        "strategies": [strategy],
        "account": {"starting_cash": CASH, "currency_decimals": 6},
        "costs": {"commission_percent": 100 * FEES},
    }


def own(archive: Path, fasts: list[int], slows: list[int], symbols: list[str]) -> None:
    """Sweep, and print what came of it."""
    from engine import api
    from engine.progress import silent
    from engine.runtime.peak_memory import peak_memory_mb

    def run(fasts: list[int], slows: list[int]) -> dict[str, list[float]]:
        grid = {"fast": fasts, "slow": slows}
        swept = api.sweep(config(symbols), archive=archive, grid=grid, on_progress=silent)
        rows = swept.variants.select("fast", "slow", "trades", "final_equity").rows()
        return {
            f"{fast},{slow}": [n, equity - CASH] for fast, slow, n, equity in rows if fast < slow
        }

    run(fasts[:1], slows[-1:])
    clock = time.perf_counter()
    found = run(fasts, slows)
    told = {"found": found, "seconds": time.perf_counter() - clock, "mb": peak_memory_mb()}
    print(json.dumps(told))


def main() -> None:
    """Sweep both ways, and print what differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--theirs", type=Path, required=True, help="a Python that has vectorbt")
    parser.add_argument("--fast", type=int, default=10, help="how many periods of the fast average")
    parser.add_argument("--slow", type=int, default=10, help="how many of the slow one")
    given = parser.parse_args()
    import polars as pl

    from engine import api

    market = api.open_archive(given.archive, keep=0)
    bars = market.archive.read_daily(["open", "close"], None, None)
    counts = bars.group_by("symbol").len()
    symbols = counts.filter(pl.col("len") == len(market.sessions("1d")))["symbol"].sort().to_list()
    fasts = list(range(5, 5 + given.fast))
    slows = list(range(20, 20 + 5 * given.slow, 5))
    with tempfile.TemporaryDirectory(prefix="barsweep-bench-") as folder:
        dense = Path(folder) / "bars.parquet"
        bars.filter(pl.col("symbol").is_in(symbols)).write_parquet(dense)
        theirs = THEIRS.replace("SHARES", str(SHARES)).replace("FEES", str(FEES))
        periods = json.dumps(fasts), json.dumps(slows)
        other = _run([str(given.theirs), "-c", theirs, str(dense), *periods])
        call = (
            f"from bench.sweep_against_vectorbt import *; own(Path({str(given.archive)!r}), "
            f"{fasts}, {slows}, {symbols})"
        )
        mine = _run([sys.executable, "-c", call])
    print(
        f"{len(symbols)} symbols, {len(market.sessions('1d'))} sessions, {len(mine['found'])} pairs"
    )
    for name, unit in (("seconds", "s"), ("mb", "MB")):
        ratio = other[name] / mine[name]
        print(
            f"{name:<10} {mine[name]:>10,.1f} {other[name]:>10,.1f} {unit} of vectorbt: "
            f"{ratio:.2f} x"
        )
    same = sum(mine["found"][pair][0] == other["found"][pair][0] for pair in mine["found"])
    apart = max(abs(mine["found"][pair][0] - other["found"][pair][0]) for pair in mine["found"])
    print(
        f"pairs with as many trades: {same} of {len(mine['found'])}; at most {apart} trades apart"
    )


def _run(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


if __name__ == "__main__":
    main()
