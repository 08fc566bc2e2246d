"""The broker against an independent model of docs/trading.md in decimals (model.py): random cases, the same to the cent."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from engine.config.models import AccountConfig, CostsConfig
from engine.trading.broker import records
from engine.trading.broker_account import KINDS, STATES, Broker, StrategyTerms
from tests.trading.market import STEP, equity_rows, feed
from tests.trading.model import Model, exactly

SYMBOLS = ("A", "B")
BARS, SESSIONS = 6, 3
SESSION = 1000 * STEP
CASES, PIECES = 1000, 20
PRICES = ("limit", "stop", "trail", "stop_loss", "take_profit", "trailing_stop")


class Case:
    """A random market, account and list of actions; everything that has decimals is a Decimal."""

    def __init__(self, seed: int):
        self.random = draw = random.Random(seed)
        self.cents = draw.choice((2, 2, 2, 4))
        self.step = Decimal(1).scaleb(-self.cents)
        self.price = {symbol: Decimal(draw.randint(500, 9000)).scaleb(-2) for symbol in SYMBOLS}
        self.account = {
            "starting_cash": draw.choice((1000.0, 20_000.0, 200_000.0)),
            "currency_decimals": draw.choice((2, 2, 0, 8)),
            "leverage": draw.choice((1.0, 2.0, 4.0)),
            "shorting": draw.random() < 0.8,
            "lot_size": draw.choice((1.0, 1.0, 10.0, 0.01, 1e-8)),
            "tick_size": draw.choice((None, 0.05, 0.01, 0.125)),
            "max_participation": draw.choice((None, None, 0.1, 0.35)),
            "max_open_positions": draw.choice((None, None, 1)),
            "max_position_percent": draw.choice((None, None, 60.0)),
            "daily_loss_limit_percent": draw.choice((None, None, 2.0)),
            "flat_at_close": draw.random() < 0.3,
            "borrow_rate": draw.choice((0.0, 35.0)),
            "margin_rate": draw.choice((0.0, 12.5)),
            "delist_after_sessions": 1,
            "delisting_value_percent": draw.choice((100.0, 0.0, 35.0)),
        }
        self.costs = {
            "commission_per_share": draw.choice((0.0, 0.005, 0.013)),
            "commission_per_order": draw.choice((0.0, 1.5)),
            "commission_percent": draw.choice((0.0, 0.05)),
            "minimum_commission": draw.choice((0.0, 0.35)),
            "slippage_bps": draw.choice((0.0, 2.5)),
            "slippage_spread": draw.choice((0.0, 0.15)),
        }
        self.limits = [
            {
                "max_positions": draw.choice((0, 0, 1)),
                "max_percent": draw.choice((0.0, 0.0, 45.0)),
                "max_bars": draw.choice((0, 0, 4)),
            }
            for _ in range(draw.choice((1, 1, 2)))
        ]
        self.sessions = [self.session(number) for number in range(SESSIONS)]
        self.actions = [self.action() for _ in range(draw.randint(3, 18))]
        self.corporate = [
            (
                draw.randint(1, SESSIONS - 1),
                draw.choice(SYMBOLS),
                draw.choice(("2", "0.1", "1.5", "0.25")),
                draw.choice(("0.25", "0.333", "0.01")),
            )
            for _ in range(draw.choice((0, 0, 1, 2)))
        ]

    def session(self, number: int) -> dict[str, list[Any]]:
        gone = self.random.choice((*SYMBOLS, None, None, None, None)) if number == 1 else None
        return {
            symbol: [None if symbol == gone else self.bar(symbol) for _ in range(BARS)]
            for symbol in SYMBOLS
        }

    def bar(self, symbol: str) -> Any:
        """Open, high, low, close, volume; one in twelve is missing, one in ten has no volume."""
        draw, least = self.random, Decimal(1)
        wide = draw.choice((20, 60, 60, 900))
        open_ = max(least, self.price[symbol] + self.move(wide))
        close = max(least, open_ + self.move(wide))
        high, low = (
            max(open_, close) + abs(self.move(30)),
            max(least / 2, min(open_, close) - abs(self.move(30))),
        )
        if not draw.randrange(12):
            return None
        self.price[symbol] = close
        return open_, high, low, close, Decimal(draw.choice((0, *[draw.randint(1, 3000)] * 9)))

    def move(self, cents: int) -> Decimal:
        most = cents * 10 ** (self.cents - 2)
        return self.random.randint(-most, most) * self.step

    def action(self) -> dict[str, Any]:
        draw = self.random
        made: dict[str, Any] = {
            "session": draw.randrange(SESSIONS),
            "instant": draw.randint(0, BARS),
            "strategy": draw.randrange(len(self.limits)),
            "symbol": draw.choice(SYMBOLS),
            "close": draw.random() < 0.25,
            "side": draw.choice((1, -1)),
            "kind": draw.choice(KINDS),
            "unit": draw.choice(("shares", "shares", "cash", "percent", "risk")),
            "day": draw.random() < 0.5,
        }
        if draw.random() < 0.4:
            made["kind"] = "market"
        made["size"] = {
            "shares": Decimal(draw.randint(1, 90_000)) / 100,
            "cash": Decimal(draw.randint(100, 30_000)),
            "percent": Decimal(draw.randint(1, 120)),
            "risk": Decimal(draw.randint(1, 300)) / 100,
        }[made["unit"]]
        made["away"] = {name: self.move(90) for name in PRICES}
        made["bracket"] = [name for name in PRICES[3:] if draw.random() < 0.35]
        return made


def prices_of(action: dict[str, Any], last: Decimal) -> dict[str, Decimal]:
    """The order's prices, as distances from the last one. Now and then a protection is on the wrong side, or has no value."""
    side, kind, away = action["side"], action["kind"], action["away"]
    made = {}
    if kind in ("limit", "stop_limit"):
        made["limit"] = last + away["limit"]
    if kind in ("stop", "stop_limit"):
        made["stop"] = last + away["stop"]
    if kind == "trailing_stop":
        made["trail"] = abs(away["trail"]) + Decimal("0.05")
        made["stop"] = last + side * made["trail"]
    for name in action["bracket"]:
        distance = abs(away[name]) if abs(away["trail"]) > Decimal("0.1") else away[name]
        level = {
            "stop_loss": last - side * distance,
            "take_profit": last + side * distance,
            "trailing_stop": abs(distance),
        }[name]
        made[name] = max(level, Decimal(0))
    return made


class Both:
    """The broker and the model, side by side."""

    def __init__(self, case: Case):
        self.case = case
        terms = [StrategyTerms(str(i), **limits) for i, limits in enumerate(case.limits)]
        self.book = Broker(AccountConfig(**case.account), CostsConfig(**case.costs), terms)
        self.model = Model(case.account, case.costs, case.limits)
        self.trades = 0
        self.placed: set[int | None] = set()  # ids of the orders that were accepted
        for symbol in SYMBOLS:
            self.book.symbol_id(symbol)
        for number, session in enumerate(case.sessions):
            self.session(number, session)

    def session(self, number: int, session: dict[str, list[Any]]) -> None:
        book, model, start = self.book, self.model, number * SESSION
        one = feed(
            book,
            {
                name: [row and tuple(map(float, row)) for row in rows]
                for name, rows in session.items()
            },
            start,
        )
        days = (0, 1, 73)[number]
        book.begin_session(number, days)
        model.begin_session(days)
        for when, symbol, ratio, cash in self.case.corporate:
            if when == number:
                book.dividend(symbol, float(cash))
                model.dividend(symbol, Decimal(cash))
                book.split(symbol, float(ratio), start)
                model.split(symbol, Decimal(ratio), start)
        book.write_off(start)
        model.write_off(start)
        self.compare(f"session {number} begins")
        rows = equity_rows(one)
        for instant in range(BARS + 1):
            for action in self.case.actions:
                if (action["session"], action["instant"]) == (number, instant):
                    self.act(action, int(one.instants[instant]))
            if instant < BARS:
                bars = {symbol: session[symbol][instant] for symbol in SYMBOLS}
                book.step(one, instant, rows)
                model.bar(
                    int(one.instants[instant]),
                    int(one.instants[instant + 1]),
                    bars,
                    instant + 1 == BARS,
                )
                self.compare(f"session {number} bar {instant}")
        book.end_session()
        model.end_session(SYMBOLS)
        self.compare_what_is_over()

    def act(self, action: dict[str, Any], now: int) -> None:
        strategy, symbol = action["strategy"], action["symbol"]
        if symbol not in self.model.last:
            return
        if action["close"]:
            self.book.cancel_entries(strategy, self.book.symbol_id(symbol), now)
            self.book.send_out(strategy, self.book.symbol_id(symbol), "out", now)
            self.model.close(strategy, symbol, now, "out")
        prices = prices_of(action, self.model.last[symbol])
        given = {name: float(prices.get(name, "nan")) for name in PRICES}
        placed = self.book.place(
            strategy,
            self.book.symbol_id(symbol),
            action["side"],
            KINDS.index(action["kind"]),
            float(action["size"]),
            now,
            action["unit"],
            day=action["day"],
            **given,
        )
        self.placed.add(placed)
        why = "" if placed is not None else self.book.refusal(strategy, self.book.symbol_id(symbol))
        said = self.model.place(
            strategy,
            symbol,
            action["side"],
            action["kind"],
            action["size"],
            now,
            action["unit"],
            day=action["day"],
            **prices,
        )
        assert why == said, f"{why!r}, not {said!r}: {action}"

    def compare(self, where: str) -> None:
        """Fills so far, cash, and what is held, on its way in and on its way out."""
        book, model = self.book.ledger, self.model
        fills = book.fills[: book.counts[records.FILLS]]
        mine = [self.told_of(f) for f in fills]
        theirs = [
            (
                f.time,
                f.symbol,
                f.side,
                float(f.quantity),
                round(float(f.price), 9),
                float(f.commission),
                float(f.slippage),
                float(f.cash),
                f.reason,
            )
            for f in model.fills[len(model.fills) - len(fills) :]
        ]
        assert mine == theirs, where
        account = book.account[0]
        assert float(account["cash"]) / self.book.scale == float(model.cash), where
        assert float(account["equity"]) == pytest.approx(float(model.equity), abs=1e-6), where
        assert float(account["gross"]) == pytest.approx(float(model.exposure), abs=1e-6), where
        assert float(account["reserved"]) == pytest.approx(float(model.reserved()), abs=1e-5), where
        assert float(account["freed"]) == pytest.approx(float(model.promised()), abs=1e-5), where
        assert (book.positions["leaving"] <= abs(book.positions["quantity"])).all(), where
        held = {key: float(p.quantity) for key, p in model.positions.items()}
        assert {
            (k, self.book.symbols[s]): float(book.positions[k, s]["quantity"])
            for k, s in self.book.held()
        } == held, where
        alive = [book.orders[place] for place in self.book.open_places()]
        assert [
            (KINDS[o["kind"]], float(o["left"]), number(o["limit"]), number(o["stop"]))
            for o in alive
        ] == [
            (o.kind, float(o.left), number(o.limit), number(o.stop)) for o in model.open_orders()
        ], where

    def told_of(self, f: Any) -> tuple[Any, ...]:
        return (
            int(f["time"]),
            self.book.symbols[f["symbol"]],
            int(f["side"]),
            float(f["quantity"]),
            round(float(f["price"]), 9),
            float(f["commission"]),
            float(f["slippage"]),
            float(f["cash"]) / self.book.scale,
            self.book.reason(int(f["reason"])),
        )

    def compare_what_is_over(self) -> None:
        """How orders ended, and what trades came to."""
        orders, _, trades = self.book.take()
        ended = sorted(
            (
                KINDS[o["kind"]],
                float(o["filled"]),
                STATES[o["status"]],
                self.book.reason(int(o["ended_by"])),
            )
            for o in orders
            if o["status"] != records.REJECTED or o["id"] in self.placed
        )
        over = [o for o in self.model.orders if o.status != "open"]
        assert ended == sorted((o.kind, float(o.filled), o.status, o.why) for o in over)
        self.model.orders = self.model.open_orders()
        assert [float(t["pnl"]) for t in trades] == [float(p) for p in self.model.profits]
        assert all(o["ended_by"] for o in orders if o["status"] != records.FILLED), (
            "every end has a reason"
        )
        self.model.profits.clear()
        self.trades += len(trades)
        self.model.fills.clear()


def number(value: Any) -> float | None:
    return None if value is None or value != value else round(float(value), 9)


@pytest.mark.parametrize("piece", range(PIECES))
def test_the_broker_is_the_model_to_the_cent(piece: int) -> None:
    trades = 0
    for seed in range(piece, CASES, PIECES):
        try:
            trades += Both(Case(seed)).trades
        except AssertionError as error:
            raise AssertionError(f"case {seed}: {error}") from error
    assert trades > 100, "the cases trade"


def test_the_model_reads_floats_as_decimals() -> None:
    assert exactly(0.1) == Decimal("0.1")
