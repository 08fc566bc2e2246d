"""What a scanner is given: the store, the clock, and the cross-section at this tick."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.clock.time_manager import TimeManager
from engine.scan.session_hits import SessionHits


@dataclass
class ScanContext:
    """session_data  the single source of truth (engine.session.session_data.SessionData)
    time_manager  the clock: get_current_time(), the session's open and close
    mode          "backtest"
    current_time  the tick, exchange-local
    config        the scanner's own block of the session config
    """

    session_data: Any
    time_manager: TimeManager
    mode: str
    current_time: dt.datetime
    config: dict[str, Any]
    make_frame: Callable[[], pl.DataFrame]
    session_hits: Callable[[], SessionHits]
    tick: int

    @property
    def frame(self) -> pl.DataFrame:
        """The cross-section at this tick: a row a symbol of the universe, all columns and
        provisioned indicators.
        """
        return self.make_frame()
