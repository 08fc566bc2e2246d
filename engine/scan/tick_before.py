"""What `previous(x)` reads: x at the tick before of a schedule.

The tick before is one of the same session, or, where bars are daily, the last of the session right
before it. Of a symbol that split since, the value before is in another scale, and so is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.clock.calendar import Session
from engine.panel.bars import Floats, Ints
from engine.scan.ticks import Scheduled


@dataclass(frozen=True)
class Before:
    """What was known at the ticks of the session before a batch.

    ticks   int64[ticks], microseconds
    values  name -> float64[ticks, symbols], symbols as in the batch, prices in the session's own
            scale
    """

    session: Session
    ticks: Ints
    values: Callable[[str], Floats]

    def of_symbols(self, ids: Ints) -> Before:
        """The same of some symbols."""
        return Before(self.session, self.ticks, lambda name: self.values(name)[:, ids])


@dataclass(frozen=True)
class LookBack:
    """How ticks look back into the session before, where they do.

    before    the session before the first; None where there is none
    rescaled  (number of a session, symbol) that split after the session before
    """

    before: Before | None
    rescaled: Sequence[tuple[int, int]] = ()


class TicksBefore:
    """The tick before each tick of a schedule, over the sessions of a cross-section.

    before  int64[ticks], the index of the tick before; -1 where there is none among these ticks
    """

    def __init__(
        self, sessions: Sequence[Session], ticks: Ints, looks: Scheduled, look_back: LookBack | None
    ):
        own = [looks.ticks(session) for session in sessions]
        places = np.searchsorted(ticks, np.concatenate(own))
        numbers = np.repeat(np.arange(len(own)), [len(of_session) for of_session in own])
        self.before: Ints = np.full(len(ticks), -1)
        near = np.flatnonzero(np.diff(numbers) <= int(look_back is not None))
        self.before[places[near + 1]] = places[near]
        self._firsts = {
            number: int(places[np.searchsorted(numbers, number)])
            for number, of in enumerate(own)
            if len(of)
        }
        self._look_back, self._last_row = (
            look_back or LookBack(None),
            -1,
        )  # of the session before: the schedule's last tick
        before = self._look_back.before
        if before is not None and 0 in self._firsts and len(earlier := looks.ticks(before.session)):
            self._last_row = int(np.searchsorted(before.ticks, earlier[-1]))

    def values(self, name: str, values: Floats, places: Ints | None = None) -> Floats:
        """A column, float64[ticks, places], at the tick before each.

        `places` of symbols, None where they are their ids.
        """
        found, there = np.full(values.shape, np.nan), np.flatnonzero(self.before >= 0)
        found[there] = values[self.before[there]]
        before = self._look_back.before
        if self._last_row >= 0 and before is not None:
            row = before.values(name)[self._last_row]
            symbols = np.arange(len(row)) if places is None else np.flatnonzero(places >= 0)
            found[self._firsts[0], symbols if places is None else places[symbols]] = row[symbols]
        for number, symbol in self._look_back.rescaled:
            place = symbol if places is None else int(places[symbol])
            if number in self._firsts and place >= 0:
                found[self._firsts[number], place] = np.nan
        return found
