"""Money flow index."""

from engine.compute.shared.mean import window_mean
from engine.compute.shared.rounding import moved, typical
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import past_size, window_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The last typical price; two windows' past."""
    return past_size(1) + 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


@register(
    inputs=("high", "low", "close", "volume"),
    params=(Param("period", 14, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def mfi(high, low, close, volume, period, state, work, out):
    """Money flow index: 100 * inflow / (inflow + outflow) over the last `period` bars; the flow is
    typical price * volume, in where the typical price rose, out where it fell, neither where it
    moved by rounding alone. As TA-Lib's MFI.

    Gene Quong and Avrum Soudack (1989). NaN in any: while it is in the window. Flat, or no volume:
    0, as TA-Lib says. Too short: NaN.
    """
    outward = take(len(out), work)
    for row in range(len(out)):
        out[row] = typical(high[row], low[row], close[row])
    last = with_past(out, 1, state[:2], work)
    for row in range(len(out)):
        flow, change = out[row] * volume[row], moved(out[row], last[row])
        nothing = 0.0 * (flow + change)
        out[row] = flow if change > 0.0 else nothing
        outward[row] = flow if change < 0.0 else nothing
    window_mean(out, period, state[2 : 2 + period], work, out)
    window_mean(outward, period, state[2 + period :], work, outward)
    for row in range(len(out)):
        total = out[row] + outward[row]
        out[row] = 0.0 if total <= 0.0 else 100.0 * (out[row] / total)
