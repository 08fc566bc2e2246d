"""A term: one kernel over one kind of rows, the unit that is computed once however many scanners name it.

Indicators and the cross-section's own columns (close, session_vwap ...) are terms alike. What a term walks is
its `rows`:

    visible      the base interval's bars that scans may see
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
BENCHMARK = "benchmark"  # the input that is another symbol's


class Carry(Enum):
    """How a term goes on from one session to the next."""

    RUNS_ON = auto()  # state and last value are carried
    LAST_SESSION = auto()  # the last value is carried for one session, so its age stays bounded
    EACH_SESSION = auto()  # starts anew at every session
    OF_SESSION = auto()  # the state is carried, the value is not


# Warm-up is counted in sessions, for symbols that trade in at least this share of a session's bars (an illiquid
# symbol is warm later, or settles less closely; it is the same in every run all the same).
INTRADAY_PRESENCE = 0.25
DAILY_PRESENCE = 0.9
# Windows of a symbol that trades in fewer of the bars have rows of sessions before the warm-up: of as many sessions as it takes
# a symbol that trades in one of so many minutes.
SELDOM = 80


@dataclass(frozen=True, kw_only=True)
class Term:
    """kernel(*inputs, *params, state, *outputs) over `rows`.

    outputs          the names of the columns it makes, in every frame
    state_size       length of a symbol's state; for TICKS terms without the slots, see `slots_needed`
    warmup_sessions  how many sessions before a month's first one its state is seeded from
    warmup_rows      and of how many rows of a symbol at least, however many sessions these take
    seldom           how many times its warm-up a window may reach back, for symbols that trade seldom
    empty            the value while no row is visible
    known_after      minutes after the session's open from which it has a value
    window           rows of which a value is an exact function; 0 where it depends on all before
    lazy             computed for a symbol when somebody reads it (see LazyColumns)
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
        """Whether its columns can be had of some symbols alone."""
        return self.rows not in (DAILY, TICKS)

    @property
    def can_be_lazy_in_a_batch(self) -> bool:
        """The same where a batch of daily bars is walked at once: beside its rows are those before, but for the benchmark's."""
        return self.looks_back and BENCHMARK not in self.inputs

    @property
    def is_window(self) -> bool:
        """Whether a few rows before the session are all it needs of what was before."""
        return self.window > 0 and self.carry is Carry.RUNS_ON

    @property
    def keeps_past(self) -> bool:
        """Whether the rows before a session are kept for it."""
        return self.is_window and self.rows != DAILY

    @property
    def reach_sessions(self) -> int:
        """How many sessions before a month's first one rows of a symbol that trades seldom may be from."""
        if not self.keeps_past or self.rows == TICKS:
            return 0
        return math.ceil(self.warmup_sessions * self.seldom)

    @property
    def looks_back(self) -> bool:
        """Whether the rows before a session are there: those of daily bars are, in their block."""
        return self.is_window and self.rows == DAILY

    @property
    def is_stateless(self) -> bool:
        """Whether no state goes from session to session."""
        return self.is_window or self.carry is Carry.EACH_SESSION


def indicator_term(key: IndicatorKey, base: str, minutes: int, slots: int) -> Term:
    """The term of an indicator key.

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
    return Term(
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
    """How many rows of a symbol the indicator is seeded from, at least: of one that trades seldom they take more sessions."""
    indicator = key.indicator
    if indicator.rows == TICKS:
        return 0  # there is a row at every tick
    return max(indicator.session_window(*key.params), indicator.settle(*key.params)) + 1


def warmup_sessions(key: IndicatorKey, minutes: int) -> int:
    """How many sessions before a month's first one the indicator is seeded from.

    Enough for `settle` rows, the length after which what was before no longer matters (residual weight below
    1e-9); and at least the sessions it looks back over by definition.
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

    A symbol that trades in one of SELDOM minutes has a bar in fewer than INTRADAY_PRESENCE of narrow intervals: as many times fewer.
    """
    if key.interval.is_daily:
        return 1.0
    share = 1.0 - (1.0 - 1.0 / SELDOM) ** key.interval.minutes
    return max(1.0, INTRADAY_PRESENCE / share)
