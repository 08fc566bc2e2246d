"""An optimization: the best variant by sessions that choose, and what it does in sessions that do
not.

1. `Validation.splits`  sessions that choose and sessions that judge, apart by the label's exit
2. `Search.best`        of each split the best variant by the sessions that choose
3. `_out_of_sample`     its returns and its hits in those that judge, put together in order
4. `_best`              the best variant of all sessions that choose, and how much of it luck would
                        give
5. `TrialsLedger.add`   every variant that was judged, stopped ones too, counts from now on
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.errors import ConfigError
from engine.optimize.judge_variants import ScannerJudge
from engine.optimize.objective import SCANNER, STRATEGY, Objective
from engine.optimize.search import Method, Search, runs_of
from engine.optimize.session_results import SessionResults
from engine.optimize.trials_ledger import TrialsLedger, variant_digest
from engine.optimize.validation import Scheme, Split, Validation
from engine.panel.bars import Floats, Ints
from engine.progress import Progress
from engine.session.scope import RunScope
from engine.statistics.effective_trials import effective_trials
from engine.statistics.luck import Luck, Trials, luck_of
from engine.sweep.sweep_spec import Sweep

OWN_COLUMNS = (
    *("split", "train_first", "train_last", "train_sessions", "test_first", "test_last"),
    *("test_sessions", "variant", "in_sample", "out_of_sample", "stopped"),
)
MOST_CELLS = 100_000_000  # sessions x variants: five numbers of each are in memory


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is asked of an optimization."""

    objective: Objective
    validation: Validation
    method: Method = Method.ALL
    trials: int = 100
    seed: int = 0


@dataclass(frozen=True)
class Optimized:
    """What an optimization came to.

    best, figure   the best variant by all sessions that choose, and its objective there
    luck           what luck alone gives beside it; None where the objective is of no returns
    splits         a row a split: its sessions, the variant chosen, its parameters, the objective in
                   and out of sample
    out_of_sample  a row a path and session: the chosen variant and its return; `equity` begins with
                   1
    hits           of scanners: hits out of sample of the chosen variants, with their split
    variants       a row a variant that was tried: parameters, the objective, whether the search
                   stopped it
    """

    sweep: Sweep
    plan: Plan
    best: int
    figure: float
    luck: Luck | None
    splits: pl.DataFrame = field(repr=False)
    out_of_sample: pl.DataFrame = field(repr=False)
    hits: pl.DataFrame | None = field(repr=False)
    variants: pl.DataFrame = field(repr=False)
    trials: Trials
    seconds: float


def optimize_sweep(
    sweep: Sweep, archive: Archive, plan: Plan, ledger: TrialsLedger | None, progress: Progress
) -> Optimized:
    """Search the variants of a sweep for the best one; see the module."""
    clock = time.perf_counter()
    loaded = sweep.config(0)
    dates = RunScope(loaded, archive).dates
    _refuse_names(sweep)
    if len(dates) * len(sweep.variants) > MOST_CELLS:
        raise ConfigError(
            f"{len(sweep.variants):,} variants over {len(dates):,} sessions",
            where="optimize",
            expected=f"{MOST_CELLS:,} of both together at most",
            fix="narrow the grid by a sweep, or draw some of it",
        )
    search = _search(sweep, archive, plan, dates, progress)
    splits = plan.validation.splits(len(dates), plan.objective.label)
    chosen = []
    for number, split in enumerate(splits):
        chosen.append(search.best(split.training))
        progress("splits", number + 1, len(splits))
    tests = [_tested(search, split, own[0]) for split, own in zip(splits, chosen, strict=True)]
    inside = _inside(splits, plan.validation)
    best, figure = chosen[0] if len(splits) == 1 else search.best(inside)
    trials = _counted(search, sweep, plan, inside, ledger)
    return Optimized(
        sweep,
        plan,
        best,
        figure,
        _luck(search, best, inside, trials),
        _splits_frame(sweep, dates, splits, chosen, tests),
        _out_of_sample(search.results, splits, chosen),
        _hits(search, splits, chosen),
        _variants_frame(search, sweep, inside),
        trials,
        time.perf_counter() - clock,
    )


def _refuse_names(sweep: Sweep) -> None:
    """Parameters that are called as columns of the tables are."""
    for axis in sweep.variants.axes:
        if axis.name in OWN_COLUMNS:
            raise ConfigError(
                f"the parameter {axis.name} is called as a column of splits.parquet",
                where="optimize",
                expected=f"a name that is none of {', '.join(OWN_COLUMNS)}",
                fix="give its whole name, such as SCANNER.NAME",
            )


def _search(
    sweep: Sweep, archive: Archive, plan: Plan, dates: list[dt.date], progress: Progress
) -> Search:
    judge: Any
    if plan.objective.kind == STRATEGY:
        from engine.optimize.judge_strategies import StrategyJudge

        judge = StrategyJudge(sweep, archive, progress)
    else:
        judge = ScannerJudge(sweep, archive, plan.objective, progress)
    variants = sweep.variants
    results = SessionResults.empty(dates, len(variants), plan.objective)
    return Search(
        results, judge, variants.axes, variants.whole, plan.method, plan.trials, plan.seed
    )


def _inside(splits: list[Split], validation: Validation) -> Ints:
    """Sessions by which the best of all is chosen: those that choose, or all where each judges at
    some time.
    """
    if validation.scheme is Scheme.SPLIT:
        return splits[0].training
    return np.unique(
        np.concatenate([part for one in splits for part in (one.training, *one.tests)])
    )


def _tested(search: Search, split: Split, number: int) -> float | None:
    """The objective of a split's choice in the sessions that judge.

    None where it is not defined.
    """
    sessions = np.concatenate(split.tests)
    for test in split.tests:
        search.judge_only(number, test)
    found = float(search.results.figures(sessions)[number])
    return None if np.isnan(found) else found


def _counted(
    search: Search, sweep: Sweep, plan: Plan, inside: Ints, ledger: TrialsLedger | None
) -> Trials:
    """Trials over the archive so far; those of this search alone without a ledger."""
    tried = sorted(search.tried)
    whole = np.array([number for number in tried if number not in search.stopped], np.int64)
    known = whole[search.results.known(inside)[whole]]
    share = effective_trials(search.results.returns[np.ix_(inside, known)]) / max(1, len(known))
    effective = max(1.0, share * len(tried))  # of those that were stopped no more is known
    if ledger is None:
        return Trials(len(tried), effective)
    digests = {
        number: variant_digest(sweep.template.filled(sweep.variants.values(number)))
        for number in tried
    }
    stopped = {digests[number] for number in search.stopped}
    return ledger.add(plan.objective.figure, [*digests.values()], effective, stopped)


def _luck(search: Search, best: int, inside: Ints, trials: Trials) -> Luck | None:
    """The panel on luck, of the variants that were judged in all in-sample sessions."""
    objective = search.results.objective
    if not objective.has_returns or objective.base in (
        "hits",
        "hits_a_session",
        "sessions",
        "count",
    ):
        return None
    known = np.flatnonzero(search.results.known(inside))
    returns = search.results.returns[np.ix_(inside, known)]
    if objective.minimize:
        returns = -returns
    place = int(np.flatnonzero(known == best)[0])
    return replace(luck_of(returns, place, trials=trials, span=objective.span), best=best)


def _splits_frame(
    sweep: Sweep,
    dates: list[dt.date],
    splits: list[Split],
    chosen: list[tuple[int, float]],
    tests: list[float | None],
) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "split": range(len(splits)),
            "train_first": [dates[one.training[0]] for one in splits],
            "train_last": [dates[one.training[-1]] for one in splits],
            "train_sessions": [len(one.training) for one in splits],
            "test_first": [dates[one.tests[0][0]] for one in splits],
            "test_last": [dates[one.tests[-1][-1]] for one in splits],
            "test_sessions": [sum(map(len, one.tests)) for one in splits],
            "variant": [number for number, _ in chosen],
            "in_sample": [figure for _, figure in chosen],
            "out_of_sample": pl.Series(tests, dtype=pl.Float64),
        }
    )
    own = sweep.variants.frame()[[number for number, _ in chosen]].drop("number")
    return pl.concat([frame, own], how="horizontal")


def _out_of_sample(
    results: SessionResults, splits: list[Split], chosen: list[tuple[int, float]]
) -> pl.DataFrame:
    """Returns out of sample, path by path in the order of sessions."""
    frames = []
    for number, (split, (variant, _)) in enumerate(zip(splits, chosen, strict=True)):
        for test, path in zip(split.tests, split.paths, strict=True):
            frames.append(
                pl.DataFrame(
                    {
                        "path": path,
                        "session": [results.dates[row] for row in test],
                        "split": number,
                        "variant": variant,
                        "return": results.returns[test, variant],
                    }
                )
            )
    stitched = pl.concat(frames).sort("path", "session")
    return stitched.with_columns(equity=(1.0 + pl.col("return")).cum_prod().over("path"))


def _hits(
    search: Search, splits: list[Split], chosen: list[tuple[int, float]]
) -> pl.DataFrame | None:
    """Hits out of sample of the chosen variants; of several paths those of each split."""
    if search.results.objective.kind != SCANNER:
        return None
    frames = []
    for number, (split, (variant, _)) in enumerate(zip(splits, chosen, strict=True)):
        for test in (run for one in split.tests for run in runs_of(one)):
            dates = [search.results.dates[row] for row in test]
            found = search.judge.hits(variant, dates)
            frames.append(found.with_columns(split=pl.lit(number), variant=pl.lit(variant)))
    return pl.concat(frames, how="diagonal_relaxed")


def _variants_frame(search: Search, sweep: Sweep, inside: Ints) -> pl.DataFrame:
    """The variants that were tried: parameters, the objective by all sessions that choose, whether
    stopped.
    """
    tried = np.array(sorted(search.tried), np.int64)
    figures: Floats = search.results.figures(inside)[tried]
    own: pl.DataFrame = sweep.variants.frame()[tried.tolist()]
    return own.with_columns(
        pl.Series(search.results.objective.figure, figures, nan_to_null=True),
        pl.Series("stopped", [number in search.stopped for number in tried.tolist()]),
    )
