"""Absolute price oscillator."""

from engine.compute.shared.scratch import take
from engine.compute.shared.smooth import rows_to_forget, smooth
from engine.indicators.register import Param, register


def state_size(fast: int, slow: int) -> int:
    """Two averages."""
    return 4


def warmup(fast: int, slow: int) -> int:
    """Rows up to and including the first value."""
    return max(fast, slow)


def settle(fast: int, slow: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(fast, slow) + rows_to_forget(2.0 / (max(fast, slow) + 1))


@register(
    inputs=("close",),
    params=(Param("fast", 12, 2), Param("slow", 26, 2)),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def apo(values, fast, slow, state, work, out):
    """Absolute price oscillator: EMA(fast) - EMA(slow).

    Each is seeded with the mean of its first values, as TA-Lib's APO with exponential averages.
    NaN: NaN at that row, which is otherwise passed over. Flat: 0. Too short: NaN.
    """
    late = take(len(out), work)
    smooth(values, slow, 2.0 / (slow + 1.0), state[2:], late)
    smooth(values, fast, 2.0 / (fast + 1.0), state[:2], out)
    for row in range(len(out)):
        out[row] -= late[row]
