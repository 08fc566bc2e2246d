"""True strength index."""

from engine.compute.shared.scratch import take
from engine.compute.shared.smooth import rows_to_forget, smooth
from engine.compute.shared.window_past import past_size, with_past
from engine.indicators.register import Param, register


def state_size(slow: int, fast: int) -> int:
    """The last value; four averages."""
    return past_size(1) + 8


def warmup(slow: int, fast: int) -> int:
    """Rows up to and including the first value."""
    return slow + fast


def settle(slow: int, fast: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(slow, fast) + 2 * rows_to_forget(2.0 / (max(slow, fast) + 1))


@register(
    inputs=("close",),
    params=(Param("slow", 25, 1), Param("fast", 13, 1)),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def tsi(values, slow, fast, state, work, out):
    """True strength index: 100 * EMA(EMA(change, slow), fast) over the same of the absolute change.

    William Blau (1991). NaN: NaN at that row and the next; the averages pass it over. Flat: 0. Too
    short: NaN.
    """
    last, total = with_past(values, 1, state[:2], work), take(len(out), work)
    for row in range(len(out)):
        out[row] = values[row] - last[row]
        total[row] = abs(out[row])
    slowly, quickly = 2.0 / (slow + 1.0), 2.0 / (fast + 1.0)
    smooth(out, slow, slowly, state[2:4], out)
    smooth(out, fast, quickly, state[4:6], out)
    smooth(total, slow, slowly, state[6:8], total)
    smooth(total, fast, quickly, state[8:10], total)
    for row in range(len(out)):
        out[row] = 0.0 if total[row] == 0.0 else 100.0 * (out[row] / total[row])
