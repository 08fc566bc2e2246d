"""Scans of a session, or of a stretch of them, at once, where all scanners only declare: nobody looks at anything in between.

What each scan finds was evaluated for the whole stretch anyway. What is left is who is promoted when: of each session the first
scan to find a symbol, by tick and then in the scanners' order, promotes it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.panel.bars import Ints
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
    records     the session's notes of the scanner, of each session
    """

    slot: ScannerSlot
    ticks: Ints
    hits: SessionHits
    rows: Ints
    elapsed_us: float
    records: Sequence[ScanRecord]

    @classmethod
    def of(cls, slot: ScannerSlot, cross: CrossSection, records: Sequence[ScanRecord]) -> ScansAtOnce:
        """Evaluate them; raises what evaluating raises."""
        started = time.perf_counter_ns()
        hits, ticks = slot.hits_at_once(cross), slot.ticks_of(cross)
        scheduled = np.zeros(len(cross.ticks), np.bool_)
        scheduled[ticks] = True  # there may be a scan before the open as well
        rows = np.flatnonzero(scheduled[hits.ticks])
        return cls(slot, ticks, hits, rows, (time.perf_counter_ns() - started) / 1000, records)

    def note(self, promoted: NDArray[np.bool_], cross: CrossSection) -> None:
        """Note what came of them in each session's record; `promoted` is a flag a hit."""
        if not len(self.ticks):
            return
        new = np.bincount(self.hits.ticks[self.rows[promoted]], minlength=len(cross.ticks))[self.ticks].tolist()
        qualified, ticks = self.hits.qualified(self.ticks).tolist(), self.ticks.tolist()
        times = np.maximum(cross.ticks, cross.opens)[self.ticks].tolist()  # what is due before the open is done at it
        scans, rows = (np.searchsorted(of, cross.bounds).tolist() for of in (self.ticks, self.hits.ticks[self.rows]))
        for number, record in enumerate(self.records):
            first, last, own = scans[number], scans[number + 1], slice(rows[number], rows[number + 1])
            if first < last:
                record.scans.add(
                    times[first:last], "regular", ticks[first:last], self.hits.scanned, qualified[first:last], new[first:last],
                    self.elapsed_us / len(ticks),
                )  # fmt: skip
                record.saw(self.hits, self.rows[own], promoted[own], cross.table, cross.ticks)
        self.slot.done(self.elapsed_us, len(ticks), len(ticks))


def scan_at_once(
    slots: Sequence[ScannerSlot], cross: CrossSection, data: SymbolStore, records: Sequence[Sequence[ScanRecord]]
) -> bool:  # fmt: skip
    """Do all scheduled scans of the cross-section's sessions, and note them in the records of each, one a slot.

    False, and nothing is done, where one would fail: it has to when it is due.
    """
    try:
        scans = [
            ScansAtOnce.of(slot, cross, own) for slot, own in zip(slots, zip(*records, strict=True), strict=True) if slot.works
        ]
    except (Exception, SystemExit):
        return False
    for one, promoted in zip(scans, _promote(scans, cross, data), strict=True):
        one.note(promoted, cross)
    return True


def _promote(scans: Sequence[ScansAtOnce], cross: CrossSection, data: SymbolStore) -> list[NDArray[np.bool_]]:
    """Promote what is found, each at its tick, and tell of each scanner's hits which ones were new."""
    lengths = [len(one.rows) for one in scans]
    ticks = np.concatenate([np.empty(0, np.int64), *(one.hits.ticks[one.rows] for one in scans)])
    symbols = np.concatenate([np.empty(0, np.int64), *(one.hits.symbols[one.rows] for one in scans)])
    order = np.argsort(ticks, kind="stable")  # of one tick in the scanners' order, as they stand
    by = np.repeat(np.arange(len(scans)), lengths)[order]
    promoted = np.empty(len(ticks), np.bool_)
    sources, dates = [one.slot.name for one in scans], [session.date for session in cross.sessions]
    on = np.searchsorted(cross.bounds, ticks[order], side="right") - 1
    promoted[order] = data.promote_in_turn(symbols[order], cross.ticks[ticks[order]], sources, by, dates, on)
    return np.split(promoted, np.cumsum(lengths)[:-1])
