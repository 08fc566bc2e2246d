"""The moving average cross on real daily bars of 500 symbols, against vectorbt: trades, prices,
profits, final equity.

pip install vectorbt
python -m bench.against_vectorbt --archive FOLDER     (an archive of daily bars)

vectorbt wants dense matrices, so only symbols with a bar in every session are compared. Signals are
those of the close, filled at the next open: they are shifted by a row and filled at its open there,
which is what barsweep does by itself. A position that is still open at the end is a trade in both.
Each symbol has its own cash in vectorbt; here one account has enough for all.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl

from engine import api
from engine.progress import silent

FAST, SLOW, SHARES, FEES, CASH = 10, 20, 100, 0.001, 1e9


def own_trades(market: api.Market, symbols: list[str]) -> tuple[pl.DataFrame, float, float]:
    """Trades, final equity over the starting cash, seconds."""
    strategy = {
        "module": "engine.strategies.moving_average_cross",
        "config": {
            "fast": FAST,
            "slow": SLOW,
            "sides": "long",
            "size": SHARES,
            "size_unit": "shares",
        },
    }
    config = {
        "mode": "backtest",
        "session_data_config": {"symbols": symbols, "interval": "1d"},
        "strategies": [strategy],
        "account": {"starting_cash": CASH, "currency_decimals": 6},
        "costs": {"commission_percent": 100 * FEES},
    }
    with tempfile.TemporaryDirectory(prefix="barsweep-bench-") as folder:
        started = time.perf_counter()
        run = api.run(
            config, archive=market, out=folder, audit=False, report=False, on_progress=silent
        )
        return run.trades, run.equity["equity"][-1] - CASH, time.perf_counter() - started


def their_trades(close: Any, open_: Any) -> tuple[Any, float, float]:
    """The same of vectorbt."""
    import vectorbt as vbt

    started = time.perf_counter()
    fast, slow = close.rolling(FAST).mean(), close.rolling(SLOW).mean()
    above, below, known = fast > slow, fast < slow, slow.notna()
    entries = above & ~above.shift(1, fill_value=False) & known.shift(1, fill_value=False)
    portfolio = vbt.Portfolio.from_signals(
        close,
        entries.shift(1, fill_value=False),
        below.shift(1, fill_value=False),
        price=open_,
        size=SHARES,
        fees=FEES,
        init_cash=1e6,
        freq="1D",
    )
    trades = portfolio.trades.records_readable
    return trades, float((portfolio.final_value() - 1e6).sum()), time.perf_counter() - started


def main() -> None:
    """Compare, and print what differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--archive", type=Path, required=True)
    market = api.open_archive(parser.parse_args().archive, keep=0)
    bars = market.archive.read_daily(["open", "close"], None, None)
    counts = bars.group_by("symbol").len()
    symbols = counts.filter(pl.col("len") == len(market.sessions("1d")))["symbol"].sort().to_list()
    dense = bars.filter(pl.col("symbol").is_in(symbols))
    close, open_ = (
        dense.pivot("symbol", index="date", values=name).to_pandas().set_index("date")
        for name in ("close", "open")
    )
    ours, gain, seconds = own_trades(market, symbols)
    theirs, their_gain, their_seconds = their_trades(close, open_)
    print(f"{len(symbols)} symbols, {len(market.sessions('1d'))} sessions")
    print(f"trades         {len(ours):>14,} {len(theirs):>14,} of vectorbt")
    print(f"gain           {gain:>14,.2f} {their_gain:>14,.2f}")
    of_theirs = "(vectorbt: signals and portfolio, data in memory)"
    print(f"seconds        {seconds:>14,.2f} {their_seconds:>14,.2f}   {of_theirs}")
    other = pl.DataFrame(
        {
            "symbol": theirs["Column"].to_list(),
            "day": theirs["Entry Timestamp"].to_numpy().astype("datetime64[D]"),
            "their_entry": theirs["Avg Entry Price"].to_numpy(),
            "their_exit": theirs["Avg Exit Price"].to_numpy(),
            "their_pnl": theirs["PnL"].to_numpy(),
        }
    )
    own = ours.with_columns(day=pl.col("entry_time").dt.date())
    both = own.join(other, on=["symbol", "day"])
    print(f"in both        {len(both):>14,}")
    columns = (
        ("entry_price", "their_entry", 1e-9),
        ("exit_price", "their_exit", 1e-9),
        ("pnl", "their_pnl", 1e-3),
    )
    for name, theirs_name, apart in columns:
        print(
            f"{name:<14} "
            f"{both.filter((pl.col(name) - pl.col(theirs_name)).abs() > apart).height:>14,} differ"
        )
    for what, alone in (
        ("only ours", own.join(other, on=["symbol", "day"], how="anti")),
        ("only theirs", other.join(own, on=["symbol", "day"], how="anti")),
    ):
        for symbol, day in alone.select("symbol", "day").iter_rows():
            print(f"{what:<14} {symbol} {day}: {_averages(bars, symbol, day)}")
    print(f"open at the end {ours['open'].sum():>13,}")


def _averages(bars: pl.DataFrame, symbol: str, day: dt.date) -> str:
    """Fast minus slow average at the two closes before an entry.

    Computed in exact arithmetic over the closes as they are written.
    """
    closes = [
        Fraction(str(price))
        for price in bars.filter(pl.col("symbol") == symbol, pl.col("date") < day)["close"]
    ]

    def apart(last: list[Fraction]) -> float:
        return float(sum(last[-FAST:]) / FAST - sum(last[-SLOW:]) / SLOW)

    return f"fast - slow was {apart(closes[:-1]):.3g}, then {apart(closes):.3g}"


if __name__ == "__main__":
    main()
