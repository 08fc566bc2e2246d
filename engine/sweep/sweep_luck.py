"""What luck alone gives beside a sweep's own best figure, in figures and sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from engine.statistics.expected_maximum import expected_maximum
from engine.statistics.luck import discoveries, luck_of
from engine.statistics.many_sharpes import normal_scores
from engine.sweep.strategy_variants import TradingFigures


@dataclass(frozen=True)
class SweepLuck:
    """What is told beside the best of a column of `variants.parquet`.

    column     the figure; "returns" of strategies' daily returns
    best       number of the variant
    figures    for the manifest
    sentences  plain language, the verdict first
    """

    column: str
    best: int
    figures: dict[str, Any]
    sentences: list[str]


def sweep_luck(
    figures: pl.DataFrame, horizons: Sequence[str], trading: TradingFigures | None
) -> list[SweepLuck]:
    """The panel on luck of each scanner and of what was traded.

    Scanners are judged by the t-statistic to the close, or of the first horizon that has one;
    strategies by their daily returns.

    figures   a row a variant, as in `variants.parquet`
    horizons  of the forward returns among them
    """
    found: list[SweepLuck] = []
    for sessions in figures.columns:  # a scanner's; of several its name stands before
        prefix = sessions.removesuffix("sessions")
        if prefix == sessions or (prefix and not prefix.endswith(".")):
            continue
        names = [f"{prefix}t_{one}" for one in ("close", "next_close", *horizons)]
        known = [n for n in names if n in figures.columns and figures[n].drop_nulls().len()]
        if known:
            found.append(luck_of_t(known[0], figures[known[0]], figures[sessions]))
    if trading is not None and len(trading.dates) > 2:
        found.append(_of_returns(np.nan_to_num(trading.returns.T)))
    return found


def luck_of_t(column: str, values: pl.Series, sessions: pl.Series) -> SweepLuck:
    """Of t-statistics, clustered by session, a variant each; null for none.

    Sessions with hits give the degrees of freedom.

    The variants are taken for independent: sums alone do not say how they move together, so that
    the share of cases is the largest that it may be.
    """
    t, degrees = values.cast(pl.Float64).to_numpy(), sessions.to_numpy() - 1
    scores = normal_scores(t, np.maximum(degrees, 1).astype(np.float64))
    best, trials = int(np.nanargmax(scores)), len(t)
    chance = -math.expm1(trials * math.log1p(-min(NormalDist().cdf(-scores[best]), 1 - 1e-16)))
    lucky, found = expected_maximum(trials), discoveries(scores)
    figures = {
        "best": best,
        "t": float(t[best]),
        "trials": trials,
        "expected_best_of_noise": lucky,
        "chance": chance,
        "discoveries": found,
        "is_luck": chance > 0.05,
    }
    return SweepLuck(column, best, figures, _sentences(column, figures))


def _sentences(column: str, of: dict[str, Any]) -> list[str]:
    verdict = "luck alone may explain" if of["is_luck"] else "more than luck:"
    trials = f"{of['trials']:,} variant{'' if of['trials'] == 1 else 's'}"
    return [
        f"{verdict} the largest {column}, {of['t']:.2f} of variant {of['best']}",
        f"of {trials} of pure noise, were they independent, the best would look as good as this in "
        f"{of['chance']:.1%} of the cases, and have {of['expected_best_of_noise']:.2f} on "
        "average".replace("%", " %"),
        f"Benjamini and Hochberg: {of['discoveries']:,} of {trials} found, of which 5 % are "
        "expected to be false",
        "barsweep optimize tells how many independent variants these are worth, and judges the "
        "best out of sample",
    ]


def _of_returns(returns: np.ndarray) -> SweepLuck:
    """Of accounts' daily returns, float64[sessions, variants]: the best by the Sharpe ratio."""
    deviation = returns.std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(deviation > 0, returns.mean(axis=0) / deviation, -np.inf)
    best = int(np.argmax(ratios))
    luck = luck_of(returns, best)
    return SweepLuck("returns", best, luck.as_dict(), luck.sentences())
