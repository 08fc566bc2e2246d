"""Variants that Optuna suggests, a batch at a time: they are judged together, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from engine.errors import ConfigError
from engine.panel.bars import Floats, Ints
from engine.sweep.axes import Axis

BATCH = 16  # variants that are judged together


class Judged(Protocol):
    """A search that Optuna guides: its axes, and the judging of variants."""

    @property
    def axes(self) -> Sequence[Axis]:
        """The swept parameters."""

    @property
    def whole(self) -> bool:
        """Whether the variants are all combinations of the axes."""

    @property
    def trials(self) -> int:
        """Number of suggestions to ask for."""

    @property
    def seed(self) -> int:
        """Seed of the sampler."""

    def need(self, variants: Ints, sessions: Ints) -> None:
        """Judge variants in sessions, where they are not judged yet."""

    def scores(self, variants: Ints, sessions: Ints) -> Floats:
        """The objective of variants, more is better."""


def suggested(search: Judged, sessions: Ints) -> Ints:
    """Variants of a whole grid that were asked for, judged and told, each once; int64, sorted.

    A tree-structured Parzen estimator with the search's seed suggests a place on each axis. The
    study is in memory; of a figure that is not defined Optuna is told that the trial failed.
    """
    try:
        import optuna
    except ImportError:
        raise ConfigError(
            "optuna is not installed", where="optimize", fix="pip install 'barsweep[optimize]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    axes, whole = search.axes, search.whole
    if not whole:
        raise ConfigError(
            "optuna beside variants that are drawn",
            expected="one of them: optuna chooses of a grid",
        )
    sizes = [len(axis) for axis in axes]
    sampler = optuna.samplers.TPESampler(seed=search.seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    asked: set[int] = set()
    left = search.trials
    while left > 0:
        trials = [study.ask() for _ in range(min(BATCH, left))]
        places = [
            [
                trial.suggest_int(axis.name, 0, size - 1)
                for axis, size in zip(axes, sizes, strict=True)
            ]
            for trial in trials
        ]
        numbers = np.ravel_multi_index(tuple(np.array(places).T), sizes)
        search.need(np.unique(numbers), sessions)
        figures = search.scores(numbers, sessions)
        for trial, figure in zip(trials, figures.tolist(), strict=True):
            if np.isnan(figure):
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, figure)
        asked.update(numbers.tolist())
        left -= len(trials)
    return np.array(sorted(asked), np.int64)
