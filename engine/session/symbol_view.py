"""One symbol's data at the tick at hand: views on the cross-sections and the panel, no copies."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from engine.clock.interval import Interval
from engine.clock.time_manager import utc
from engine.features.session_rows import Panel
from engine.scan.cross_section import CrossSection
from engine.schema import BAR_VALUES, TIMESTAMP
from engine.session.history import TrailingHistory


class Bar(NamedTuple):
    """A bar; `timestamp` is its start, UTC."""

    timestamp: dt.datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class IndicatorView:
    """A symbol's indicator at this tick.

    Not valid during the indicator's warm-up, or where the symbol was not given the indicator.
    """

    name: str
    current_value: float

    @property
    def valid(self) -> bool:
        """Whether the indicator has a value."""
        return not math.isnan(self.current_value)


@dataclass(frozen=True)
class SessionMetrics:
    """The session's regular hours up to this tick.

    NaN before the first bar; `volume` and `bars` are 0 then.
    """

    open: float
    high: float
    low: float
    volume: float
    vwap: float
    bars: int


@dataclass(frozen=True)
class MarketView:
    """The market as known at one tick: cross-sections, panel, earlier bars.

    tick  index into `cross.ticks`; readers of this class return values up to that tick only
    """

    cross: CrossSection
    panel: Panel
    tick: int
    history: TrailingHistory

    @property
    def time(self) -> int:
        """The tick's time, microseconds UTC."""
        return int(self.cross.ticks[self.tick])


class SymbolView:
    """One symbol at the tick of a market view; `row` is its id in the table."""

    def __init__(self, symbol: str, row: int, view: MarketView):
        self.symbol, self._row, self._view = symbol, row, view

    def value(self, column: str) -> float:
        """A cross-section column's value for this symbol and tick; NaN where there is none."""
        return self._view.cross.value(column, self._view.tick, self._row)

    @property
    def metrics(self) -> SessionMetrics:
        """The session's metrics up to this tick."""
        return SessionMetrics(
            self.value("session_open"),
            self.value("session_high"),
            self.value("session_low"),
            self.value("session_volume"),
            self.value("session_vwap"),
            int(self.value("bars_today")),
        )

    def get_latest_bar(self, interval: str = "1m") -> Bar | None:
        """The latest complete bar, or None.

        A bar of the base interval may be of an earlier session (see its timestamp). Of wider
        intervals only bars of this session count. A daily bar is that of the last complete session.
        """
        parsed = Interval.parse(interval)
        if parsed.is_daily:
            return self._previous_day()
        if parsed == self._view.panel.base:
            return self._bar(self.value("bar_time"), *(self.value(name) for name in BAR_VALUES))
        frame = self.bars(interval)
        return Bar(*frame.row(-1)) if len(frame) else None

    def bars(self, interval: str = "1m") -> pl.DataFrame:
        """This session's complete bars up to this tick.

        Columns: timestamp, open, high, low, close, volume.
        """
        bars = self._view.panel.bars(Interval.parse(interval))
        rows = bars.of(self._row, self._view.time)
        columns = {name: bars.column(name)[rows] for name in BAR_VALUES}
        start = (
            pl.Series("timestamp", bars.column("timestamp")[rows]).cast(pl.Int64).cast(TIMESTAMP)
        )
        return pl.DataFrame([start, *(pl.Series(name, values) for name, values in columns.items())])

    def history(self, interval: str = "1m") -> pl.DataFrame:
        """Bars of the config's `trailing_days` sessions before this one, split-adjusted to it.

        interval  the base interval or "1d"
        """
        return self._view.history.bars(self.symbol, interval, self._view.cross.session.date)

    def _previous_day(self) -> Bar | None:
        return self._bar(
            self.value("prev_time"), *(self.value(f"prev_{name}") for name in BAR_VALUES)
        )

    def _bar(self, micros: float, *values: float) -> Bar | None:
        if math.isnan(micros):
            return None
        return Bar(utc(int(micros)), *values)
