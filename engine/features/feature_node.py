"""Feature nodes: one kernel with its parameters over one kind of rows.

Indicators and the cross-section's own columns (close, session_vwap ...) are feature nodes alike. A
node is computed once however many scanners read its columns. What it walks is named by `rows`:

    visible      bars of the base interval that scans may see
    regular      those of regular hours
    5m, 1h ...   visible bars aggregated to an interval
    1d           daily bars
    ticks        one row a scheduled tick instead of one a bar, for what depends on the time of day
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from engine.indicators.key import IndicatorKey

VISIBLE, REGULAR, DAILY, TICKS = "visible", "regular", "1d", "ticks"
BENCHMARK = "benchmark"  # input: the latest close of the benchmark symbol


class Carry(Enum):
    """What a node carries from one session to the next."""

    RUNS_ON = auto()  # state and last value are carried
    LAST_SESSION = auto()  # the last value is carried for one session, so its age stays bounded
    EACH_SESSION = auto()  # starts anew at every session
    OF_SESSION = auto()  # the state is carried, the value is not


# Warm-up is counted in sessions, for symbols that trade in at least this share of a session's bars
# (an illiquid symbol is warm later, or settles less closely; it is the same in every run all the
# same).
INTRADAY_PRESENCE = 0.25
DAILY_PRESENCE = 0.9
# Windows of a symbol that trades in fewer of the bars have rows of sessions before the warm-up: of
# as many sessions as it takes
# a symbol that trades in one of so many minutes.
SELDOM = 80


@dataclass(frozen=True, kw_only=True)
class FeatureNode:
    """A kernel over `rows`, called as kernel(*inputs, *params, state, *outputs).

    name             unique; the key of an indicator
    outputs          names of its columns, in every frame
    state_size       length of a symbol's float64 state; with TICKS rows without the slots
    warmup_sessions  sessions before a block's first one that its state is seeded from
    warmup_rows      rows of a symbol that its state is seeded from at least
    seldom           multiple of its warm-up that a window may reach back, for thin symbols
    empty            value of the column where no row is visible
    known_after      minutes after the session's open from which it has a value
    window           rows of which a value is an exact function; 0 where all earlier rows count
    lazy             computed only for the symbols that are read (see LazyColumns)
    """

    name: str
    kernel: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rows: str
    state_size: int
    params: tuple[int | float, ...] = ()
    warmup_sessions: int = 0
    carry: Carry = Carry.RUNS_ON
    empty: float = math.nan
    known_after: int = 0
    window: int = 0
    lazy: bool = False
    warmup_rows: int = 0
    seldom: float = 1.0

    @property
    def can_be_lazy(self) -> bool:
        """Whether its columns can be computed for some symbols alone, in a session of minutes."""
        return self.rows not in (DAILY, TICKS)

    @property
    def can_be_lazy_in_a_batch(self) -> bool:
        """Whether they can in a batch of daily sessions, where the rows before lie beside it.

        Those of the benchmark do not.
        """
        return self.looks_back and BENCHMARK not in self.inputs

    @property
    def is_window(self) -> bool:
        """Whether a fixed number of rows before the session replaces a carried state."""
        return self.window > 0 and self.carry is Carry.RUNS_ON

    @property
    def keeps_past(self) -> bool:
        """Whether `PastRows` keeps the rows before the session for it."""
        return self.is_window and self.rows != DAILY

    @property
    def reach_sessions(self) -> int:
        """Sessions before a month in which rows of a thin symbol are sought."""
        if not self.keeps_past or self.rows == TICKS:
            return 0
        return math.ceil(self.warmup_sessions * self.seldom)

    @property
    def looks_back(self) -> bool:
        """Whether it reads the rows before the session from the block's daily bars."""
        return self.is_window and self.rows == DAILY

    @property
    def is_stateless(self) -> bool:
        """Whether no state is carried from session to session."""
        return self.is_window or self.carry is Carry.EACH_SESSION


def indicator_node(key: IndicatorKey, base: str, minutes: int, slots: int) -> FeatureNode:
    """The feature node of an indicator key.

    base     name of the archive's base interval
    minutes  length of a regular session
    slots    number of times of day at which the run ticks
    """
    indicator = key.indicator
    by_tick = indicator.rows == TICKS
    size = (
        indicator.state_size(*key.params, slots) if by_tick else indicator.state_size(*key.params)
    )
    rows = (
        TICKS
        if by_tick
        else VISIBLE
        if key.interval.name == base and not key.interval.is_daily
        else key.interval.name
    )
    return FeatureNode(
        name=key.name,
        kernel=indicator.kernel,
        params=(*key.params, slots) if by_tick else key.params,
        inputs=indicator.inputs,
        outputs=key.columns,
        rows=rows,
        state_size=size,
        warmup_sessions=warmup_sessions(key, minutes),
        carry=Carry.OF_SESSION if indicator.of_session else Carry.RUNS_ON,
        known_after=indicator.known_after(*key.params),
        window=indicator.window(*key.params),
        warmup_rows=warmup_rows(key),
        seldom=seldom(key),
    )


def warmup_rows(key: IndicatorKey) -> int:
    """Rows of a symbol that the indicator is seeded from at least; thin ones need more sessions."""
    indicator = key.indicator
    if indicator.rows == TICKS:
        return 0  # there is a row at every tick
    return max(indicator.session_window(*key.params), indicator.settle(*key.params)) + 1


def warmup_sessions(key: IndicatorKey, minutes: int) -> int:
    """Sessions before a block's first one that the indicator is seeded from.

    They hold `settle` rows, after which earlier rows weigh less than 1e-9, and are at least the
    sessions that the indicator reads by definition.
    """
    indicator = key.indicator
    by_definition = indicator.session_window(*key.params)
    if indicator.rows == TICKS:
        return by_definition
    settle = indicator.settle(*key.params)
    if key.interval.is_daily:
        return max(by_definition, math.ceil(settle / DAILY_PRESENCE) + 1)
    rows_a_session = max(1.0, minutes / key.interval.minutes)
    return max(by_definition, math.ceil(settle / (rows_a_session * INTRADAY_PRESENCE)))


def seldom(key: IndicatorKey) -> float:
    """How many times its warm-up an intraday window may reach back.

    A symbol that trades in one of SELDOM minutes has a bar in fewer than INTRADAY_PRESENCE of
    narrow intervals: as many times fewer.
    """
    if key.interval.is_daily:
        return 1.0
    share = 1.0 - (1.0 - 1.0 / SELDOM) ** key.interval.minutes
    return max(1.0, INTRADAY_PRESENCE / share)
