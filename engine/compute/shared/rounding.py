"""Prices that are computed from others, and when two of them count as equal."""

from engine.runtime.jit import njit

# Two computed prices whose distance is at most this share of both together are equal: what is left
# is rounding. The same dead zone as TA-Lib's (TA_IS_ZERO_SCALED, since 0.7); a tick of 1e-8 at a
# price of 100,000 is five times as wide.
NOISE = 1e-14

ROUNDING = 2e-14  # more than the share of itself that rounding moves a weighted mean by


@njit
def typical(high, low, close):
    """(high + low + close) / 3, kept between low and high: three equal prices give that price to
    the last bit.

    Without that a sum of three equal prices is rounded, and a third of it is another number for one
    price in four.
    """
    level = (high + low + close) / 3.0
    level = low if level < low else level
    return high if level > high else level


@njit
def moved(now, last):
    """now - last, exactly 0 where the two differ by rounding alone.

    (.84 + .79 + .82) / 3 and (.91 + .76 + .78) / 3 are the same price, and differ in the last bits.
    """
    change = now - last
    return 0.0 if abs(change) <= NOISE * (abs(now) + abs(last)) else change


@njit
def between(value, lowest, highest):
    """The value, or the bound that it lies beyond. NaN: NaN."""
    value = lowest if value < lowest else value
    return highest if value > highest else value
