"""Arithmetic of pairs and steps of a grid, against fractions and decimals that are exact."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from engine.trading.broker import decimals as d

TWICE = Fraction(1, 2**100)  # relative: what a pair of doubles can tell apart, and some
numbers = st.one_of(
    st.decimals("-1e7", "1e7", places=4).map(float),
    st.floats(-1e9, 1e9).filter(lambda x: x == 0.0 or abs(x) > 1e-6),
    st.integers(-(10**6), 10**6).map(float),
)
written = st.builds(
    lambda n, p: Decimal(n).scaleb(-p), st.integers(-(10**12), 10**12), st.integers(0, 8)
)


def exact(pair: tuple[float, float]) -> Fraction:
    return Fraction(pair[0]) + Fraction(pair[1])


def near(pair: tuple[float, float], expected: Fraction, size: Fraction) -> None:
    """A pair is so near, its high part is the nearest double, and its low part what that leaves."""
    assert abs(exact(pair) - expected) <= 16 * TWICE * size
    assert abs(pair[1]) <= math.ulp(pair[0])


@given(numbers, numbers, numbers, numbers)
def test_pairs_are_the_sums_and_products_of_fractions(
    a: float, b: float, c: float, e: float
) -> None:
    x, y = d.times((a, 0.0), (b, 0.0)), d.times((c, 0.0), (e, 0.0))
    p, q = Fraction(a) * Fraction(b), Fraction(c) * Fraction(e)
    near(x, p, abs(p))
    assert exact(x) == p, "a product of doubles is a pair to the last bit"
    near(d.plus(x, y), p + q, abs(p) + abs(q))
    near(d.minus(x, y), p - q, abs(p) + abs(q))
    near(d.times(x, y), p * q, abs(p * q))
    if q:
        near(d.over(x, y), p / q, abs(p / q))


@given(written)
@example(Decimal(2**53))
@example(Decimal("0.1"))
@example(Decimal(2**53 - 1).scaleb(-3))
def test_a_double_is_the_shortest_decimal_that_it_was_written_as(number: Decimal) -> None:
    value = float(number)
    if len(number.as_tuple().digits) > 15:
        return
    pair = d.decimal(value)
    assert pair[0] == value
    near(pair, Fraction(number), abs(Fraction(number)))


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300, 2.0**60, math.pi * 1e-3, 1e-300])
def test_what_is_no_short_decimal_is_the_double(value: float) -> None:
    pair = d.decimal(value)
    if math.isfinite(value):
        assert pair[0] == value and abs(pair[1]) <= 1e-16 * abs(value)
    if abs(value) > d.LARGEST_WHOLE:
        assert pair[1] == 0.0


def test_powers_are_those_of_ten_that_doubles_hold() -> None:
    assert [Fraction(power) for power in d.POWERS] == [10**i for i in range(len(d.POWERS))]
    assert Fraction(float(10 ** len(d.POWERS))) != 10 ** len(d.POWERS)


@pytest.mark.parametrize("places", range(10))
def test_the_largest_whole_number_of_steps_is_read_as_a_decimal(places: int) -> None:
    number = Fraction(2**53, 10**places)
    pair = d.decimal(2**53 / 10**places)
    near(pair, number, number)
    assert Fraction(pair[0]) == number or pair[1] != 0.0


@given(written, written)
def test_sums_and_products_are_the_nearest_doubles_of_decimals(a: Decimal, b: Decimal) -> None:
    if max(len(one.as_tuple().digits) for one in (a, b)) > 15:
        return
    for made, wanted in (
        (d.add(float(a), float(b)), Fraction(a) + Fraction(b)),
        (d.multiply(float(a), float(b)), Fraction(a) * Fraction(b)),
    ):
        nearest = float(wanted)
        assert made == nearest or abs(Fraction(made) - wanted) <= abs(
            Fraction(nearest) - wanted
        ) * (1 + Fraction(1, 10**6))


@given(st.integers(-(10**11), 10**11), st.integers(0, 8), st.sampled_from((0, 2, 4, 8)))
@example(5, 3, 2)
@example(-5, 3, 2)
@example(0, 0, 2)
@example(4999999, 9 - 1, 2)
def test_units_are_rounded_half_away_from_zero(number: int, places: int, digits: int) -> None:
    amount = Decimal(number).scaleb(-places)
    pair = d.decimal(float(amount))
    wanted = amount.scaleb(digits).quantize(Decimal(1), ROUND_HALF_UP)
    assume(abs(wanted) < 2**63)  # units are int64
    assert d.to_units(10.0**digits, pair) == int(wanted)


@given(
    st.integers(-(10**9), 10**9),
    st.sampled_from(("0.01", "0.05", "0.125", "1", "10", "1e-8", "0.0001")),
    st.booleans(),
)
def test_steps_of_a_grid(number: int, step: str, up: bool) -> None:
    grid = Decimal(step)
    on = grid * number
    for off in (Decimal(0), grid / 2, grid / 1000, -grid / 1000):
        value = on + off
        ceiling, floor = (value / grid).__ceil__(), (value / grid).__floor__()
        wanted = float(grid * (number if off == 0 else ceiling if up else floor))
        if abs(number) > 10**8 and abs(off) == grid / 1000:
            continue  # within what the digits of a double leave
        assert d.to_grid(float(value), float(grid), up) == wanted
    assert math.isnan(d.to_grid(math.nan, 0.01, up))


@given(st.integers(1, 1000), st.sampled_from((1e-10, 2e-9, 1e-6)), st.booleans())
def test_an_error_that_is_named_counts_as_nothing(number: int, off: float, up: bool) -> None:
    below, above = number - off, number + off
    told = {d.to_grid(one, 1.0, up, 4e-7) for one in (below, above)}
    exact_only = {d.to_grid(one, 1.0, up) for one in (below, above)}
    both = {float(number), float(number + 1 if up else number - 1)}
    assert told == ({float(number)} if off < 4e-7 else both)
    assert exact_only == ({float(number)} if off < 1e-9 else both)
