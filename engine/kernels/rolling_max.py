"""Highest value of a sliding window."""

from engine.kernels import window_peak as peak
from engine.kernels.jit import kernel

_window_peak = peak.window_peak
state_size, warmup, settle = peak.state_size, peak.warmup, peak.settle


@kernel
def rolling_max(values, period, state, out):
    """Highest of the last `period` values, as TA-Lib's MAX.

    NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    _window_peak(values, 1.0, period, state, out)
