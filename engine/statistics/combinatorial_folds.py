"""Combinatorial purged cross-validation: several test folds at a time, and the paths they make."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from engine.errors import ConfigError
from engine.statistics.purged_folds import Ints, Purge, fold_edges, some_left, training_sessions

MOST_SPLITS = 10_000


@dataclass(frozen=True)
class CombinatorialSplit:
    """One way to choose the test folds.

    training  int64: sessions to train on
    tests     fold -> its sessions, int64
    """

    training: Ints
    tests: dict[int, Ints]


@dataclass(frozen=True)
class CombinatorialFolds:
    """All ways to take `test_folds` of `folds` folds of consecutive sessions for tests.

    Each fold is tested in C(folds - 1, test_folds - 1) splits; the k-th test of every fold makes
    path k, a whole history out of sample. CPCV(5, 2): 10 splits, 4 paths. Marcos Lopez de Prado,
    Advances in Financial Machine Learning (2018), chapter 12.
    """

    folds: int
    test_folds: int
    purge: Purge = field(default_factory=Purge)

    def __post_init__(self) -> None:
        if not 1 <= self.test_folds < self.folds:
            raise ConfigError(
                f"{self.test_folds} test folds of {self.folds}",
                expected="1 or more, and fewer than there are folds",
            )
        if self.splits > MOST_SPLITS:
            raise ConfigError(
                f"{self.test_folds} test folds of {self.folds} make {self.splits:,} splits",
                expected=f"{MOST_SPLITS:,} at the most",
                fix="take fewer folds",
            )

    @property
    def splits(self) -> int:
        """How many ways there are."""
        return math.comb(self.folds, self.test_folds)

    @property
    def paths(self) -> int:
        """How many times each fold is tested."""
        return math.comb(self.folds - 1, self.test_folds - 1)

    def of(self, sessions: int) -> Iterator[CombinatorialSplit]:
        """The splits of so many sessions, in the order of `itertools.combinations`."""
        edges = fold_edges(sessions, self.folds)
        for chosen in combinations(range(self.folds), self.test_folds):
            held = [(int(edges[fold]), int(edges[fold + 1])) for fold in chosen]
            training = some_left(training_sessions(sessions, held, self.purge), sessions)
            tests = {fold: np.arange(*span) for fold, span in zip(chosen, held, strict=True)}
            yield CombinatorialSplit(training, tests)

    def path_splits(self) -> Ints:
        """Which split each path takes each fold's test from, int64[paths, folds]."""
        tested: list[list[int]] = [[] for _ in range(self.folds)]
        for split, chosen in enumerate(combinations(range(self.folds), self.test_folds)):
            for fold in chosen:
                tested[fold].append(split)
        return np.array(tested, np.int64).T
