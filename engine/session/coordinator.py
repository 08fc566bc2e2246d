"""SessionCoordinator: drives a run, session by session, through its phases.

    1    initialization          config symbols registered, scanners set up
    2    historical management   cross-sections with warm indicators; history and quality are there
    2.5  pre-session scanners    at the open, before its first bar
    3    queue loading           the session's ticks
    4    activation              the active symbols as the session begins
    5    streaming               at each instant: scheduled scans, one after the other, then strategies; then time goes on
    6    end of session          teardown, the session's record, clear

Setup comes before history because it says what history is needed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from engine.archive.archive import Archive
from engine.archive.universe import Universe
from engine.clock.calendar import Session
from engine.clock.time_manager import TimeManager
from engine.config.load import LoadedConfig
from engine.indicators.block import Panel, block_of
from engine.indicators.term import Term
from engine.runtime.guard import guarded
from engine.runtime.time_limit import check_time_limit
from engine.scan.base import ColumnarScanner
from engine.scan.cross_section import CrossSection
from engine.scan.manager import ScannerManager
from engine.scan.replay import MarketReplay, ReplayedSession, ReplayedStretch
from engine.session.history import TrailingHistory
from engine.session.needs import RunNeeds
from engine.session.record import SessionRecord
from engine.session.scope import TAG, RunScope
from engine.session.session_data import SessionData
from engine.session.symbol_view import Moment
from engine.session.trader import Found, Scene, Trader

log = logging.getLogger("barsweep")
REPLAY = "2: decode, panel, kernels"
TICKS_AT_ONCE = 4  # fewer are scanned sooner one by one


class Inspector(Protocol):
    """Looks at one session of a run when it is over."""

    @property
    def date(self) -> dt.date:
        """Which one."""

    def wants(self, panel: Panel, walked: int, terms: Sequence[Term]) -> bool:
        """Whether it will have a session replayed again, in a run that walks so many."""

    def inspect(self, coordinator: SessionCoordinator, replay: MarketReplay) -> None:
        """The session is over and still at hand."""


class SessionCoordinator:
    """One run of a config over an archive. `scope` is known at once, `sessions()` runs; `trader` trades what is found.

    quality  whether the records tell how each symbol's bars cover the session
    warmup   what the indicators' warm-up is multiplied by: other than 1 only to see whether it is long enough
    """

    def __init__(
        self, loaded: LoadedConfig, archive: Archive, trader: Trader | None = None, quality: bool = True, warmup: float = 1.0
    ):
        self.scope, settings = RunScope(loaded, archive), loaded.config.session_data_config
        self.clock, self._trader, self._quality, self._time_limit = TimeManager(), trader, quality, settings.scan_time_limit
        slots = self.scope.slots()
        self.data = SessionData(self.scope.symbols(), self.scope.indicators())
        check_time_limit(self._time_limit, loaded.path)
        self.manager = ScannerManager(slots, self.data, self.clock, loaded.config.mode, self._time_limit)
        if trader:
            self.manager.on_found = trader.found
        self.needs = RunNeeds(self.scope, slots, self.data, trader, warmup)
        self._history = TrailingHistory(archive, settings.historical.trailing_days)
        self.replayed: ReplayedSession | None = None  # the session at hand, valid until the next
        self.inspector: Inspector | None = None
        self._last = dt.date.max
        self._begun: dt.date | None = None  # the session that scanners were set up for last
        self.seconds: dict[str, float] = {}  # wall time by phase
        self._phase_now, self._since = "", 0.0

    def sessions(self) -> Iterator[SessionRecord]:
        """Run the sessions in order; raises ScannerError or ArchiveError where the run cannot go on.

        As each record comes its session is at hand: `replayed`, `data`, where the scanners stand.
        """
        return self._walk(self.scope.dates, False)

    def records(self, dates: Sequence[dt.date] | None = None) -> Iterator[SessionRecord]:
        """As `sessions`, for whoever reads the records alone: sessions that are computed together are run together if that may be.

        With `dates` only these of the run's, which are whole blocks: another process runs the others.
        """
        return self._walk(self.scope.dates if dates is None else dates, True)

    def stop_after(self, date: dt.date) -> None:
        """Let the run end after a session, the last one of a block."""
        self._last = date

    def _walk(self, own: Sequence[dt.date], together: bool) -> Iterator[SessionRecord]:
        self._initialize(self.scope.calendar.session(own[0]), own[0] == self.scope.dates[0])
        self.scope.warn_of(self.manager.slots)
        self._clock_phase(REPLAY)
        replay = self.needs.replay(own, lambda *walked: self.inspector is not None and self.inspector.wants(*walked))
        with contextlib.closing(replay.stretches()) as stretches:
            for stretch in stretches:
                record = self._run_together(stretch) if together else None
                if record is None:
                    yield from self._run_each(replay, stretch)
                else:
                    self._clock_phase("results")
                    yield record
                    self.data.end_session()
                self.manager.end_stretch()
                if stretch.panel.sessions[-1].date >= self._last:
                    break
                del stretch, record  # the bars go before the next ones come
                self._clock_phase(REPLAY)
        replay.end()
        self._clock_phase("")

    def _run_each(self, replay: MarketReplay, stretch: ReplayedStretch) -> Iterator[SessionRecord]:
        """One session after the other."""
        for replayed in replay.each(stretch):
            session = replayed.panel.session
            if session.date != self._begun:
                self._initialize(session, False)
            record = self._run(replay, replayed, session.date == self.scope.dates[0])
            if self.inspector and self.inspector.date == session.date:
                self._clock_phase("audit")
                self.inspector.inspect(self, replay)
            self._clock_phase("results")
            yield record
            del replayed
            self.replayed = None
            self.data.end_session()
            self.manager.end()
            self._clock_phase(REPLAY)

    def _run_together(self, stretch: ReplayedStretch) -> SessionRecord | None:
        """All sessions of a stretch as if they were one, where that comes to the same; None where it may not."""
        cross, last = stretch.cross, stretch.cross.sessions[-1]
        looked_at = self.inspector is not None and self.inspector.date in [session.date for session in cross.sessions]
        alone = not self.scope.base.is_daily or self._trader or looked_at or self.data.get_config_symbols()
        if alone or not self.manager.may_run_together(cross):
            return None
        self._clock_phase("5: streaming")
        self._begun = None
        self.data.begin_session(last.date, last.open)
        self.manager.begin(last)
        self.data.see(self._moment(stretch, len(cross.ticks) - 1))
        scans = self.manager.run_together(cross)
        if scans is None:
            return None
        self.clock.begin(last)
        self.clock.advance(last.close)
        bars = int(stretch.panel.present().sum())
        panels = [stretch.panel.of_session(number) for number in range(len(cross.sessions))] if self._quality else []
        return SessionRecord(
            [session.date for session in cross.sessions], block_of(last.date, True), cross.table, bars,
            [panel.coverage() for panel in panels], scans, self.data.take_events(), {},
        )  # fmt: skip

    # -- the phases of a session

    def _run(self, replay: MarketReplay, replayed: ReplayedSession, first: bool) -> SessionRecord:
        cross, self.replayed = replayed.cross, replayed
        self._phase("2: historical management", cross.session)
        self.manager.attach(cross)
        self._phase("2.5: pre-session scanners", cross.session)
        if any(slot.pre_session for slot in self.manager.slots):
            self.data.see(self._moment(replayed, int(cross.ticks.searchsorted(cross.session.open))))
        self.manager.scan_pre(first)
        self._phase("3: queue loading", cross.session)
        log.info("%s %d ticks", TAG, len(cross.ticks))
        self._phase("4: activation", cross.session)
        if log.isEnabledFor(logging.INFO):
            log.info("%s %d active symbols", TAG, len(self.data.get_active_symbols()))
        self._phase("5: streaming", cross.session)
        if self._trader:
            scene = Scene(replayed, self.data, self.clock, replay.close_up, self._history, self._foreseen(cross))
            self._trader.begin_session(scene)
        if not self._scan_at_once(replayed):
            for tick, moment in enumerate(cross.ticks.tolist()):
                if self._trader:
                    self._trader.advance(moment)
                self.clock.advance(max(moment, self.clock.now))
                self.data.see(self._moment(replayed, tick))
                self.manager.scan_due(tick)
        return self._end(replayed)

    def _scan_at_once(self, replayed: ReplayedSession) -> bool:
        """Whether the session's scans could be done, and were done, without anybody looking in between."""
        ticks = replayed.cross.ticks
        if self._trader or len(ticks) < TICKS_AT_ONCE or not self.manager.declares:
            return False
        self.data.see(self._moment(replayed, len(ticks) - 1))
        done = self.manager.scan_all()
        if done:
            self.clock.advance(max(int(ticks[-1]), self.clock.now))
        return done

    def _initialize(self, session: Session, first: bool) -> None:
        self._phase("1: initialization", session)
        self._begun = session.date
        self.clock.begin(session)
        self.data.begin_session(session.date, session.open)
        self.manager.begin(session)
        self.manager.set_up(first)

    def _end(self, replayed: ReplayedSession) -> SessionRecord:
        session = replayed.panel.session
        trading = self._trader.end_session() if self._trader else {}
        self._phase("6: end of session", session)
        self.clock.advance(max(self.clock.now, session.close))
        self.manager.tear_down()
        return SessionRecord(
            [session.date], block_of(session.date, self.scope.base.is_daily), replayed.cross.table,
            int(replayed.panel.present().sum()), [replayed.panel.coverage()] if self._quality else [], self.manager.records(),
            self.data.take_events(), trading,
        )  # fmt: skip

    def _foreseen(self, cross: CrossSection) -> Found:
        """What the columnar scans of the session will find; one that fails here fails again, and is told of, when it is due."""
        found: Found = {}
        for slot in self.manager.slots:
            if slot.columnar and slot.error is None:
                with contextlib.suppress(Exception, SystemExit), guarded(self._time_limit):
                    found[slot.name] = slot.first_finds(cross)
        return found

    def _phase(self, phase: str, session: Session) -> None:
        self._clock_phase(phase)
        if log.isEnabledFor(logging.INFO):
            log.info("%s %s phase %s", TAG, session.date, phase)

    def _clock_phase(self, phase: str) -> None:
        now = time.perf_counter()
        if self._phase_now:
            self.seconds[self._phase_now] = self.seconds.get(self._phase_now, 0.0) + now - self._since
        self._phase_now, self._since = phase, now

    def _moment(self, replayed: ReplayedSession | ReplayedStretch, tick: int) -> Moment:
        return Moment(replayed.cross, replayed.panel, tick, self._history)

    @property
    def universes(self) -> dict[str, Universe | None]:
        """What each scanner looks at, by the scanner's name; None where it does not say."""
        found: dict[str, Universe | None] = {}
        for slot in self.manager.slots:
            declared = slot.scanner.params.universe if isinstance(slot.scanner, ColumnarScanner) else None
            found[slot.name] = slot.scanner.universe or (None if declared is None else self.scope.load_universe(declared))
        return found
