"""The broker against an independent model of docs/trading.md in decimals (model.py): random cases, the same to the cent."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from engine.config.models import AccountConfig, CostsConfig
from engine.trading.broker import records
from engine.trading.broker_account import KINDS, STATES, Broker, StrategyTerms
from tests.trading.market import STEP, equity_rows, feed
from tests.trading.model import ZERO, Model, Signal, exactly

SYMBOLS = ("A", "B")
BARS, SESSIONS = 6, 3
SESSION = 1000 * STEP
CASES, PIECES = 1000, 20
EXACT = ("quantity", "commission", "slippage", "dividends", "interest")
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
                "once": draw.random() < 0.3,
                "band": draw.choice((0.0, 0.02, 0.2)),
                "unit": draw.choice(("shares", "shares", "cash", "percent", "risk")),
            }
            for _ in range(draw.choice((1, 1, 2)))
        ]
        self.sessions = [self.session(number) for number in range(SESSIONS)]
        self.actions = [self.action() for _ in range(draw.randint(3, 18))]
        by_columns = draw.random() < 0.5
        self.signals = [self.signal() for _ in range(draw.randint(2, 14) * by_columns)]
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

    def signal(self) -> dict[str, Any]:
        """An action whose order comes from columns; a weight in the place of an entry now and then."""
        draw, made = self.random, self.action()
        made["kind"] = draw.choice(("market", "market", "limit", "stop", "stop_limit"))
        made["unit"] = self.limits[made["strategy"]]["unit"]
        made["size"] = self.size(made["unit"])
        made["side"] = draw.choice((1, 1, -1, -1, 0))
        made["weight"] = draw.choice((None, None, Decimal(draw.randint(-90, 120)) / 100, ZERO))
        made["exits"] = [draw.choice(("", "", "", f"exit {side}")) for side in ("long", "short")]
        made["reason"] = draw.choice(("", "column"))
        return made

    def size(self, unit: str) -> Decimal:
        draw = self.random
        return {
            "shares": Decimal(draw.randint(1, 90_000)) / 100,
            "cash": Decimal(draw.randint(100, 30_000)),
            "percent": Decimal(draw.randint(1, 120)),
            "risk": Decimal(draw.randint(1, 300)) / 100,
        }[unit]

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
        made["size"] = self.size(made["unit"])
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
        self.locked: set[str] = set()
        for symbol in SYMBOLS:
            self.book.symbol_id(symbol)
        for number, session in enumerate(case.sessions):
            self.session(number, session)
        self.book.end_run(SESSIONS * SESSION)
        self.model.end_run(SESSIONS * SESSION)
        self.compare_what_is_over()

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
            self.act_by_columns(number, instant, int(one.instants[instant]))
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
                self.compare_equity(rows[instant + 1], int(one.instants[instant + 1]))
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

    def act_by_columns(self, number: int, instant: int, now: int) -> None:
        """The signals of an instant, sorted by strategy; of symbols that have a price."""
        asked = sorted(
            (
                one
                for one in self.case.signals
                if (one["session"], one["instant"]) == (number, instant)
                and one["symbol"] in self.model.last
            ),
            key=lambda one: one["strategy"],
        )
        rows = np.zeros(len(asked), records.SIGNAL)
        for strategy in range(len(self.case.limits)):
            of_it = [self.signal(one) for one in asked if one["strategy"] == strategy]
            for place, one in enumerate(asked):
                if one["strategy"] == strategy:
                    self.write(rows[place], one, strategy)
            self.model.act(strategy, of_it, now)
        self.book.act(rows, 0, len(rows), now)

    def signal(self, one: dict[str, Any]) -> Signal:
        prices = prices_of(one, self.model.last[one["symbol"]]) if one["side"] else {}
        exits = one["exits"]
        return Signal(
            one["symbol"], one["side"], *exits, one["reason"], one["size"], one["weight"], prices
        )

    def write(self, row: Any, one: dict[str, Any], strategy: int) -> None:
        signal, code = self.signal(one), self.book.reason_code
        row["instant"], row["strategy"] = one["instant"], strategy
        row["symbol"], row["side"] = self.book.symbol_id(one["symbol"]), one["side"]
        row["exit_long"], row["exit_short"] = (
            code(reason) if reason else 0 for reason in one["exits"]
        )
        row["reason"] = code(one["reason"]) if one["reason"] else 0
        row["size"] = float(one["size"])
        row["weight"] = math.nan if one["weight"] is None else float(one["weight"])
        for name in ("limit", "stop", "stop_loss", "take_profit", "trailing_stop"):
            row[name] = float(signal.prices.get(name, "nan"))

    def compare_equity(self, row: Any, time: int) -> None:
        """A row of the equity curve."""
        model = self.model
        assert (int(row["time"]), int(row["open_positions"]), int(row["open_orders"])) == (
            time,
            len(model.positions),
            len(model.open_orders()),
        )
        scale = self.book.scale
        assert float(row["cash"]) / scale == float(model.cash)
        assert float(row["interest"]) / scale == float(model.own_interest)
        worth, peak = model.equity, model.peak
        for name, value in {
            "value": worth - model.cash, "equity": worth, "gross": model.exposure,
            "reserved": model.reserved(), "drawdown": worth / peak - 1 if peak > 0 else ZERO,
        }.items():  # fmt: skip
            assert float(row[name]) == pytest.approx(float(value), abs=1e-5), name

    def compare_locks(self, model: Model) -> None:
        """A symbol is locked while it has a position or an order; each lock is told of once."""
        for _, symbol, locked in self.book.take_locks():
            assert locked == (symbol not in self.locked), "it is locked, then unlocked"
            self.locked ^= {symbol}
        busy = {key[1] for key in model.positions} | {o.key[1] for o in model.open_orders()}
        assert self.locked == busy

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
        for strategy, row in enumerate(book.strategies):
            own = [p for key, p in model.positions.items() if key[0] == strategy]
            assert int(row["open_positions"]) == len(own), where
            exposure = sum(
                abs(p.quantity) * model.last[key[1]]
                for key, p in model.positions.items()
                if key[0] == strategy
            )
            assert float(row["gross"]) == pytest.approx(float(exposure), abs=1e-6), where
        for (strategy, symbol), position in model.positions.items():
            told = book.positions[strategy, self.book.symbol_id(symbol)]["average"]
            assert float(told) == pytest.approx(float(position.average), rel=1e-9), where
        self.compare_locks(model)
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
                int(o["placed"]),
                int(o["ended"]),
                self.book.symbols[o["symbol"]],
                int(o["side"]),
                KINDS[o["kind"]],
                float(o["quantity"]),
                float(o["filled"]),
                number(o["average"]) if o["filled"] else None,
                float(o["commission"]),
                bool(o["day"]),
                bool(o["parent"] >= 0),
                self.book.reason(int(o["reason"])),
                STATES[o["status"]],
                self.book.reason(int(o["ended_by"])),
            )
            for o in orders
            if o["status"] != records.REJECTED or o["ended"] != o["placed"]
        )
        over = [o for o in self.model.orders if o.status != "open"]
        assert repr(ended) == repr(sorted(
            (
                o.placed, o.ended, o.key[1], o.side, o.kind, float(o.quantity), float(o.filled),
                number(o.paid / o.filled) if o.filled else None, float(o.charged), o.day,
                o.parent is not None, o.reason, o.status, o.why,
            )
            for o in over
            if o.status != "rejected" or o.ended != o.placed
        ))  # fmt: skip
        self.model.orders = self.model.open_orders()
        mine = [
            (self.book.reason(int(t["entry_reason"])), self.book.reason(int(t["exit_reason"])))
            for t in trades
        ]
        assert mine == [(t.position.reason, t.exit_reason) for t in self.model.trades]
        for trade, expected in zip(trades, self.model.trades, strict=True):
            whose = (int(trade["strategy"]), self.book.symbols[trade["symbol"]])
            assert whose == (expected.strategy, expected.symbol)
            for name, value in expected.figures().items():
                told = None if trade[name] != trade[name] else float(trade[name])
                wanted = None if value is None else float(value)
                if wanted is None or isinstance(value, int) or name in EXACT:
                    assert told == wanted, name
                else:
                    assert told == pytest.approx(wanted, rel=1e-9, abs=1e-9), name
        assert all(o["ended_by"] for o in orders if o["status"] != records.FILLED), (
            "every end has a reason"
        )
        self.model.trades.clear()
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
