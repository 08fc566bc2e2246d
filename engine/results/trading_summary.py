"""What trading came to: metrics of the account, statistics of the trades, by what they have in common."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.archive.actions import at_bars
from engine.archive.archive import Archive
from engine.panel.bars import Floats
from engine.results.metrics import metrics

GROUPS = ("month", "weekday", "hour", "symbol", "scanner", "strategy", "side", "entry_reason", "exit_reason")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def trading_summary(folder: Path, tz: str, starting_cash: float, benchmark: Benchmark | None) -> dict[str, Any]:
    """The block of summary.json, made from the tables of a run directory; figures that are not defined are null."""
    ends = session_ends(folder)
    returns = session_returns(ends, starting_cash)
    trades = grouped_trades(folder, tz)
    account = ends.row(-1, named=True) if len(ends) else {}
    measured = metrics(returns, benchmark.returns if benchmark else None)
    orders = pl.scan_parquet(folder / "orders.parquet").group_by("status", "status_reason").len().sort("status", "status_reason")
    return {
        "starting_cash": starting_cash,
        "final_equity": account.get("equity", starting_cash),
        "final_cash": account.get("cash", starting_cash),
        "benchmark": benchmark.name if benchmark else None,
        "metrics": {name: defined(value) for name, value in measured.items()},
        "trades": _statistics(trades),
        "orders": _orders(orders.collect()),
        "by": {name: _by(trades, name) for name in GROUPS},
    }


def session_ends(folder: Path) -> pl.DataFrame:
    """session, timestamp, cash, equity, drawdown of each session's end; drawdown the session's deepest."""
    rows = pl.scan_parquet(folder / "equity.parquet").group_by("session", maintain_order=True)
    return rows.agg(pl.col("timestamp", "cash", "equity", "exposure").last(), pl.col("drawdown").min()).collect()


def session_returns(ends: pl.DataFrame, starting_cash: float) -> Floats:
    """float64[sessions]: the account's return in each session."""
    before = ends["equity"].shift(1, fill_value=starting_cash)
    returns: Floats = (ends["equity"] / before - 1.0).to_numpy()
    return returns


class Benchmark:
    """name, and its return in each session of a run, split-adjusted and with dividends."""

    def __init__(self, name: str, returns: Floats):
        self.name, self.returns = name, returns

    @classmethod
    def of(cls, archive: Archive, dates: Sequence[dt.date], symbol: str | None, symbols: Sequence[str]) -> Benchmark | None:
        """One symbol's returns; without one the mean return of `symbols`. None where the archive has no daily bars of them."""
        names = [symbol] if symbol else list(symbols)
        before = [date for date in archive.sessions("1d") if date < dates[0]][-1:]
        bars = archive.read_daily(["close"], before[0] if before else dates[0], dates[-1] + dt.timedelta(days=1))
        bars = bars.filter(pl.col("symbol").is_in(names))
        if bars.is_empty():
            return None
        bars = at_bars(bars, archive.corporate_actions())
        previous = pl.col("close").shift(1).over("symbol")
        held = pl.col("close") * pl.col("split_ratio") + pl.col("cash_dividend")
        returns = bars.with_columns(r=held / previous - 1.0).group_by("date").agg(pl.col("r").mean()).sort("date")
        by_date = dict(returns.iter_rows())
        values = np.array([by_date.get(date) or 0.0 for date in dates])
        return cls(symbol or f"equal weight of {len(names)} symbols", values)


def grouped_trades(folder: Path, tz: str) -> pl.DataFrame:
    """The trades, with what they are grouped by; months, weekdays and hours are those of the entry, exchange-local."""
    local = pl.col("entry_time").dt.convert_time_zone(tz)
    names = pl.col("weekday_number").replace_strict(dict(enumerate(WEEKDAYS, 1)), return_dtype=pl.String)
    return pl.scan_parquet(folder / "trades.parquet").with_columns(
        month=local.dt.to_string("%Y-%m"), weekday_number=local.dt.weekday(), hour=local.dt.to_string("%H"),
    ).with_columns(weekday=names).collect()  # fmt: skip


def _statistics(trades: pl.DataFrame) -> dict[str, Any]:
    if trades.is_empty():
        return {"count": 0, "pnl": 0.0}
    (row,) = trades.select(*_figures(), *_more_figures()).rows(named=True)
    return {name: defined(value) for name, value in row.items()}


def _by(trades: pl.DataFrame, name: str) -> dict[str, dict[str, Any]]:
    keys = trades.with_columns(pl.col(name).fill_null("open" if name == "exit_reason" else "none"))
    order = "weekday_number" if name == "weekday" else name
    rows = keys.sort(order, maintain_order=True).group_by(name, maintain_order=True).agg(_figures()).iter_rows(named=True)
    return {row.pop(name): {key: defined(value) for key, value in row.items()} for row in rows}


def _figures() -> list[pl.Expr]:
    """Figures of some trades. The win rate is of all: one that broke even is not won, one still open counts by its value so far."""
    pnl = pl.col("pnl")
    won, lost = pnl.filter(pnl > 0).sum(), -pnl.filter(pnl < 0).sum()
    return [
        pl.len().alias("count"), (pnl > 0).sum().alias("won"), (pnl < 0).sum().alias("lost"),
        (pnl == 0).sum().alias("break_even"), pl.col("open").sum().alias("open"), (pnl > 0).mean().alias("win_rate"),
        pnl.sum().alias("pnl"), pnl.mean().alias("expectancy"),
        pl.when(lost > 0).then(won / lost).alias("profit_factor"), pl.col("return").mean().alias("average_return"),
        pl.col("costs").sum().alias("costs"),
    ]  # fmt: skip


def _more_figures() -> list[pl.Expr]:
    pnl = pl.col("pnl")
    return [
        pnl.filter(pnl > 0).mean().alias("average_win"),
        pnl.filter(pnl < 0).mean().alias("average_loss"), pnl.max().alias("largest_win"), pnl.min().alias("largest_loss"),
        pl.col("bars").mean().alias("average_bars"), pl.col("mae").mean().alias("average_mae"),
        pl.col("mfe").mean().alias("average_mfe"), pl.col("commission").sum().alias("commission"),
        pl.col("slippage").sum().alias("slippage"), pl.col("interest").sum().alias("interest"),
        pl.col("dividends").sum().alias("dividends"), (pl.col("quantity") * pl.col("entry_price")).sum().alias("entered_value"),
    ]  # fmt: skip


def _orders(counts: pl.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, reason, count in counts.iter_rows():
        found.setdefault(status, {})[reason or "completely"] = count
    return found


def defined(value: Any) -> Any:
    """A figure as JSON takes it: rounded, null where it is not a number."""
    if isinstance(value, float):
        return None if math.isnan(value) or math.isinf(value) else round(value, 10)
    return value
