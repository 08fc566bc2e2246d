"""Splits of sessions: in-sample ones choose the best variant, out-of-sample ones judge it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engine.errors import ConfigError
from engine.panel.bars import Ints
from engine.statistics.combinatorial_folds import CombinatorialFolds
from engine.statistics.purged_folds import Purge, purged_folds, some_left

OUT_OF_SAMPLE = 0.3  # of the sessions


class Scheme(StrEnum):
    """The ways to split."""

    SPLIT = "split"
    ROLLING = "rolling"
    ANCHORED = "anchored"
    FOLDS = "folds"
    COMBINATORIAL = "combinatorial"


@dataclass(frozen=True)
class Split:
    """Sessions to choose by and to judge by, int64 places in order.

    tests  runs of sessions that follow each other
    paths  of each test, the path of a whole history that it is part of
    """

    training: Ints
    tests: tuple[Ints, ...]
    paths: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Validation:
    """How to split.

    share       "split": the last sessions, as a share, are out of sample
    train, test  walk-forward: sessions that choose, and the next ones that judge; all before them
                 choose where it is anchored
    folds, test_folds  as many folds, each a test once, or so many at a time (combinatorial)
    lookback, embargo  sessions as in `Purge`; the label comes from the objective
    """

    scheme: Scheme = Scheme.SPLIT
    share: float = OUT_OF_SAMPLE
    train: int | None = None
    test: int | None = None
    folds: int = 5
    test_folds: int = 2
    lookback: int = 0
    embargo: int = 0

    def splits(self, sessions: int, label: int) -> list[Split]:
        """All splits of so many sessions, whose labels exit so many sessions later.

        Raises ConfigError where there are none.
        """
        purge = Purge(label=label, lookback=self.lookback, embargo=self.embargo)
        match self.scheme:
            case Scheme.SPLIT:
                if not 0.0 < self.share < 1.0:
                    raise ConfigError(
                        f"{self.share} of the sessions out of sample", expected="above 0, below 1"
                    )
                begin = min(sessions - 1, max(1, round(sessions * (1.0 - self.share))))
                return [_forward(0, begin, sessions, purge, sessions)]
            case Scheme.FOLDS:
                return [
                    Split(training, (test,), (0,))
                    for training, test in purged_folds(sessions, self.folds, purge)
                ]
            case Scheme.COMBINATORIAL:
                return _combinatorial(
                    CombinatorialFolds(self.folds, self.test_folds, purge), sessions
                )
        return self._walk(sessions, purge)

    def _walk(self, sessions: int, purge: Purge) -> list[Split]:
        """Tests that follow each other up to the last session; the last one may be shorter."""
        train = self.train or max(1, sessions // 2)
        test = self.test or max(1, sessions // 10)
        if train >= sessions:
            raise ConfigError(
                f"{train} sessions to train on of {sessions}", expected=f"1 to {sessions - 1}"
            )
        anchored = self.scheme is Scheme.ANCHORED
        return [
            _forward(
                0 if anchored else begin - train,
                begin,
                min(begin + test, sessions),
                purge,
                sessions,
            )
            for begin in range(train, sessions, test)
        ]


def _forward(first: int, begin: int, end: int, purge: Purge, sessions: int) -> Split:
    """Train on [first, begin) without what its labels reach of the test [begin, end)."""
    training = np.arange(first, begin - purge.label)
    return Split(some_left(training, sessions), (np.arange(begin, end),), (0,))


def _combinatorial(folds: CombinatorialFolds, sessions: int) -> list[Split]:
    taken = folds.path_splits()
    return [
        Split(
            one.training,
            tuple(one.tests.values()),
            tuple(int(np.flatnonzero(taken[:, fold] == number)[0]) for fold in one.tests),
        )
        for number, one in enumerate(folds.of(sessions))
    ]


def paths_of(splits: Sequence[Split]) -> int:
    """How many whole histories the tests of splits make."""
    return 1 + max(path for split in splits for path in split.paths)
