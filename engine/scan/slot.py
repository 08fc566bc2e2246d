"""A scanner in a run: the instance, its schedules, and where it stands in the session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from engine.clock.calendar import Session
from engine.clock.schedule import AtClose, Schedule
from engine.errors import ScannerError
from engine.panel.bars import Ints
from engine.panel.symbol_table import SymbolTable
from engine.scan.base import BaseScanner, ColumnarScanner
from engine.scan.cross_section import CrossSection
from engine.scan.evaluation import SessionHits, evaluate
from engine.scan.plan import ScanPlan
from engine.scan.record import ScanRecord
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


class ScannerSlot:
    """One enabled scanner of the config.

    schedules    when it scans in the regular session
    pre_session  whether it scans before the open
    """

    def __init__(self, name: str, scanner: BaseScanner, schedules: list[Schedule | AtClose], pre_session: bool):
        self.name, self.scanner, self.schedules, self.pre_session = name, scanner, schedules, pre_session
        self.state = ScannerState.INITIALIZED
        self.plan: ScanPlan | None = scanner.plan() if isinstance(scanner, ColumnarScanner) else None
        # whether it only declares; a scanner with a scan() of its own may read anything
        self.columnar = isinstance(scanner, ColumnarScanner) and _is_of(scanner.scan, ColumnarScanner.scan)
        # of its lifecycle, what is the library's own code
        columnar = {"pre_session", "regular"} if self.columnar else set()
        plain = vars(scanner).get("universe", scanner) is None and not hasattr(type(scanner), "universe")
        loads = plain and _is_of(scanner._load_universe_from_file, BaseScanner._load_universe_from_file)
        setup = {"setup"} if loads and _is_of(scanner.setup, ColumnarScanner.setup, BaseScanner.setup) else set()
        teardown = {"teardown"} if _is_of(scanner.teardown, BaseScanner.teardown) else set()
        self.inherited = columnar | setup | teardown
        self.error: str | None = None
        self.record = ScanRecord(name, (dt.date.min,))
        self.scans, self.busy_us = 0, 0.0
        self._scheduled = ScheduledTicks(schedules)
        self._looks = ScheduledTicks(schedules, True) if pre_session else self._scheduled
        self._ticks: Ints = np.empty(0, np.int64)  # of the session, microseconds
        self._at: dict[int, bool] = {}  # index in the cross-section -> whether it is a scheduled tick
        self._hits: SessionHits | None = None
        self._next = 0
        self._same: tuple[CrossSection, bool] | None = None
        self._stretch: tuple[CrossSection, Ints, SessionHits] | None = None  # of sessions that are computed together
        self._members: tuple[SymbolTable, list[str] | None, Ints] | None = None  # of a table, of a list of names

    @property
    def independent(self) -> bool:
        """Whether nothing goes from one session to the next: it only declares, and its lifecycle is the library's own."""
        return {"setup", "regular", "teardown"} <= self.inherited

    @property
    def works(self) -> bool:
        """Whether it has not failed, nor been torn down, in this session."""
        return self.state not in (ScannerState.ERROR, ScannerState.TEARDOWN_COMPLETE)

    def begin(self, session: Session) -> None:
        """A session begins."""
        self._ticks = self._scheduled.ticks(session)
        self.scanner.session_date = session.date
        self.record, self._hits, self._next, self.error = ScanRecord(self.name, (session.date,)), None, 0, None
        self.state = ScannerState.SETUP_PENDING

    def attach(self, cross: CrossSection) -> None:
        """Find the session's ticks in its cross-sections."""
        self._at = dict.fromkeys(self.ticks_of(cross).tolist(), True)

    def is_due(self, tick: int) -> bool:
        """Whether it is scheduled at a tick of the cross-section."""
        return tick in self._at

    def done(self, elapsed_us: float, scans: int, scheduled: int) -> None:
        """Scans are over, of which so many were scheduled."""
        self.scans += scans
        self.busy_us += elapsed_us
        self._next += scheduled
        self.state = ScannerState.SCAN_COMPLETE

    @property
    def next_scan(self) -> int | None:
        """The next scheduled tick of the session in microseconds, or None."""
        return int(self._ticks[self._next]) if self._next < len(self._ticks) else None

    def view(self, cross: CrossSection) -> CrossSection:
        """The cross-section as its plan reads it: with values of the tick before, where it asks for any."""
        return cross.following(self._looks) if self.plan is not None and self.plan.columns_before else cross

    def hits(self, cross: CrossSection) -> SessionHits:
        """The session's columnar pass over all ticks of this scanner, made when it is first asked for."""
        if self.plan is None:
            raise ScannerError("no criteria to evaluate", where=self.name, expected="a ColumnarScanner")
        if self._hits is None:
            self._hits = self._as_part(cross) or evaluate(
                self.plan, self.view(cross), self.scan_ticks(cross), self.members(cross)
            )  # fmt: skip
        return self._hits

    def _as_part(self, cross: CrossSection) -> SessionHits | None:
        """The session's hits among those of its stretch; None where that cannot be evaluated at once."""
        if cross.stretch is cross or not self.at_once(cross):
            return None
        try:
            return self._of_stretch(cross).of_session(cross.first, cross.first + len(cross.ticks))
        except (Exception, SystemExit):  # in some session of it: in which is found out one by one
            self._same = cross.stretch, False
            return None

    def hits_at_once(self, cross: CrossSection) -> SessionHits:
        """As `hits`; of a stretch, all of its sessions', which can be evaluated at once."""
        return self._of_stretch(cross) if cross.stretch is cross else self.hits(cross)

    def ticks_of(self, cross: CrossSection) -> Ints:
        """Indices of the cross-section's ticks at which it is scheduled."""
        return cross.places(self._scheduled)

    def at_once(self, cross: CrossSection) -> bool:
        """Whether this session's stretch can be evaluated at once: the same symbols in all of it, nothing counted by session."""
        assert self.plan is not None
        if self.plan.session_limit is not None or not self.plan.session_at_once:
            return False
        if self._same is None or self._same[0] is not cross.stretch:
            self._same = cross.stretch, self._same_members(cross.stretch.sessions)
        return self._same[1]

    def end_stretch(self) -> None:
        """Let go of the cross-sections of all sessions that were computed together, and of what was found in them."""
        self._same = self._stretch = None

    def _same_members(self, sessions: Sequence[Session]) -> bool:
        universe = self.scanner.universe
        if universe is None:
            return True
        first = universe.members(sessions[0].date)
        return all(universe.members(session.date) is first for session in sessions)

    def _of_stretch(self, cross: CrossSection) -> SessionHits:
        """The hits of all sessions that are computed with this one, found once."""
        assert self.plan is not None
        stretch, members = cross.stretch, self.members(cross)
        if self._stretch is None or self._stretch[0] is not stretch or self._stretch[1] is not members:
            self._stretch = stretch, members, evaluate(
                self.plan, self.view(stretch), self.scan_ticks(stretch), members
            )  # fmt: skip
        return self._stretch[2]

    def first_finds(self, cross: CrossSection) -> dict[str, tuple[int, int]]:
        """Symbol -> when this session's columnar pass finds it first (microseconds), and its rank then."""
        hits = self.hits(cross)
        symbols, first = np.unique(hits.symbols, return_index=True)
        times, ranks = cross.ticks[hits.ticks[first]].tolist(), hits.ranks[first].tolist()
        return {cross.table.names[s]: (time, rank) for s, time, rank in zip(symbols.tolist(), times, ranks, strict=True)}

    def looks_in(self, session: Session) -> int:
        """How often it looks in a session."""
        return len(self._looks.ticks(session))

    def scan_ticks(self, cross: CrossSection) -> Ints:
        """Indices of the cross-section's ticks at which this scanner looks, increasing."""
        return cross.places(self._looks)

    def members(self, cross: CrossSection) -> Ints:
        """The ids of its universe in this session; all symbols where it has loaded none."""
        names = None if self.scanner.universe is None else self.scanner.universe.members(cross.session.date)
        if self._members is None or self._members[0] is not cross.table or self._members[1] is not names:
            ids = np.arange(len(cross.table)) if names is None else cross.table.ids(names)
            self._members = cross.table, names, np.sort(ids[ids >= 0])
        return self._members[2]


def _is_of(method: Callable[..., Any], *functions: Callable[..., Any]) -> bool:
    """Whether a scanner's method is one of these functions, and nothing that was put in its place."""
    return getattr(method, "__func__", None) in functions
