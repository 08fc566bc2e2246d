"""Volume-weighted average price of the session."""

from engine.compute.shared.session_vwap import SESSION_VWAP_SIZE, session_vwap
from engine.indicators.register import register


def state_size() -> int:
    """session, sums of price x volume and of volume, least and greatest price."""
    return SESSION_VWAP_SIZE


def warmup() -> int:
    """Rows up to and including the first value."""
    return 1


@register(
    inputs=("high", "low", "close", "volume", "session", "regular"),
    state_size=state_size,
    warmup=warmup,
    of_session=True,
)
def vwap(high, low, close, volume, session, regular, state, out):
    """Volume-weighted average price of the session's regular bars so far: sum(typical x volume) /
    sum(volume).

    typical = (high + low + close) / 3. Bars outside regular hours are not counted. NaN in a price
    or volume: NaN at that row, which is otherwise passed over. Flat: the price. No volume yet: NaN.
    """
    session_vwap(high, low, close, volume, session, regular, state, out)
