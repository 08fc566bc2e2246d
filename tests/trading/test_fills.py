"""At which price and when orders fill: the answers that docs/trading.md gives, one by one."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.config.models import AccountConfig, CostsConfig
from engine.trading.broker.records import AT_CLOSE, LIMIT, MARKET, STOP, STOP_LIMIT, TRAILING
from engine.trading.broker_account import Broker, StrategyTerms
from tests.trading.market import STEP, broker, equity_rows, feed, play

FLAT = (10.0, 10.0, 10.0, 10.0, 1000.0)
UP = (10.0, 11.0, 9.5, 10.5, 1000.0)  # touches 9.5 and 11
GAP_UP, GAP_DOWN = (12.0, 12.5, 11.5, 12.0, 1000.0), (8.0, 8.5, 7.5, 8.0, 1000.0)


def fills(
    bars: list[Any], orders: dict[int, list[dict[str, Any]]], **account: Any
) -> list[tuple[int, int, float, float, str]]:
    """Bar, side, quantity, price and reason of each fill; the first bar is before the first instant that matters."""
    book = broker(account, {})
    play(book, {"A": [FLAT, *bars]}, {instant + 1: placed for instant, placed in orders.items()})
    _, found, _ = book.take()
    return [
        (
            int(f["time"]) // STEP - 1,
            int(f["side"]),
            float(f["quantity"]),
            round(float(f["price"]), 6),
            book.reason(int(f["reason"])),
        )
        for f in found
    ]


def order(**given: Any) -> dict[int, list[dict[str, Any]]]:
    return {0: [given]}


@pytest.mark.parametrize(
    ("bars", "placed", "price"),
    [
        ([UP], {"kind": MARKET}, 10.0),  # at the next open
        ([UP], {"kind": LIMIT, "limit": 9.7}, 9.7),
        ([UP], {"kind": LIMIT, "limit": 9.4}, None),  # not reached
        ([UP], {"kind": LIMIT, "limit": 9.5}, 9.5),  # touched is filled
        ([GAP_DOWN], {"kind": LIMIT, "limit": 9.7}, 8.0),  # better than asked for
        ([UP], {"kind": STOP, "stop": 10.8}, 10.8),
        ([UP], {"kind": STOP, "stop": 11.2}, None),
        ([GAP_UP], {"kind": STOP, "stop": 10.8}, 12.0),  # a gap through a stop fills at the open
        ([UP], {"kind": STOP_LIMIT, "stop": 10.8, "limit": 10.9}, 10.8),
        (
            [GAP_UP],
            {"kind": STOP_LIMIT, "stop": 10.8, "limit": 10.9},
            None,
        ),  # the gap is beyond the limit
        (
            [GAP_UP, UP],
            {"kind": STOP_LIMIT, "stop": 10.8, "limit": 10.9},
            10.0,
        ),  # once touched it is a limit order
        (
            [UP, FLAT],
            {"kind": STOP_LIMIT, "stop": 10.8, "limit": 10.2},
            10.0,
        ),  # below its stop: only from the next bar on
        (
            [GAP_UP],
            {"kind": STOP_LIMIT, "stop": 10.8, "limit": 11.8},
            11.8,
        ),  # after the open the whole bar is left
        ([UP, UP], {"kind": AT_CLOSE}, 10.5),  # the close of the session's last bar
    ],
)
def test_buy_orders(bars: list[Any], placed: dict[str, Any], price: float | None) -> None:
    found = fills(bars, order(**placed))
    assert [fill[3] for fill in found] == ([] if price is None else [price])


def mirrored(bar: Any) -> Any:
    return (20 - bar[0], 20 - bar[2], 20 - bar[1], 20 - bar[3], bar[4])


@pytest.mark.parametrize(
    "placed",
    [
        {"kind": MARKET},
        {"kind": LIMIT, "limit": 9.7},
        {"kind": STOP, "stop": 10.8},
        {"kind": STOP_LIMIT, "stop": 10.8, "limit": 10.9},
        {"kind": STOP, "stop": 10.8, "stop_loss": 9.9, "take_profit": 10.95},
        {"kind": MARKET, "stop_loss": 9.8},
        {"kind": MARKET, "take_profit": 10.9},
        {"kind": MARKET, "trailing_stop": 0.3},
    ],
)
@pytest.mark.parametrize("bars", [[UP, FLAT], [GAP_UP, UP], [GAP_DOWN, UP], [FLAT, UP, GAP_DOWN]])
def test_sell_orders_are_buy_orders_in_the_mirror(placed: dict[str, Any], bars: list[Any]) -> None:
    prices = ("limit", "stop", "stop_loss", "take_profit")
    other = {name: 20 - value if name in prices else value for name, value in placed.items()} | {
        "side": -1
    }
    long, short = (
        fills(bars, order(**placed)),
        fills([mirrored(bar) for bar in bars], order(**other)),
    )
    assert [(f[0], -f[1], f[2], round(20 - f[3], 6), f[4]) for f in short] == long


@pytest.mark.parametrize(
    ("bars", "placed", "exit_bar", "price", "reason"),
    [
        (
            [UP],
            {"stop_loss": 9.6, "take_profit": 10.9},
            0,
            9.6,
            "stop_loss",
        ),  # one bar touches both: the stop is taken
        (
            [UP],
            {"take_profit": 10.9},
            0,
            10.9,
            "take_profit",
        ),  # entered at the open, the whole bar is later
        ([UP], {"stop_loss": 10.0}, 0, 10.0, "stop_loss"),  # the open is at the stop already
        ([FLAT, GAP_DOWN], {"stop_loss": 9.6}, 1, 8.0, "stop_loss"),  # a gap through the stop
        ([FLAT, GAP_UP], {"take_profit": 10.9}, 1, 12.0, "take_profit"),  # a gap beyond the target
        (
            [UP],
            {"kind": STOP, "stop": 10.6, "stop_loss": 9.6},
            0,
            9.6,
            "stop_loss",
        ),  # the low may have been before: taken all the same
        (
            [UP],
            {"kind": STOP, "stop": 10.6, "take_profit": 10.9},
            0,
            10.9,
            "take_profit",
        ),  # the way up leads past both
        (
            [UP, FLAT, UP],
            {"kind": LIMIT, "limit": 9.8, "take_profit": 10.9},
            2,
            10.9,
            "take_profit",
        ),  # the high may have been before
        ([UP], {"kind": LIMIT, "limit": 9.8, "stop_loss": 9.6}, 0, 9.6, "stop_loss"),
        (
            [FLAT, (10.0, 10.9, 10.0, 10.8, 1e3), (10.8, 10.8, 10.2, 10.3, 1e3)],
            {"trailing_stop": 0.5},
            2,
            10.4,
            "trailing_stop",
        ),
        ([UP], {"trailing_stop": 0.5}, 0, 9.5, "trailing_stop"),  # from the entry's price on
    ],
)
def test_brackets(
    bars: list[Any], placed: dict[str, Any], exit_bar: int, price: float, reason: str
) -> None:
    found = fills(bars, order(**placed))
    assert len(found) == 2
    assert found[1][:2] == (exit_bar, -1)
    assert found[1][3:] == (price, reason)


def test_a_trailing_stop_by_itself_follows_the_highs() -> None:
    bars = [FLAT, FLAT, (10.0, 10.9, 10.0, 10.8, 1e3), (10.8, 10.8, 10.2, 10.3, 1e3)]
    found = fills(
        bars,
        {0: [{}], 1: [{"side": -1, "kind": TRAILING, "trail": 0.5, "stop": 9.5, "day": False}]},
    )
    assert [(f[0], f[3]) for f in found] == [(0, 10.0), (3, 10.4)]


def test_no_order_fills_in_the_bar_that_caused_it() -> None:
    assert fills([UP, GAP_UP], {1: [{}]}) == [(1, 1, 100.0, 12.0, "")]


def test_a_halt_makes_orders_wait() -> None:
    assert fills([None, None, UP], order()) == [(2, 1, 100.0, 10.0, "")]
    assert fills([UP, None, GAP_DOWN], order(stop_loss=9.3))[1] == (2, -1, 100.0, 8.0, "stop_loss")


def test_volume_caps_fills_and_the_rest_carries_over() -> None:
    found = fills([UP, GAP_UP, UP], order(quantity=250), max_participation=0.1)
    assert [(f[0], f[2], f[3]) for f in found] == [
        (0, 100.0, 10.0),
        (1, 100.0, 12.0),
        (2, 50.0, 10.0),
    ]


def test_the_money_of_an_entry_that_gapped_up_is_cut() -> None:
    found = fills([GAP_UP], order(quantity=900), starting_cash=10_000)
    assert found == [(0, 1, 833.0, 12.0, "")]


def test_exits_are_filled_before_entries_of_the_same_open() -> None:
    book = broker({"starting_cash": 1000}, {})
    bars = {"A": [FLAT] * 4, "B": [FLAT] * 4}
    play(book, bars, {1: [{"symbol": "A"}], 2: [{"symbol": "B"}, {"symbol": "A", "side": -1}]})
    orders, found, _ = book.take()
    assert [(book.symbols[f["symbol"]], int(f["side"])) for f in found] == [("A", 1), ("A", -1)]
    assert [book.reason(int(o["ended_by"])) for o in orders if o["side"] > 0][
        1
    ] == "not_enough_cash"  # it was asked for first
    book = broker({"starting_cash": 1000}, {})
    play(book, bars, {1: [{"symbol": "A"}], 2: [{"symbol": "A", "side": -1}, {"symbol": "B"}]})
    assert [(book.symbols[f["symbol"]], int(f["side"])) for f in book.take()[1]] == [
        ("A", 1),
        ("A", -1),
        ("B", 1),
    ]


def test_selling_more_than_is_held_goes_short() -> None:
    found = fills([FLAT, UP, UP], {0: [{}], 1: [{"side": -1, "quantity": 250}]})
    assert [(f[1], f[2]) for f in found] == [(1, 100.0), (-1, 100.0), (-1, 150.0)]


def test_minimum_commission_is_of_the_order_not_of_the_fill() -> None:
    book = broker(
        {"max_participation": 0.1}, {"commission_per_share": 0.01, "minimum_commission": 1.5}
    )
    play(book, {"A": [FLAT, UP, UP, UP]}, {1: [{"quantity": 250}]})
    assert [round(float(f["commission"]), 2) for f in book.take()[1]] == [1.5, 0.5, 0.5]


def test_limits_pay_no_slippage_and_markets_do() -> None:
    book = broker({}, {"slippage_bps": 10})
    play(book, {"A": [FLAT, UP, UP]}, {1: [{}, {"kind": LIMIT, "limit": 9.8}]})
    assert [round(float(f["slippage"]), 2) for f in book.take()[1]] == [1.0, 0.0]


def test_a_margin_call_closes_everything_at_the_next_bar() -> None:
    crash = (10.0, 10.0, 6.0, 6.0, 1000.0)
    found = fills([FLAT, crash, GAP_DOWN], order(quantity=1900), starting_cash=10_000, leverage=2)
    assert [(f[0], f[1], f[3], f[4]) for f in found][1:] == [(2, -1, 8.0, "margin_call")]


def test_the_daily_loss_limit_closes_and_blocks() -> None:
    placed = {0: [{"quantity": 500}], 3: [{"quantity": 10}]}
    book = broker({"starting_cash": 10_000, "daily_loss_limit_percent": 5}, {})
    play(
        book, {"A": [FLAT, FLAT, GAP_DOWN, FLAT, FLAT, FLAT]}, {k + 1: v for k, v in placed.items()}
    )
    orders, found, _ = book.take()
    assert [book.reason(int(f["reason"])) for f in found] == ["", "daily_loss_limit"]
    assert book.reason(int(orders[-1]["ended_by"])) == "entries_blocked"


def test_flat_at_close_and_day_orders() -> None:
    book = broker({"flat_at_close": True}, {})
    play(book, {"A": [FLAT, FLAT, UP]}, {1: [{"take_profit": 20.0}, {"kind": LIMIT, "limit": 5.0}]})
    orders, found, trades = book.take()
    assert [(float(f["price"]), book.reason(int(f["reason"]))) for f in found] == [
        (10.0, ""),
        (10.5, "flat_at_close"),
    ]
    assert int(found[1]["time"]) == 3 * STEP
    assert float(trades[0]["pnl"]) == 50.0
    assert {book.reason(int(o["ended_by"])) for o in orders if o["kind"] == LIMIT} == {
        "flat_at_close"
    }


def test_a_position_in_a_symbol_without_bars_is_ended() -> None:
    book = broker({"delist_after_sessions": 2, "delisting_value_percent": 40}, {})
    play(book, {"A": [FLAT] * 3}, {1: [{}]})
    for number in (1, 2, 3):
        book.begin_session(number, 1)
        book.write_off(number)
        held = len(book.held())
        book.end_session()
        assert held == (1 if number < 3 else 0)
    _, found, trades = book.take()
    assert float(found[-1]["price"]) == 4.0
    assert float(trades[0]["pnl"]) == -600.0
    assert book.reason(int(trades[0]["exit_reason"])) == "delisted"


def test_a_split_leaves_what_is_held_and_ordered_worth_the_same() -> None:
    book = broker()
    play(book, {"A": [FLAT] * 3}, {1: [{"stop_loss": 8.0, "quantity": 101}]})
    book.split("A", 0.5, 10)  # one for two: a share is left over
    position, order = book.ledger.positions[0, 0], book.ledger.orders[book.open_places()[0]]
    assert (float(position["quantity"]), float(position["average"])) == (50.0, 20.0)
    assert (float(order["left"]), float(order["stop"])) == (50.0, 16.0)
    assert float(book.ledger.account[0]["cash"]) / 100 == 100_000 - 1010 + 10
    assert float(book.ledger.account[0]["equity"]) == 100_000


def test_dividends_are_paid_and_lower_the_stops_below() -> None:
    book = broker()
    play(book, {"A": [FLAT] * 3}, {1: [{"stop_loss": 8.0}]})
    book.dividend("A", 0.5)
    assert float(book.ledger.orders[book.open_places()[0]]["stop"]) == 7.5
    assert float(book.ledger.account[0]["cash"]) / 100 == 100_000 - 1000 + 50


@pytest.mark.parametrize(
    ("given", "account", "reason"),
    [
        ({"side": -1}, {"shorting": False}, "no_shorting"),
        ({"symbol": "NEVER"}, {}, "no_price"),
        ({"quantity": 0.4}, {}, "no_size"),
        ({"kind": LIMIT, "limit": -1.0}, {}, "not_a_price"),
        ({"quantity": 10}, {"max_position_percent": 0.005}, "position_limit"),
        ({"quantity": 200}, {"starting_cash": 5}, "not_enough_cash"),
        ({"reduce": True}, {}, "no_position"),
    ],
)
def test_refusals_say_why(given: dict[str, Any], account: dict[str, Any], reason: str) -> None:
    book = broker(account, {})
    play(book, {"A": [FLAT] * 3}, {1: [given]})
    orders, found, _ = book.take()
    assert len(found) == 0
    assert [book.reason(int(one["ended_by"])) for one in orders] == [reason]


def test_a_symbol_is_limited_over_all_strategies() -> None:
    book = Broker(
        AccountConfig(max_position_percent=3),
        CostsConfig(),
        [StrategyTerms("one"), StrategyTerms("two")],
    )
    one = feed(book, {"A": [FLAT] * 4})
    book.begin_session(0, 0)
    rows = equity_rows(one)
    book.step(one, 0, rows)
    nan = {
        name: math.nan
        for name in ("limit", "stop", "trail", "stop_loss", "take_profit", "trailing_stop")
    }
    for strategy in (0, 1):
        book.place(strategy, 0, 1, MARKET, 200, STEP, **nan)
    book.step(one, 1, rows)
    assert [float(f["quantity"]) for f in book.take()[1]] == [200, 100]
    assert book.place(1, 0, 1, MARKET, 1, 2 * STEP, **nan) is None
    assert book.refusal(1, 0) == "position_limit"


@pytest.mark.parametrize(
    ("terms", "account", "reason"),
    [
        ({"max_positions": 1}, {}, "strategy_limit"),
        ({}, {"max_open_positions": 1}, "max_open_positions"),
        ({"max_percent": 1.0}, {}, "strategy_limit"),
    ],
)
def test_positions_are_counted_with_what_is_on_its_way(
    terms: dict[str, Any], account: dict[str, Any], reason: str
) -> None:
    book = broker(account, {}, **terms)
    bars = {"A": [FLAT] * 4, "B": [FLAT] * 4}
    play(
        book,
        bars,
        {1: [{"symbol": "A"}, {"symbol": "B"}], 2: [{"symbol": "A", "side": -1}, {"symbol": "B"}]},
    )
    orders, found, _ = book.take()
    assert [book.reason(int(o["ended_by"])) for o in orders] == ["", reason, "", ""]
    assert [(book.symbols[f["symbol"]], int(f["side"])) for f in found] == [
        ("A", 1),
        ("A", -1),
        ("B", 1),
    ]
