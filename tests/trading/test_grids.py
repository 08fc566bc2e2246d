"""Prices, quantities and money lie on decimal grids: the oracle is Python's decimal.Decimal."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.trading.broker.decimals import add, decimal, multiply, over, times, to_grid, to_units
from engine.trading.broker.records import LIMIT, STOP, STOP_LIMIT, TRAILING
from tests.trading.market import broker, play

STEPS = st.sampled_from(
    ["0.01", "0.05", "0.001", "0.0001", "0.25", "0.125", "0.03125", "0.3", "1", "5", "10", "1e-8"]
)


def decimals(digits: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.builds(
        lambda whole, down: Decimal(whole).scaleb(-down),
        st.integers(1, 10**digits),
        st.integers(0, places),
    )


@settings(max_examples=500, deadline=None)
@given(STEPS, st.integers(1, 10**11), st.sampled_from(["0", "0.5", "0.01", "0.99"]))
def test_a_price_goes_to_the_nearest_double_of_a_multiple(
    step: str, steps: int, beyond: str
) -> None:
    tick = Decimal(step)
    value = float((steps + Decimal(beyond)) * tick)
    below, above = float(steps * tick), float((steps + (beyond != "0")) * tick)
    assert to_grid(value, float(tick), False) == below
    assert to_grid(value, float(tick), True) == above


@settings(max_examples=300, deadline=None)
@given(STEPS, st.integers(1, 10**6), st.integers(1, 10**6))
def test_rounding_errors_of_what_computed_a_price_do_not_count(
    step: str, one: int, other: int
) -> None:
    tick = float(step)
    for value in (
        one * tick + other * tick,
        (one + other) * tick - other * tick,
        (one * tick) * 1.1 / 1.1,
    ):
        exact = (Decimal(one) + (other if value > (one + 0.5) * tick else 0)) * Decimal(step)
        if abs(value / tick - round(value / tick)) < 1e-10:
            assert to_grid(value, tick, True) == to_grid(value, tick, False) == float(exact)


@settings(max_examples=500, deadline=None)
@given(decimals(9, 8), decimals(8, 6), decimals(5, 5), st.integers(0, 8), st.sampled_from((1, -1)))
def test_money_is_rounded_half_up_from_decimals(
    quantity: Decimal, price: Decimal, rate: Decimal, places: int, side: int
) -> None:
    with localcontext(prec=60):
        if quantity * price * 10**places > 10**15:
            return
        amounts = {
            side * quantity * price: times(decimal(side * float(quantity)), decimal(float(price))),
            side * quantity * price * rate: times(
                times(decimal(side * float(quantity)), decimal(float(price))), decimal(float(rate))
            ),
        }
        for exact, pair in amounts.items():
            if abs(exact) * 10**places <= 10**15:
                assert to_units(10.0**places, pair) == int(
                    exact.scaleb(places).to_integral_value(ROUND_HALF_UP)
                )


@settings(max_examples=300, deadline=None)
@given(decimals(9, 8), decimals(9, 8))
def test_sums_products_and_quotients_are_those_of_decimals(a: Decimal, b: Decimal) -> None:
    one, other = float(a), float(b)
    assert add(one, other) == float(a + b)
    assert add(one, -other) == float(a - b)
    assert multiply(one, other) == float(a * b)
    assert over(times(decimal(one), decimal(other)), decimal(other))[0] == one


def test_infinite_and_missing_numbers_stay_what_they_are() -> None:
    assert decimal(float("inf"))[0] == float("inf")
    assert decimal(float("nan"))[0] != decimal(float("nan"))[0]
    assert decimal(2.0**60) == (2.0**60, 0.0)


def fills_of(bars: list[Any], orders: dict[int, list[dict[str, Any]]], **account: Any) -> list[Any]:
    book = broker(account, {})
    play(book, {"A": bars}, orders)
    return list(book.take()[1])


@settings(max_examples=60, deadline=None)
@given(st.integers(101, 99_999), st.sampled_from((1, -1)), st.sampled_from((LIMIT, STOP)))
def test_an_order_at_the_bars_extreme_fills_at_any_cent(cents: int, side: int, kind: int) -> None:
    """The bar goes one way from the open, and just touches the order."""
    level = float(Decimal(cents) / 100)
    away = float((cents + (side if kind == LIMIT else -side) * Decimal(50)) / 100)
    flat, bar = (away, away, away, away, 1e6), (away, max(away, level), min(away, level), away, 1e6)
    name = "limit" if kind == LIMIT else "stop"
    order = {"side": side, "kind": kind, "quantity": 1.0, name: level}
    (fill,) = fills_of([flat, flat, bar], {1: [], 2: [order]}, tick_size=0.01, starting_cash=1e6)
    assert fill["price"] == level


def test_the_cases_that_were_found() -> None:
    flat, up = (100.0, 100.0, 100.0, 100.0, 1e6), (100.0, 100.07, 100.0, 100.0, 1e6)
    sold = fills_of(
        [flat, flat, up], {2: [{"side": -1, "kind": LIMIT, "limit": 100.07}]}, tick_size=0.01
    )
    assert [float(f["price"]) for f in sold] == [100.07]
    assert to_grid(600000.07, 0.01, False) == 600000.07
    assert to_grid(0.29999, 1e-8, False) == 0.29999
    assert (
        to_units(100.0, times(decimal(3.0), decimal(1.005))) == 302
    )  # 3.0149999999999997 in doubles


@pytest.mark.parametrize(
    ("side", "given", "stop", "target"),
    [
        (1, {"stop_loss": 97.33, "take_profit": 103.31}, 97.30, 103.35),
        (-1, {"stop_loss": 102.66, "take_profit": 96.69}, 102.70, 96.65),
    ],
)
def test_brackets_are_on_the_grid(
    side: int, given: dict[str, float], stop: float, target: float
) -> None:
    flat = (100.0, 100.0, 100.0, 100.0, 1e6)
    book = broker({"tick_size": 0.05, "flat_at_close": False})
    play(book, {"A": [flat] * 3}, {1: [{"side": side, **given}]})
    resting = [book.ledger.orders[place] for place in book.open_places()]
    assert [float(o["stop"]) for o in resting if o["kind"] == STOP] == [stop]
    assert [float(o["limit"]) for o in resting if o["kind"] == LIMIT] == [target]
    position = book.ledger.positions[0, 0]
    assert (float(position["stop"]), float(position["target"])) == (stop, target)


@pytest.mark.parametrize("ratio", [2.0, 0.1, 1.5, 3.0, 0.25])
@pytest.mark.parametrize("dividend", [0.0, 0.1, 0.333])
def test_what_rests_is_on_the_grid_after_a_split_and_a_dividend(
    ratio: float, dividend: float
) -> None:
    flat = (100.0, 100.0, 100.0, 100.0, 1e6)
    book = broker({"tick_size": 0.05, "lot_size": 1, "leverage": 4.0})
    orders = [
        {"stop_loss": 91.15, "take_profit": 130.05, "trailing_stop": 7.13, "day": False},
        {"kind": LIMIT, "limit": 80.05, "day": False},
        {"kind": STOP_LIMIT, "stop": 130.0, "limit": 131.0, "stop_loss": 99.95, "day": False},
        {"side": -1, "kind": STOP_LIMIT, "stop": 80.0, "limit": 79.95, "day": False},
        {"side": -1, "kind": TRAILING, "trail": 5.0, "stop": 95.0, "day": False},
    ]
    play(book, {"A": [flat] * 3}, {1: orders})
    book.dividend("A", dividend)
    book.split("A", ratio, 10)
    resting = [book.ledger.orders[place] for place in book.open_places()]
    assert len(resting) >= 6
    for order in resting:
        for name in ("limit", "stop", "stop_loss", "take_profit"):
            value = float(order[name])
            if value == value:
                steps = (Decimal(repr(value)) / Decimal("0.05")).to_integral_value()
                assert value == float(steps * Decimal("0.05")), (name, value)


def test_a_trailing_stop_stays_on_the_grid() -> None:
    rising = [(100.0 + i, 100.37 + i, 100.0 + i, 100.2 + i, 1e6) for i in range(4)]
    book = broker({"tick_size": 0.05})
    play(book, {"A": rising}, {1: [{"trailing_stop": 2.0}]})
    (order,) = (book.ledger.orders[place] for place in book.open_places())
    assert float(order["stop"]) == 101.35  # 103.37 - 2, where it triggers later


@pytest.mark.parametrize("lot", [1.0, 10.0, 0.5, 1e-8])
@pytest.mark.parametrize("unit", ["shares", "cash", "percent"])
def test_orders_that_reduce_are_whole_lots_too(lot: float, unit: str) -> None:
    flat = (17.3, 17.3, 17.3, 17.3, 1e6)
    sell = {
        "side": -1,
        "quantity": {"shares": 77.77777777777, "cash": 1234.0, "percent": 1.0}[unit],
        "unit": unit,
    }
    found = fills_of([flat] * 4, {1: [{"quantity": 300.0}], 2: [sell]}, lot_size=lot)
    sold = Decimal(repr(float(found[1]["quantity"])))
    assert sold > 0 and sold % Decimal(repr(lot)) == 0
    assert len(found) == 2


def test_quantities_that_add_up_leave_nothing_behind() -> None:
    """Ten buys of 0.1 and one sell of 1: the doubles' sum is 0.9999999999999999."""
    flat = (10.0, 10.0, 10.0, 10.0, 1e6)
    orders = {i: [{"quantity": 0.1}] for i in range(1, 11)} | {11: [{"side": -1, "quantity": 1.0}]}
    book = broker({"lot_size": 0.1})
    play(book, {"A": [flat] * 13}, orders)
    _, fills, trades = book.take()
    assert float(fills[-1]["quantity"]) == 1.0 and len(trades) == 1
    assert (float(trades[0]["quantity"]), float(trades[0]["pnl"])) == (1.0, 0.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9999), st.integers(101, 99_999))
def test_prices_of_trades_and_orders_are_those_of_their_fill(quantity: int, mills: int) -> None:
    price = float(Decimal(mills) / 1000)
    flat = (price, price, price, price, 1e9)
    book = broker({"starting_cash": 1e9})
    play(
        book,
        {"A": [flat] * 4},
        {1: [{"quantity": float(quantity)}], 2: [{"side": -1, "quantity": float(quantity)}]},
    )
    orders, fills, trades = book.take()
    assert [float(o["average"]) for o in orders] == [price, price]
    assert (float(trades[0]["entry_price"]), float(trades[0]["exit_price"])) == (price, price)
    cash = (quantity * Decimal(mills) / 1000).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert [int(f["cash"]) for f in fills] == [-int(cash * 100), int(cash * 100)]


def test_the_starting_cash_is_rounded_half_up() -> None:
    assert int(broker({"starting_cash": 1000.005}).ledger.account[0]["cash"]) == 100_001
