"""What is told beside the best of several variants: how much of it luck alone would give."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from engine.errors import ConfigError
from engine.statistics.backtest_length import minimum_backtest_length
from engine.statistics.checked import checked_returns
from engine.statistics.deflated_sharpe import chance_of_best, deflated_sharpe
from engine.statistics.effective_trials import effective_trials
from engine.statistics.expected_maximum import expected_maximum
from engine.statistics.false_discovery import adjusted_p_values
from engine.statistics.many_sharpes import ManySharpes
from engine.statistics.overfitting import Overfitting, overfitting, parts_for
from engine.statistics.probabilistic_sharpe import probabilistic_sharpe
from engine.statistics.sharpe import Floats, Sharpe
from engine.statistics.superior_ability import (
    LEAST_PERIODS,
    Bootstrapped,
    SuperiorAbility,
    superior_ability,
    superior_variants,
)
from engine.statistics.track_record import minimum_track_record

SESSIONS_A_YEAR = 252
CONFIDENCE, RATE = 0.95, 0.05
MOST_CELLS = 50_000_000  # sessions x variants that are resampled
LEAST_SESSIONS = 10  # of fewer nothing is said: their deviation is no measure


@dataclass(frozen=True)
class Trials:
    """How often something was tried over an archive, this time included.

    count      trials, those that were stopped included
    effective  how many independent ones they are worth
    """

    count: int
    effective: float


@dataclass(frozen=True)
class Luck:
    """Figures of the best variant, per session, and what worthless variants come to.

    Null: not defined.

    variants     whose returns there are; `trials` and `effective` count those of the ledger too
    sessions     how many there are; `independent` of them, where labels overlap
    sharpe       of the best variant, mean over deviation, a session
    lucky_sharpe what the best of so many worthless variants is expected to have
    probabilistic, deflated   Sharpe ratios of the best, as probabilities
    deflated_among  deflated by the variance of the variants' own ratios, as the paper has it
    chance       that the best of so many worthless variants looks as good
    track_record sessions that a track record needs at least for its ratio to be above 0, at 95 %
    backtest     years below which an annual ratio of 1 is expected of luck alone
    overfitting  probability of backtest overfitting, of `splits` splits of `parts` parts
    superior_ability   Hansen's p-value; `superior` variants by Romano and Wolf at 5 %
    discoveries  variants by Benjamini and Hochberg, of which 5 % are expected to be false
    """

    best: int
    variants: int
    trials: int
    effective: float
    sessions: int
    independent: int
    sharpe: float | None
    lucky_sharpe: float | None
    probabilistic: float | None
    deflated: float | None
    deflated_among: float | None
    chance: float | None
    track_record: float | None
    backtest: float
    overfitting: float | None
    parts: int | None
    splits: int | None
    superior_ability: float | None
    superior: int | None
    discoveries: int

    @property
    def is_luck(self) -> bool:
        """Whether luck alone explains the best: its deflated Sharpe ratio is not above 95 %."""
        return self.deflated is None or self.deflated <= CONFIDENCE

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"is_luck": self.is_luck, "sentences": self.sentences()}

    def sentences(self) -> list[str]:
        """The figures in plain language, the verdict first."""
        if self.sharpe is None or self.deflated is None or self.chance is None:
            why = (
                f"{self.independent} independent sessions; {LEAST_SESSIONS} are needed"
                if self.independent < LEAST_SESSIONS
                else "the returns of the best variant do not vary"
            )
            return [f"what is luck cannot be told: {why}", self._tried()]
        said = [
            "luck alone explains the best variant"
            if self.is_luck
            else "more than luck: the best variant stands out of what so many worthless ones give",
            self._tried(),
            f"of {self._noise()}, the best would look as good as this in {_percent(self.chance)} "
            "of the cases",
            f"Sharpe ratio {self.sharpe:.3f} a session; the best of so many worthless variants has "
            f"{self.lucky_sharpe:.3f}; deflated Sharpe ratio {self.deflated:.3f} "
            f"(above {CONFIDENCE}: hardly luck), undeflated {self.probabilistic:.3f}",
        ]
        return [*said, *self._of_others(), *self._lengths()]

    def _tried(self) -> str:
        before = self.trials - self.variants
        earlier = f", {before:,} of them in other sweeps or stopped" if before > 0 else ""
        return (
            f"trials over this archive: {_many(self.trials, 'variant')}{earlier}; they move "
            "together "
            f"like {_count(self.effective)} independent"
        )

    def _noise(self) -> str:
        return (
            f"{_many(self.trials, 'variant')} of pure noise that move together like these "
            f"({_count(self.effective)} independent)"
        )

    def _of_others(self) -> list[str]:
        said = []
        if self.overfitting is not None:
            said.append(
                f"probability of overfitting {_percent(self.overfitting)}: so often the variant "
                "that is "
                "best in one half of the sessions is not above the middle in the other half "
                f"({self.splits:,} splits of {self.parts} parts)"
            )
        elif self.variants > 1:
            said.append("probability of overfitting: too few sessions to cut into parts")
        if self.superior_ability is not None:
            said.append(
                "Hansen's test: were no variant better than nothing, p = "
                f"{self.superior_ability:.3f}; "
                f"Romano and Wolf: {_many(self.superior or 0, 'variant')} better than nothing (5 %)"
            )
        else:
            said.append(f"Hansen's test: not made of more than {MOST_CELLS:,} returns")
        return [
            *said,
            f"Benjamini and Hochberg: {self.discoveries:,} of {_many(self.variants, 'variant')} "
            "found, "
            "of which 5 % are expected to be false",
        ]

    def _lengths(self) -> list[str]:
        years = self.sessions / SESSIONS_A_YEAR
        needed = (
            f"{math.ceil(self.track_record):,} sessions are needed"
            if self.track_record is not None
            else "no number of sessions is enough"
        )
        return [
            f"{needed} for a ratio above 0 to be believed, had nothing else been tried; there are "
            f"{self.independent:,}",
            f"after so many trials luck alone gives an annual Sharpe ratio of 1 in less than "
            f"{self.backtest:.1f} years; there are {years:.1f}",
        ]


def luck_of(returns: ArrayLike, best: int, *, trials: Trials | None = None, span: int = 1) -> Luck:
    """What luck gives beside the best of several variants.

    returns  float64[sessions, variants], 0 where a variant held nothing
    best     number of the variant that was chosen
    trials   of the archive, by its ledger; the variants alone where left out
    span     sessions that a return lasts: returns over five sessions overlap, so that only every
             fifth
             is counted as independent

    `deflated` takes the ratios of worthless trials to vary as sampling makes them vary, 1 /
    (sessions - 1). The variance of the variants' own ratios is another: of correlated ones it is
    smaller, which would count for less luck, and where some of them catch an effect it is larger,
    which would call the effect luck. Of the best of 30 to 400 variants of noise with fat tails over
    12 to 250 sessions, whether correlated or not, `deflated` was above 0.95 in 2 % of the cases at
    most, `chance` below 0.05 in 6 %.
    """
    values = checked_returns(returns)
    sessions, variants = values.shape
    if not 0 <= best < variants:
        raise ConfigError(f"variant {best}", expected=f"0 to {variants - 1}")
    own = effective_trials(values)
    tried = Trials(max(variants, trials.count), max(own, trials.effective)) if trials else None
    tried = tried or Trials(variants, own)
    independent = sessions // span
    ratios, sharpe = ManySharpes.of(values), Sharpe.of(values[:, best])
    sharpe = Sharpe(sharpe.ratio, independent, sharpe.skewness, sharpe.kurtosis)
    variance = 1.0 / max(1, independent - 1)
    among = float(np.nanvar(ratios.ratio)) if not np.isnan(ratios.ratio).all() else 0.0
    told = independent >= LEAST_SESSIONS
    split, tested, superior = _overfitting(values), *_superior(values, span)
    return Luck(
        best=best,
        variants=variants,
        trials=tried.count,
        effective=tried.effective,
        sessions=sessions,
        independent=independent,
        sharpe=_known(sharpe.ratio),
        lucky_sharpe=math.sqrt(variance) * expected_maximum(tried.effective),
        probabilistic=_known(probabilistic_sharpe(sharpe)) if told else None,
        deflated=_known(deflated_sharpe(sharpe, tried.effective, variance)) if told else None,
        deflated_among=_known(deflated_sharpe(sharpe, tried.effective, among)) if told else None,
        chance=_known(chance_of_best(sharpe, tried.effective)) if told else None,
        track_record=_known(minimum_track_record(sharpe)) if told else None,
        backtest=minimum_backtest_length(tried.effective),
        overfitting=split.probability if split else None,
        parts=split.parts if split else None,
        splits=split.splits if split else None,
        superior_ability=tested.consistent if tested else None,
        superior=superior,
        discoveries=discoveries(ratios.scores(independent)) if told else 0,
    )


def discoveries(scores: Floats, rate: float = RATE) -> int:
    """How many of scores, float64[variants] in standard errors, are discoveries; NaN is no test."""
    known = scores[~np.isnan(scores)]
    p_values = np.ones(len(known))
    near = np.flatnonzero(known > -NormalDist().inv_cdf(rate) - 0.1)  # no other can be one
    p_values[near] = [NormalDist().cdf(-score) for score in known[near].tolist()]
    return int(np.sum(adjusted_p_values(p_values) <= rate))


def _overfitting(values: Floats) -> Overfitting | None:
    parts = parts_for(len(values))
    return overfitting(values, parts) if parts and values.shape[1] > 1 else None


def _superior(values: Floats, span: int) -> tuple[SuperiorAbility | None, int | None]:
    if values.size > MOST_CELLS or len(values) < LEAST_PERIODS:
        return None, None
    block = max(float(span), len(values) ** (1 / 3))
    bootstrapped = Bootstrapped.of(values, block)
    return superior_ability(bootstrapped), len(superior_variants(bootstrapped))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _percent(share: float) -> str:
    """A share as percent, without saying 0 or 100 of what is neither."""
    if 0.0 < share < 0.001:
        return "less than 0.1 %"
    if 0.999 < share < 1.0:
        return "more than 99.9 %"
    return f"{share:.1%}".replace(".0%", "%").replace("%", " %")


def _count(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 or number == round(number) else f"{number:.1f}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
