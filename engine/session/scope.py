"""What a config and an archive say together of a run.

Sessions, scanners, symbols, universes, and warnings about what looks wrong.
"""

from __future__ import annotations

import copy
import datetime as dt
import logging
import reprlib
from collections.abc import Sequence

from engine.archive.archive import Archive
from engine.archive.quality.complete_enough import CompleteEnough
from engine.archive.quality.declared_doubts import shifted_label
from engine.archive.reference.universe import FixedUniverse, Universe, load_universe
from engine.clock.calendar import ExchangeCalendar, Session
from engine.clock.interval import Interval
from engine.clock.schedule import AtClose, Schedule
from engine.config.load import LoadedConfig
from engine.config.models import ScannerConfig
from engine.errors import ConfigError, RunError, ScannerError, did_you_mean
from engine.indicators.key import IndicatorKey
from engine.plug_ins import instantiate
from engine.scan.base import BaseScanner, UniverseSpec
from engine.scan.load_scanner import load_scanner_class
from engine.scan.scanner_runtime import ScannerRuntime

log = logging.getLogger("barsweep")
TAG = "[SESSION_COORDINATOR]"


class RunScope:
    """A config over an archive; raises ConfigError or RunError where they do not fit together.

    dates     the run's sessions, all in the archive
    base      the interval of the bars that are replayed
    warnings  what looks wrong, in the order in which it is noticed
    """

    def __init__(self, loaded: LoadedConfig, archive: Archive):
        self.loaded, self.archive, self.settings = (
            loaded,
            archive,
            loaded.config.session_data_config,
        )
        self.warnings: list[str] = []
        self._universes: dict[str, Universe] = {}
        self.calendar, self.base = _calendar(loaded, archive), base_interval(loaded, archive)
        self.dates = self._dates()
        self._check_streams()
        if shifted := shifted_label(archive, self.base, self.dates):
            self.warn(
                f"timestamps of {archive.path} seem to label the other end of bars: {shifted}; "
                "see `barsweep archive check`"
            )

    def slots(self) -> list[ScannerRuntime]:
        """The enabled scanners, made anew."""
        return [self._slot(scanner) for scanner in self.settings.scanners if scanner.enabled]

    def sessions(self) -> list[Session]:
        """The exchange's sessions from the run's first to its last, also missing ones."""
        return self.calendar.sessions(self.dates[0], self.dates[-1])

    @property
    def full_minutes(self) -> int:
        """The minutes of a full session.

        The longest session of the run's calendar years, so that the run's first and last dates do
        not matter.
        """
        first, last = dt.date(self.dates[0].year, 1, 1), dt.date(self.dates[-1].year, 12, 31)
        return max(session.minutes for session in self.calendar.sessions(first, last))

    @property
    def benchmark(self) -> str | None:
        """The benchmark symbol of the config, upper case, or None."""
        symbol = self.settings.benchmark
        if symbol is not None and symbol.upper() not in self.archive.symbols():
            raise ConfigError(
                f"benchmark = {symbol!r}",
                where=self.loaded.path,
                expected=f"a symbol of the archive {self.archive.path}",
                fix=did_you_mean(symbol.upper(), self.archive.symbols()),
            )
        return symbol.upper() if symbol else None

    def load_universe(self, spec: UniverseSpec) -> Universe:
        """The universe of a spec, as scanners and configs give it; loaded once."""
        key = repr(spec)
        if key not in self._universes:
            universe = load_universe(spec, self.archive, self.loaded.resolve)
            if self.settings.min_quality is not None:
                universe = CompleteEnough(
                    universe,
                    self.archive,
                    self.base,
                    self.settings.min_quality,
                    self.settings.quality_sessions,
                )
            self._universes[key] = universe
            if universe.unknown:
                self._warn_of_unknown(spec, universe)
        return self._universes[key]

    def symbols(self) -> list[str]:
        """The config's symbols, without those that the archive does not hold."""
        universe = FixedUniverse(self.settings.symbols, self.archive.symbols())
        if universe.unknown:
            self.warn(f"config symbols that are not in the archive: {some_of(universe.unknown)}")
        return universe.members(self.dates[0])

    def indicators(self) -> list[IndicatorKey]:
        """The config's indicators."""
        return [
            IndicatorKey.make(one.name, one.params, one.interval)
            for one in self.settings.indicators
        ]

    def _check_streams(self) -> None:
        """Refuse streams whose interval is no multiple of the base interval."""
        for name in self.settings.streams or ():
            if Interval.parse(name).micros % self.base.micros:
                raise ConfigError(
                    f"stream {name} cannot be made of {self.base.name} bars",
                    where=self.loaded.path,
                    expected=f"multiples of {self.base.name}",
                )

    def warn_of(self, slots: Sequence[ScannerRuntime]) -> None:
        """Warn of scanners whose schedule or history leaves columns without values."""
        blind = [slot.name for slot in slots if slot.pre_session]
        if blind and not self.settings.extended_hours:
            self.warn(
                f"{some_of(blind)} scans before the open without extended_hours: "
                "it sees no bar of its own day"
            )
        once = [
            slot.name
            for slot in slots
            if slot.plan and slot.plan.columns_before and self._looks_once(slot)
        ]
        if once:
            self.warn(
                f"{some_of(once)} looks once a session: previous(x) and what crosses have no value "
                "at a session's first tick"
            )
        # Daily indicators that need more sessions than the archive has never have a value.
        available = sum(date <= self.dates[-1] for date in self.archive.sessions("1d"))
        keys = {key.name: key for slot in slots if slot.plan for key in slot.plan.indicators}
        needed = {
            name: key.indicator.warmup(*key.params)
            for name, key in keys.items()
            if key.interval.is_daily
        }
        short = sorted((count, name) for name, count in needed.items() if count > available)
        if short:
            listed = some_of([f"{name} ({count:,})" for count, name in short])
            self.warn(
                f"without a value in the whole run, for the archive has {available:,} sessions "
                f"by its end: {listed}"
            )

    def _looks_once(self, slot: ScannerRuntime) -> bool:
        """Whether a scanner of intraday bars has at most one tick in every session."""
        return not self.base.is_daily and all(
            slot.looks_in(session) <= 1 for session in self.sessions()
        )

    def warn(self, text: str) -> None:
        """Note and log a warning, once."""
        if text not in self.warnings:
            self.warnings.append(text)
        log.info("%s %s", TAG, text)

    def _slot(self, config: ScannerConfig) -> ScannerRuntime:
        """Make a config's scanner and its schedules."""
        make = self.loaded.made.get(config.module) or load_scanner_class(config.module)
        parameters = copy.deepcopy(config.config)  # scanners may change it
        scanner: BaseScanner = instantiate(make, config.label, ScannerError, parameters)
        scanner.load_universe = self.load_universe
        schedules = [
            self._schedule(config, part.schedule()) for part in config.regular_session or ()
        ]
        return ScannerRuntime(config.label, scanner, schedules, config.pre_session)

    def _schedule(self, config: ScannerConfig, schedule: Schedule | AtClose) -> Schedule | AtClose:
        """The schedule; raises ConfigError where it has no usable tick in any session."""
        extended = self.settings.extended_hours
        for session in self.calendar.sessions(self.dates[0], self.dates[-1]):
            low, high = (
                (session.extended_open, session.extended_close)
                if extended
                else (session.open, session.close)
            )
            ticks = schedule.ticks(session)
            if self.base.is_daily and len(ticks) and ticks[0] != session.close:
                raise ConfigError(
                    f"schedule {schedule} of {config.label} looks into a day "
                    "of which only its bar is there",
                    where=self.loaded.path,
                    expected='"regular_session": [{"at": "close"}], or "pre_session": true',
                )
            if len(ticks) and low <= ticks[0] and (ticks[-1] <= high or session.is_early_close):
                return schedule
        raise ConfigError(
            f"schedule {schedule} of {config.label} is outside the session",
            where=self.loaded.path,
            expected=f"ticks from the open to the close of {self.calendar.mic}"
            + ("" if extended else ", or `extended_hours: true` in session_data_config"),
        )

    def _warn_of_unknown(self, spec: UniverseSpec, universe: Universe) -> None:
        """Warn of a universe's symbols that the archive does not hold."""
        named = universe.named(self.dates[0], self.dates[-1])
        unknown = sorted(set(named) & set(universe.unknown))
        if unknown:
            shown = spec if isinstance(spec, str) else reprlib.repr(spec)
            self.warn(
                f"universe {shown}: {len(unknown)} of its {len(named)} symbols "
                f"are not in the archive: {some_of(unknown)}"
            )

    def _dates(self) -> list[dt.date]:
        """The archive's sessions within the config's dates; warns of missing ones."""
        stored = self.archive.sessions(self.base.name)
        if not stored:
            raise RunError(
                f"holds no {self.base.name} bars",
                where=self.archive.path,
                fix="import bars, or make a demo market",
            )
        span = self.loaded.config.backtest_config
        start, end = span.start_date or stored[0], span.end_date or stored[-1]
        dates = [date for date in stored if start <= date <= end]
        if not dates:
            raise RunError(
                f"no sessions from {start} to {end}",
                where=self.archive.path,
                expected=f"dates within {stored[0]} to {stored[-1]}",
            )
        # sessions that the archive leaves out are reported where that is decided
        present = {*dates, *self.archive.left_out}
        missing = [str(s.date) for s in self.calendar.sessions(start, end) if s.date not in present]
        if missing:
            self.warnings.append(
                f"{len(missing)} sessions from {start} to {end} are not in the archive: "
                f"{some_of(missing, 5)}"
            )
        return dates


def base_interval(loaded: LoadedConfig, archive: Archive) -> Interval:
    """The interval of the bars that are replayed: the config's, else the archive's base."""
    name = loaded.config.session_data_config.interval
    if name is not None and name not in archive.intervals:
        raise ConfigError(
            f"interval = {name!r}",
            where=loaded.path,
            expected=f"one of the archive's: {', '.join(archive.intervals)}",
        )
    return Interval.parse(name) if name else archive.manifest.base


def some_of(names: Sequence[str], count: int = 10) -> str:
    """The first `count` names, and how many more there are."""
    shown = ", ".join(names[:count])
    return shown + (f" and {len(names) - count} more" if len(names) > count else "")


def _calendar(loaded: LoadedConfig, archive: Archive) -> ExchangeCalendar:
    """The archive's calendar; raises ConfigError where the config names another exchange."""
    exchange = loaded.config.exchange
    if exchange:
        ExchangeCalendar.of(exchange)
    if exchange and exchange != archive.exchange:
        raise ConfigError(
            f"exchange = {exchange!r}",
            where=loaded.path,
            expected=f"{archive.exchange}, the exchange of the archive {archive.path}",
        )
    return ExchangeCalendar.of(archive.exchange)
