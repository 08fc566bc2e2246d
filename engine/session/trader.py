"""What the session coordinator calls of a trader.

The trader is the trading desk (engine/trading/trading_desk.py), or a sweep's (engine/sweep).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.clock.calendar import Session
from engine.clock.interval import Interval
from engine.clock.time_manager import TimeManager
from engine.indicators.key import IndicatorKey
from engine.scan.session_batch import SessionBatch
from engine.scan.ticks import TickTable
from engine.session.history import TrailingHistory
from engine.session.session_data import SessionData

# scanner -> symbol -> time of the symbol's first hit (microseconds), and its rank in that scan
Found = dict[str, dict[str, tuple[int, int]]]


@dataclass(frozen=True)
class SessionInputs:
    """What a trader is given of one session.

    batch     a session batch of this one session: its bars and the scans' cross-sections
    data      the symbols' state after the pre-session scans
    close_up  symbols -> the session for these symbols only, at the trader's ticks
    history   bars of earlier sessions
    found     hits of columnar scans in the whole session; a trader uses a hit from its time on only
    """

    batch: SessionBatch
    data: SessionData
    clock: TimeManager
    close_up: Callable[[Sequence[str]], SessionBatch]
    history: TrailingHistory
    found: Found


@dataclass(frozen=True)
class TableRows:
    """The rows of one trading table in one session.

    records  structured array [rows]
    frame    makes a frame of records of several sessions and of the date of each record
    """

    date: dt.date
    records: NDArray[np.void]
    frame: Callable[[Sequence[dt.date], NDArray[np.void]], pl.DataFrame]


class Trader(Protocol):
    """Trades during a run."""

    @property
    def columns(self) -> set[str]:
        """The cross-section columns that the trader reads."""

    @property
    def columns_before(self) -> set[str]:
        """The columns and indicators of which the value at the tick before is read."""

    @property
    def keys(self) -> Sequence[IndicatorKey]:
        """The indicators that the trader reads."""

    @property
    def failures(self) -> int:
        """How many times a strategy raised an error."""

    def ticks(self, base: Interval, sessions: Sequence[Session]) -> TickTable:
        """The trader's times of decision in each session."""

    def begin_session(self, inputs: SessionInputs) -> None:
        """Begin a session at its open, after the pre-session scans."""

    def found(self, scanner: str, symbols: Sequence[str], now: int) -> None:
        """Take in the symbols that a scan() of a scanner's own hit, best first.

        now  the scan's time, microseconds

        Called before `begin_session` for pre-session scans.
        """

    def advance(self, time: int) -> None:
        """Trade up to `time` (microseconds), without the decisions at `time`.

        The scans of that tick come before the decisions.
        """

    def end_session(self) -> Mapping[str, TableRows]:
        """Trade the rest of the session; returns table name -> its rows."""

    def end_run(self) -> Mapping[str, pl.DataFrame]:
        """Table name -> rows of orders and trades that are still open."""
