"""Optimization: the best of several variants, judged where it was not chosen, and how much of it is
luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from engine.analysis.metrics import METRICS
from engine.api.notebook_html import facts_html
from engine.api.open_market import OpenMarket, Scannable
from engine.api.progress_display import telling
from engine.api.scan_options import Spell
from engine.api.sweeps import Grid, SweepAsked, sweep_of
from engine.config.models import SessionConfig
from engine.errors import ConfigError, did_you_mean
from engine.optimize import optimization_store
from engine.optimize.objective import SCANNER, STRATEGY, Objective
from engine.optimize.optimization import Optimized, Plan, optimize_sweep
from engine.optimize.search import Method
from engine.optimize.trials_ledger import TrialsLedger
from engine.optimize.validation import Scheme, Validation
from engine.progress import Progress
from engine.session.scope import base_interval
from engine.statistics.luck import Luck
from engine.sweep.sweep_spec import Sweep

LEDGER = "runs/trials"
Named = TypeVar("Named", bound=StrEnum)


@dataclass(frozen=True)
class Optimization:
    """What an optimization came to.

    found  the tables and figures
    out    the folder that it was written to; None for none
    """

    found: Optimized = field(repr=False)
    out: Path | None = None

    @property
    def best(self) -> dict[str, Any]:
        """Parameters of the best variant in sample (by all sessions where there are folds)."""
        return self.found.sweep.variants.values(self.found.best)

    @property
    def variant(self) -> int:
        """Its number."""
        return self.found.best

    @property
    def figure(self) -> float:
        """Its objective."""
        return self.found.figure

    @property
    def luck(self) -> Luck | None:
        """What luck alone gives beside it.

        None where the objective is of no returns that money could have.
        """
        return self.found.luck

    @property
    def splits(self) -> pl.DataFrame:
        """A row a split: its sessions, the variant chosen, the objective in and out of sample, the
        parameters.
        """
        return self.found.splits

    @property
    def out_of_sample(self) -> pl.DataFrame:
        """A row a path and session out of sample: split, variant, return, equity."""
        return self.found.out_of_sample

    @property
    def hits(self) -> pl.DataFrame | None:
        """Hits out of sample of the chosen variants; None of strategies."""
        return self.found.hits

    @property
    def variants(self) -> pl.DataFrame:
        """A row a variant that was tried: parameters, the objective, whether the search stopped
        it."""
        return self.found.variants

    def config(self) -> SessionConfig:
        """The config of the best variant."""
        return self.found.sweep.config(self.found.best).config

    def in_words(self) -> list[str]:
        """How much of the best variant is luck, in plain language."""
        if self.luck is None:
            return [
                f"what is luck is told of returns; {self.found.plan.objective.figure} is none",
                f"trials over this archive: {self.found.trials.count:,}",
            ]
        return self.luck.sentences()

    def facts(self) -> dict[str, Any]:
        """For printing: the best variant, its objective in sample, and out of sample over all
        splits.
        """
        plan = self.found.plan
        outside = self.splits["out_of_sample"].drop_nulls()
        return {
            "best variant": self.variant,
            **{f"  {name}": value for name, value in self.best.items()},
            plan.objective.figure: self.figure,
            "variants": f"{len(self.variants):,} judged of {len(self.found.sweep.variants):,}",
            "splits": len(self.splits),
            "out of sample": float(np.mean(outside.to_numpy())) if len(outside) else "not defined",
            "time": f"{self.found.seconds:.2f} s",
            **({"written to": self.out} if self.out else {}),
        }

    def _repr_html_(self) -> str:
        said = {f"luck {n}": text for n, text in enumerate(self.in_words(), 1)}
        return facts_html(self.facts() | said, ("splits", self.splits))


def optimize(
    *scanners: Scannable | Path,
    archive: str | Path | OpenMarket | None = None,
    objective: str | None = None,
    minimize: bool = False,
    grid: Grid | None = None,
    where: str | Sequence[str] = (),
    random: int | None = None,
    sobol: int | None = None,
    seed: int | None = None,
    search: str = "all",
    trials: int = 100,
    validate: str = "split",
    share: float = 0.3,
    train: int | None = None,
    test: int | None = None,
    folds: int = 5,
    test_folds: int = 2,
    lookback: int = 0,
    embargo: int = 0,
    first_hit: bool = False,
    ledger: str | Path | None = LEDGER,
    out: str | Path | None = None,
    on_progress: Progress | None = None,
    spell: Spell = str,
    **options: Any,
) -> Optimization:
    """Search the best variant of a config, of scanners or of expressions, and judge it in sessions
    that did not choose it.

    scanners, archive, grid, where, random, sobol, seed, first_hit, options   as of `sweep`
    objective  a figure of variants.parquet that is to be large: excess_close, t_m30, hits; of
               strategies sharpe_ratio and the
               other metrics of daily returns; `minimize`: that is to be small
    search     "all" variants; "halving": all by a month, the best third by three, and so on;
               "optuna": `trials` that Optuna suggests
    validate   "split": the last `share` of the sessions judges; "rolling", "anchored":
               walk-forward, `train` sessions choose
               for the next `test`; "folds": each of `folds` judges once; "combinatorial":
               `test_folds` of them at a time
    lookback, embargo  sessions after a test fold that choose nothing, beside those that the
                       objective's label needs
    ledger     the folder of the ledger of trials; None counts this search alone
    out        a folder for splits, out-of-sample returns and hits, variants, and manifest.json
    """
    asked = SweepAsked(grid, where, random, sobol, seed, first_hit)
    swept, bars = sweep_of(scanners, archive, asked, options, spell)
    plan = Plan(
        objective=_objective(swept, bars, objective, minimize),
        validation=Validation(
            scheme=_named(Scheme, validate, spell("validate")),
            share=share,
            train=train,
            test=test,
            folds=folds,
            test_folds=test_folds,
            lookback=lookback,
            embargo=embargo,
        ),
        method=_named(Method, search, spell("search")),
        trials=trials,
        seed=seed or 0,
    )
    counted = TrialsLedger(Path(ledger), bars.path, plan.objective.kind) if ledger else None
    with telling(on_progress) as progress:
        found = optimize_sweep(swept, bars, plan, counted, progress)
    if out is not None:
        optimization_store.write(found, bars, Path(out))
    return Optimization(found, None if out is None else Path(out))


def _objective(swept: Sweep, bars: Any, figure: str | None, minimize: bool) -> Objective:
    """The objective; of a config with strategies theirs, unless the figure is one of hits."""
    loaded = swept.config(0)
    trades = any(one.enabled for one in loaded.config.strategies)
    kind = STRATEGY if figure in METRICS or (figure is None and trades) else SCANNER
    if kind == STRATEGY and not trades:
        raise ConfigError(
            f"the objective {figure} without strategies", expected="a config that names one"
        )
    return Objective.of(figure, kind, base_interval(loaded, bars).is_daily, minimize)


def _named(kind: type[Named], name: str, option: str) -> Named:
    known = [one.value for one in kind]
    if name not in known:
        raise ConfigError(
            f"{option} {name}", expected=f"one of {', '.join(known)}", fix=did_you_mean(name, known)
        )
    return kind(name)
