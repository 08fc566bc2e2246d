"""What is on its way out counts once; what follows a close opens the other side; bars without volume; protection that is none."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.trading.broker.records import AT_CLOSE, LIMIT, MARKET, STOP
from engine.trading.broker_account import Broker
from tests.trading.market import STEP, broker, equity_rows, feed, place
from tests.trading.market import play as play_session

FLAT = (10.0, 10.0, 10.0, 10.0, 1000.0)
NOBODY = (9.0, 12.0, 8.0, 11.0, 0.0)  # a bar that would fill anything, and in which nobody traded
UP = (10.0, 11.0, 9.5, 10.5, 1000.0)


def close(book: Broker, now: int, symbol: str = "A") -> None:
    """What a strategy's close() does."""
    book.cancel_entries(0, book.symbol_id(symbol), now)
    book.send_out(0, book.symbol_id(symbol), "exit", now)


def walked(steps: list[Any], bars: list[Any], **account: Any) -> Broker:
    """One step an instant: "close", the arguments of an order, a list of such, or None."""
    book = broker(account)
    one = feed(book, {"A": bars})
    book.begin_session(0, 0)
    rows = equity_rows(one)
    for instant in range(len(one.instants)):
        step = steps[instant] if instant < len(steps) else None
        for action in step if isinstance(step, list) else [step]:
            now = int(one.instants[instant])
            if action == "close":
                close(book, now)
            elif action:
                place(book, now, **action)
        account_now = book.ledger.account[0]
        assert account_now["freed"] <= 1.2 * account_now["gross"], (
            "more is on its way out than there is, but for the price"
        )
        if instant + 1 < len(one.instants):
            book.step(one, instant, rows)
    return book


SELL, BUY = {"side": -1}, {"side": 1}


def sides(book: Broker) -> list[tuple[int, float]]:
    return [(int(f["side"]), float(f["quantity"])) for f in book.take()[1]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["close", SELL], [(-1, 100), (-1, 100)]),  # closed, and short
        ([SELL, "close"], [(-1, 100)]),  # it is on its way out already
        (["close", "close"], [(-1, 100)]),
        ([{"side": -1, "quantity": 40}, "close"], [(-1, 40), (-1, 60)]),
        (
            [{"side": -1, "quantity": 60}, {"side": -1, "quantity": 60}],
            [(-1, 60), (-1, 40), (-1, 20)],
        ),
        (["close", BUY], [(-1, 100), (1, 100)]),
        (["close", {"side": -1, "kind": LIMIT, "limit": 10.0}], [(-1, 100), (-1, 100)]),
        ([SELL, SELL, "close"], [(-1, 100)]),  # close() calls back what would go short
        ([{"side": -1, "kind": AT_CLOSE}, "close"], [(-1, 100)]),
    ],
)
def test_what_is_on_its_way_out_is_gone_for_what_comes_next(
    asked: list[Any], expected: list[Any]
) -> None:
    assert sides(walked([None, BUY, asked], [FLAT] * 5)) == [(1, 100), *expected]


@pytest.mark.parametrize(
    "asked", [["close", SELL], [SELL, "close", SELL], ["close", "close", BUY], [SELL, SELL, SELL]]
)
def test_a_halt_does_not_make_exits_count_twice(asked: list[Any]) -> None:
    """Asked for again and again while nothing fills: what is expected of sales is the position, not more."""
    book = walked(
        [None, BUY, asked, "close", "close", "close"], [FLAT, FLAT, None, None, None, FLAT]
    )
    leaving = [
        book.ledger.orders[p] for p in book.open_places() if book.ledger.orders[p]["kind"] == MARKET
    ]
    assert sum(float(o["reducing"]) for o in leaving) <= 100.0


def test_the_buying_power_of_an_account_that_asks_twice() -> None:
    """All money is in one position; a market sell of one's own and then a close leave twice the money nowhere."""
    book = walked(
        [None, {"quantity": 9000}, [{"side": -1, "quantity": 9000}, "close"]],
        [FLAT, FLAT, None, None],
    )
    account = book.ledger.account[0]
    power = (
        float(account["equity"])
        - float(account["gross"])
        - float(account["reserved"])
        + float(account["freed"])
    )
    assert power == 100_000.0


def test_an_exit_that_a_stop_forestalls_promises_no_more_than_is_left() -> None:
    """A gap through the stop fills 60 of 100 with all of the bar's volume, while an exit of 100 waits: 40 are left."""
    thin = (9.0, 9.0, 9.0, 9.0, 60.0)
    book = walked([None, {"stop_loss": 9.6}, "close"], [FLAT, FLAT, thin], max_participation=1.0)
    position, account = book.ledger.positions[0, 0], book.ledger.account[0]
    assert (float(position["quantity"]), float(position["leaving"]), float(account["freed"])) == (
        40.0,
        40.0,
        400.0,
    )


def test_a_day_order_to_sell_that_a_close_counts_on_outlives_the_session() -> None:
    book = walked([None, BUY, [{"side": -1, "day": True}, "close"]], [FLAT, FLAT, None, None])
    assert [float(book.ledger.orders[p]["left"]) for p in book.open_places()] == [100.0]


def test_interest_on_borrowed_cash_is_charged_without_a_position_too() -> None:
    book = broker({"margin_rate": 36.5})
    book.ledger.account[0]["cash"] = -100_000  # 1,000.00 borrowed
    play_session(book, {"A": [FLAT]}, {})
    book.begin_session(1, 10)
    assert int(book.ledger.account[0]["cash"]) == -101_000
    rows = equity_rows(feed(book, {"A": [FLAT]}))
    book.record_equity(0, rows[0])
    assert int(rows[0]["interest"]) == 1_000


def test_positions_to_be_are_counted_with_what_replaces_them() -> None:
    """One position at most: after close and sell of A there is one, so B is refused."""
    book = broker({"max_open_positions": 1})
    one = feed(book, {"A": [FLAT] * 4, "B": [FLAT] * 4})
    book.begin_session(0, 0)
    rows = equity_rows(one)
    book.step(one, 0, rows)
    place(book, STEP)
    book.step(one, 1, rows)
    close(book, 2 * STEP)
    place(book, 2 * STEP, side=-1)
    assert place(book, 2 * STEP, symbol="B") is None
    assert book.refusal(0, book.symbol_id("B")) == "max_open_positions"


# -- bars of volume 0


@pytest.mark.parametrize(
    "order",
    [
        BUY,
        {"kind": LIMIT, "limit": 9.8},
        {"kind": STOP, "stop": 10.8},
        {"side": -1, "kind": LIMIT, "limit": 10.4},
    ],
)
def test_nobody_trades_in_a_bar_of_volume_0(order: dict[str, Any]) -> None:
    book = walked([None, order], [FLAT, NOBODY, NOBODY, UP])
    assert [int(f["time"]) for f in book.take()[1]] == [3 * STEP]


def test_protection_waits_too_and_a_close_without_volume_is_no_price() -> None:
    book = walked(
        [None, {"stop_loss": 9.6, "take_profit": 11.5}, {"side": -1, "kind": AT_CLOSE}],
        [FLAT, FLAT, NOBODY],
        flat_at_close=True,
    )
    assert [(float(f["price"]), int(f["side"])) for f in book.take()[1]] == [(10.0, 1)]
    waiting = [book.ledger.orders[place] for place in book.open_places()]
    assert [book.reason(int(o["reason"])) for o in waiting if o["kind"] == MARKET] == [
        "flat_at_close"
    ]
    assert float(book.ledger.account[0]["value"]) == 1100.0  # at the bar's close all the same


def test_an_order_that_nobody_could_fill_says_so() -> None:
    book = walked(
        [{"kind": LIMIT, "limit": 5.0}, {"kind": LIMIT, "limit": 5.0}, None], [FLAT, NOBODY]
    )
    assert [book.reason(int(o["ended_by"])) for o in book.take()[0]][-1] == "session_over"
    silent = broker()
    play_session(silent, {"A": [FLAT]}, {})
    silent.take()
    one = feed(silent, {"A": [NOBODY, NOBODY]}, 1000 * STEP)
    silent.begin_session(1, 1)
    rows = equity_rows(one)
    place(silent, 1000 * STEP)
    silent.step(one, 0, rows)
    silent.step(one, 1, rows)
    assert [silent.reason(int(o["ended_by"])) for o in silent.take()[0]] == ["not_traded"]


# -- protection that is none


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"stop_loss": 0.0}, "no_stop_loss"),
        ({"stop_loss": -1.0}, "no_stop_loss"),
        ({"trailing_stop": 0.0}, "no_stop_loss"),
        ({"stop_loss": math.inf}, "no_stop_loss"),
        ({"take_profit": 0.0}, "not_a_price"),
        ({"stop_loss": 10.01}, "stop_loss_on_wrong_side"),
        ({"take_profit": 9.99}, "take_profit_on_wrong_side"),
        ({"kind": LIMIT, "limit": 9.0, "stop_loss": 9.5}, "stop_loss_on_wrong_side"),
        ({"kind": STOP, "stop": 11.0, "take_profit": 10.5}, "take_profit_on_wrong_side"),
        ({"side": -1, "stop_loss": 9.99}, "stop_loss_on_wrong_side"),
        ({"side": -1, "take_profit": 10.01}, "take_profit_on_wrong_side"),
        ({"kind": LIMIT, "limit": 0.0}, "not_a_price"),
        ({"kind": LIMIT, "limit": math.inf}, "not_a_price"),
        ({"kind": STOP, "stop": math.nan}, "not_a_price"),
    ],
)
def test_an_entry_whose_prices_are_none_is_refused_once(given: dict[str, Any], reason: str) -> None:
    book = walked([None, given, given], [FLAT] * 4)
    orders, fills, _ = book.take()
    assert [book.reason(int(o["ended_by"])) for o in orders] == [reason]
    assert len(fills) == 0


def test_reasons_that_take_turns_are_told_once_each() -> None:
    turns = [{"stop_loss": 0.0}, {"quantity": 0}, {"stop_loss": 11.0}] * 4
    orders, _, _ = (book := walked([None, *turns], [FLAT] * 14)).take()
    assert [book.reason(int(o["ended_by"])) for o in orders] == [
        "no_stop_loss",
        "no_size",
        "stop_loss_on_wrong_side",
    ]


@pytest.mark.parametrize(
    "given", [{"stop_loss": 10.0}, {"take_profit": 10.0}, {"stop_loss": 9.99, "take_profit": 10.01}]
)
def test_protection_at_the_price_itself_is_taken(given: dict[str, Any]) -> None:
    assert len(walked([None, given], [FLAT] * 3).take()[1]) >= 1


def test_a_protection_that_cannot_be_does_not_keep_a_position_from_being_reduced() -> None:
    book = walked([None, BUY, {"side": -1, "quantity": 250, "stop_loss": 5.0}], [FLAT] * 4)
    assert sides(book) == [(1, 100), (-1, 100)]


# -- the ledger


def test_a_bracket_that_ends_with_its_position_says_why() -> None:
    book = walked(
        [None, {"stop_loss": 9.0, "take_profit": 20.0}, {"side": -1, "quantity": 200}], [FLAT] * 4
    )
    bracket = [o for o in book.take()[0] if o["parent"] >= 0]
    assert [book.reason(int(o["ended_by"])) for o in bracket] == [
        "position_closed",
        "position_closed",
    ]


@pytest.mark.parametrize(("side", "mae", "mfe"), [(1, -1.0, 0.0), (-1, 0.0, 1.0)])
def test_a_position_that_comes_to_nothing_has_been_there(side: int, mae: float, mfe: float) -> None:
    book = broker({"delist_after_sessions": 1, "delisting_value_percent": 0})
    play_session(book, {"A": [FLAT] * 3}, {1: [{"side": side}]})
    book.begin_session(1, 1)
    book.end_session()
    book.write_off(2)
    (trade,) = book.take()[2]
    assert (float(trade["mae"]), float(trade["mfe"]), float(trade["pnl"])) == (
        mae,
        mfe,
        -side * 1000.0,
    )


@pytest.mark.parametrize("side", [1, -1])
def test_cash_in_lieu_of_a_fraction_is_a_fill(side: int) -> None:
    book = broker()
    play_session(book, {"A": [FLAT] * 3}, {1: [{"side": side, "quantity": 107}]})
    before = int(book.ledger.account[0]["cash"])
    book.split("A", 0.1, 10)
    fill = book.take()[1][-1]
    assert book.reason(int(fill["reason"])) == "split"
    assert (
        int(fill["order"]),
        int(fill["side"]),
        float(fill["quantity"]),
        float(fill["price"]),
    ) == (-1, -side, 0.7, 100.0)
    assert int(fill["cash"]) == side * 7000 == int(book.ledger.account[0]["cash"]) - before
