"""A scanner in a run: the instance, its schedules, its universe; and its part in one session."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from engine.clock.calendar import Session
from engine.clock.schedule import AtClose, Schedule
from engine.errors import ScannerError
from engine.panel.bars import Ints
from engine.panel.symbol_table import SymbolTable
from engine.scan.base import BaseScanner, ColumnarScanner
from engine.scan.clause_evaluation import evaluate
from engine.scan.cross_section import CrossSection
from engine.scan.scan_plan import ScanPlan
from engine.scan.scan_record import ScanRecord
from engine.scan.session_hits import SessionHits
from engine.scan.ticks import ScheduledTicks


class ScannerState(StrEnum):
    """Where a scanner stands in its session."""

    INITIALIZED = "initialized"
    SETUP_PENDING = "setup_pending"
    SETUP_COMPLETE = "setup_complete"
    SCAN_PENDING = "scan_pending"
    SCANNING = "scanning"
    SCAN_COMPLETE = "scan_complete"
    TEARDOWN_PENDING = "teardown_pending"
    TEARDOWN_COMPLETE = "teardown_complete"
    ERROR = "error"


class ScanKind(StrEnum):
    """What a row of the scan log is about."""

    SETUP = "setup"
    PRE_SESSION = "pre_session"
    REGULAR = "regular"
    TEARDOWN = "teardown"


@dataclass(frozen=True)
class Outcome:
    """What evaluating a columnar scanner's plan came to: hits, or an error that its first scan will
    raise.
    """

    found: SessionHits | None
    error: BaseException | None
    elapsed_us: float

    @property
    def hits(self) -> SessionHits:
        """The hits; raises what evaluating raised."""
        if self.found is None:
            assert self.error is not None
            raise self.error
        return self.found


@dataclass(frozen=True)
class BatchOutcome:
    """The outcomes of a batch, in runs of consecutive sessions that were evaluated together:
    (first, last + 1, outcome).

    A run's ticks are counted from its first session on.
    """

    cross: CrossSection
    runs: Sequence[tuple[int, int, Outcome]]

    @property
    def whole(self) -> Outcome | None:
        """The outcome of all sessions together; None where they were evaluated apart, or failed."""
        outcome = self.runs[0][2]
        return outcome if len(self.runs) == 1 and outcome.error is None else None

    def of_session(self, number: int) -> Outcome:
        """One session's part."""
        first, last, outcome = next(run for run in self.runs if run[0] <= number < run[1])
        if outcome.found is None or len(self.cross.sessions) == 1:
            return outcome
        bounds = self.cross.bounds[[number, number + 1]] - self.cross.bounds[first]
        part = outcome.found.of_session(*bounds.tolist())
        return Outcome(part, None, outcome.elapsed_us / (last - first))


class ScannerSession:
    """One scanner's part in one session, or in a batch of sessions that are played together.

    ticks    of the last session, microseconds
    outcome  of a columnar scanner, from when its columns are there
    """

    def __init__(
        self,
        slot: ScannerRuntime,
        sessions: Sequence[Session],
        state: ScannerState = ScannerState.SETUP_PENDING,
    ):
        self.slot, self.state = slot, state
        self.error: str | None = None
        self.record = ScanRecord(slot.name, sessions)
        self.ticks: Ints = slot.scheduled.ticks(sessions[-1]) if sessions else np.empty(0, np.int64)
        self.outcome: Outcome | None = None
        self._next = 0

    @property
    def works(self) -> bool:
        """Whether it has not failed, nor been torn down."""
        return self.state not in (ScannerState.ERROR, ScannerState.TEARDOWN_COMPLETE)

    @property
    def next_scan(self) -> int | None:
        """The next scheduled tick in microseconds, or None."""
        return int(self.ticks[self._next]) if self._next < len(self.ticks) else None

    def hits(self, cross: CrossSection) -> SessionHits:
        """The columnar pass over all ticks.

        Evaluated when it is first asked for, unless the manager has done so before.
        """
        if self.outcome is None:
            self.outcome = self.slot.evaluate(cross).of_session(0)
        return self.outcome.hits

    def done(self, elapsed_us: float, scans: int, scheduled: int) -> None:
        """Scans are over, of which so many were scheduled."""
        self.slot.scans += scans
        self.slot.busy_us += elapsed_us
        self._next += scheduled
        self.state = ScannerState.SCAN_COMPLETE


class ScannerRuntime:
    """One enabled scanner of the config.

    schedules    when it scans in the regular session
    pre_session  whether it scans before the open
    plan         what it declares; None where it does not
    columnar     whether it only declares; a scanner with a scan() of its own may read anything
    inherited    of its lifecycle, what is the library's own code
    session      its part in the session at hand
    scans, busy_us  how many scans it has done, and for how long
    """

    def __init__(
        self,
        name: str,
        scanner: BaseScanner,
        schedules: list[Schedule | AtClose],
        pre_session: bool,
    ):
        self.name, self.scanner, self.schedules, self.pre_session = (
            name,
            scanner,
            schedules,
            pre_session,
        )
        self.plan: ScanPlan | None = (
            scanner.plan() if isinstance(scanner, ColumnarScanner) else None
        )
        self.columnar = isinstance(scanner, ColumnarScanner) and _is_of(
            scanner.scan, ColumnarScanner.scan
        )
        self.inherited = _inherited(scanner, self.columnar)
        self.scheduled = ScheduledTicks(schedules)
        self._looks = ScheduledTicks(schedules, True) if pre_session else self.scheduled
        self._members: tuple[SymbolTable, list[str] | None, Ints] | None = (
            None  # of a table, of a list of names
        )
        self.scans, self.busy_us = 0, 0.0
        self.session = ScannerSession(self, (), ScannerState.INITIALIZED)

    @property
    def independent(self) -> bool:
        """Whether nothing goes from one session to the next: it only declares, and its lifecycle is
        the library's own.
        """
        return {ScanKind.SETUP, ScanKind.REGULAR, ScanKind.TEARDOWN} <= self.inherited

    def begin(self, sessions: Sequence[Session]) -> None:
        """A session begins, or several that are played together."""
        self.scanner.session_date = sessions[-1].date
        self.session = ScannerSession(self, sessions)

    def evaluate(self, cross: CrossSection) -> BatchOutcome:
        """Evaluate the plan over a batch: sessions together as far as they have the same members
        and are not counted by session.
        """
        if self.plan is None:
            raise ScannerError(
                "no criteria to evaluate", where=self.name, expected="a ColumnarScanner"
            )
        runs = [
            run
            for first, last in self._alike(cross)
            for run in self._evaluate(self.plan, cross, first, last)
        ]
        return BatchOutcome(cross, runs)

    def _evaluate(
        self, plan: ScanPlan, cross: CrossSection, first: int, last: int
    ) -> list[tuple[int, int, Outcome]]:
        """The sessions [first, last) together.

        One by one where that fails, as only some of them may.
        """
        started, error = time.perf_counter_ns(), None
        hits: SessionHits | None = None
        try:
            part = self.view(cross.of_sessions(first, last))
            hits = evaluate(plan, part, self.scan_ticks(part), self.members(part))
        except (Exception, SystemExit) as raised:  # expressions and universes are the user's
            error = raised
            if last - first > 1:
                return [
                    run
                    for number in range(first, last)
                    for run in self._evaluate(plan, cross, number, number + 1)
                ]
        return [(first, last, Outcome(hits, error, (time.perf_counter_ns() - started) / 1000))]

    def _alike(self, cross: CrossSection) -> list[tuple[int, int]]:
        """Runs of sessions (first, last + 1) that can be evaluated together."""
        assert self.plan is not None
        count, universe = len(cross.sessions), self.scanner.universe
        if count > 1 and (self.plan.session_limit is not None or not self.plan.session_at_once):
            return [(number, number + 1) for number in range(count)]
        if universe is None or count == 1:
            return [(0, count)]
        members = [universe.members(session.date) for session in cross.sessions]
        begins = [0, *(n for n in range(1, count) if members[n] is not members[n - 1])]
        return list(zip(begins, [*begins[1:], count], strict=True))

    def view(self, cross: CrossSection) -> CrossSection:
        """The cross-section as its plan reads it: with values of the tick before, where it asks for
        any.
        """
        return (
            cross.following(self._looks)
            if self.plan is not None and self.plan.columns_before
            else cross
        )

    def looks_in(self, session: Session) -> int:
        """How often it looks in a session."""
        return len(self._looks.ticks(session))

    def ticks_of(self, cross: CrossSection) -> Ints:
        """Indices of the cross-section's ticks at which it is scheduled."""
        return cross.places(self.scheduled)

    def scan_ticks(self, cross: CrossSection) -> Ints:
        """Indices of the cross-section's ticks at which this scanner looks, increasing."""
        return cross.places(self._looks)

    def members(self, cross: CrossSection) -> Ints:
        """The ids of its universe in the cross-section's first session.

        All symbols where it has loaded none.
        """
        names = (
            None
            if self.scanner.universe is None
            else self.scanner.universe.members(cross.session.date)
        )
        if (
            self._members is None
            or self._members[0] is not cross.table
            or self._members[1] is not names
        ):
            ids = np.arange(len(cross.table)) if names is None else cross.table.ids(names)
            self._members = cross.table, names, np.sort(ids[ids >= 0])
        return self._members[2]

    def first_finds(self, cross: CrossSection) -> dict[str, tuple[int, int]]:
        """Symbol -> time of its first hit of the session (microseconds UTC), and its rank then."""
        hits = self.session.hits(cross)
        symbols, first = np.unique(hits.symbols, return_index=True)
        times, ranks = cross.ticks[hits.ticks[first]].tolist(), hits.ranks[first].tolist()
        return {
            cross.table.names[s]: (time, rank)
            for s, time, rank in zip(symbols.tolist(), times, ranks, strict=True)
        }


def _inherited(scanner: BaseScanner, columnar: bool) -> frozenset[ScanKind]:
    """Which parts of a scanner's lifecycle run no code of its own."""
    scans = {ScanKind.PRE_SESSION, ScanKind.REGULAR} if columnar else set()
    plain = vars(scanner).get("universe", scanner) is None and not hasattr(
        type(scanner), "universe"
    )
    loads = plain and _is_of(scanner._load_universe_from_file, BaseScanner._load_universe_from_file)
    setup = (
        {ScanKind.SETUP}
        if loads and _is_of(scanner.setup, ColumnarScanner.setup, BaseScanner.setup)
        else set()
    )
    teardown = {ScanKind.TEARDOWN} if _is_of(scanner.teardown, BaseScanner.teardown) else set()
    return frozenset(scans | setup | teardown)


def _is_of(method: Callable[..., Any], *functions: Callable[..., Any]) -> bool:
    """Whether a scanner's method is one of these functions, not an override."""
    return getattr(method, "__func__", None) in functions
