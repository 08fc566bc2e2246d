"""What the coordinator asks of whoever trades during a run; the trading desk (engine/trading/trading_desk.py) answers."""

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

Found = dict[
    str, dict[str, tuple[int, int]]
]  # scanner -> symbol -> when it first found it (microseconds), and its rank then


@dataclass(frozen=True)
class SessionInputs:
    """A session as a trader finds it: a batch of one session.

    batch     its bars and the scans' cross-sections
    data      the single source of truth, the pre-session scans done
    close_up  the session for a few symbols, at the trader's ticks
    found     what columnar scans find in the session: each is known before it happens, and used only from its time on
    """

    batch: SessionBatch
    data: SessionData
    clock: TimeManager
    close_up: Callable[[Sequence[str]], SessionBatch]
    history: TrailingHistory
    found: Found


@dataclass(frozen=True)
class TableRows:
    """A session's rows of a table of trading, as records.

    frame  makes a frame of the records of several sessions, and the date of each record
    """

    date: dt.date
    records: NDArray[np.void]
    frame: Callable[[Sequence[dt.date], NDArray[np.void]], pl.DataFrame]


class Trader(Protocol):
    """Trades during a run."""

    @property
    def columns(self) -> set[str]:
        """Columns of the vocabulary that it reads."""

    @property
    def columns_before(self) -> set[str]:
        """The columns and indicators of which it reads the value at the instant before."""

    @property
    def keys(self) -> Sequence[IndicatorKey]:
        """Indicators that it reads."""

    @property
    def failures(self) -> int:
        """How often a strategy failed."""

    def ticks(self, base: Interval, sessions: Sequence[Session]) -> TickTable:
        """When it decides."""

    def begin_session(self, inputs: SessionInputs) -> None:
        """The session's open, after the pre-session scans."""

    def found(self, scanner: str, symbols: Sequence[str], now: int) -> None:
        """A scan that could not be foreseen found symbols; before `begin_session` where it scans before the open."""

    def advance(self, time: int) -> None:
        """Everything up to an instant in microseconds, but for what is decided at it: the scans of the instant come first."""

    def end_session(self) -> Mapping[str, TableRows]:
        """The rest of the session; the rows of its tables by their names."""

    def end_run(self) -> Mapping[str, pl.DataFrame]:
        """The rows of what is still open."""
