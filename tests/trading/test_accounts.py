"""Random orders, prices, splits, dividends and costs: the accounts add up, and nothing fills where it cannot."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.trading.broker import records
from engine.trading.broker_account import Broker
from tests.trading.market import STEP, broker, equity_rows, feed, place

SYMBOLS = ("A", "B", "C")
BARS = 7
SESSION = 1000 * STEP  # from one session's open to the next


@st.composite
def sessions(draw: st.DrawFn) -> list[dict[str, list[Any]]]:
    """Two or three sessions of bars on a tick of a cent; some are missing, some gap."""
    made = []
    price = {symbol: draw(st.integers(500, 5000)) for symbol in SYMBOLS}
    for _ in range(draw(st.integers(2, 3))):
        session: dict[str, list[Any]] = {}
        for symbol in SYMBOLS:
            rows: list[Any] = []
            for _ in range(BARS):
                open_ = max(50, price[symbol] + draw(st.integers(-40, 40)))
                close = max(50, open_ + draw(st.integers(-60, 60)))
                high = max(open_, close) + draw(st.integers(0, 30))
                low = max(1, min(open_, close) - draw(st.integers(0, 30)))
                price[symbol] = close
                bar = (
                    open_ / 100,
                    high / 100,
                    low / 100,
                    close / 100,
                    float(draw(st.integers(0, 2000))),
                )
                rows.append(bar if draw(st.integers(0, 9)) else None)
            session[symbol] = rows
        made.append(session)
    return made


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    """An order of any kind; prices are given as distances from the last price, in cents."""
    kind = draw(st.integers(0, 5))
    order: dict[str, Any] = {
        "symbol": draw(st.sampled_from(SYMBOLS)),
        "side": draw(st.sampled_from((1, -1))),
        "kind": kind,
        "quantity": float(draw(st.integers(1, 900))),
        "day": draw(st.booleans()),
    }
    for name in ("limit", "stop"):
        order[name] = draw(st.integers(-60, 60))
    order["trail"] = draw(st.integers(1, 60))
    for name in ("stop_loss", "take_profit", "trailing_stop"):
        order[name] = draw(st.none() | st.integers(1, 80))
    return order


ACTIONS = st.lists(
    st.tuples(st.sampled_from(SYMBOLS), st.sampled_from((2.0, 3.0, 0.1, 1.5)), st.booleans()),
    max_size=2,
)
ACCOUNTS = st.fixed_dictionaries(
    {
        "leverage": st.sampled_from((1.0, 2.0)),
        "shorting": st.booleans(),
        "lot_size": st.sampled_from((1.0, 0.0, 10.0)),
        "max_participation": st.sampled_from((None, 0.1, 0.5)),
        "max_open_positions": st.sampled_from((None, 1, 2)),
        "max_position_percent": st.sampled_from((None, 30.0)),
        "daily_loss_limit_percent": st.sampled_from((None, 1.0)),
        "flat_at_close": st.booleans(),
        "borrow_rate": st.sampled_from((0.0, 50.0)),
        "margin_rate": st.sampled_from((0.0, 30.0)),
        "tick_size": st.sampled_from((None, 0.05)),
        "delist_after_sessions": st.just(1),
        "delisting_value_percent": st.just(50.0),
        "starting_cash": st.sampled_from((1000.0, 20_000.0)),
        "currency_decimals": st.sampled_from((0, 2)),
    }
)
COSTS = st.fixed_dictionaries(
    {
        "commission_per_share": st.sampled_from((0.0, 0.013)),
        "commission_per_order": st.sampled_from((0.0, 1.5)),
        "commission_percent": st.sampled_from((0.0, 0.1)),
        "minimum_commission": st.sampled_from((0.0, 1.0)),
        "slippage_bps": st.sampled_from((0.0, 7.0)),
        "slippage_spread": st.sampled_from((0.0, 0.2)),
    }
)
PLANS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, BARS), orders()), max_size=25)


def prices_of(order: dict[str, Any], last: float) -> dict[str, Any]:
    """Prices out of distances, on the sides on which they make sense."""
    side, kind = order["side"], order["kind"]
    made = dict(order)
    made["limit"] = (
        last + order["limit"] / 100 if kind in (records.LIMIT, records.STOP_LIMIT) else math.nan
    )
    made["stop"] = (
        last + order["stop"] / 100 if kind in (records.STOP, records.STOP_LIMIT) else math.nan
    )
    made["trail"] = math.nan
    if kind == records.TRAILING:
        made["trail"], made["stop"] = order["trail"] / 100, last + side * order["trail"] / 100
    for name, sign in (("stop_loss", -1), ("take_profit", 1)):
        made[name] = math.nan if order[name] is None else last + sign * side * order[name] / 100
    made["trailing_stop"] = (
        math.nan if order["trailing_stop"] is None else order["trailing_stop"] / 100
    )
    return made


class Play:
    """Plays a plan and keeps an account of its own, from the fills alone."""

    def __init__(
        self,
        market: list[dict[str, list[Any]]],
        plan: list[Any],
        actions: list[Any],
        account: Any,
        costs: Any,
    ):
        self.book: Broker = broker(account, costs)
        self.start = account["starting_cash"]
        self.cash, self.quantity, self.last = self.start, defaultdict(float), dict[str, float]()
        self.seen_fills, self.seen_trades = 0, 0
        self.fills: list[Any] = []
        self.trades: list[Any] = []
        self.ended: list[Any] = []
        self.equity: list[float] = []
        self.decimals, self.cap = account["currency_decimals"], account["max_participation"]
        self.bars: dict[tuple[str, int], Any] = {}
        for number, session in enumerate(market):
            self._session(
                number, session, [p for p in plan if p[0] == number], actions if number == 1 else []
            )
        self.book.end_run(0)
        self._take(True)

    def _session(
        self, number: int, session: dict[str, list[Any]], plan: list[Any], actions: list[Any]
    ) -> None:
        book, start = self.book, number * SESSION
        one = feed(book, session, start)
        self.bars |= {
            (s, start + i * STEP): row
            for s, rows in session.items()
            for i, row in enumerate(rows)
            if row
        }
        before = float(book.ledger.account[0]["cash"]) / book.scale
        book.begin_session(number, number and 1)
        self.cash += float(book.ledger.account[0]["cash"]) / book.scale - before  # interest
        self._corporate(actions, start)
        book.write_off(start)
        self._check()
        rows = equity_rows(one)
        for instant in range(BARS + 1):
            now = int(one.instants[instant])
            for _, _, order in [p for p in plan if p[1] == instant]:
                if order["symbol"] in self.last:
                    place(book, now, **prices_of(order, self.last[order["symbol"]]))
            if instant < BARS:
                book.step(one, instant, rows)
                self.last |= {s: session[s][instant][3] for s in SYMBOLS if session[s][instant]}
                self._check()
                assert rows[instant + 1]["equity"] == book.ledger.account[0]["equity"]
        book.end_session()
        self._take(False)

    def _corporate(self, actions: list[Any], now: int) -> None:
        for symbol, ratio, pays in actions:
            if symbol not in self.last:
                continue
            if pays:
                self.cash += (
                    round(self.quantity[symbol] * 0.25 * 10**self.decimals) / 10**self.decimals
                )
                before = float(self.book.ledger.account[0]["cash"]) / self.book.scale
                self.book.dividend(symbol, 0.25)
                paid = float(self.book.ledger.account[0]["cash"]) / self.book.scale - before
                assert abs(paid - self.quantity[symbol] * 0.25) <= 0.5 / 10**self.decimals + 1e-9
                self.cash += (
                    paid
                    - round(self.quantity[symbol] * 0.25 * 10**self.decimals) / 10**self.decimals
                )
            equity = float(self.book.ledger.account[0]["equity"])
            before = float(self.book.ledger.account[0]["cash"]) / self.book.scale
            self.book.split(symbol, ratio, now)
            self.seen_fills = int(
                self.book.ledger.counts[records.FILLS]
            )  # a fraction that is paid out is one of them
            self.cash += float(self.book.ledger.account[0]["cash"]) / self.book.scale - before
            held = sum(
                float(self.book.ledger.positions[0, self.book.symbol_id(s)]["quantity"])
                for s in (symbol,)
            )
            assert abs(held) <= abs(self.quantity[symbol]) * ratio + 1e-6
            self.quantity[symbol], self.last[symbol] = held, self.last[symbol] / ratio
            assert (
                abs(float(self.book.ledger.account[0]["equity"]) - equity)
                <= 0.5 / 10**self.decimals + 1e-6
            )  # worth the same

    def _check(self) -> None:
        """Cash and positions at market are equity; both follow from the fills."""
        ledger, account = self.book.ledger, self.book.ledger.account[0]
        fills = ledger.fills[self.seen_fills : ledger.counts[records.FILLS]]
        self.seen_fills = int(ledger.counts[records.FILLS])
        for fill in fills:
            symbol = self.book.symbols[fill["symbol"]]
            self.cash += float(fill["cash"]) / self.book.scale
            self.quantity[symbol] += float(fill["side"]) * float(fill["quantity"])
            if fill["order"] < 0:
                self.last[symbol] = float(fill["price"])  # written off
            else:
                self._check_limit(fill)
        assert math.isclose(float(account["cash"]) / self.book.scale, self.cash, abs_tol=1e-6)
        value = sum(
            quantity * self.last[symbol]
            for symbol, quantity in self.quantity.items()
            if abs(quantity) > 1e-9
        )
        assert math.isclose(float(account["value"]), value, abs_tol=1e-6)
        assert math.isclose(float(account["equity"]), self.cash + value, abs_tol=1e-6)
        gross = sum(
            abs(quantity) * self.last[symbol]
            for symbol, quantity in self.quantity.items()
            if abs(quantity) > 1e-9
        )
        assert math.isclose(float(account["gross"]), gross, abs_tol=1e-6)
        self.equity.append(float(account["equity"]))
        self._check_promises()

    def _check_limit(self, fill: Any) -> None:
        """A limit order fills at its limit or better; looked at now, because a split or a dividend changes what rests."""
        ledger = self.book.ledger
        placed = ledger.orders[: ledger.counts[records.ORDERS]]
        (order,) = placed[placed["id"] == fill["order"]]
        if order["kind"] == records.LIMIT:
            assert order["side"] * fill["price"] <= order["side"] * order["limit"] + 1e-9

    def _check_promises(self) -> None:
        """What is reserved is what open orders have reserved; locks stand for positions and orders."""
        ledger = self.book.ledger
        alive = [ledger.orders[place] for place in self.book.open_places()]
        assert all(order["status"] == records.OPEN and order["left"] > 0 for order in alive)
        assert math.isclose(
            float(ledger.account[0]["reserved"]),
            sum(float(o["reserved"]) for o in alive),
            abs_tol=1e-6,
        )
        assert math.isclose(
            float(ledger.account[0]["freed"]), sum(float(o["frees"]) for o in alive), abs_tol=1e-6
        )
        busy = defaultdict(int)
        for order in alive:
            busy[int(order["symbol"])] += 1
        for _, symbol in self.book.held():
            busy[symbol] += 1
        assert [int(q["busy"]) for q in ledger.quotes[: len(self.book.symbols)]] == [
            busy[i] for i in range(len(self.book.symbols))
        ]

    def _take(self, everything: bool) -> None:
        orders, fills, trades = self.book.take(everything)
        self.ended += list(orders)
        self.fills += list(fills)
        self.trades += list(trades)
        self.seen_fills = 0


@settings(max_examples=300, deadline=None)
@given(market=sessions(), plan=PLANS, actions=ACTIONS, account=ACCOUNTS, costs=COSTS)
def test_accounts_add_up_and_fills_are_possible(
    market: Any, plan: Any, actions: Any, account: Any, costs: Any
) -> None:
    play = Play(market, plan, actions, account, costs)
    # the trades' profit and loss account for all of the change
    end = float(play.book.ledger.account[0]["equity"])
    assert math.isclose(
        sum(float(trade["pnl"]) for trade in play.trades), end - play.start, abs_tol=1e-6
    )
    placed = {int(order["id"]): order for order in play.ended}
    taken: dict[tuple[str, int], float] = defaultdict(float)
    for fill in play.fills:
        if fill["order"] < 0:
            continue
        order, symbol, time = (
            placed[int(fill["order"])],
            play.book.symbols[fill["symbol"]],
            int(fill["time"]),
        )
        at_close = order["kind"] == records.AT_CLOSE
        bar = (
            play.bars[(symbol, last_bar(play, symbol, time))]
            if at_close
            else play.bars[(symbol, time)]
        )
        assert bar[2] - 1e-9 <= fill["price"] <= bar[1] + 1e-9, "within the bar"
        assert order["placed"] <= time, "never before the order"
        taken[symbol, last_bar(play, symbol, time) if at_close else time] += float(fill["quantity"])
        assert fill["commission"] >= 0 and fill["slippage"] >= 0
    if play.cap:
        for (symbol, time), quantity in taken.items():
            assert quantity <= play.cap * play.bars[symbol, time][4] + 1e-6, "beyond the volume cap"
    for order in play.ended:
        assert 0 <= order["left"] <= order["quantity"] + 1e-9


def last_bar(play: Play, symbol: str, close: int) -> int:
    """The last bar of the session that ends at a close."""
    start = close - BARS * STEP
    return max(time for name, time in play.bars if name == symbol and start <= time < close)


@settings(max_examples=100, deadline=None)
@given(
    market=sessions(),
    plan=PLANS,
    account=ACCOUNTS,
    costs=COSTS,
    cut=st.integers(1, BARS - 1),
    data=st.data(),
)
def test_the_future_changes_nothing_before_it(
    market: Any, plan: Any, account: Any, costs: Any, cut: int, data: st.DataObject
) -> None:
    """Other bars from an instant on: fills and equity before it are the same."""
    session = data.draw(st.integers(0, len(market) - 1))
    other = data.draw(sessions())
    changed = [dict(s) for s in market[: session + 1]]
    changed[session] = {
        symbol: [*market[session][symbol][:cut], *other[0][symbol][cut:]] for symbol in SYMBOLS
    }
    until = session * SESSION + cut * STEP
    plays = [
        Play(one, [p for p in plan if p[0] <= session], [], account, costs)
        for one in (market[: session + 1], changed)
    ]
    fills = [[f for f in play.fills if f["time"] < until] for play in plays]
    assert np.array_equal(np.array(fills[0]), np.array(fills[1]))
    steps = session * (BARS + 1) + cut + 1
    assert plays[0].equity[:steps] == plays[1].equity[:steps]
