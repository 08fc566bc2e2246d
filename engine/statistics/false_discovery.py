"""Which of many p-values are discoveries."""

from __future__ import annotations

import numpy as np

from engine.statistics.sharpe import Floats


def adjusted_p_values(p_values: Floats) -> Floats:
    """Benjamini and Hochberg's adjusted p-values, float64 of the same shape and order.

    A variant whose adjusted p-value is at most q is a discovery; of the discoveries a share of q is
    expected to be false. NaN stays NaN and is no test. Equal p-values have equal adjusted ones.
    Yoav Benjamini, Yosef Hochberg, Controlling the False Discovery Rate, Journal of the Royal
    Statistical Society B 57(1) (1995).
    """
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    tests = len(order)
    scaled = p_values[order] * tests / np.arange(1, tests + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted
