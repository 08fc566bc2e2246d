"""ScannerManager: owns the scanners' states and schedules, runs what is due, records what came of it.

A session, for each scanner in the config's order:

    1. `begin`      the session's ticks; everybody is setup_pending
    2. `set_up`     setup_pending -> setup_complete, before the open
    3. `attach`     the session's cross-sections are there
    4. `scan_pre`   the pre-session scan; a scanner without a schedule is torn down after it
    5. `scan_due`   scan_pending -> scanning -> scan_complete, at each scheduled tick; `scan_all` where all only declare
    6. `tear_down`  teardown_pending -> teardown_complete, at the end

A failure in setup or in a pre-session scan of the run's first session stops the run. Any other failure is recorded,
leaves the scanner in `error` for the rest of the session, and everything else goes on.
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
from engine.plug_ins import told
from engine.scan.at_once import scan_at_once
from engine.scan.context import ScanContext
from engine.scan.cross_section import CrossSection
from engine.scan.guard import guarded
from engine.scan.record import ScanRecord
from engine.scan.result import ColumnarResult, ScanResult
from engine.scan.slot import ScannerSlot, ScannerState
from engine.scan.store import SymbolStore

log = logging.getLogger("barsweep")
TAG = "[SCANNER_MANAGER]"


class ScannerManager:
    """Runs scanners one after the other; the clock stands still meanwhile."""

    def __init__(
        self, slots: Sequence[ScannerSlot], data: SymbolStore, clock: TimeManager, mode: str, time_limit: float | None = None
    ):  # fmt: skip
        self.slots, self._time_limit = list(slots), time_limit
        self.failures = 0
        self.on_found: Callable[[str, Sequence[str], int], None] = lambda name, symbols, now: None  # scans that are not columnar
        self._data, self._clock, self._mode = data, clock, mode
        self._cross: CrossSection | None = None
        self._pre_tick = 0

    def get_scanner_states(self) -> dict[str, dict[str, object]]:
        """Per scanner: state, number of scans, time spent (ms), next scan (exchange-local), last error."""
        return {slot.name: self._describe(slot) for slot in self.slots}

    def begin(self, session: Session) -> None:
        """Start a session."""
        self._cross = None
        for slot in self.slots:
            slot.begin(session)

    def set_up(self, first: bool) -> None:
        """setup() of every scanner; `first`: this is the run's first session, so a failure stops the run."""
        for slot in self.slots:
            self._guard(slot, "setup", self._set_up, 0, first)

    def attach(self, cross: CrossSection) -> None:
        """Give the scanners the session's cross-sections."""
        self._cross = cross
        self._pre_tick = int(np.searchsorted(cross.ticks, cross.session.open))
        for slot in self.slots:
            slot.attach(cross)

    def scan_pre(self, first: bool) -> None:
        """The pre-session scans, at the open."""
        for slot in self.slots:
            if slot.pre_session and slot.works:
                self._guard(slot, "pre_session", self._scan, self._pre_tick, first)
            if not slot.schedules:
                self._tear_down(slot)
            self._wait(slot)

    def scan_due(self, tick: int) -> None:
        """The scans that are scheduled at a tick (index in the cross-section)."""
        for slot in self.slots:
            if slot.is_due(tick) and slot.works:
                self._guard(slot, "regular", self._scan, tick, False)
                self._wait(slot)

    @property
    def declares(self) -> bool:
        """Whether nobody looks at anything between two scans, nor is told of them, so that a session's can be done at once."""
        alone = self._time_limit is None and not log.isEnabledFor(logging.INFO)
        return alone and all(slot.columnar for slot in self.slots)

    def scan_all(self) -> bool:
        """All scheduled scans of a session at once; False where one would fail, so that each must be done when it is due."""
        return scan_at_once(self.slots, self._at(), self._data, self.records())

    def may_run_together(self, cross: CrossSection) -> bool:
        """Whether sessions may go through their lifecycle together: nothing of it is the scanners' own, or differs."""
        if not (self.slots and self.declares):
            return False
        return all(slot.independent and not slot.pre_session and slot.schedules and slot.at_once(cross) for slot in self.slots)

    def run_together(self, cross: CrossSection) -> list[ScanRecord] | None:
        """All of a stretch of sessions, the last of which has begun; a record a scanner.

        None where something would fail, so that each session must be run by itself.
        """
        self.set_up(False)
        dates = [session.date for session in cross.sessions]
        records = [ScanRecord(slot.name, dates, cross.session_of_tick) for slot in self.slots]
        if not all(slot.works for slot in self.slots) or not scan_at_once(self.slots, cross, self._data, records):
            return None
        self.tear_down()
        return records

    def tear_down(self) -> None:
        """teardown() of every scanner that still stands."""
        for slot in self.slots:
            self._tear_down(slot)

    def end(self) -> None:
        """Let go of the session's cross-sections."""
        self._cross = None

    def end_stretch(self) -> None:
        """Let go of the cross-sections of all sessions that were computed together."""
        for slot in self.slots:
            slot.end_stretch()

    def records(self) -> list[ScanRecord]:
        """What the session's scans came to, a record a scanner."""
        return [slot.record for slot in self.slots]

    def _set_up(self, slot: ScannerSlot, kind: str, tick: int) -> None:
        slot.state = ScannerState.SETUP_PENDING
        if not slot.scanner.setup(self._context(slot, tick)):
            raise ScannerError("setup() did not return True", fix="return True when the scanner can work")
        slot.state = ScannerState.SETUP_COMPLETE
        log.info("%s Setup complete for %s", TAG, slot.name)

    def _scan(self, slot: ScannerSlot, kind: str, tick: int) -> None:
        slot.state = ScannerState.SCANNING
        slot.record.scans.begin(self._clock.now, kind, tick)
        started = time.perf_counter_ns()
        try:
            self._take(slot, slot.scanner.scan(self._context(slot, tick)))
        finally:
            elapsed_us = (time.perf_counter_ns() - started) / 1000
            slot.record.scans.elapsed_us[-1] = elapsed_us
            slot.done(elapsed_us, 1, int(kind == "regular"))

    def _take(self, slot: ScannerSlot, result: ScanResult) -> None:
        """Promote what a columnar scan found; a scan of the scanner's own has promoted already."""
        if not isinstance(result, ScanResult):
            raise ScannerError(f"scan() returned {type(result).__name__}", expected="a ScanResult")
        if result.error:
            raise ScannerError(result.error)
        if isinstance(result, ColumnarResult):
            cross = self._at()
            promoted = self._data.promote(result.hits.symbols[result.rows], slot.name)
            slot.record.found_columnar(result, promoted, cross.table, cross.ticks)
            return
        self._refuse_strange(result)
        added = self._data.take_added()
        scanned = result.metadata.get("total_scanned")
        size = scanned if isinstance(scanned, int) else len(slot.members(self._at()))
        slot.record.found_symbols(result, [symbol in added for symbol in result.symbols], size)
        self.on_found(slot.name, result.symbols, self._clock.now)

    def _refuse_strange(self, result: ScanResult) -> None:
        table = self._data.table
        if not isinstance(result.symbols, list | tuple) or not all(isinstance(symbol, str) for symbol in result.symbols):
            raise ScannerError(f"scan() returned symbols = {reprlib.repr(result.symbols)}", expected="a list of strings")
        if not isinstance(result.metadata, Mapping):
            raise ScannerError(f"scan() returned metadata = {reprlib.repr(result.metadata)}", expected="a dictionary by symbol")
        for symbol in result.symbols:
            if symbol not in table:
                raise ScannerError(f"scan() returned {symbol!r}", expected="symbols of the run's universes",
                                   fix=did_you_mean(symbol, table.names))  # fmt: skip
        if len(set(result.symbols)) != len(result.symbols):
            raise ScannerError("scan() returned a symbol more than once", expected="each symbol once")

    def _tear_down(self, slot: ScannerSlot) -> None:
        if slot.state is ScannerState.TEARDOWN_COMPLETE:
            return
        failed = slot.state is ScannerState.ERROR
        self._guard(slot, "teardown", self._let_go, 0, False)
        if failed:
            slot.state = ScannerState.ERROR

    def _let_go(self, slot: ScannerSlot, kind: str, tick: int) -> None:
        slot.state = ScannerState.TEARDOWN_PENDING
        slot.scanner.teardown(self._context(slot, tick))
        slot.state = ScannerState.TEARDOWN_COMPLETE
        log.info("%s Teardown complete for %s", TAG, slot.name)

    def _guard(self, slot: ScannerSlot, kind: str, action: Callable[[ScannerSlot, str, int], None], tick: int, fatal: bool) -> None:
        try:
            with self._data.acting_as(slot.name), self._guarded(slot, kind):
                action(slot, kind, tick)
        except (Exception, SystemExit) as error:  # a scanner is the user's code: whatever it raises is told, never hidden
            said = str(error) if isinstance(error, BarsweepError) else f"{type(error).__name__}: {error}"
            if fatal:
                own = isinstance(error, BarsweepError)
                log.debug("%s %s of %s failed\n%s", TAG, kind, slot.name, traceback.format_exc())
                raise ScannerError(f"{kind} failed: {said if own else told(error)}", where=slot.name) from error
            self._fail(slot, kind, tick, said)

    def _guarded(self, slot: ScannerSlot, kind: str) -> AbstractContextManager[None]:
        """What runs no code of the scanner's own needs no guard but the clock's."""
        own = self._time_limit is not None or kind not in slot.inherited
        return guarded(self._time_limit) if own else nullcontext()

    def _fail(self, slot: ScannerSlot, kind: str, tick: int, said: str) -> None:
        log.error("%s %s of %s failed\n%s", TAG, kind, slot.name, traceback.format_exc())
        self.failures += 1
        slot.state, slot.error = ScannerState.ERROR, said
        scans = slot.record.scans
        if kind in ("setup", "teardown") or not len(scans):
            scans.begin(self._clock.now, kind, tick)
        scans.error[-1] = said

    def _wait(self, slot: ScannerSlot) -> None:
        if slot.works and slot.next_scan is not None:
            slot.state = ScannerState.SCAN_PENDING
            if log.isEnabledFor(logging.INFO):
                log.info("%s Next scan for %s: %s", TAG, slot.name, self._local(slot.next_scan))

    def _context(self, slot: ScannerSlot, tick: int) -> ScanContext:
        return ScanContext(
            self._data, self._clock, self._mode, self._clock.get_current_time(), slot.scanner.config,
            make_frame=lambda: self._frame(slot, tick),
            session_hits=lambda: slot.hits(self._at()),
            tick=tick,
        )  # fmt: skip

    def _frame(self, slot: ScannerSlot, tick: int) -> pl.DataFrame:
        cross = self._at()
        members = slot.members(cross)
        return cross.frame(cross.names, np.full(len(members), tick), members)

    def _at(self) -> CrossSection:
        if self._cross is None:
            raise ScannerError("no cross-section yet", fix="setup() comes before the session's history; use scan()")
        return self._cross

    def _local(self, micros: int) -> str:
        moment = dt.datetime.fromtimestamp(micros // 1_000_000, self._clock.get_current_time().tzinfo)
        return f"{moment:%Y-%m-%d %H:%M:%S}"

    def _describe(self, slot: ScannerSlot) -> dict[str, object]:
        upcoming = slot.next_scan
        return {
            "state": slot.state.value,
            "scans": slot.scans,
            "elapsed_ms": slot.busy_us / 1000,
            "next_scan": None if upcoming is None else self._local(upcoming),
            "error": slot.error,
        }
