"""Performance of a series of returns, by the names and definitions of empyrical.

Returns are simple returns, float64 [sessions]. An undefined figure is NaN: of too few sessions, or
with a divisor of 0. A divisor (a deviation, a loss, a drawdown, the benchmark's variance) counts as
0 up to `rounding`: the deviation of equal returns is 1e-17 in floating point, and a ratio over it
would be noise.

Source: https://github.com/stefan-jansen/empyrical-reloaded, stats.py; a test compares all figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.panel.bars import Floats

SESSIONS_A_YEAR = 252
ROUNDING = 1e-9  # of the largest return by size
# The least rounding of a return, which is a quotient of two equities less 1.
LAST_DIGITS = 4 * np.finfo(np.float64).eps


def metrics(returns: Floats, benchmark: Floats | None = None) -> dict[str, float]:
    """Name -> figure; with a benchmark's returns also alpha, beta and captures."""
    found = {name: float(of(returns)) if len(returns) else math.nan for name, of in METRICS.items()}
    if benchmark is not None:
        found |= {"alpha": alpha(returns, benchmark), "beta": beta(returns, benchmark)}
        found |= {
            "up_capture": capture(returns, benchmark, True),
            "down_capture": capture(returns, benchmark, False),
        }
        found["benchmark_return"] = cum_returns_final(benchmark)
    return found


def rounding(returns: Floats) -> float:
    """The size up to which a figure of these returns counts as 0."""
    return max(ROUNDING * float(np.max(np.abs(returns), initial=0.0)), LAST_DIGITS)


def cum_returns_final(returns: Floats) -> float:
    """Total return."""
    return float(np.prod(1.0 + returns) - 1.0)


def annual_return(returns: Floats) -> float:
    """Compound growth a year; NaN where more than all was lost."""
    growth = 1.0 + cum_returns_final(returns)
    return float(growth ** (SESSIONS_A_YEAR / len(returns)) - 1.0) if growth >= 0.0 else math.nan


def annual_volatility(returns: Floats) -> float:
    """Standard deviation of returns (sample) times the root of 252."""
    return (
        float(np.std(returns, ddof=1) * math.sqrt(SESSIONS_A_YEAR))
        if len(returns) > 1
        else math.nan
    )


def sharpe_ratio(returns: Floats) -> float:
    """Mean over standard deviation, annualized, without a risk-free rate.

    NaN where all returns are equal.
    """
    if len(returns) < 2:
        return math.nan
    return _ratio(np.mean(returns), np.std(returns, ddof=1), rounding(returns)) * math.sqrt(
        SESSIONS_A_YEAR
    )


def downside_risk(returns: Floats) -> float:
    """Root of the mean square of the losses, annualized."""
    return _downside(returns) * math.sqrt(SESSIONS_A_YEAR)


def sortino_ratio(returns: Floats) -> float:
    """Annualized mean over downside risk; NaN without a loss."""
    if len(returns) < 2 or not _has_losses(returns):
        return math.nan
    return _ratio(np.mean(returns), _downside(returns)) * math.sqrt(SESSIONS_A_YEAR)


def max_drawdown(returns: Floats) -> float:
    """Deepest fall below an earlier high, 0 or less."""
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    return float(np.min(wealth / np.maximum.accumulate(wealth) - 1.0))


def calmar_ratio(returns: Floats) -> float:
    """Annual return over the deepest drawdown; NaN without one."""
    return (
        _ratio(annual_return(returns), -max_drawdown(returns)) if _has_losses(returns) else math.nan
    )


def omega_ratio(returns: Floats) -> float:
    """Sum of the gains over the sum of the losses; NaN without a loss."""
    if len(returns) < 2 or not _has_losses(returns):
        return math.nan
    return _ratio(np.sum(returns[returns > 0]), -np.sum(returns[returns < 0]))


def stability_of_timeseries(returns: Floats) -> float:
    """R squared of a line through cumulative log returns; NaN where all was lost."""
    if len(returns) < 2 or not np.all(returns > -1.0):
        return math.nan
    logs = np.cumsum(np.log1p(returns))
    if np.ptp(logs) <= rounding(returns):
        return math.nan
    return float(np.corrcoef(np.arange(len(logs)), logs)[0, 1] ** 2)


def tail_ratio(returns: Floats) -> float:
    """95th percentile over the 5th, by size."""
    return _ratio(
        abs(np.percentile(returns, 95)), abs(np.percentile(returns, 5)), rounding(returns)
    )


def value_at_risk(returns: Floats) -> float:
    """5th percentile."""
    return float(np.percentile(returns, 5))


def conditional_value_at_risk(returns: Floats) -> float:
    """Mean of the worst twentieth."""
    cut = int((len(returns) - 1) * 0.05)
    return float(np.mean(np.partition(returns, cut)[: cut + 1]))


def beta(returns: Floats, benchmark: Floats) -> float:
    """Slope against the benchmark; NaN where all of the benchmark's returns are equal."""
    centred = benchmark - np.mean(benchmark) if len(benchmark) else benchmark
    if len(returns) < 2 or np.std(benchmark) <= rounding(benchmark):
        return math.nan
    return _ratio(np.mean(centred * (returns - np.mean(returns))), np.mean(centred**2))


def alpha(returns: Floats, benchmark: Floats) -> float:
    """Mean return less beta times the benchmark's, compounded over a year."""
    slope = beta(returns, benchmark)
    return float((1.0 + np.mean(returns - slope * benchmark)) ** SESSIONS_A_YEAR - 1.0)


def capture(returns: Floats, benchmark: Floats, up: bool) -> float:
    """Annual return over the benchmark's, on the sessions on which the benchmark rose (or fell)."""
    there = benchmark > 0 if up else benchmark < 0
    if np.max(np.abs(benchmark[there]), initial=0.0) <= rounding(benchmark):
        return math.nan
    return _ratio(annual_return(returns[there]), annual_return(benchmark[there]))


def _has_losses(returns: Floats) -> bool:
    return bool(-np.min(returns) > rounding(returns))


def _downside(returns: Floats) -> float:
    return float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)))


def _ratio(
    above: float | np.floating[Any], below: float | np.floating[Any], nothing: float = 0.0
) -> float:
    """above / below; NaN where the size of `below` is at most `nothing`."""
    return float(above / below) if abs(float(below)) > nothing else math.nan


METRICS: dict[str, Callable[[Floats], float]] = {
    one.__name__: one
    for one in (
        cum_returns_final,
        annual_return,
        annual_volatility,
        sharpe_ratio,
        sortino_ratio,
        calmar_ratio,
        max_drawdown,
        omega_ratio,
        stability_of_timeseries,
        tail_ratio,
        downside_risk,
        value_at_risk,
        conditional_value_at_risk,
    )
}
