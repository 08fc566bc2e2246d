"""What trading came to: metrics of the account, statistics of the trades, by what they have in common."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.archive.actions import at_bars
from engine.archive.archive import Archive
from engine.panel.bars import Floats
from engine.results.metrics import metrics

GROUPS = (
    "month",
    "weekday",
    "hour",
    "symbol",
    "scanner",
    "strategy",
    "side",
    "entry_reason",
    "exit_reason",
)
FIGURES_OF = ("pnl", "return", "costs", "open")
Columns = Mapping[str, list[Any]]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def trading_summary(
    folder: Path, tz: str, starting_cash: float, benchmark: Benchmark | None
) -> dict[str, Any]:
    """The block of summary.json, made from the tables of a run directory; figures that are not defined are null."""
    ends = session_ends(folder)
    returns = session_returns(ends, starting_cash)
    trades = grouped_trades(folder, tz)
    account = ends.row(-1, named=True) if len(ends) else {}
    measured = metrics(returns, benchmark.returns if benchmark else None)
    orders = (
        pl.scan_parquet(folder / "orders.parquet")
        .group_by("status", "status_reason")
        .len()
        .sort("status", "status_reason")
    )
    return {
        "starting_cash": starting_cash,
        "final_equity": account.get("equity", starting_cash),
        "final_cash": account.get("cash", starting_cash),
        "benchmark": benchmark.name if benchmark else None,
        "metrics": {name: defined(value) for name, value in measured.items()},
        "trades": trade_statistics(trades.to_dict(as_series=False)),
        "orders": _orders(orders.collect()),
        "by": {name: _by(trades, name) for name in GROUPS},
    }


def session_ends(folder: Path) -> pl.DataFrame:
    """session, timestamp, cash, equity, drawdown of each session's end; drawdown the session's deepest."""
    rows = pl.scan_parquet(folder / "equity.parquet").group_by("session", maintain_order=True)
    return rows.agg(
        pl.col("timestamp", "cash", "equity", "exposure").last(), pl.col("drawdown").min()
    ).collect()


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
    def of(
        cls, archive: Archive, dates: Sequence[dt.date], symbol: str | None, symbols: Sequence[str]
    ) -> Benchmark | None:
        """One symbol's returns; without one the mean return of `symbols`. None where the archive has no daily bars of them."""
        names = [symbol] if symbol else list(symbols)
        before = [date for date in archive.sessions("1d") if date < dates[0]][-1:]
        bars = archive.read_daily(
            ["close"], before[0] if before else dates[0], dates[-1] + dt.timedelta(days=1)
        )
        bars = bars.filter(pl.col("symbol").is_in(names))
        if bars.is_empty():
            return None
        bars = at_bars(bars, archive.corporate_actions())
        previous = pl.col("close").shift(1).over("symbol")
        held = pl.col("close") * pl.col("split_ratio") + pl.col("cash_dividend")
        returns = (
            bars.with_columns(r=held / previous - 1.0)
            .group_by("date")
            .agg(pl.col("r").drop_nulls())
        )
        by_date = {date: _mean(each) for date, each in returns.iter_rows()}
        values = np.array([by_date.get(date) or 0.0 for date in dates])
        return cls(symbol or f"equal weight of {len(names)} symbols", values)


def grouped_trades(folder: Path, tz: str) -> pl.DataFrame:
    """The trades, with what they are grouped by; months, weekdays and hours are those of the entry, exchange-local."""
    local = pl.col("entry_time").dt.convert_time_zone(tz)
    names = pl.col("weekday_number").replace_strict(
        dict(enumerate(WEEKDAYS, 1)), return_dtype=pl.String
    )
    return (
        pl.scan_parquet(folder / "trades.parquet")
        .with_columns(
            month=local.dt.to_string("%Y-%m"),
            weekday_number=local.dt.weekday(),
            hour=local.dt.to_string("%H"),
        )
        .with_columns(weekday=names)
        .collect()
    )


def trade_statistics(trades: Columns) -> dict[str, Any]:
    """The figures of an account's trades, of columns as of trades.parquet."""
    if not len(trades["pnl"]):
        return {"count": 0, "pnl": 0.0}
    return _rounded(_figures(trades) | _more_figures(trades))


def _by(trades: pl.DataFrame, name: str) -> dict[str, dict[str, Any]]:
    """The figures of the trades that have something in common; a trade without it is "none", or "open" if it has no exit."""
    unnamed = (
        pl.when(pl.col("open")).then(pl.lit("open")).otherwise(pl.lit("none"))
        if name == "exit_reason"
        else "none"
    )
    keys = trades.with_columns(pl.col(name).fill_null(unnamed)).sort(
        "weekday_number" if name == "weekday" else name
    )
    groups = keys.select(name, *FIGURES_OF).partition_by(name, maintain_order=True, as_dict=True)
    return {
        str(key): _rounded(_figures(rows.to_dict(as_series=False)))
        for (key,), rows in groups.items()
    }


def _figures(trades: Columns) -> dict[str, Any]:
    """Figures of any set of trades. Sums are exact, so that they do not depend on the order of what is added.

    The win rate is of all: a trade that broke even is not won, one that is still open counts by its value so far.
    """
    pnl = trades["pnl"]
    lost = -math.fsum(profit for profit in pnl if profit < 0)
    return {
        "count": len(pnl),
        "won": sum(profit > 0 for profit in pnl),
        "lost": sum(profit < 0 for profit in pnl),
        "break_even": sum(profit == 0 for profit in pnl),
        "open": sum(trades["open"]),
        "win_rate": sum(profit > 0 for profit in pnl) / len(pnl),
        "pnl": math.fsum(pnl),
        "expectancy": _mean(pnl),
        "profit_factor": math.fsum(profit for profit in pnl if profit > 0) / lost
        if lost > 0
        else None,
        "average_return": _mean(trades["return"]),
        "costs": math.fsum(trades["costs"]),
    }


def _more_figures(trades: Columns) -> dict[str, Any]:
    pnl = trades["pnl"]
    entered = (
        quantity * price
        for quantity, price in zip(trades["quantity"], trades["entry_price"], strict=True)
    )
    return {
        "average_win": _mean([profit for profit in pnl if profit > 0]),
        "average_loss": _mean([profit for profit in pnl if profit < 0]),
        "largest_win": max(pnl),
        "largest_loss": min(pnl),
        "average_bars": _mean(trades["bars"]),
        "average_mae": _mean(trades["mae"]),
        "average_mfe": _mean(trades["mfe"]),
        **{
            name: math.fsum(trades[name])
            for name in ("commission", "slippage", "interest", "dividends")
        },
        "entered_value": math.fsum(entered),
    }


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: defined(value) for name, value in figures.items()}


def _orders(counts: pl.DataFrame) -> dict[str, Any]:
    """How many orders came to which end, and why; a filled one needs no reason, and an open one has none yet."""
    found: dict[str, Any] = {}
    for status, reason, count in counts.iter_rows():
        found.setdefault(status, {})[reason or ("completely" if status == "filled" else "none")] = (
            count
        )
    return found


def defined(value: Any) -> Any:
    """A figure as JSON takes it: rounded, null where it is not a number."""
    if isinstance(value, float):
        return None if math.isnan(value) or math.isinf(value) else round(value, 10)
    return value
