"""How long a backtest has to be for so many trials."""

from __future__ import annotations

from engine.errors import ConfigError
from engine.statistics.expected_maximum import expected_maximum


def minimum_backtest_length(trials: float, sharpe: float = 1.0) -> float:
    """Years below which the best of `trials` worthless variants is expected to reach `sharpe`.

        (expected_maximum(trials) / sharpe)**2

    sharpe  annualized

    David H. Bailey, Jonathan M. Borwein, Marcos Lopez de Prado, Qiji Jim Zhu, Pseudo-Mathematics
    and Financial Charlatanism, Notices of the AMS 61(5) (2014).
    """
    if not sharpe > 0.0:
        raise ConfigError(f"an annual Sharpe ratio of {sharpe}", expected="above 0")
    return (expected_maximum(trials) / sharpe) ** 2
