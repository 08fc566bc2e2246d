"""Zero-lag exponential moving average."""

from engine.compute.shared.smooth import rows_to_forget, smooth
from engine.compute.shared.window_past import past_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The values before; count, average."""
    return past_size(max(1, (period - 1) // 2)) + 2


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return (period - 1) // 2 + period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(2.0 / (period + 1))


@register(
    inputs=("close",),
    params=(Param("period", 20, 3),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def zlema(values, period, state, work, out):
    """Zero-lag exponential moving average: EMA of value + (value - the value (period - 1) // 2 rows
    before).

    John Ehlers and Ric Way (2010). NaN: NaN at that row and where it is the value before; otherwise
    passed over. Flat: the value. Too short: NaN.
    """
    before = with_past(values, max(1, (period - 1) // 2), state[2:], work)
    for row in range(len(out)):
        out[row] = 2.0 * values[row] - before[row]
    smooth(out, period, 2.0 / (period + 1.0), state[:2], out)
