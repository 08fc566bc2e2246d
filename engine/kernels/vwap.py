"""Volume-weighted average price of the session."""

from engine.kernels.jit import kernel
from engine.kernels.shared.session_vwap import SESSION_VWAP_SIZE, session_vwap


def state_size() -> int:
    """session, sums of price x volume and of volume, least and greatest price."""
    return SESSION_VWAP_SIZE


def warmup() -> int:
    """Rows up to and including the first value."""
    return 1


def settle() -> int:
    """Starts anew every session."""
    return 1


@kernel
def vwap(high, low, close, volume, session, regular, state, out):
    """Volume-weighted average price of the session's regular bars so far: sum(typical x volume) / sum(volume).

    typical = (high + low + close) / 3. Bars outside regular hours are not counted. NaN in a price or volume: NaN at that
    row, which is otherwise passed over. Flat: the price. No volume yet: NaN.
    """
    session_vwap(high, low, close, volume, session, regular, state, out)
