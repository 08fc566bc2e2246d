"""Searches for the best variant by some sessions: all of them, by halves, or as Optuna suggests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Protocol

import numpy as np
import polars as pl

from engine.errors import ConfigError
from engine.optimize.optuna_search import suggested
from engine.optimize.session_results import SessionResults
from engine.panel.bars import Floats, Ints
from engine.sweep.axes import Axis

KEPT = 3  # of so many variants successive halving keeps the best one
LEAST = 3  # variants that are judged by all months


class Method(StrEnum):
    """The searches over a sweep's variants."""

    ALL = "all"
    HALVING = "halving"
    OPTUNA = "optuna"


class Judge(Protocol):
    """Who judges variants."""

    def judge(self, numbers: Sequence[int], dates: Sequence[dt.date]) -> dict[str, Floats]:
        """float64[sessions, variants] by name, of sessions that follow each other."""

    def hits(self, number: int, dates: Sequence[dt.date]) -> pl.DataFrame:
        """A variant's hits in such sessions."""


@dataclass
class Search:
    """Results so far, and who makes more of them.

    axes, whole  what is swept, and whether the variants are all combinations of it
    trials       how many Optuna suggests
    tried        every variant that was judged in some session
    """

    results: SessionResults
    judge: Judge
    axes: Sequence[Axis]
    whole: bool
    method: Method = Method.ALL
    trials: int = 100
    seed: int = 0
    tried: set[int] = field(default_factory=set)
    _finished: set[int] = field(default_factory=set)

    @property
    def stopped(self) -> set[int]:
        """Variants that no search judged by all of its sessions."""
        return self.tried - self._finished

    def best(self, sessions: Ints) -> tuple[int, float]:
        """The best variant by some sessions, and its figure.

        Raises ConfigError where none has one.
        """
        everyone = np.arange(self.results.returns.shape[1])
        match self.method:
            case Method.ALL:
                left = everyone
                self.need(left, sessions)
            case Method.HALVING:
                left = self._halved(everyone, sessions)
            case Method.OPTUNA:
                left = self._suggested(sessions)
        self._finished.update(left.tolist())
        found = self.scores(left, sessions)
        if np.isnan(found).all():
            raise ConfigError(
                f"no variant has {self.results.objective.figure} in {len(sessions)} sessions "
                f"({self.results.dates[sessions[0]]} to {self.results.dates[sessions[-1]]})",
                where="optimize",
                expected="hits with returns; 10 sessions with some for a t-statistic",
                fix="take another objective, looser parameters, or more sessions",
            )
        place = int(np.nanargmax(found))
        return int(left[place]), float(self._sign * found[place])

    @property
    def _sign(self) -> float:
        return -1.0 if self.results.objective.minimize else 1.0

    def scores(self, variants: Ints, sessions: Ints) -> Floats:
        """The objective of some variants, turned so that more is better."""
        return np.asarray(self._sign * self.results.figures(sessions)[variants])

    def need(self, variants: Ints, sessions: Ints) -> None:
        """Judge what is not judged yet of some variants in some sessions: they are trials."""
        self.tried.update(variants.tolist())
        self._judge(variants, sessions)

    def judge_only(self, variant: int, sessions: Ints) -> None:
        """Judge a variant that was chosen already."""
        self._judge(np.array([variant]), sessions)

    def _judge(self, variants: Ints, sessions: Ints) -> None:
        for run in runs_of(sessions):
            missing = variants[~self.results.known(run)[variants]]
            if len(missing):
                dates = [self.results.dates[row] for row in run]
                self.results.put(run, missing, self.judge.judge(missing.tolist(), dates))

    def _halved(self, variants: Ints, sessions: Ints) -> Ints:
        """Successive halving: all by the first month, the best third by the first three, and so on
        by all.

        Kevin Jamieson, Ameet Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter
        Optimization (2016); months are what a session's values do not depend on the beginning of.
        """
        dates = self.results.dates
        months = [
            np.array([*rows])
            for _, rows in groupby(
                sessions.tolist(), key=lambda row: (dates[row].year, dates[row].month)
            )
        ]
        left, upto = variants, 1
        while True:
            part = np.concatenate(months[:upto])
            self.need(left, part)
            if upto >= len(months):
                return left
            figures = self.scores(left, part)
            order = np.argsort(-np.where(np.isnan(figures), -np.inf, figures), kind="stable")
            left = np.sort(left[order[: max(LEAST, -(-len(left) // KEPT))]])
            upto = min(len(months), upto * KEPT)

    def _suggested(self, sessions: Ints) -> Ints:
        return suggested(self, sessions)


def runs_of(sessions: Ints) -> list[Ints]:
    """Sessions cut where one does not follow the other."""
    return np.split(sessions, np.flatnonzero(np.diff(sessions) != 1) + 1)
