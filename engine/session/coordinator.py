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
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

from engine.archive.archive import Archive
from engine.archive.reference.universe import Universe
from engine.clock.calendar import Session
from engine.clock.time_manager import TimeManager
from engine.config.load import LoadedConfig
from engine.features.feature_node import FeatureNode
from engine.features.session_rows import Panel
from engine.features.warm_up_block import block_of
from engine.runtime.time_limit import check_time_limit
from engine.scan.base import ColumnarScanner
from engine.scan.manager import ScannerManager
from engine.scan.replay import MarketReplay
from engine.scan.scanner_runtime import Outcome
from engine.scan.session_batch import SessionBatch
from engine.session.history import TrailingHistory
from engine.session.needs import RunNeeds
from engine.session.phases import PhaseClock
from engine.session.play_mode import PlayMode
from engine.session.scope import TAG, RunScope
from engine.session.session_data import SessionData
from engine.session.session_record import SessionRecord
from engine.session.symbol_view import MarketView
from engine.session.trader import SessionInputs, Trader

log = logging.getLogger("barsweep")
REPLAY = "2: decode, panel, kernels"


class Inspector(Protocol):
    """Looks at one session of a run when it is over."""

    @property
    def date(self) -> dt.date:
        """Which one."""

    def wants(self, panel: Panel, walked: int, nodes: Sequence[FeatureNode]) -> bool:
        """Whether it will have a session computed again, in a run that walks so many."""

    def inspect(self, coordinator: SessionCoordinator, replay: MarketReplay) -> None:
        """The session is over and still at hand."""


class SessionCoordinator:
    """One run of a config over an archive. `scope` is known at once, `records()` runs; `trader` trades what is found.

    quality  whether the records tell how each symbol's bars cover the session
    warmup   what the indicators' warm-up is multiplied by: other than 1 only to see whether it is long enough
    at_hand  the session at hand, or the batch that is played as one; None before the first and after the last
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        archive: Archive,
        trader: Trader | None = None,
        quality: bool = True,
        warmup: float = 1.0,
    ):
        self.scope, settings = RunScope(loaded, archive), loaded.config.session_data_config
        self.clock, self._trader, self._quality, self._time_limit = (
            TimeManager(),
            trader,
            quality,
            settings.scan_time_limit,
        )
        slots = self.scope.slots()
        self.data = SessionData(self.scope.symbols(), self.scope.indicators())
        check_time_limit(self._time_limit, loaded.path)
        self.manager = ScannerManager(
            slots,
            self.data,
            self.clock,
            loaded.config.mode,
            self._time_limit,
            trader.found if trader else None,
        )
        self.needs = RunNeeds(self.scope, slots, self.data, trader, warmup)
        self.phases = PhaseClock()
        self._history = TrailingHistory(archive, settings.historical.trailing_days)
        self.inspector: Inspector | None = None
        self.at_hand: SessionBatch | None = None
        self._last = dt.date.max
        self._begun: Sequence[Session] = ()  # that scanners were set up for last

    @property
    def seconds(self) -> dict[str, float]:
        """Wall time by phase."""
        return self.phases.seconds

    def sessions(self) -> Iterator[SessionRecord]:
        """Run the sessions one by one, in order; raises ScannerError or ArchiveError where the run cannot go on.

        As each record comes its session is at hand: `at_hand`, `data`, where the scanners stand.
        """
        return self._run(self.scope.dates, records_only=False)

    def records(self, dates: Sequence[dt.date] | None = None) -> Iterator[SessionRecord]:
        """As `sessions`, for whoever reads the records alone: a record may be of several sessions that were played together.

        With `dates` only these of the run's, which are whole blocks: another process runs the others.
        """
        return self._run(self.scope.dates if dates is None else dates, records_only=True)

    def batches(self, dates: Sequence[dt.date]) -> Iterator[SessionBatch]:
        """Batches of some of the run's sessions, whole blocks, set up and computed, of which nothing is played.

        For whoever evaluates the slots, and reads no records.
        """
        self._begin([self.scope.calendar.session(dates[0])], True)
        self.scope.warn_of(self.manager.slots)
        replay = self.needs.replay(dates, lambda *_: False, self)
        with contextlib.closing(replay.batches()) as batches:
            for batch in batches:
                self.at_hand = batch
                yield batch

    def stop_after(self, date: dt.date) -> None:
        """Let the run end after a session, the last one of a block."""
        self._last = date

    def _run(self, dates: Sequence[dt.date], records_only: bool) -> Iterator[SessionRecord]:
        """1. set scanners up, which says what is needed; 2. replay that in batches; 3. play each batch, whole or by session."""
        first = self.scope.calendar.session(dates[0])
        self._begin([first], first.date == self.scope.dates[0])
        self.scope.warn_of(self.manager.slots)
        self.phases.enter(REPLAY)
        mode = PlayMode.of(
            self.manager.slots,
            self._trader is not None,
            self.data.get_config_symbols(),
            records_only,
        )
        replay = self.needs.replay(
            dates,
            lambda *walked: self.inspector is not None and self.inspector.wants(*walked),
            self,
        )
        with contextlib.closing(replay.batches()) as batches:
            for batch in batches:
                for piece, outcomes in self._pieces(batch, mode):
                    record = self._play(replay, piece, outcomes, mode)
                    self._inspect(replay, piece)
                    self.phases.enter("results")
                    yield record
                    self._let_go()
                if batch.sessions[-1].date >= self._last:
                    break
                self.phases.enter(REPLAY)
        self.phases.enter("")

    def _pieces(
        self, batch: SessionBatch, mode: PlayMode
    ) -> Iterator[tuple[SessionBatch, dict[str, Outcome]]]:
        """What is played as one session is, with what is known of it: the batch, or its sessions one by one."""
        self.phases.enter("5: streaming")
        if len(batch.sessions) == 1:
            yield batch, {}
            return
        found = self.manager.evaluate(batch.cross)
        whole = {name: outcome.whole for name, outcome in found.items()}
        if (
            mode.by_session is None
            and all(whole.values())
            and len(whole) == len(self.manager.slots)
        ):
            yield batch, {name: outcome for name, outcome in whole.items() if outcome}
            return
        for number, one in enumerate(batch.split()):
            yield one, {name: outcome.of_session(number) for name, outcome in found.items()}

    # -- the phases of a session, or of several that are played as one

    def _begin(self, sessions: Sequence[Session], first: bool) -> None:
        self._phase("1: initialization", sessions[-1])
        self._begun = sessions
        self.clock.begin(sessions[-1])
        self.data.begin_session(sessions[-1].date, sessions[-1].open)
        self.manager.begin(sessions)
        self.manager.set_up(first)

    def _play(
        self,
        replay: MarketReplay,
        batch: SessionBatch,
        outcomes: Mapping[str, Outcome],
        mode: PlayMode,
    ) -> SessionRecord:
        cross, last = batch.cross, batch.sessions[-1]
        first = batch.sessions[0].date == self.scope.dates[0]
        self.at_hand = batch
        if list(self._begun) != list(batch.sessions):
            self._begin(batch.sessions, False)
        self._phase("2: historical management", last)
        self.manager.attach(cross, outcomes)
        self._phase("2.5: pre-session scanners", last)
        if any(slot.pre_session for slot in self.manager.slots):
            self.data.see(self._moment(batch, int(cross.ticks.searchsorted(last.open))))
        self.manager.scan_pre(first)
        self._phase("3: queue loading", last)
        log.info("%s %d ticks", TAG, len(cross.ticks))
        self._phase("4: activation", last)
        if log.isEnabledFor(logging.INFO):
            log.info("%s %d active symbols", TAG, len(self.data.get_active_symbols()))
        self._phase("5: streaming", last)
        self._stream(replay, batch, mode)
        return self._end(batch)

    def _stream(self, replay: MarketReplay, batch: SessionBatch, mode: PlayMode) -> None:
        """The scheduled scans, one after the other, then strategies; then time goes on."""
        ticks = batch.cross.ticks
        if mode.by_tick is None:
            if len(ticks):
                self.data.see(self._moment(batch, len(ticks) - 1))
                self.manager.reveal()
                self.clock.advance(max(int(ticks[-1]), self.clock.now))
            return
        if self._trader:
            found = self.manager.first_finds()
            self._trader.begin_session(
                SessionInputs(
                    batch,
                    self.data,
                    self.clock,
                    partial(replay.close_up, batch),
                    self._history,
                    found,
                )
            )
        for tick, moment in enumerate(ticks.tolist()):
            if self._trader:
                self._trader.advance(moment)
            self.clock.advance(max(moment, self.clock.now))
            self.data.see(self._moment(batch, tick))
            self.manager.scan_due(tick)

    def _end(self, batch: SessionBatch) -> SessionRecord:
        last = batch.sessions[-1]
        trading = self._trader.end_session() if self._trader else {}
        self._phase("6: end of session", last)
        self.clock.advance(max(self.clock.now, last.close))
        self.manager.tear_down()
        panels = (
            [batch.panel.of_session(number) for number in range(len(batch.sessions))]
            if self._quality
            else []
        )
        return SessionRecord(
            [session.date for session in batch.sessions],
            block_of(last.date, self.scope.base.is_daily),
            batch.cross.table,
            int(batch.panel.present().sum()),
            [panel.coverage() for panel in panels],
            self.manager.records(),
            self.data.take_events(),
            trading,
        )

    def _inspect(self, replay: MarketReplay, batch: SessionBatch) -> None:
        if self.inspector and self.inspector.date in [session.date for session in batch.sessions]:
            self.phases.enter("audit")
            self.inspector.inspect(self, replay)

    def _let_go(self) -> None:
        """The session is over."""
        self.at_hand = None
        self.data.end_session()
        self.manager.end()

    def _phase(self, phase: str, session: Session) -> None:
        self.phases.enter(phase)
        if log.isEnabledFor(logging.INFO):
            log.info("%s %s phase %s", TAG, session.date, phase)

    def _moment(self, batch: SessionBatch, tick: int) -> MarketView:
        return MarketView(batch.cross, batch.panel, tick, self._history)

    @property
    def universes(self) -> dict[str, Universe | None]:
        """What each scanner looks at, by the scanner's name; None where it does not say."""
        found: dict[str, Universe | None] = {}
        for slot in self.manager.slots:
            declared = (
                slot.scanner.params.universe if isinstance(slot.scanner, ColumnarScanner) else None
            )
            found[slot.name] = slot.scanner.universe or (
                None if declared is None else self.scope.load_universe(declared)
            )
        return found
