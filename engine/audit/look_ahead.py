"""Audits a config for look-ahead: random ticks, replayed over archives with another future.

1. `drawn_sessions`  draws random sessions of the run
2. `window_of`       limits the config to a few sessions before each (for positions) and after
3. `AuditedSession`  replays these over the archive as it is; random ticks of it are drawn
4. `_replay`         replays them for each tick, over an archive cut off at the tick, and over one
                     perturbed after it
5. `Comparison`      compares everything that was known up to the tick
6. `_begun_there`    replays the session alone: scanners must not remember earlier sessions
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np

from engine.archive.archive import Archive
from engine.archive.quality.declared_doubts import longer_bars, shifted_label
from engine.audit.audited_session import AuditedSession
from engine.audit.compare import Comparison
from engine.audit.difference import Difference
from engine.audit.future import FUTURES, Future, in_our_layout
from engine.audit.reads import Reads
from engine.audit.redirect import mirrored, redirected
from engine.config.load import LoadedConfig
from engine.config.models import BacktestConfig
from engine.errors import RunError
from engine.progress import Progress
from engine.session.coordinator import SessionCoordinator

BEGUN_THERE = "run begun with the session"
AFTER, DAYS_AFTER = (
    1,
    20,
)  # sessions that a replay still has after the audited one; where bars are daily


@dataclass(frozen=True)
class AuditOptions:
    """ticks     random ticks per session
    sessions  number of random sessions
    before    sessions of the run that are replayed before the audited one
    seed      of all random draws
    """

    ticks: int = 5
    sessions: int = 1
    before: int = 3
    seed: int = 0


@dataclass(frozen=True)
class Replay:
    """One replay over an archive with another future, and the differences in its past."""

    session: dt.date
    tick: dt.datetime
    future: str
    differences: tuple[Difference, ...]


@dataclass
class LookAheadAudit:
    """The result of an audit.

    replays   all replays, in order
    values    number of cross-section values compared
    warnings  those of the run, and what plug-ins read by themselves (reads.py)
    failures  errors of scanners and strategies over the archive as it is, which hide what they read
    bars      doubts about the bars' interval or label, which no replay can detect
    """

    replays: list[Replay] = field(default_factory=list)
    values: int = 0
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    bars: list[str] = field(default_factory=list)

    @property
    def differences(self) -> list[tuple[Replay, Difference]]:
        """The first replay and difference of each kind, owner and name."""
        found: dict[tuple[str, str | None, str], tuple[Replay, Difference]] = {}
        for replay in self.replays:
            for one in replay.differences:
                found.setdefault((one.what, one.owner, one.name), (replay, one))
        return list(found.values())


def audit_look_ahead(
    loaded: LoadedConfig, archive: Archive, options: AuditOptions, progress: Progress
) -> LookAheadAudit:
    """Replay random sessions with other futures.

    Raises BarsweepError where the config cannot be replayed over the archive as it is.
    """
    scope = SessionCoordinator(loaded, archive).scope
    reads = Reads(archive)
    audit, there = LookAheadAudit(warnings=scope.warnings), archive.sessions(scope.base.name)
    audit.bars = [
        told for look in (longer_bars, shifted_label) if (told := look(archive, scope.base, there))
    ]
    dates = drawn_sessions(scope.dates, options)
    with tempfile.TemporaryDirectory(prefix="barsweep-audit-") as folder:
        stored = in_our_layout(archive, Path(folder) / "archive")
        for number, date in enumerate(dates):
            window = window_of(
                loaded,
                scope.dates,
                there,
                date,
                options.before,
                DAYS_AFTER if scope.base.is_daily else AFTER,
            )
            with AuditedSession(window, archive, date) as whole:
                audit.failures = list(dict.fromkeys([*audit.failures, *_failures(whole)]))
                ticks = _drawn_ticks(whole, options, date)
                for at, (tick, kind) in enumerate(product(ticks, FUTURES), 1):
                    audit.replays.append(
                        _replay(window, stored, whole, tick, kind, options.seed, reads)
                    )
                    audit.values += (
                        len(whole.cross.names)
                        * int((whole.cross.ticks <= tick).sum())
                        * len(whole.cross.table)
                    )
                    progress(
                        "replays",
                        number * len(ticks) * len(FUTURES) + at,
                        len(dates) * len(ticks) * len(FUTURES),
                    )
                audit.replays += _begun_there(window, whole)
    audit.warnings = [*audit.warnings, *reads.warnings]
    return audit


def drawn_sessions(dates: Sequence[dt.date], options: AuditOptions) -> list[dt.date]:
    """Random sessions among `dates`, in order of time."""
    rng = np.random.default_rng([options.seed, len(dates)])
    return [
        dates[i]
        for i in sorted(
            rng.choice(len(dates), min(options.sessions, len(dates)), replace=False).tolist()
        )
    ]


def window_of(
    loaded: LoadedConfig,
    dates: Sequence[dt.date],
    there: Sequence[dt.date],
    date: dt.date,
    before: int,
    after: int,
) -> LoadedConfig:
    """The config limited to sessions around `date`.

    before  number of sessions of `dates` (the run's) before it
    after   number of sessions of `there` (the archive's) after it
    """
    first, last = (
        dates[max(0, dates.index(date) - before)],
        there[min(len(there) - 1, there.index(date) + after)],
    )
    span = BacktestConfig(start_date=first, end_date=last)
    return loaded.changed(backtest_config=span)


def _drawn_ticks(whole: AuditedSession, options: AuditOptions, date: dt.date) -> list[int]:
    """Random ticks of the session, microseconds UTC, in order."""
    ticks = whole.ticks
    if not len(ticks):
        raise RunError(
            f"nobody looks on {date}",
            where="audit",
            expected="a scanner or a strategy with a tick in the session",
        )
    rng = np.random.default_rng([options.seed, date.toordinal()])
    return sorted(rng.choice(ticks, min(options.ticks, len(ticks)), replace=False).tolist())


def _failures(whole: AuditedSession) -> Iterator[str]:
    """Errors of scanners and strategies in the audited session, as sentences."""
    failed = whole.tables["scans"].drop_nulls("error")
    yield from (
        f"{scanner}: {error}" for scanner, error in failed.select("scanner", "error").iter_rows()
    )
    yield from (f"{name}: {said}" for name, _, said in whole.failures)


def _replay(
    window: LoadedConfig,
    stored: Archive,
    whole: AuditedSession,
    tick: int,
    kind: str,
    seed: int,
    reads: Reads,
) -> Replay:
    """One replay over a changed archive; `stored` is the archive in our layout."""
    archive, session = whole.archive, whole.cross.session
    local = dt.datetime.fromtimestamp(tick / 1e6, archive.calendar.tz)
    there, last = (
        archive.sessions(whole.coordinator.scope.base.name),
        window.config.backtest_config.end_date,
    )
    later = [day for day in there if session.date < day <= (last or day)]
    rng = np.random.default_rng(
        [seed, session.date.toordinal(), tick // 1_000_000, FUTURES.index(kind)]
    )
    with tempfile.TemporaryDirectory(prefix="barsweep-audit-") as folder:
        future = Future(stored, session, tick, kind, later, rng)
        changed = future.write(mirrored(Path(folder), archive.path))
        other = redirected(window, archive, changed, future, Path(folder))
        with reads.watch(Path(folder)):
            found = tuple(_compared(other, changed, whole, tick))
    return Replay(session.date, local, kind, found)


def _begun_there(window: LoadedConfig, whole: AuditedSession) -> Iterator[Replay]:
    """The session replayed alone, where nothing is traded.

    With trading this comparison is left out, because an account carries over from session to
    session.
    """
    date, archive, last = whole.cross.session.date, whole.archive, int(whole.ticks[-1])
    if whole.view is not None or window.config.backtest_config.start_date == date:
        return
    with AuditedSession(window_of(window, [date], [date], date, 0, 0), archive, date) as other:
        found = tuple(Comparison(whole, other, last, since=date).differences())
    yield Replay(
        date, dt.datetime.fromtimestamp(last / 1e6, archive.calendar.tz), BEGUN_THERE, found
    )


def _compared(
    window: LoadedConfig, changed: Archive, whole: AuditedSession, tick: int
) -> Iterator[Difference]:
    """The differences of a replay over the archive `changed`.

    A replay that fails with another future has looked ahead, so its error is a difference.
    """
    try:
        other = AuditedSession(window, changed, whole.cross.session.date)
    except Exception as error:  # plug-ins may raise anything; it is reported
        time = dt.datetime.fromtimestamp(tick / 1e6, whole.archive.calendar.tz)
        yield Difference(
            "failure",
            getattr(error, "where", None),
            type(error).__name__,
            None,
            time,
            None,
            str(error),
        )
        return
    with other:
        yield from Comparison(whole, other, tick).differences()
