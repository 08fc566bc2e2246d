"""What SessionData says of one symbol: views on the cross-sections and the panel, never a copy that is kept in step."""

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
    """A bar; timestamp is its start, UTC."""

    timestamp: dt.datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class IndicatorView:
    """An indicator of a symbol at this tick; not valid while it is warming up, or where the symbol does not have it."""

    name: str
    current_value: float

    @property
    def valid(self) -> bool:
        """Whether there is a value."""
        return not math.isnan(self.current_value)


@dataclass(frozen=True)
class SessionMetrics:
    """The session so far, regular hours; NaN (volume and bars: 0) before the first bar."""

    open: float
    high: float
    low: float
    volume: float
    vwap: float
    bars: int


@dataclass(frozen=True)
class MarketView:
    """A session's cross-sections and panel, and the tick at hand; later values are hidden."""

    cross: CrossSection
    panel: Panel
    tick: int
    history: TrailingHistory

    @property
    def time(self) -> int:
        """Microseconds."""
        return int(self.cross.ticks[self.tick])


class SymbolView:
    """One symbol at this tick."""

    def __init__(self, symbol: str, row: int, view: MarketView):
        self.symbol, self._row, self._view = symbol, row, view

    def value(self, column: str) -> float:
        """A column of the cross-section, NaN where it has no value."""
        return self._view.cross.value(column, self._view.tick, self._row)

    @property
    def metrics(self) -> SessionMetrics:
        """The session so far."""
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

        A base-interval bar may be of the session before (compare its timestamp); of a wider interval, only
        this session's bars count; a daily bar is the last complete session's.
        """
        parsed = Interval.parse(interval)
        if parsed.is_daily:
            return self._previous_day()
        if parsed == self._view.panel.base:
            return self._bar(self.value("bar_time"), *(self.value(name) for name in BAR_VALUES))
        frame = self.bars(interval)
        return Bar(*frame.row(-1)) if len(frame) else None

    def bars(self, interval: str = "1m") -> pl.DataFrame:
        """This session's complete bars so far: timestamp, open, high, low, close, volume."""
        bars = self._view.panel.bars(Interval.parse(interval))
        rows = bars.of(self._row, self._view.time)
        columns = {name: bars.column(name)[rows] for name in BAR_VALUES}
        start = (
            pl.Series("timestamp", bars.column("timestamp")[rows]).cast(pl.Int64).cast(TIMESTAMP)
        )
        return pl.DataFrame([start, *(pl.Series(name, values) for name, values in columns.items())])

    def history(self, interval: str = "1m") -> pl.DataFrame:
        """Bars of the config's trailing_days sessions before this one, in its scale: base-interval or daily ones."""
        return self._view.history.bars(self.symbol, interval, self._view.cross.session.date)

    def _previous_day(self) -> Bar | None:
        return self._bar(
            self.value("prev_time"), *(self.value(f"prev_{name}") for name in BAR_VALUES)
        )

    def _bar(self, micros: float, *values: float) -> Bar | None:
        if math.isnan(micros):
            return None
        return Bar(utc(int(micros)), *values)
