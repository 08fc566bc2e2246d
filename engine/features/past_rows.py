"""The rows before a session that windows read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.compute.keep_rows import keep_rows
from engine.features.feature_node import FeatureNode
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.passes import Job

PastKey = tuple[str, int]


def past_key(node: FeatureNode) -> PastKey:
    """The past rows of a window: windows over the same rows with the same warm-up share them."""
    return node.rows, node.warmup_sessions


@dataclass
class PastRows:
    """The last rows of each symbol, before the batch that was walked last and after it.

    A window of n rows is an exact function of n rows. So these rows replace the states of all
    windows, however many there are.

    size    rows kept of each symbol
    values  column -> float64[symbols, size], flush right: before the batch
    counts  int64[symbols]: rows that a symbol has before the batch, at most `size`
    """

    size: int
    values: dict[str, Floats]
    counts: Ints
    _after: dict[str, Floats]
    _counts_after: Ints
    _room: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, symbols: int, nodes: Sequence[FeatureNode]) -> PastRows:
        """Empty past rows, as many as the longest of these windows reads."""
        size, names = (
            max(node.window for node in nodes),
            dict.fromkeys(name for node in nodes for name in node.inputs),
        )
        values, after = ({name: np.empty((symbols, size)) for name in names} for _ in range(2))
        return cls(size, values, np.zeros(symbols, np.int64), after, np.zeros(symbols, np.int64))

    def pick(self, ids: Ints | slice) -> PastRows:
        """A copy for some symbols, from before the batch that was walked last."""
        after, counts = (
            {name: values[ids].copy() for name, values in self.values.items()},
            self.counts[ids].copy(),
        )
        values = {name: np.empty_like(rows) for name, rows in after.items()}
        return PastRows(self.size, values, counts, after, counts.copy())

    def room(self, name: str, rows: int) -> Floats:
        """Memory for `rows` values of a column, used again by the next call: saves page faults."""
        if name not in self._room or len(self._room[name]) < rows:
            self._room[name] = np.empty(rows + rows // 4)
        return self._room[name][:rows]

    def take(self, other: PastRows, ids: Ints, places: Ints) -> None:
        """What some symbols have after the last session, from another's symbols at `places`."""
        for name, rows in other._after.items():
            self._after[name][ids] = rows[places]
        self._counts_after[ids] = other._counts_after[places]

    def reset(self, ids: Ints | slice) -> None:
        """Forget the rows of some symbols after the last session."""
        self._counts_after[ids] = 0

    def jobs(self, columns: dict[str, Floats], bars: Bars, ids: Ints | None) -> list[Job]:
        """The jobs that keep the last rows of a session.

        columns  name -> float64 over the session's bars
        ids      symbols whose session is walked again after a split; None for a new session
        """
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
