"""SessionCoordinator: drives a run, session by session, through its phases.

    1    initialization          register the config's symbols, set scanners up
    2    historical management   attach cross-sections with warm indicators
    2.5  pre-session scanners    scan at the open, before the session's first bar
    3    queue loading           log the session's ticks
    4    activation              log the active symbols as the session begins
    5    streaming               at each tick: scheduled scans in turn, then strategies
    6    end of session          tear scanners down, make the session's record, clear

Scanners are set up before phase 2, because setup() says which indicators the run computes.
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
    """Looks at one session of a run when that session is over."""

    @property
    def date(self) -> dt.date:
        """The session to inspect."""

    def wants(self, panel: Panel, walked: int, nodes: Sequence[FeatureNode]) -> bool:
        """Whether the inspector will have the session of `panel` computed again.

        walked  how many sessions the run computes; nodes  what it computes
        """

    def inspect(self, coordinator: SessionCoordinator, replay: MarketReplay) -> None:
        """Inspect the session, which is over and still in memory."""


class SessionCoordinator:
    """One run of a config over an archive.

    `scope` holds the run's sessions and scanners from the start; `sessions()`, `records()` or
    `batches()` runs. `trader` trades the hits.

    quality  whether the records include how each symbol's bars cover the session
    warmup   factor of the indicators' warm-up; other than 1.0 only in audits of its length
    at_hand  the session batch being played; None before the first and after the last
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
        self._begun: Sequence[Session] = ()  # the sessions that scanners were last set up for

    @property
    def seconds(self) -> dict[str, float]:
        """Wall time by phase."""
        return self.phases.seconds

    def sessions(self) -> Iterator[SessionRecord]:
        """Run the sessions one by one, in order of time.

        While the caller has a record, its session is still in memory: `at_hand`, `data`, the
        scanners' state. Raises ScannerError or ArchiveError where the run cannot go on.
        """
        return self._run(self.scope.dates, records_only=False)

    def records(self, dates: Sequence[dt.date] | None = None) -> Iterator[SessionRecord]:
        """Run the sessions for a caller that reads the records only.

        One record may be of several sessions that were played together. `dates`: whole blocks of
        the run's sessions, where other processes run the others.
        """
        return self._run(self.scope.dates if dates is None else dates, records_only=True)

    def batches(self, dates: Sequence[dt.date]) -> Iterator[SessionBatch]:
        """Compute session batches without playing them.

        dates  whole blocks of the run's sessions

        For callers that evaluate the scanners themselves and read no records.
        """
        self._begin([self.scope.calendar.session(dates[0])], True)
        self.scope.warn_of(self.manager.slots)
        replay = self.needs.replay(dates, lambda *_: False, self)
        with contextlib.closing(replay.batches()) as batches:
            for batch in batches:
                self.at_hand = batch
                yield batch

    def stop_after(self, date: dt.date) -> None:
        """End the run after a session, which must be the last one of a block."""
        self._last = date

    def _run(self, dates: Sequence[dt.date], records_only: bool) -> Iterator[SessionRecord]:
        """Run sessions and yield their records.

        1. set scanners up, which says which columns are needed
        2. compute these columns batch by batch
        3. play each batch, as a whole or session by session
        """
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
        """Yield what is played together: the whole batch, or each of its sessions.

        With it, scanner -> the outcome of its scans, for columnar scanners of a batch of several
        sessions.
        """
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
        """Begin the sessions that are played together, and call the scanners' setup().

        first  whether the run begins here, where an error in setup() ends the run
        """
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
        """Take a session, or a batch that is played as one, through the phases 2 to 6."""
        cross, last = batch.cross, batch.sessions[-1]
        first = batch.sessions[0].date == self.scope.dates[0]
        self.at_hand = batch
        if list(self._begun) != list(batch.sessions):
            self._begin(batch.sessions, False)
        self._phase("2: historical management", last)
        self.manager.attach(cross, outcomes)
        self._phase("2.5: pre-session scanners", last)
        if any(slot.pre_session for slot in self.manager.slots):
            self.data.see(self._view(batch, int(cross.ticks.searchsorted(last.open))))
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
        """Reveal all scans in one step, or go tick by tick (`mode.by_tick`).

        At each tick: the broker up to the tick, then the scheduled scans one after the other, then
        strategies.
        """
        ticks = batch.cross.ticks
        if mode.by_tick is None:
            if len(ticks):
                self.data.see(self._view(batch, len(ticks) - 1))
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
            self.data.see(self._view(batch, tick))
            self.manager.scan_due(tick)

    def _end(self, batch: SessionBatch) -> SessionRecord:
        """Phase 6: end trading and the scanners, and make the record."""
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
        """Let the inspector look at its session, where the session is in this batch."""
        if self.inspector and self.inspector.date in [session.date for session in batch.sessions]:
            self.phases.enter("audit")
            self.inspector.inspect(self, replay)

    def _let_go(self) -> None:
        """Release the session's arrays."""
        self.at_hand = None
        self.data.end_session()
        self.manager.end()

    def _phase(self, phase: str, session: Session) -> None:
        """Begin a phase: its wall time is counted, its name logged."""
        self.phases.enter(phase)
        if log.isEnabledFor(logging.INFO):
            log.info("%s %s phase %s", TAG, session.date, phase)

    def _view(self, batch: SessionBatch, tick: int) -> MarketView:
        return MarketView(batch.cross, batch.panel, tick, self._history)

    @property
    def universes(self) -> dict[str, Universe | None]:
        """Scanner name -> its universe; None where the scanner does not declare one."""
        found: dict[str, Universe | None] = {}
        for slot in self.manager.slots:
            declared = (
                slot.scanner.params.universe if isinstance(slot.scanner, ColumnarScanner) else None
            )
            found[slot.name] = slot.scanner.universe or (
                None if declared is None else self.scope.load_universe(declared)
            )
        return found
