"""Force index."""

from engine.compute.shared.smooth import rows_to_forget, smooth
from engine.compute.shared.window_past import past_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The last close; count and average."""
    return past_size(1) + 2


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(2.0 / (period + 1))


@register(
    inputs=("close", "volume"),
    params=(Param("period", 13, 1),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def force_index(close, volume, period, state, work, out):
    """Force index: EMA(period) of (close - last close) * volume.

    Alexander Elder, Trading for a Living (1993). NaN in either: NaN at that row, and at the next
    where it is the close; the average passes it over. Flat: 0. Zero volume: counts 0. Too short:
    NaN.
    """
    last = with_past(close, 1, state[:2], work)
    for row in range(len(out)):
        out[row] = (close[row] - last[row]) * volume[row]
    smooth(out, period, 2.0 / (period + 1.0), state[2:], out)
