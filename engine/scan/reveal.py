"""The scheduled scans of a batch in one step, where nobody looks at anything between two of them.

What each scan finds was evaluated for the whole batch anyway. What is left is who is promoted when:
of each session the first scan to find a symbol, by tick and then in the scanners' order, promotes
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.panel.bars import Ints, joined
from engine.scan.cross_section import CrossSection
from engine.scan.scanner_runtime import Outcome, ScanKind, ScannerRuntime
from engine.scan.session_hits import SessionHits
from engine.scan.symbol_store import SymbolStore


@dataclass(frozen=True)
class Revealed:
    """The scheduled scans of one scanner.

    ticks    int64[scans], indices of the cross-section's ticks
    rows     rows of the outcome's hits that these scans find: there may be a scan before the open
             as well
    found    the hits in these rows
    """

    slot: ScannerRuntime
    outcome: Outcome
    ticks: Ints
    rows: Ints
    found: SessionHits

    @classmethod
    def of(cls, slot: ScannerRuntime, cross: CrossSection) -> Revealed:
        """Of a scanner whose outcome is there."""
        outcome, ticks = slot.session.outcome, slot.ticks_of(cross)
        assert outcome is not None
        scheduled = np.zeros(len(cross.ticks), np.bool_)
        scheduled[ticks] = True
        rows = np.flatnonzero(scheduled[outcome.hits.ticks])
        return cls(slot, outcome, ticks, rows, outcome.hits.only(rows))

    def note(self, promoted: NDArray[np.bool_], cross: CrossSection) -> None:
        """Note what came of them; `promoted` is a flag a hit."""
        if not len(self.ticks):
            return
        hits, session, elapsed_us = self.outcome.hits, self.slot.session, self.outcome.elapsed_us
        new = np.bincount(self.found.ticks[promoted], minlength=len(cross.ticks))[
            self.ticks
        ].tolist()
        qualified, ticks = hits.qualified(self.ticks).tolist(), self.ticks.tolist()
        times = np.maximum(cross.ticks, cross.opens)[
            self.ticks
        ].tolist()  # what is due before the open is done at it
        session.record.scans.add(
            times,
            ScanKind.REGULAR.value,
            ticks,
            hits.scanned,
            qualified,
            new,
            elapsed_us / len(ticks),
        )
        session.record.saw(hits, self.rows, promoted, cross.table, cross.ticks)
        session.done(elapsed_us, len(ticks), len(ticks))


def reveal(slots: Sequence[ScannerRuntime], cross: CrossSection, data: SymbolStore) -> None:
    """Do all scheduled scans of the cross-section's sessions.

    The scanners' outcomes are there and have no error.
    """
    scans = [Revealed.of(slot, cross) for slot in slots]
    if scans:
        for one, promoted in zip(scans, _promote(scans, cross, data), strict=True):
            one.note(promoted, cross)


def _promote(
    scans: Sequence[Revealed], cross: CrossSection, data: SymbolStore
) -> list[NDArray[np.bool_]]:
    """Promote the hits' symbols, each at its tick; of each scanner's hits, which were new."""
    lengths = [len(one.rows) for one in scans]
    ticks, symbols = (
        joined([getattr(one.found, name) for one in scans]) for name in ("ticks", "symbols")
    )
    # of one tick in the scanners' order, as they stand
    order = np.argsort(ticks, kind="stable") if len(scans) > 1 else slice(None)
    by, promoted = np.repeat(np.arange(len(scans)), lengths)[order], np.empty(len(ticks), np.bool_)
    sources, dates = [one.slot.name for one in scans], [session.date for session in cross.sessions]
    on, times = cross.session_of_tick[ticks[order]], cross.ticks[ticks[order]]
    promoted[order] = data.promote_in_turn(symbols[order], times, sources, by, dates, on)
    return np.split(promoted, np.cumsum(lengths)[:-1])
