"""Statistics of a sweep of 10,000 variants over 2,520 days of noise, each against its limit.

python -m bench.pbo [--variants N] [--days N]

Exit status 1: a limit is missed. Kernels are compiled, and the returns drawn, before the clock
starts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from engine.runtime.cores import cores
from engine.statistics.effective_trials import effective_trials
from engine.statistics.overfitting import overfitting
from engine.statistics.superior_ability import Bootstrapped, superior_ability, superior_variants

LIMIT = 2.0  # seconds, on two cores


def main() -> int:
    """Print a line a statistic."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=2_520)
    asked = parser.parse_args()
    returns = np.random.default_rng(0).normal(size=(asked.days, asked.variants))
    overfitting(returns[:64, :4])
    print(f"{asked.variants:,} variants x {asked.days:,} days, {cores()} cores")
    spent = _timed("PBO, 12,870 splits of 16 parts", lambda: overfitting(returns))
    _timed("effective number of trials", lambda: effective_trials(returns))
    _timed("SPA and StepM, 1,000 resamples", lambda: _tested(returns))
    print(f"PBO within {LIMIT:g} s: {'yes' if spent <= LIMIT else 'no'}")
    return int(spent > LIMIT)


def _tested(returns: np.ndarray) -> None:
    bootstrapped = Bootstrapped.of(returns)
    superior_ability(bootstrapped)
    superior_variants(bootstrapped)


def _timed(name: str, job: Callable[[], object]) -> float:
    begun = time.perf_counter()
    job()
    spent = time.perf_counter() - begun
    print(f"{name:<34} {spent:.2f} s")
    return spent


if __name__ == "__main__":
    sys.exit(main())
