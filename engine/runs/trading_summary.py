"""The trading block of summary.json: metrics of the account, statistics of trades, groups."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.analysis.metrics import metrics
from engine.archive.archive import Archive
from engine.archive.reference.corporate_actions import at_bars
from engine.panel.bars import Floats

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
    """`trading` of summary.json from the tables in a folder; undefined figures are null."""
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
    """A row a session: its last timestamp, cash, equity, exposure, and its deepest drawdown."""
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
    """A benchmark: its name and returns, float64 [sessions], with splits and dividends."""

    def __init__(self, name: str, returns: Floats):
        self.name, self.returns = name, returns

    @classmethod
    def of(
        cls, archive: Archive, dates: Sequence[dt.date], symbol: str | None, symbols: Sequence[str]
    ) -> Benchmark | None:
        """Returns of one symbol, or without one the mean return of `symbols`.

        None where the archive has no daily bars of them.
        """
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
    """The trades with month, weekday and hour of the entry, in the time zone `tz`."""
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
    """Figures of the trades by the values of a column of GROUPS.

    Null is the group "none"; an exit reason of a trade without exit is the group "open".
    """
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
    """Figures of a set of trades. Sums are exact, so they do not depend on the order of trades.

    The win rate is the share of all trades with a profit above 0. A trade that broke even is not
    won; an open trade counts by its present value.
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
    """status -> reason -> number of orders; "completely" where filled, "none" without a reason."""
    found: dict[str, Any] = {}
    for status, reason, count in counts.iter_rows():
        found.setdefault(status, {})[reason or ("completely" if status == "filled" else "none")] = (
            count
        )
    return found


def defined(value: Any) -> Any:
    """A figure for JSON: rounded to 10 decimals; None for NaN and infinity."""
    if isinstance(value, float):
        return None if math.isnan(value) or math.isinf(value) else round(value, 10)
    return value
