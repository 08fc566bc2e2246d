"""Hull moving average."""

from engine.compute.shared.scratch import take
from engine.compute.shared.weighted import weighted_size, window_weighted_mean
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Three weighted means'."""
    return weighted_size(period // 2) + weighted_size(period) + weighted_size(int(period**0.5))


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + int(period**0.5) - 1


@register(
    inputs=("close",),
    params=(Param("period", 16, 4),),
    state_size=state_size,
    warmup=warmup,
)
def hma(values, period, state, work, out):
    """Hull moving average: WMA(2 * WMA(period // 2) - WMA(period)) over int(sqrt(period)) values.

    Alan Hull (2005). NaN: while it is in a window. Flat: the value. Too short: NaN.
    """
    half, slow = period // 2, take(len(out), work)
    one = 6 + 2 * half  # `weighted_size(half)`
    two = one + 6 + 2 * period
    window_weighted_mean(values, half, state[:one], out)
    window_weighted_mean(values, period, state[one:two], slow)
    for row in range(len(out)):
        out[row] = 2.0 * out[row] - slow[row]
    window_weighted_mean(out, int(period**0.5), state[two:], out)
