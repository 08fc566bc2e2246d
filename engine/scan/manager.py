"""ScannerManager: owns the scanners' states and schedules, runs what is due, records what came of
it.

A session, for each scanner in the config's order:

    1. `begin`      everybody is setup_pending
    2. `set_up`     setup_pending -> setup_complete, before the open
    3. `attach`     the session's cross-sections are there: columnar scanners are evaluated for all
                    their ticks
    4. `scan_pre`   the pre-session scan; a scanner without a schedule is torn down after it
    5. `scan_due`   scan_pending -> scanning -> scan_complete, at each scheduled tick: a columnar
                    scan reveals what was evaluated `reveal`     the same for all ticks in one step,
                    where all scanners are columnar and nobody looks in between
    6. `tear_down`  teardown_pending -> teardown_complete, at the end

A batch of sessions may go through these steps as one session does (see
engine/session/play_mode.py).

A failure in setup or in a pre-session scan of the run's first session stops the run. Any other
failure is recorded, leaves the scanner in `error` for the rest of the session, and everything else
goes on.
"""

from __future__ import annotations

import datetime as dt
import logging
import reprlib
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import polars as pl

from engine.clock.calendar import Session
from engine.clock.time_manager import TimeManager
from engine.errors import BarsweepError, ScannerError, did_you_mean
from engine.plug_ins import error_text
from engine.runtime.guard import guarded
from engine.scan.cross_section import CrossSection
from engine.scan.reveal import reveal
from engine.scan.scan_context import ScanContext
from engine.scan.scan_record import ScanRecord
from engine.scan.scan_result import ColumnarResult, ScanResult
from engine.scan.scanner_runtime import (
    BatchOutcome,
    Outcome,
    ScanKind,
    ScannerRuntime,
    ScannerState,
)
from engine.scan.symbol_store import SymbolStore

log = logging.getLogger("barsweep")
TAG = "[SCANNER_MANAGER]"


OnFound = Callable[
    [str, Sequence[str], int], None
]  # scanner, symbols, microseconds: of scans that are not columnar

Action = Callable[[ScannerRuntime, ScanKind, int], None]


class ScannerManager:
    """Runs scanners one after the other; the clock stands still meanwhile."""

    def __init__(
        self,
        slots: Sequence[ScannerRuntime],
        data: SymbolStore,
        clock: TimeManager,
        mode: str,
        time_limit: float | None = None,
        on_found: OnFound | None = None,
    ):
        self.slots, self._time_limit, self._on_found = list(slots), time_limit, on_found
        self.failures = 0
        self._data, self._clock, self._mode = data, clock, mode
        self._cross: CrossSection | None = None
        self._pre_tick = 0

    def get_scanner_states(self) -> dict[str, dict[str, object]]:
        """Per scanner: state, number of scans, time spent (ms), next scan (exchange-local), last
        error.
        """
        return {slot.name: self._describe(slot) for slot in self.slots}

    def evaluate(self, cross: CrossSection) -> dict[str, BatchOutcome]:
        """Name -> outcome over a batch, of scanners without code of their own for a session.

        Empty where there is a time limit, for a limit is one for a session.
        """
        slots = self.slots if self._time_limit is None else ()
        return {slot.name: self._evaluate(slot, cross) for slot in slots if slot.independent}

    def begin(self, sessions: Sequence[Session]) -> None:
        """Start a session, or several that are played together."""
        self._cross = None
        for slot in self.slots:
            slot.begin(sessions)

    def set_up(self, first: bool) -> None:
        """setup() of every scanner.

        `first`: this is the run's first session, so a failure stops the run.
        """
        for slot in self.slots:
            self._guard(slot, ScanKind.SETUP, self._set_up, 0, first)

    def attach(self, cross: CrossSection, outcomes: Mapping[str, Outcome]) -> None:
        """Give the scanners the cross-sections.

        Columnar ones whose outcome is not among `outcomes` are evaluated.
        """
        self._cross = cross
        self._pre_tick = int(np.searchsorted(cross.ticks, cross.session.open))
        for slot in self.slots:
            if slot.columnar and slot.session.works:
                slot.session.outcome = outcomes.get(slot.name) or self._evaluate(
                    slot, cross
                ).of_session(0)

    def scan_pre(self, first: bool) -> None:
        """The pre-session scans, at the open."""
        for slot in self.slots:
            if slot.pre_session and slot.session.works:
                self._guard(slot, ScanKind.PRE_SESSION, self._scan, self._pre_tick, first)
            if not slot.schedules:
                self._tear_down(slot)
            self._wait(slot)

    def scan_due(self, tick: int) -> None:
        """The scans that are scheduled at a tick (index in the cross-section)."""
        for slot in self.slots:
            if slot.session.works and tick in slot.ticks_of(self._at()):
                self._guard(slot, ScanKind.REGULAR, self._scan, tick, False)
                self._wait(slot)

    def reveal(self) -> None:
        """All scheduled scans in one step.

        One that fails does so at its first tick, and then no more.
        """
        cross = self._at()
        failing = [
            slot
            for slot in self.slots
            if slot.session.works and slot.session.outcome and slot.session.outcome.error
        ]
        for slot in failing:
            for tick in slot.ticks_of(cross)[:1].tolist():
                self._clock.advance(max(int(cross.ticks[tick]), self._clock.now))
                self._guard(slot, ScanKind.REGULAR, self._scan, tick, False)
        reveal(
            [slot for slot in self.slots if slot.session.works and slot not in failing],
            cross,
            self._data,
        )

    def first_finds(self) -> dict[str, dict[str, tuple[int, int]]]:
        """Columnar scanner -> symbol -> time of its first hit (microseconds UTC), its rank then."""
        cross, columnar = (
            self._at(),
            [slot for slot in self.slots if slot.session.outcome and slot.session.error is None],
        )
        return {
            slot.name: slot.first_finds(cross)
            for slot in columnar
            if slot.session.outcome and not slot.session.outcome.error
        }

    def tear_down(self) -> None:
        """teardown() of every scanner that still stands."""
        for slot in self.slots:
            self._tear_down(slot)

    def end(self) -> None:
        """Let go of the cross-sections."""
        self._cross = None

    def records(self) -> list[ScanRecord]:
        """What the session's scans came to, a record a scanner."""
        return [slot.session.record for slot in self.slots]

    def _evaluate(self, slot: ScannerRuntime, cross: CrossSection) -> BatchOutcome:
        """A scanner's outcome over a cross-section.

        Its errors, the time limit's too, are in it until its first scan.
        """
        try:
            with self._guarded(slot, ScanKind.REGULAR):
                return slot.evaluate(cross)
        except ScannerError as error:
            return BatchOutcome(cross, [(0, len(cross.sessions), Outcome(None, error, 0.0))])

    def _set_up(self, slot: ScannerRuntime, kind: ScanKind, tick: int) -> None:
        slot.session.state = ScannerState.SETUP_PENDING
        if not slot.scanner.setup(self._context(slot, tick)):
            raise ScannerError(
                "setup() did not return True", fix="return True when the scanner can work"
            )
        slot.session.state = ScannerState.SETUP_COMPLETE
        log.info("%s Setup complete for %s", TAG, slot.name)

    def _scan(self, slot: ScannerRuntime, kind: ScanKind, tick: int) -> None:
        session = slot.session
        session.state = ScannerState.SCANNING
        session.record.scans.begin(self._clock.now, kind.value, tick)
        first, started = len(session.record.scans) == 1, time.perf_counter_ns()
        try:
            self._take(slot, slot.scanner.scan(self._context(slot, tick)))
        finally:
            elapsed_us = (time.perf_counter_ns() - started) / 1000
            if (
                first and slot.columnar and session.outcome
            ):  # its part of the work was done beforehand
                elapsed_us += session.outcome.elapsed_us
            session.record.scans.elapsed_us[-1] = elapsed_us
            session.done(elapsed_us, 1, int(kind is ScanKind.REGULAR))

    def _take(self, slot: ScannerRuntime, result: ScanResult) -> None:
        """Promote what a columnar scan found; a scan of the scanner's own has promoted already."""
        if not isinstance(result, ScanResult):
            raise ScannerError(f"scan() returned {type(result).__name__}", expected="a ScanResult")
        if result.error:
            raise ScannerError(result.error)
        if isinstance(result, ColumnarResult):
            cross = self._at()
            promoted = self._data.promote(result.hits.symbols[result.rows], slot.name)
            slot.session.record.found_columnar(result, promoted, cross.table, cross.ticks)
            return
        self._refuse_strange(result)
        added = self._data.take_added()
        scanned = result.metadata.get("total_scanned")
        size = scanned if isinstance(scanned, int) else len(slot.members(self._at()))
        slot.session.record.found_symbols(
            result, [symbol in added for symbol in result.symbols], size
        )
        if self._on_found:
            self._on_found(slot.name, result.symbols, self._clock.now)

    def _refuse_strange(self, result: ScanResult) -> None:
        table = self._data.table
        if not isinstance(result.symbols, list | tuple) or not all(
            isinstance(symbol, str) for symbol in result.symbols
        ):
            raise ScannerError(
                f"scan() returned symbols = {reprlib.repr(result.symbols)}",
                expected="a list of strings",
            )
        if not isinstance(result.metadata, Mapping):
            raise ScannerError(
                f"scan() returned metadata = {reprlib.repr(result.metadata)}",
                expected="a dictionary by symbol",
            )
        for symbol in result.symbols:
            if symbol not in table:
                raise ScannerError(
                    f"scan() returned {symbol!r}",
                    expected="symbols of the run's universes",
                    fix=did_you_mean(symbol, table.names),
                )
        if len(set(result.symbols)) != len(result.symbols):
            raise ScannerError(
                "scan() returned a symbol more than once", expected="each symbol once"
            )

    def _tear_down(self, slot: ScannerRuntime) -> None:
        if slot.session.state is ScannerState.TEARDOWN_COMPLETE:
            return
        failed = slot.session.state is ScannerState.ERROR
        self._guard(slot, ScanKind.TEARDOWN, self._let_go, 0, False)
        if failed:
            slot.session.state = ScannerState.ERROR

    def _let_go(self, slot: ScannerRuntime, kind: ScanKind, tick: int) -> None:
        slot.session.state = ScannerState.TEARDOWN_PENDING
        slot.scanner.teardown(self._context(slot, tick))
        slot.session.state = ScannerState.TEARDOWN_COMPLETE
        log.info("%s Teardown complete for %s", TAG, slot.name)

    def _guard(
        self, slot: ScannerRuntime, kind: ScanKind, action: Action, tick: int, fatal: bool
    ) -> None:
        try:
            with self._data.acting_as(slot.name), self._guarded(slot, kind):
                action(slot, kind, tick)
        except (
            Exception,
            SystemExit,
        ) as error:  # a scanner is the user's code: whatever it raises is told, never hidden
            said = (
                str(error)
                if isinstance(error, BarsweepError)
                else f"{type(error).__name__}: {error}"
            )
            if fatal:
                own = isinstance(error, BarsweepError)
                log.debug("%s %s of %s failed\n%s", TAG, kind, slot.name, traceback.format_exc())
                raise ScannerError(
                    f"{kind} failed: {said if own else error_text(error)}", where=slot.name
                ) from error
            self._fail(slot, kind, tick, said)

    def _guarded(self, slot: ScannerRuntime, kind: ScanKind) -> AbstractContextManager[None]:
        """What runs no code of the scanner's own needs no guard but the clock's."""
        own = self._time_limit is not None or kind not in slot.inherited
        return guarded(self._time_limit) if own else nullcontext()

    def _fail(self, slot: ScannerRuntime, kind: ScanKind, tick: int, said: str) -> None:
        log.error("%s %s of %s failed\n%s", TAG, kind, slot.name, traceback.format_exc())
        self.failures += 1
        slot.session.state, slot.session.error = ScannerState.ERROR, said
        scans = slot.session.record.scans
        if kind in (ScanKind.SETUP, ScanKind.TEARDOWN) or not len(scans):
            scans.begin(self._clock.now, kind.value, tick)
        scans.error[-1] = said

    def _wait(self, slot: ScannerRuntime) -> None:
        if slot.session.works and slot.session.next_scan is not None:
            slot.session.state = ScannerState.SCAN_PENDING
            if log.isEnabledFor(logging.INFO):
                log.info(
                    "%s Next scan for %s: %s", TAG, slot.name, self._local(slot.session.next_scan)
                )

    def _context(self, slot: ScannerRuntime, tick: int) -> ScanContext:
        return ScanContext(
            self._data,
            self._clock,
            self._mode,
            self._clock.get_current_time(),
            slot.scanner.config,
            make_frame=lambda: self._frame(slot, tick),
            session_hits=lambda: slot.session.hits(self._at()),
            tick=tick,
        )

    def _frame(self, slot: ScannerRuntime, tick: int) -> pl.DataFrame:
        cross = self._at()
        members = slot.members(cross)
        return cross.frame(cross.names, np.full(len(members), tick), members)

    def _at(self) -> CrossSection:
        if self._cross is None:
            raise ScannerError(
                "no cross-section yet", fix="setup() comes before the session's history; use scan()"
            )
        return self._cross

    def _local(self, micros: int) -> str:
        moment = dt.datetime.fromtimestamp(
            micros // 1_000_000, self._clock.get_current_time().tzinfo
        )
        return f"{moment:%Y-%m-%d %H:%M:%S}"

    def _describe(self, slot: ScannerRuntime) -> dict[str, object]:
        upcoming = slot.session.next_scan
        return {
            "state": slot.session.state.value,
            "scans": slot.scans,
            "elapsed_ms": slot.busy_us / 1000,
            "next_scan": None if upcoming is None else self._local(upcoming),
            "error": slot.session.error,
        }
