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
import copy
import datetime as dt
import logging
import reprlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

import polars as pl

from engine.archive.archive import Archive
from engine.archive.complete_enough import CompleteEnough
from engine.archive.universe import FixedUniverse, Universe, load_universe
from engine.clock.calendar import ExchangeCalendar, Session
from engine.clock.interval import Interval
from engine.clock.schedule import AtClose, Schedule
from engine.clock.time_manager import TimeManager
from engine.config.load import LoadedConfig
from engine.config.models import ScannerConfig
from engine.errors import ConfigError, RunError, did_you_mean
from engine.indicators.block import Panel, block_of
from engine.indicators.key import IndicatorKey
from engine.indicators.term import TICKS, Term
from engine.panel.symbol_table import SymbolTable
from engine.scan.base import ColumnarScanner, UniverseSpec
from engine.scan.columns import COLUMNS
from engine.scan.cross_section import CrossSection
from engine.scan.guard import check_time_limit, guarded
from engine.scan.manager import ScannerManager
from engine.scan.module_loader import load_scanner_class
from engine.scan.record import ScanRecord
from engine.scan.replay import MarketReplay, ReplayedSession, ReplayedStretch, ReplaySpec
from engine.scan.requirements import Requirements
from engine.scan.slot import ScannerSlot
from engine.scan.ticks import Scheduled, TickTable
from engine.session.events import Event
from engine.session.history import TrailingHistory
from engine.session.record import SessionRecord
from engine.session.session_data import SessionData
from engine.session.symbol_view import Moment
from engine.session.trader import Found, Scene, Trader

log = logging.getLogger("barsweep")
TAG = "[SESSION_COORDINATOR]"
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


@dataclass
class RunScope:
    """The sessions of a run, and what is odd about them."""

    dates: list[dt.date]
    base: Interval
    warnings: list[str] = field(default_factory=list)


class SessionCoordinator:
    """One run of a config over an archive. `scope` is known at once, `sessions()` runs; `trader` trades what is found.

    quality  whether the records tell how each symbol's bars cover the session
    warmup   what the indicators' warm-up is multiplied by: other than 1 only to see whether it is long enough
    """

    def __init__(
        self, loaded: LoadedConfig, archive: Archive, trader: Trader | None = None, quality: bool = True, warmup: float = 1.0
    ):
        self._loaded, self._config, self._archive = loaded, loaded.config, archive
        self._data_config = loaded.config.session_data_config
        self.calendar = _calendar(loaded, archive)
        self.scope = _scope(loaded, archive, self.calendar)
        self.clock, self._trader, self._quality, self._warmup = TimeManager(), trader, quality, warmup
        self._universes: dict[str, Universe] = {}
        slots = [self._slot(scanner) for scanner in self._data_config.scanners if scanner.enabled]
        self.data = SessionData(self._config_symbols(), self._config_indicators())
        check_time_limit(self._data_config.scan_time_limit, loaded.path)
        self.manager = ScannerManager(slots, self.data, self.clock, self._config.mode, self._data_config.scan_time_limit)
        if trader:
            self.manager.on_found = trader.found
        self._history = TrailingHistory(archive, self._data_config.historical.trailing_days)
        self.replayed: ReplayedSession | None = None  # the session at hand, valid until the next
        self.terms: Sequence[Term] = ()  # that the run computes, once it has begun
        self.inspector: Inspector | None = None
        self._begun: dt.date | None = None  # the session that scanners were set up for last
        self.seconds: dict[str, float] = {}  # wall time by phase
        self._phase_now, self._since = "", 0.0
        self._check_streams()

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

    def _walk(self, own: Sequence[dt.date], together: bool) -> Iterator[SessionRecord]:
        begins = self.calendar.session(own[0])
        self._initialize(begins, own[0] == self.scope.dates[0])
        self._warn_of_blind_scans()
        self._warn_of_short_history()
        self._clock_phase(REPLAY)
        replay = self._replay(own)
        for stretch in replay.stretches():
            records = self._run_together(stretch) if together else None
            if records is None:
                yield from self._run_each(replay, stretch)
            else:
                self._clock_phase("results")
                yield from records
                self.data.end_session()
            del stretch, records  # the bars go before the next ones come
            self._clock_phase(REPLAY)
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

    def _run_together(self, stretch: ReplayedStretch) -> list[SessionRecord] | None:
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
        self.data.see(Moment(cross, stretch.panel, len(cross.ticks) - 1, self._history))
        scans = self.manager.run_together(cross)
        if scans is None:
            return None
        self.clock.begin(last)
        self.clock.advance(last.close)
        events = {date: list(own) for date, own in groupby(self.data.take_events(), key=lambda event: event.date)}
        return [
            self._record(stretch.panel.of_session(number), cross.table, scans[number], events.get(session.date, []), {})
            for number, session in enumerate(cross.sessions)
        ]

    @property
    def declared(self) -> bool:
        """Whether all that is computed is known beforehand: nothing goes from session to session, or asks for more on the way."""
        return self._trader is None and all(slot.columnar for slot in self.manager.slots)

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
        return self._record(replayed.panel, replayed.cross.table, self.manager.records(), self.data.take_events(), trading)

    def _record(
        self, panel: Panel, table: SymbolTable, scans: Sequence[ScanRecord], events: Sequence[Event],
        trading: Mapping[str, pl.DataFrame],
    ) -> SessionRecord:  # fmt: skip
        date = panel.session.date
        return SessionRecord(
            date, block_of(date, self.scope.base.is_daily), table, int(panel.present().sum()),
            panel.coverage() if self._quality else None, scans, events, trading,
        )  # fmt: skip

    def _foreseen(self, cross: CrossSection) -> Found:
        """What the columnar scans of the session will find; one that fails here fails again, and is told of, when it is due."""
        found: Found = {}
        for slot in self.manager.slots:
            if slot.columnar and slot.error is None:
                with contextlib.suppress(Exception, SystemExit), guarded(self._data_config.scan_time_limit):
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

    def _moment(self, replayed: ReplayedSession, tick: int) -> Moment:
        return Moment(replayed.cross, replayed.panel, tick, self._history)

    # -- what the run needs

    def _replay(self, dates: Sequence[dt.date]) -> MarketReplay:
        ticks = self._ticks()
        requirements = Requirements(
            self.scope.base.name, self._full_minutes(), ticks.slot_count, self._benchmark(), self._warmup,
            defer=all(slot.columnar for slot in self.manager.slots),  # others may read anything, of every symbol
        )  # fmt: skip
        for slot in self.manager.slots:
            requirements.need_columns(slot.plan.columns if slot.plan else ())
            requirements.need_everywhere(slot.plan.columns_everywhere if slot.plan else ())
            requirements.need_columns(() if slot.columnar else COLUMNS)
            requirements.need_keys(slot.plan.indicators if slot.plan else ())
        requirements.need_keys(self.data.requested.values())
        close_up = self._close_up(requirements)
        self.terms = requirements.terms

        def watched(panel: Panel) -> bool:
            return self.inspector is not None and self.inspector.wants(panel, replay.walked, self.terms)

        replay = MarketReplay(
            ReplaySpec(
                self._archive, self.calendar, self.scope.base, self._data_config.extended_hours, dates,
                self.terms, ticks, self._table, bool(self._trader) or any(not slot.columnar for slot in self.manager.slots),
                requirements.previous, self._benchmark(), close_up,
                at_once=self.declared, watched=watched,
            )
        )  # fmt: skip
        by_tick = self._trader is None or self._trades_by_tick

        def provision(key: IndicatorKey) -> None:
            if key.indicator.rows == TICKS and not by_tick:
                raise RunError(
                    f"{key.name} is asked for too late: its values are those of scheduled ticks, which are settled",
                    where="add_indicator", expected="it in a strategy's indicators() or in session_data_config.indicators",
                )  # fmt: skip
            replay.provision(requirements.terms_of(key))

        self.data.provision = provision
        return replay

    def _close_up(self, requirements: Requirements) -> tuple[list[Term], TickTable] | None:
        """What the trader reads, and when; added to what the run needs."""
        if self._trader is None:
            return None
        wanted = requirements.alone()
        for needs in (wanted, requirements):
            needs.need_columns(self._trader.columns)
            needs.need_keys([*self._trader.keys, *self.data.requested.values()])
        return wanted.terms, self._trader.ticks(self.scope.base, self._sessions())

    @property
    def _trades_by_tick(self) -> bool:
        """Whether the trader is shown values of scheduled ticks: its own ticks must be among the run's."""
        keys = [*self._trader.keys, *self.data.requested.values()] if self._trader else []
        return any(key.indicator.rows == TICKS for key in keys)

    def _ticks(self) -> TickTable:
        schedules: list[Scheduled] = [schedule for slot in self.manager.slots for schedule in slot.schedules]
        if self._trader and self._trades_by_tick:
            schedules.append(self._trader.ticks(self.scope.base, self._sessions()))
        walked = self.calendar.sessions(self._archive.sessions(self.scope.base.name)[0], self.scope.dates[-1])
        return TickTable(schedules, any(slot.pre_session for slot in self.manager.slots), walked)

    @property
    def universes(self) -> dict[str, Universe | None]:
        """What each scanner looks at, by the scanner's name; None where it does not say."""
        found: dict[str, Universe | None] = {}
        for slot in self.manager.slots:
            declared = slot.scanner.params.universe if isinstance(slot.scanner, ColumnarScanner) else None
            found[slot.name] = slot.scanner.universe or (None if declared is None else self._load_universe(declared))
        return found

    @property
    def symbols(self) -> list[str]:
        """The symbols of the run's universes and of its config."""
        return list(self._table(self.scope.dates[0], self.scope.dates[-1]).names)

    def _sessions(self) -> list[Session]:
        return self.calendar.sessions(self.scope.dates[0], self.scope.dates[-1])

    def _full_minutes(self) -> int:
        """The length of a full session: of whole years, so that it does not matter where in them a run begins and ends."""
        first, last = dt.date(self.scope.dates[0].year, 1, 1), dt.date(self.scope.dates[-1].year, 12, 31)
        return max(session.minutes for session in self.calendar.sessions(first, last))

    def _table(self, start: dt.date, end: dt.date) -> SymbolTable:
        """The symbols needed in a stretch: all, for a scanner that may ask for any. A position may outlive a membership."""
        if self._trader:
            start, end = self.scope.dates[0], self.scope.dates[-1]
        universes = [slot.scanner.universe for slot in self.manager.slots]
        if any(not slot.columnar for slot in self.manager.slots) or None in universes:
            return SymbolTable([*self._archive.symbols(), *self.data.get_config_symbols()])
        found = {symbol for universe in universes if universe for symbol in universe.everyone(start, end)}
        benchmark = self._benchmark()
        return SymbolTable({*found, *self.data.get_config_symbols(), *([benchmark] if benchmark else [])})

    def _benchmark(self) -> str | None:
        symbol = self._data_config.benchmark
        if symbol is not None and symbol.upper() not in self._archive.symbols():
            raise ConfigError(
                f"benchmark = {symbol!r}", where=self._loaded.path, expected=f"a symbol of the archive {self._archive.path}",
                fix=did_you_mean(symbol.upper(), self._archive.symbols()),
            )  # fmt: skip
        return symbol.upper() if symbol else None

    # -- from the config

    def _slot(self, config: ScannerConfig) -> ScannerSlot:
        scanner = load_scanner_class(config.module)(copy.deepcopy(config.config))  # its own, to do with what it likes
        scanner.load_universe = self._load_universe
        schedules = [self._schedule(config, part.schedule()) for part in config.regular_session or ()]
        return ScannerSlot(config.label, scanner, schedules, config.pre_session)

    def _schedule(self, config: ScannerConfig, schedule: Schedule | AtClose) -> Schedule | AtClose:
        """Refuse a schedule that does not tick in any session of the run."""
        extended = self._data_config.extended_hours
        for session in self.calendar.sessions(self.scope.dates[0], self.scope.dates[-1]):
            low, high = (session.extended_open, session.extended_close) if extended else (session.open, session.close)
            ticks = schedule.ticks(session)
            if self.scope.base.is_daily and len(ticks) and ticks[0] != session.close:
                raise ConfigError(
                    f"schedule {schedule} of {config.label} looks into a day of which only its bar is there",
                    where=self._loaded.path, expected='"regular_session": [{"at": "close"}], or "pre_session": true',
                )  # fmt: skip
            if len(ticks) and low <= ticks[0] and (ticks[-1] <= high or session.is_early_close):
                return schedule
        raise ConfigError(
            f"schedule {schedule} of {config.label} is outside the session", where=self._loaded.path,
            expected=f"ticks from the open to the close of {self.calendar.mic}" + ("" if extended else
            ", or `extended_hours: true` in session_data_config"),
        )  # fmt: skip

    def _load_universe(self, spec: UniverseSpec) -> Universe:
        key = repr(spec)
        if key not in self._universes:
            universe = load_universe(spec, self._archive, self._loaded.resolve)
            if self._data_config.min_quality is not None:
                universe = CompleteEnough(
                    universe, self._archive, self.scope.base, self._data_config.min_quality, self._data_config.quality_sessions
                )
            self._universes[key] = universe
            if universe.unknown:
                self._warn_of_unknown(spec, universe)
        return self._universes[key]

    def _warn_of_unknown(self, spec: UniverseSpec, universe: Universe) -> None:
        named = universe.named(self.scope.dates[0], self.scope.dates[-1])
        unknown = sorted(set(named) & set(universe.unknown))
        if unknown:
            shown = spec if isinstance(spec, str) else reprlib.repr(spec)
            self._warn(f"universe {shown}: {len(unknown)} of its {len(named)} symbols are not in the archive: {_some(unknown)}")

    def _config_symbols(self) -> list[str]:
        universe = FixedUniverse(self._data_config.symbols, self._archive.symbols())
        if universe.unknown:
            self._warn(f"config symbols that are not in the archive: {_some(universe.unknown)}")
        return universe.members(self.scope.dates[0])

    def _config_indicators(self) -> list[IndicatorKey]:
        return [IndicatorKey.make(one.name, one.params, one.interval) for one in self._data_config.indicators]

    def _check_streams(self) -> None:
        for name in self._data_config.streams or ():
            if Interval.parse(name).micros % self.scope.base.micros:
                raise ConfigError(f"stream {name} cannot be made of {self.scope.base.name} bars", where=self._loaded.path,
                                  expected=f"multiples of {self.scope.base.name}")  # fmt: skip

    def _warn_of_blind_scans(self) -> None:
        names = [slot.name for slot in self.manager.slots if slot.pre_session]
        if names and not self._data_config.extended_hours:
            self._warn(f"{_some(names)} scans before the open without extended_hours: it sees no bar of its own day")

    def _warn_of_short_history(self) -> None:
        """Tell of daily indicators that need more sessions than the archive has: no clause over them ever holds."""
        there = sum(date <= self.scope.dates[-1] for date in self._archive.sessions("1d"))
        keys = {key.name: key for slot in self.manager.slots if slot.plan for key in slot.plan.indicators}
        needed = {name: key.indicator.warmup(*key.params) for name, key in keys.items() if key.interval.is_daily}
        short = sorted((count, name) for name, count in needed.items() if count > there)
        if short:
            told = _some([f"{name} ({count:,})" for count, name in short])
            self._warn(f"without a value in the whole run, for the archive has {there:,} sessions by its end: {told}")

    def _warn(self, text: str) -> None:
        if text not in self.scope.warnings:
            self.scope.warnings.append(text)
        log.info("%s %s", TAG, text)


def base_interval(loaded: LoadedConfig, archive: Archive) -> Interval:
    """The interval of the bars to replay."""
    name = loaded.config.session_data_config.interval
    if name is not None and name not in archive.intervals:
        raise ConfigError(
            f"interval = {name!r}", where=loaded.path, expected=f"one of the archive's: {', '.join(archive.intervals)}"
        )
    return Interval.parse(name) if name else archive.manifest.base


def _some(names: Sequence[str], count: int = 10) -> str:
    shown = ", ".join(names[:count])
    return shown + (f" and {len(names) - count} more" if len(names) > count else "")


def _calendar(loaded: LoadedConfig, archive: Archive) -> ExchangeCalendar:
    exchange = loaded.config.exchange
    if exchange:
        ExchangeCalendar.of(exchange)
    if exchange and exchange != archive.exchange:
        raise ConfigError(f"exchange = {exchange!r}", where=loaded.path, expected=f"{archive.exchange}, the exchange of "
                          f"the archive {archive.path}")  # fmt: skip
    return ExchangeCalendar.of(archive.exchange)


def _scope(loaded: LoadedConfig, archive: Archive, calendar: ExchangeCalendar) -> RunScope:
    base = base_interval(loaded, archive)
    there = archive.sessions(base.name)
    if not there:
        raise RunError(f"holds no {base.name} bars", where=archive.path, fix="import bars, or make a demo market")
    span = loaded.config.backtest_config
    start, end = span.start_date or there[0], span.end_date or there[-1]
    dates = [date for date in there if start <= date <= end]
    if not dates:
        raise RunError(f"no sessions from {start} to {end}", where=archive.path, expected=f"dates within {there[0]} to {there[-1]}")
    scope = RunScope(dates, base)
    present = {*dates, *archive.left_out}  # those that are passed over are told of where that is decided
    missing = [str(s.date) for s in calendar.sessions(start, end) if s.date not in present]
    if missing:
        scope.warnings.append(f"{len(missing)} sessions from {start} to {end} are not in the archive: {_some(missing, 5)}")
    return scope
