"""The rows before a session that windows reach back over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.indicators.term import Term
from engine.kernels.keep_rows import keep_rows
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.passes import Job

PastKey = tuple[str, int]


def past_key(term: Term) -> PastKey:
    """Windows over the same rows that are seeded from the same session on share what was before."""
    return term.rows, term.warmup_sessions


@dataclass
class PastRows:
    """The last rows of each symbol, before the batch that was walked last and after it.

    A window is an exact function of so many rows: they are all that it needs of what was before, however many windows there are.

    size    rows kept of each symbol
    values  column -> float64[symbols, size], flush right: before the batch
    counts  int64[symbols], how many rows a symbol has
    """

    size: int
    values: dict[str, Floats]
    counts: Ints
    _after: dict[str, Floats]
    _counts_after: Ints
    _room: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, symbols: int, terms: Sequence[Term]) -> PastRows:
        """Of windows over the same rows: as many rows as the longest of them reads."""
        size, names = (
            max(term.window for term in terms),
            dict.fromkeys(name for term in terms for name in term.inputs),
        )
        values, after = ({name: np.empty((symbols, size)) for name in names} for _ in range(2))
        return cls(size, values, np.zeros(symbols, np.int64), after, np.zeros(symbols, np.int64))

    def pick(self, ids: Ints | slice) -> PastRows:
        """Those of some symbols, with what was before the batch that was walked last still to be walked."""
        after, counts = (
            {name: values[ids].copy() for name, values in self.values.items()},
            self.counts[ids].copy(),
        )
        values = {name: np.empty_like(rows) for name, rows in after.items()}
        return PastRows(self.size, values, counts, after, counts.copy())

    def room(self, name: str, rows: int) -> Floats:
        """Memory to lay out rows of a column in, until it is asked for again: fresh memory costs page faults."""
        if name not in self._room or len(self._room[name]) < rows:
            self._room[name] = np.empty(rows + rows // 4)
        return self._room[name][:rows]

    def take(self, other: PastRows, ids: Ints, places: Ints) -> None:
        """What some symbols have after the last session, from another's symbols at `places`."""
        for name, rows in other._after.items():
            self._after[name][ids] = rows[places]
        self._counts_after[ids] = other._counts_after[places]

    def reset(self, ids: Ints | slice) -> None:
        """Forget what some symbols have after the last session."""
        self._counts_after[ids] = 0

    def jobs(self, columns: dict[str, Floats], bars: Bars, ids: Ints | None) -> list[Job]:
        """The jobs that walk a session, of some symbols again; `columns` are over its bars."""
        if ids is None:
            self.values, self._after = self._after, self.values
            self.counts, self._counts_after = self._counts_after, self.counts
            before, counts = self.values, self.counts
        else:
            before, counts = self._after, self._counts_after.copy()
        which = slice(None) if ids is None else ids
        self._counts_after[which] = np.minimum(
            self.size, counts[which] + (bars.ends - bars.starts)[which]
        )

        def job(first: int, last: int) -> None:
            for name, values in columns.items():
                keep_rows(
                    first,
                    last,
                    bars.starts,
                    bars.ends,
                    values,
                    before[name],
                    counts,
                    self._after[name],
                )

        return [job]
