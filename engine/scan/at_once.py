"""Scans of a session, or of a stretch of them, at once, where all scanners only declare: nobody looks at anything in between.

What each scan finds was evaluated for the whole stretch anyway. What is left is who is promoted when: of each session the first
scan to find a symbol, by tick and then in the scanners' order, promotes it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.panel.bars import Ints, joined
from engine.scan.cross_section import CrossSection
from engine.scan.evaluation import SessionHits
from engine.scan.record import ScanRecord
from engine.scan.slot import ScannerSlot
from engine.scan.store import SymbolStore


@dataclass(frozen=True)
class ScansAtOnce:
    """The scheduled scans of one scanner in a stretch of sessions.

    ticks       int64[scans], indices of the cross-section's ticks
    hits, rows  what they find: rows of the hits
    elapsed_us  how long it took to find that
    record      the notes of the scanner
    """

    slot: ScannerSlot
    ticks: Ints
    hits: SessionHits
    rows: Ints
    elapsed_us: float
    record: ScanRecord

    @classmethod
    def of(cls, slot: ScannerSlot, cross: CrossSection, record: ScanRecord) -> ScansAtOnce:
        """Evaluate them; raises what evaluating raises."""
        started = time.perf_counter_ns()
        hits, ticks = slot.hits_at_once(cross), slot.ticks_of(cross)
        scheduled = np.zeros(len(cross.ticks), np.bool_)
        scheduled[ticks] = True  # there may be a scan before the open as well
        rows = np.flatnonzero(scheduled[hits.ticks])
        return cls(slot, ticks, hits, rows, (time.perf_counter_ns() - started) / 1000, record)

    @cached_property
    def found(self) -> SessionHits:
        """The hits in the rows."""
        return self.hits.only(self.rows)

    def note(self, promoted: NDArray[np.bool_], cross: CrossSection) -> None:
        """Note what came of them; `promoted` is a flag a hit."""
        if not len(self.ticks):
            return
        new = np.bincount(self.found.ticks[promoted], minlength=len(cross.ticks))[self.ticks].tolist()
        qualified, ticks = self.hits.qualified(self.ticks).tolist(), self.ticks.tolist()
        times = np.maximum(cross.ticks, cross.opens)[self.ticks].tolist()  # what is due before the open is done at it
        self.record.scans.add(times, "regular", ticks, self.hits.scanned, qualified, new, self.elapsed_us / len(ticks))
        self.record.saw(self.hits, self.rows, promoted, cross.table, cross.ticks)
        self.slot.done(self.elapsed_us, len(ticks), len(ticks))


def scan_at_once(
    slots: Sequence[ScannerSlot], cross: CrossSection, data: SymbolStore, records: Sequence[ScanRecord]
) -> bool:  # fmt: skip
    """Do all scheduled scans of the cross-section's sessions, and note them in the records, one a slot.

    False, and nothing is done, where one would fail: it has to when it is due.
    """
    try:
        scans = [ScansAtOnce.of(slot, cross, record) for slot, record in zip(slots, records, strict=True) if slot.works]
    except (Exception, SystemExit):
        return False
    if not scans:
        return True
    for one, promoted in zip(scans, _promote(scans, cross, data), strict=True):
        one.note(promoted, cross)
    return True


def _promote(scans: Sequence[ScansAtOnce], cross: CrossSection, data: SymbolStore) -> list[NDArray[np.bool_]]:
    """Promote what is found, each at its tick, and tell of each scanner's hits which ones were new."""
    lengths = [len(one.rows) for one in scans]
    ticks, symbols = (joined([getattr(one.found, name) for one in scans]) for name in ("ticks", "symbols"))
    # of one tick in the scanners' order, as they stand
    order = np.argsort(ticks, kind="stable") if len(scans) > 1 else slice(None)
    by, promoted = np.repeat(np.arange(len(scans)), lengths)[order], np.empty(len(ticks), np.bool_)
    sources, dates = [one.slot.name for one in scans], [session.date for session in cross.sessions]
    on, times = cross.session_of_tick[ticks[order]], cross.ticks[ticks[order]]
    promoted[order] = data.promote_in_turn(symbols[order], times, sources, by, dates, on)
    return np.split(promoted, np.cumsum(lengths)[:-1])
