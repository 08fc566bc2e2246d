"""Performance of a series of returns, by the names and definitions of empyrical.

Returns are simple and one a session; NaN where a figure is not defined: too few sessions, or nothing to divide by. A divisor (a
deviation, a loss, a drawdown, a benchmark's variance) counts as nothing up to `rounding` of the returns: the deviation of equal
returns comes out of floating point as 1e-17, not 0, and a ratio over it would be noise.
Source: https://github.com/stefan-jansen/empyrical-reloaded, stats.py; a test holds every figure to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.panel.bars import Floats

SESSIONS_A_YEAR = 252
ROUNDING = 1e-9  # of the largest return by size
LAST_DIGITS = (
    4 * np.finfo(np.float64).eps
)  # of a return that is a quotient of equities less 1, however small it is


def metrics(returns: Floats, benchmark: Floats | None = None) -> dict[str, float]:
    """All figures of daily returns (float64[sessions]), and against a benchmark's where there is one."""
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
    """How large what comes of these returns may be and still be nothing but rounding."""
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
    """Mean over standard deviation, annualized, without a risk-free rate; NaN where all returns are equal."""
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
    """What is left a year after beta times the benchmark, compounded."""
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
    """A quotient; NaN where what is divided by is no more than `nothing`, by size."""
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
