"""Scanners and strategies that look ahead, each in a way that people do by mistake."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.archive.reference.universe import FixedUniverse
from engine.indicators.indicator import Param
from engine.indicators.register import register
from engine.schema import BAR_SCHEMA
from engine.strategies.base import ColumnarStrategy, Strategy, StrategyContext, StrategyParams
from scanners.base import BaseScanner, ColumnarScanner, ScanContext, ScannerParams, ScanResult
from tests.audit import memory_of_a_module


@register(
    inputs=("close",),
    params=(Param("ahead", 1, 1),),
    state_size=lambda ahead: 1,
    warmup=lambda ahead: 1,
)
def negative_shift(close, ahead, state, out):
    """close.shift(-ahead)."""
    for row in range(len(close)):
        out[row] = close[row + ahead] if row + ahead < len(close) else np.nan


@register(
    inputs=("close",),
    params=(Param("period", 90, 1),),
    state_size=lambda period: 1,
    warmup=lambda period: 1,
)
def filled_backward(close, period, state, out):
    """A mean of 90 bars whose warm-up was filled with its first value."""
    for row in range(len(close)):
        end = min(max(row + 1, period), len(close))
        out[row] = close[max(0, end - period) : end].mean()


class NegativeShift(ColumnarScanner):
    def criteria(self) -> dict[str, pl.Expr]:
        return {"will_rise": pl.col("negative_shift_1_1m") > pl.col("close")}


class BackwardFill(ColumnarScanner):
    def criteria(self) -> dict[str, pl.Expr]:
        return {"above": pl.col("close") > pl.col("filled_backward_90_1m")}


class FullSampleNormalization(ColumnarScanner):
    """Prices in standard deviations from the mean of all there ever were."""

    class Params(ScannerParams):
        archive: str

    def criteria(self) -> dict[str, pl.Expr]:
        bars = Archive.open(self.params.archive).read_daily(["close"], None, None)
        usual = (
            bars.group_by("symbol")
            .agg(mean=pl.col("close").mean(), std=pl.col("close").std())
            .drop_nulls()
        )
        mean, std = (
            pl.col("symbol").replace_strict(usual["symbol"], usual[n], default=None)
            for n in ("mean", "std")
        )
        return {"cheap": (pl.col("close") - mean) / std < 0}


class CurrentMembership(ColumnarScanner):
    """Scans those that are members today, whatever the session."""

    def setup(self, context: ScanContext) -> bool:
        membership = self.load_universe(self.params.universe)
        latest = membership.members(dt.date(2100, 1, 1))
        self.universe = FixedUniverse(latest, latest)
        return True

    def criteria(self) -> dict[str, pl.Expr]:
        return {"any": pl.col("close") > 0}


class Reader(BaseScanner):
    """Reads the archive by itself, and finds what `wanted` says of the session's bars."""

    def scan(self, context: ScanContext) -> ScanResult:
        self.archive = Archive.open(self.config["archive"])
        self.date, self.now = context.current_time.date(), context.current_time.astimezone(dt.UTC)
        found = sorted(set(self.wanted(context)))
        for symbol in found:
            context.session_data.add_symbol(symbol)
        return ScanResult(symbols=found, metadata={"total_scanned": 0})

    def wanted(self, context: ScanContext) -> list[str]:
        raise NotImplementedError

    def minutes(self) -> pl.DataFrame:
        return self.archive.read_session(self.date, list(BAR_SCHEMA))

    def day(self) -> pl.DataFrame:
        return self.archive.read_daily(
            ["open", "close", "volume"], self.date, self.date + dt.timedelta(days=1)
        )


class JoinOnTheClose(Reader):
    """Joins the session's last price to the cross-section."""

    def wanted(self, context: ScanContext) -> list[str]:
        last = self.minutes().group_by("symbol").agg(final=pl.col("close").last())
        frame = context.frame.join(last, on="symbol")
        return frame.filter(pl.col("final") > pl.col("close"))["symbol"].to_list()


class TodaysDailyBar(Reader):
    """Takes the day's bar for one that is known."""

    def wanted(self, context: ScanContext) -> list[str]:
        return self.day().filter(pl.col("close") > pl.col("open"))["symbol"].to_list()


class BarInProgress(Reader):
    """Takes the start of a bar for the time at which it is known."""

    def wanted(self, context: ScanContext) -> list[str]:
        now = self.minutes().filter(pl.col("timestamp") <= self.now)
        latest = now.group_by("symbol").agg(pl.col("open").last(), pl.col("close").last())
        return latest.filter(pl.col("close") > pl.col("open"))["symbol"].to_list()


class StaleBarEnteredAgain(Reader):
    """Fills the minutes between bars with the bar before: one that is filled in tells that another will come."""

    def wanted(self, context: ScanContext) -> list[str]:
        bars = (
            self.minutes()
            .sort("symbol", "timestamp")
            .upsample("timestamp", every="1m", group_by="symbol")
        )
        filled = bars.with_columns(stale=pl.col("close").is_null()).with_columns(
            pl.col("symbol").forward_fill()
        )
        last = self.now - dt.timedelta(minutes=1)
        return filled.filter(pl.col("timestamp") == last, pl.col("stale"))["symbol"].to_list()


class Remembers(Reader):
    """Keeps the newest bar that it ever saw: in another replay of the same process, one that is still to come."""

    newest: ClassVar[dict[str, tuple[dt.datetime, float]]] = {}

    def wanted(self, context: ScanContext) -> list[str]:
        for symbol, time, close in (
            self.minutes().select("symbol", "timestamp", "close").iter_rows()
        ):
            self.newest[symbol] = max(self.newest.get(symbol, (time, close)), (time, close))
        return [symbol for symbol, (_, close) in self.newest.items() if close > 20]


class RemembersElsewhere(Reader):
    """Joins the session's close, which a module beside this one keeps from the first replay on."""

    def wanted(self, context: ScanContext) -> list[str]:
        closes = memory_of_a_module.closes_of(self.config["archive"], self.date)
        now = context.frame.drop_nulls("close").select("symbol", "close")
        return [symbol for symbol, close in now.iter_rows() if closes.get(symbol, close) > close]


class HighOfTheRun(BaseScanner):
    """A bar above all that it has seen, those of sessions before entered again: so many as the run has had."""

    def __init__(self, config: dict[str, Any] | None = None):
        super().__init__(config)
        self.highest: dict[str, float] = {}

    def scan(self, context: ScanContext) -> ScanResult:
        closes = dict(context.frame.drop_nulls("close").select("symbol", "close").iter_rows())
        found = [
            symbol for symbol, close in closes.items() if close > self.highest.get(symbol, 0.0)
        ]
        self.highest |= {symbol: closes[symbol] for symbol in found}
        for symbol in found:
            context.session_data.add_symbol(symbol)
        return ScanResult(symbols=found)


class LaterHits(ColumnarScanner):
    """Finds now what its pass over the session finds only later."""

    def criteria(self) -> dict[str, pl.Expr]:
        return {"rising": pl.col("close") > pl.col("session_open") * 1.005}

    def scan(self, context: ScanContext) -> ScanResult:
        table = context.session_data.table
        found = sorted({table.names[i] for i in context.session_hits().symbols})
        for symbol in found:
            context.session_data.add_symbol(symbol)
        return ScanResult(symbols=found)


class FileThere(Reader):
    """Fails where there is no session after this one."""

    def setup(self, context: ScanContext) -> bool:
        dates = Archive.open(self.config["archive"]).sessions()
        return self.session_date is not None and self.session_date < dates[-1]

    def wanted(self, context: ScanContext) -> list[str]:
        return []


class BuysWhatWillRise(ColumnarStrategy):
    Params = StrategyParams

    def entries(self) -> dict[str, pl.Expr]:
        return {"will_rise": pl.col("negative_shift_1_1m") > pl.col("close")}

    def exits(self) -> dict[str, pl.Expr]:
        return {"will_fall": pl.col("negative_shift_1_1m") < pl.col("close")}


class BuysTheDaysGainers(Strategy):
    """Buys at noon what closes higher."""

    class Params(StrategyParams):
        archive: str

    def on_bar(self, context: StrategyContext) -> None:
        date: Any = context.current_time.date()
        day = Archive.open(self.params.archive).read_daily(
            ["close"], date, date + dt.timedelta(days=1)
        )
        closes = dict(day.select("symbol", "close").iter_rows())
        for symbol in context.symbols:
            bar = context.bar(symbol)
            if bar and closes.get(symbol, 0.0) > bar.close and not context.orders(symbol):
                context.buy(symbol, quantity=10)
