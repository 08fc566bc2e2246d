"""A session's scans at once, where all scanners only declare: nobody looks at anything between two of them.

What each scan finds was evaluated for the whole session anyway. What is left is who is promoted when: the first scan to find a
symbol, by tick and then in the scanners' order, promotes it.
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
from engine.scan.slot import ScannerSlot
from engine.scan.store import SymbolStore


@dataclass(frozen=True)
class ScansAtOnce:
    """The scheduled scans of one scanner in a session.

    ticks       int64[scans], indices of the cross-section's ticks
    times       int64[scans], microseconds, when they are done
    hits, rows  what they find: rows of the session's hits
    elapsed_us  how long it took to find that
    """

    slot: ScannerSlot
    ticks: Ints
    times: Ints
    hits: SessionHits
    rows: Ints
    elapsed_us: float

    @classmethod
    def of(cls, slot: ScannerSlot, cross: CrossSection, now: int) -> ScansAtOnce:
        """Evaluate them; raises what evaluating raises. Ticks before `now` are scanned at it."""
        started = time.perf_counter_ns()
        hits, ticks = slot.hits(cross), np.array(sorted(slot.due), np.int64)
        scheduled = np.zeros(len(cross.ticks), np.bool_)
        scheduled[ticks] = True  # there may be a scan before the open as well
        rows = np.flatnonzero(scheduled[hits.ticks])
        return cls(slot, ticks, np.maximum(cross.ticks[ticks], now), hits, rows, (time.perf_counter_ns() - started) / 1000)


def scan_at_once(slots: Sequence[ScannerSlot], cross: CrossSection, data: SymbolStore, now: int) -> bool:
    """Do all scans that are scheduled; False, and nothing is done, where one would fail: it has to when it is due."""
    try:
        scans = [ScansAtOnce.of(slot, cross, now) for slot in slots if slot.works and slot.due]
    except (Exception, SystemExit):
        return False
    if not scans:
        return True
    for one, promoted in zip(scans, _promote(scans, cross, data), strict=True):
        one.slot.record.found_at_once(one.hits, one.rows, promoted, one.ticks, one.times, one.elapsed_us, cross.table, cross.ticks)
        one.slot.done(one.elapsed_us, len(one.ticks), len(one.ticks))
    return True


def _promote(scans: Sequence[ScansAtOnce], cross: CrossSection, data: SymbolStore) -> list[NDArray[np.bool_]]:
    """Promote what is found, each at its tick, and tell of each scanner's hits which ones were new."""
    lengths = [len(one.rows) for one in scans]
    ticks = np.concatenate([np.empty(0, np.int64), *(one.hits.ticks[one.rows] for one in scans)])
    symbols = np.concatenate([np.empty(0, np.int64), *(one.hits.symbols[one.rows] for one in scans)])
    order = np.argsort(ticks, kind="stable")  # of one tick in the scanners' order, as they stand
    by = np.repeat(np.arange(len(scans)), lengths)[order]
    promoted = np.empty(len(ticks), np.bool_)
    sources = [one.slot.name for one in scans]
    promoted[order] = data.promote_in_turn(symbols[order], cross.ticks[ticks[order]], sources, by)
    return np.split(promoted, np.cumsum(lengths)[:-1])
