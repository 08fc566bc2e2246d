"""Folds of sessions that do not know of each other: purged and embargoed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Purge:
    """How far a session reaches beyond itself, in sessions.

    label     until its label is known: the exit of a forward return, of a trade. Sessions before a
              test fold whose label exits in it or later are purged, and those after it up to the
              exit
              of its own last label
    lookback  that its features look back (warm-up): sessions after a test fold that see it are
              purged
    embargo   further sessions after a test fold that are left out
    """

    label: int = 0
    lookback: int = 0
    embargo: int = 0

    def __post_init__(self) -> None:
        for name in ("label", "lookback", "embargo"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} {getattr(self, name)}", expected="0 sessions or more")

    @property
    def after(self) -> int:
        """Sessions that are left out after a test fold."""
        return self.label + self.lookback + self.embargo


def fold_edges(sessions: int, folds: int) -> Ints:
    """Where folds of consecutive sessions begin and the last ends, int64[folds + 1].

    Equal to one session.
    """
    if not 2 <= folds <= sessions:
        raise ConfigError(
            f"{folds} folds of {sessions} sessions", expected=f"2 to {sessions} folds"
        )
    return np.arange(folds + 1, dtype=np.int64) * sessions // folds


def training_sessions(sessions: int, tests: list[tuple[int, int]], purge: Purge) -> Ints:
    """Sessions that may be trained on where [begin, end) of each test are held out, int64, in
    order.

    Marcos Lopez de Prado, Advances in Financial Machine Learning (2018), chapter 7: labels that
    overlap those of a test are purged, and what follows it is embargoed.
    """
    kept = np.ones(sessions, np.bool_)
    for begin, end in tests:
        kept[max(0, begin - purge.label) : end + purge.after] = False
    return np.flatnonzero(kept)


def purged_folds(
    sessions: int, folds: int, purge: Purge | None = None
) -> Iterator[tuple[Ints, Ints]]:
    """Each fold as a test once: its training sessions and its own, int64 each.

    Training sessions lie before and after the test. Raises ConfigError where none are left.
    """
    edges = fold_edges(sessions, folds)
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        yield (
            some_left(training_sessions(sessions, [(begin, end)], purge or Purge()), sessions),
            np.arange(begin, end),
        )


def some_left(training: Ints, sessions: int) -> Ints:
    """The training sessions, refused where there are none."""
    if not len(training):
        raise ConfigError(
            f"purge and embargo leave none of {sessions} sessions to train on",
            expected="longer folds than they are",
            fix="take fewer folds, a shorter horizon, or more sessions",
        )
    return training
