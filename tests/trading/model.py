"""The rules of docs/trading.md once more, in decimals and plain Python: what the broker must come to, to the cent.

Written from the document alone, slowly and without an eye to speed: lists instead of counters, everything counted anew
whenever it is asked for. A bar is (open, high, low, close, volume); prices, quantities and money are `Decimal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

ZERO = Decimal(0)
STOPS = ("stop", "stop_limit", "trailing_stop")
Bar = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]
Key = tuple[int, str]  # strategy and symbol


def exactly(number: float | None) -> Decimal | None:
    """The decimal that a float was meant as."""
    return None if number is None else Decimal(repr(float(number)))


def to_step(
    value: Decimal, step: Decimal | None, up: bool = False, whole: Decimal = ZERO
) -> Decimal:
    """Down (or up) to a multiple of a step; within a billionth of a step, or two units in the 15th digit of the whole that the
    value is a part of, it is one already."""
    if not step:
        return value
    steps = value / step
    near = steps.to_integral_value()
    if abs(steps - near) > max(Decimal("1e-9"), max(abs(steps), whole / step) * Decimal("2e-15")):
        near = steps.to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)
    return near * step


@dataclass
class Position:
    """What a strategy holds of a symbol since it was flat; `flow` is all cash that came and went for it."""

    quantity: Decimal = ZERO
    flow: Decimal = ZERO
    bars: int = 0
    side: int = 0
    opened: int = -1
    born: str = ""  # how in the bar it was opened in: open, limit, stop
    entered: Decimal = ZERO  # shares bought to open a long position, sold to open a short one
    entry_paid: Decimal = ZERO
    exited: Decimal = ZERO
    exit_paid: Decimal = ZERO
    commission: Decimal = ZERO
    slippage: Decimal = ZERO
    dividends: Decimal = ZERO
    interest: Decimal = ZERO
    average: Decimal = ZERO  # price of what is held
    best: Decimal = ZERO
    worst: Decimal = ZERO
    stop: Decimal | None = None
    target: Decimal | None = None
    reason: str = ""

    def see(self, high: Decimal, low: Decimal) -> None:
        """Prices that the position lived through."""
        up, down = (high, low) if self.side > 0 else (low, high)
        self.best = self.side * max(self.side * self.best, self.side * up)
        self.worst = self.side * min(self.side * self.worst, self.side * down)

    def leave(self, quantity: Decimal, price: Decimal) -> None:
        """Shares that are gone, at a price."""
        self.exited += quantity
        self.exit_paid += quantity * price


@dataclass
class Trade:
    """A position from flat to flat, or as it stands at the run's end."""

    strategy: int
    symbol: str
    position: Position
    exit_time: int
    exit_price: Decimal
    pnl: Decimal
    exit_reason: str

    def figures(self) -> dict[str, Any]:
        """The columns of a trade's row."""
        p = self.position
        entry = p.entry_paid / p.entered
        away = [p.side * (price / entry - 1) for price in (p.worst, p.best)]
        return {
            "side": p.side, "quantity": p.entered, "entry_time": p.opened, "exit_time": self.exit_time,
            "entry_price": entry, "exit_price": self.exit_price, "pnl": self.pnl,
            "commission": p.commission, "slippage": p.slippage, "dividends": p.dividends,
            "interest": p.interest, "mae": min(ZERO, away[0]), "mfe": max(ZERO, away[1]),
            "bars": p.bars, "stop": p.stop, "target": p.target,
        }  # fmt: skip


@dataclass(frozen=True)
class Signal:
    """What a strategy's columns ask for of a symbol at an instant; weight is a part of equity."""

    symbol: str
    side: int = 0
    exit_long: str = ""
    exit_short: str = ""
    reason: str = ""
    size: Decimal = ZERO
    weight: Decimal | None = None
    prices: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(eq=False)
class Order:
    """An order; `opens` is what it was to open when it was placed, `reduces` the rest."""

    key: Key
    side: int
    kind: str
    left: Decimal
    placed: int
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    trailing_stop: Decimal | None = None
    day: bool = True
    reason: str = ""
    parent: Order | None = None
    only_reduces: bool = False
    reserved: Decimal = ZERO
    reduces: Decimal = ZERO
    promised: Decimal = ZERO
    touched: bool = False
    born: str = ""  # how in the bar at hand: open, limit, stop
    born_price: Decimal = ZERO
    status: str = "open"
    why: str = ""
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    quantity: Decimal = ZERO
    ended: int = -1
    fees: Decimal | None = None
    charged: Decimal = ZERO


@dataclass
class Fill:
    """One fill; an order of None is a position that was ended, or a fraction paid out."""

    time: int
    symbol: str
    side: int
    quantity: Decimal
    price: Decimal
    commission: Decimal
    slippage: Decimal
    cash: Decimal
    reason: str


@dataclass
class Model:
    """An account under the documented rules; `account` and `costs` are those blocks of a config."""

    account: Mapping[str, Any]
    costs: Mapping[str, Any]
    limits: Sequence[Mapping[str, Any]] = (
        {},
    )  # of each strategy: max_positions, max_percent, max_bars
    positions: dict[Key, Position] = field(
        default_factory=dict
    )  # that are open, in order of opening
    orders: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    last: dict[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        a, c = self.account, self.costs
        self.cent = Decimal(1).scaleb(-a.get("currency_decimals", 2))
        self.cash = self.money(exactly(a["starting_cash"]))
        self.leverage = exactly(a.get("leverage", 1.0))
        margin = a.get("maintenance_margin")
        self.maintenance = exactly(margin) if margin is not None else Decimal("0.5") / self.leverage
        self.lot, self.tick = exactly(a.get("lot_size", 1.0)), exactly(a.get("tick_size"))
        self.cap = exactly(a.get("max_participation"))
        self.per_share, self.per_order = (
            exactly(c.get(f"commission_per_{one}", 0.0)) for one in ("share", "order")
        )
        self.percent = exactly(c.get("commission_percent", 0.0)) / 100
        self.minimum = exactly(c.get("minimum_commission", 0.0))
        self.bps = exactly(c.get("slippage_bps", 0.0)) / 10_000
        self.spread = exactly(c.get("slippage_spread", 0.0))
        self.blocked, self.budget, self.start = False, dict[str, Decimal](), self.cash
        self.silent, self.seen, self.dealt = dict[str, int](), set[str](), set[str]()
        self.closing = dict[str, tuple[int, Decimal]]()
        self.own_interest = ZERO
        self.peak, self.time = self.cash, 0  # highest equity after a bar; what time it is
        self.session, self.entered = 0, dict[Key, int]()  # the last session that entered a symbol

    # -- money

    def money(self, amount: Decimal) -> Decimal:
        return amount.quantize(self.cent, ROUND_HALF_UP)

    @property
    def equity(self) -> Decimal:
        return self.cash + sum(
            (p.quantity * self.last[key[1]] for key, p in self.positions.items()), ZERO
        )

    @property
    def exposure(self) -> Decimal:
        return sum((abs(p.quantity) * self.last[key[1]] for key, p in self.positions.items()), ZERO)

    def held(self, key: Key) -> Decimal:
        return self.positions[key].quantity if key in self.positions else ZERO

    def open_orders(self) -> list[Order]:
        return [order for order in self.orders if order.status == "open"]

    def of(self, key: Key) -> list[Order]:
        return [order for order in self.open_orders() if order.key == key]

    def reserved(self, but: Order | None = None) -> Decimal:
        return sum((o.reserved for o in self.open_orders() if o is not but), ZERO)

    def promised(self) -> Decimal:
        return sum((o.promised for o in self.open_orders()), ZERO)

    def leaving(self, key: Key) -> Decimal:
        return sum((o.reduces for o in self.of(key) if o.kind == "market"), ZERO)

    def staying(self, key: Key) -> Decimal:
        return abs(self.held(key)) - self.leaving(key)

    def reduces(self, order: Order) -> bool:
        return order.side * self.held(order.key) < 0

    # -- placing

    def place(
        self,
        strategy: int,
        symbol: str,
        side: int,
        kind: str,
        size: Decimal,
        now: int,
        unit: str = "shares",
        **given: Any,
    ) -> str:
        """Place an order; "" where it is accepted, else why it is refused."""
        order, self.time = Order((strategy, symbol), side, kind, ZERO, now, **given), now
        self.on_ticks(order)
        if symbol not in self.last:
            return "no_price"
        price = self.reckoned(order)
        size = self.shares(order, unit, size, price)
        against = self.staying(order.key) if self.reduces(order) else ZERO
        for name in {
            "limit": ["limit"],
            "stop": ["stop"],
            "stop_limit": ["limit", "stop"],
            "trailing_stop": ["stop", "trail"],
        }.get(kind, []):
            if not getattr(order, name) or getattr(order, name) <= 0:
                return "not_a_price"
        if price <= 0:
            return "no_price"
        asked = to_step(size, self.lot)
        if asked <= 0:
            return "no_size"
        order.reduces = min(asked, against)
        order.promised = order.reduces * price if kind == "market" else ZERO
        opens, why = asked - order.reduces, ""
        if opens:
            opens, why = self.allowed(order, opens, price)
        if not opens and not order.reduces:
            return why
        order.left, order.reserved, order.only_reduces = (
            order.reduces + opens,
            opens * price,
            not opens,
        )
        order.quantity = order.left
        self.orders.append(order)
        if opens:
            self.entered[order.key] = self.session
        return ""

    def on_ticks(self, order: Order) -> None:
        """Limits where they cost less, stops where they trigger later; those of the bracket are of the other side."""
        buys = order.side > 0
        for name, up in (
            ("limit", not buys),
            ("stop", buys),
            ("stop_loss", not buys),
            ("take_profit", buys),
        ):
            if getattr(order, name) is not None:
                setattr(order, name, to_step(getattr(order, name), self.tick, up))

    def reckoned(self, order: Order) -> Decimal:
        if order.limit is not None:
            return order.limit
        return (
            order.stop
            if order.stop is not None and order.kind != "trailing_stop"
            else self.last[order.key[1]]
        )

    def shares(self, order: Order, unit: str, size: Decimal, price: Decimal) -> Decimal:
        if unit == "shares" or price <= 0:
            return size
        if unit == "cash":
            return size / price
        if unit == "percent":
            return self.equity * size / 100 / price
        risk = abs(price - order.stop_loss) if order.stop_loss is not None else ZERO
        return self.equity * size / 100 / risk if risk else ZERO

    def allowed(  # noqa: PLR0911, PLR0912  one rule after the other, as in the document
        self, order: Order, opens: Decimal, price: Decimal
    ) -> tuple[Decimal, str]:
        side, key, limits = order.side, order.key, self.limits[order.key[0]]
        for protection in (order.stop_loss, order.trailing_stop):
            if protection is not None and protection <= 0:
                return ZERO, "no_stop_loss"
        if order.take_profit is not None and order.take_profit <= 0:
            return ZERO, "not_a_price"
        if order.stop_loss is not None and side * order.stop_loss > side * price:
            return ZERO, "stop_loss_on_wrong_side"
        if order.take_profit is not None and side * order.take_profit < side * price:
            return ZERO, "take_profit_on_wrong_side"
        if self.blocked:
            return ZERO, "entries_blocked"
        if side < 0 and not self.account.get("shorting", True):
            return ZERO, "no_shorting"
        there = self.will_be()
        if key not in there:
            if len(there) >= (self.account.get("max_open_positions") or 10**9):
                return ZERO, "max_open_positions"
            if len([one for one in there if one[0] == key[0]]) >= (
                limits.get("max_positions") or 10**9
            ):
                return ZERO, "strategy_limit"
        rooms = []
        if self.account.get("max_position_percent"):
            most = exactly(self.account["max_position_percent"]) / 100 * self.equity
            rooms.append((most, most - self.of_symbol(order), price, "position_limit"))
        if limits.get("max_percent"):
            own = sum(
                (
                    abs(p.quantity) * self.last[one[1]]
                    for one, p in self.positions.items()
                    if one[0] == key[0]
                ),
                ZERO,
            )
            own += sum(
                (o.reserved - o.promised for o in self.open_orders() if o.key[0] == key[0]), ZERO
            )
            most = exactly(limits["max_percent"]) / 100 * self.equity
            rooms.append((most, most - own + order.promised, price, "strategy_limit"))
        money = self.room(order) + self.promised() + order.promised
        rooms.append((self.leverage * self.equity, money, self.each(price), "not_enough_cash"))
        for whole, room, each, why in rooms:
            opens = min(opens, to_step(max(ZERO, room / each), self.lot, whole=whole / each))
            if opens <= 0:
                return ZERO, why
        return opens, ""

    def will_be(self) -> set[Key]:
        """The positions that there are once the orders on their way are filled."""
        coming = {order.key for order in self.open_orders() if not order.only_reduces}
        return coming | {key for key in self.positions if self.staying(key) > 0}

    def of_symbol(self, order: Order) -> Decimal:
        symbol, gone = (
            order.key[1],
            abs(self.held(order.key)) if self.reduces(order) else self.leaving(order.key),
        )
        held = sum((abs(p.quantity) for key, p in self.positions.items() if key[1] == symbol), ZERO)
        ordered = sum((o.reserved for o in self.open_orders() if o.key[1] == symbol), ZERO)
        return (held - gone) * self.last[symbol] + ordered

    def room(self, order: Order) -> Decimal:
        """What may still be opened: leverage times equity, less exposure, what other orders reserve, and fixed costs."""
        return (
            self.leverage * self.equity
            - self.exposure
            - self.reserved(order)
            - self.minimum
            - self.per_order
        )

    def each(self, price: Decimal, slippage: Decimal = ZERO) -> Decimal:
        return price * (1 + self.percent) + self.per_share + slippage

    # -- asking for exits

    def close(self, strategy: int, symbol: str, now: int, reason: str) -> None:
        """What a strategy's close() does: entries are called back, what is not on its way out goes out."""
        self.call_back((strategy, symbol), now, "cancelled")
        self.send_out((strategy, symbol), now, reason)

    def call_back(self, key: Key, now: int, why: str) -> None:
        """Cancel the orders that would open or add."""
        self.time = now
        for order in self.of(key):
            if not order.only_reduces:
                self.end(order, "cancelled", why)

    # -- what columns ask for

    def act(self, strategy: int, signals: Sequence[Signal], now: int) -> None:
        """One strategy's signals of an instant: exits and entries one by one, then weights."""
        for signal in signals:
            if signal.weight is None:
                key, held = (strategy, signal.symbol), self.held((strategy, signal.symbol))
                coming = [o.side for o in self.of(key) if not o.only_reduces]
                reason = signal.exit_long if held > 0 else signal.exit_short if held < 0 else ""
                if reason:
                    self.send_out(key, now, reason)
                if coming and (signal.exit_long if coming[-1] > 0 else signal.exit_short):
                    self.call_back(key, now, "exit_signal")
                if signal.side:
                    self.enter(key, signal, now)
        for adding in (False, True):
            for signal in signals:
                if signal.weight is not None:
                    self.weigh((strategy, signal.symbol), signal, adding, now)

    def enter(self, key: Key, signal: Signal, now: int) -> None:
        held, limits = self.held(key), self.limits[key[0]]
        if held * signal.side > 0 and self.staying(key) > 0:
            return
        if limits.get("once") and self.entered.get(key) == self.session:
            return
        coming = [o.side for o in self.of(key) if not o.only_reduces]
        if coming and coming[-1] == signal.side:
            return
        if coming:
            self.call_back(key, now, "reversal")
        if held:
            self.send_out(key, now, "reversal")
        there = (signal.prices.get("limit") is not None, signal.prices.get("stop") is not None)
        kind = {(0, 0): "market", (1, 0): "limit", (0, 1): "stop", (1, 1): "stop_limit"}[there]
        unit = limits.get("unit", "shares")
        given = {"reason": signal.reason, **signal.prices}
        self.place(key[0], key[1], signal.side, kind, signal.size, now, unit, **given)

    def weigh(self, key: Key, signal: Signal, adding: bool, now: int) -> None:
        """Trade the difference to the wanted part of equity: reductions first, then what adds."""
        coming = [o for o in self.of(key) if not o.only_reduces]
        last = self.last.get(key[1])
        if coming or self.leaving(key) or not last:
            return
        held = self.held(key)
        wanted = signal.weight * self.equity / last
        lots = to_step(abs(wanted), self.lot)
        change = (lots if wanted >= 0 else -lots) - held
        reduces_only = held * change < 0 and abs(change) <= 2 * abs(held)
        if not change or reduces_only == adding:
            return
        band = exactly(self.limits[key[0]].get("band", 0.0)) * self.equity
        if lots and abs(change) * last < band:
            return
        reason = signal.reason or "rebalance"
        if not lots:
            self.send_out(key, now, reason)
            return
        self.place(
            key[0], key[1], 1 if change > 0 else -1, "market", abs(change), now, reason=reason
        )

    def send_out(self, key: Key, now: int, reason: str) -> None:
        self.time = now
        for order in self.of(key):
            if order.kind == "market" and order.reduces > 0:
                order.day = False
        staying = self.staying(key)
        if staying > 0:
            side = -1 if self.held(key) > 0 else 1
            self.orders.append(
                Order(
                    key,
                    side,
                    "market",
                    staying,
                    now,
                    day=False,
                    reason=reason,
                    only_reduces=True,
                    quantity=staying,
                    reduces=staying,
                    promised=staying * self.last[key[1]],
                )
            )

    def end(self, order: Order, status: str, why: str) -> None:
        order.status, order.why, order.reserved, order.promised, order.reduces = (
            status,
            why,
            ZERO,
            ZERO,
            ZERO,
        )
        order.ended = self.time

    # -- a bar

    def bar(
        self, now: int, until: int, bars: Mapping[str, Bar | None], last_of_session: bool
    ) -> None:
        """The bars from one instant to the next."""
        self.now = self.time = now
        self.bars = {symbol: bar for symbol, bar in bars.items() if bar}
        for symbol, bar in self.bars.items():
            self.seen.add(symbol)
            self.closing.pop(
                symbol, None
            )  # the session's last bar so far: its close, where anybody traded in it
            if bar[4] > 0:
                self.dealt.add(symbol)
                self.closing[symbol] = (now, bar[3])
                if self.cap is not None:
                    self.budget[symbol] = to_step(self.cap * bar[4], self.lot)
        for only_reducing in (True, False):
            for order in self.due():
                if not order.born and (self.reduces(order) or not only_reducing):
                    self.at(order, self.at_open(order), "open")
        for part in ("entries", "stops", "targets"):
            for order in self.due():
                is_stop = order.kind in STOPS
                mine = "entries" if not self.reduces(order) else "stops" if is_stop else "targets"
                if mine == part:
                    price = self.within(order)
                    opening = order.born == "open" and price == self.bar_of(order)[0]
                    self.at(order, price, "open" if opening else "stop" if is_stop else "limit")
        self.bar_over(until)
        self.time = until
        if last_of_session:
            self.at_close(until)
        self.guard(until)
        self.peak = max(self.peak, self.equity)

    def due(self) -> Iterator[Order]:
        """Open orders of symbols that trade in the bar at hand; brackets join while entries fill."""
        i = 0
        while i < len(self.orders):
            order = self.orders[i]
            i += 1
            bar = self.bars.get(order.key[1])
            if order.status == "open" and bar and bar[4] > 0:
                yield order

    def bar_of(self, order: Order) -> Bar:
        return self.bars[order.key[1]]

    def at(self, order: Order, price: Decimal | None, how: str) -> None:
        if price is not None:
            _, high, low, _, _ = self.bar_of(order)
            self.execute(order, price, how, self.now, high - low)

    def at_open(self, order: Order) -> Decimal | None:
        """The open where the order fills at it."""
        price, side = self.bar_of(order)[0], order.side
        if order.kind == "market":
            return price
        if order.kind == "market_on_close":
            return None
        if order.kind in STOPS:
            order.touched = order.touched or side * price >= side * order.stop
            if not order.touched or order.kind != "stop_limit":
                return price if order.touched else None
        return price if side * price <= side * order.limit else None

    def within(self, order: Order) -> Decimal | None:  # noqa: PLR0911  one rule after the other, as in the document
        """The price within the bar's range."""
        open_, high, low, _, _ = self.bar_of(order)
        side, born = order.side, order.born
        up, down = (high, low) if side > 0 else (low, high)
        if order.kind in ("market", "market_on_close"):
            return None
        if order.kind == "limit":
            if born == "limit" or side * down > side * order.limit:
                return None
            if born == "open" and side * open_ <= side * order.limit:
                return open_
            if born == "stop" and side * order.born_price <= side * order.limit:
                return order.born_price
            return order.limit
        if order.touched:
            reaches = order.kind == "stop_limit" and side * down <= side * order.limit
            return order.limit if reaches else None
        if born == "open" and side * open_ >= side * order.stop:
            order.touched = True
            return open_
        if side * up < side * order.stop:
            return None
        order.touched = True
        price = order.stop
        if born in ("limit", "stop") and side * order.born_price >= side * price:
            price = order.born_price
        return price if order.kind != "stop_limit" or side * price <= side * order.limit else None

    # -- fills

    def execute(self, order: Order, price: Decimal, how: str, time: int, reach: Decimal) -> None:
        allowed = order.left if self.cap is None else min(order.left, self.budget[order.key[1]])
        closing = min(allowed, abs(self.held(order.key))) if self.reduces(order) else ZERO
        if closing:
            self.fill(order, closing, price, time, reach, how)
        opening = min(allowed - closing, order.left)
        if order.status == "open" and not order.only_reduces and opening > 0:
            slippage = ZERO if order.kind in ("limit", "stop_limit") else self.slip(price, reach)
            each = self.each(price, slippage)
            can = to_step(
                max(ZERO, self.room(order) / each),
                self.lot,
                whole=self.leverage * self.equity / each,
            )
            take = min(opening, can)
            if take > 0:
                self.fill(order, take, price, time, reach, how)
                self.protect(order, take, price, how)
            if can < opening and order.left > 0:
                self.end(order, "cancelled" if order.filled else "rejected", "not_enough_cash")
        if order.status == "open" and order.left == 0:
            self.end(order, "filled", "")
        elif order.status == "open" and order.only_reduces and not self.held(order.key):
            self.end(order, "cancelled", "position_closed")

    def slip(self, price: Decimal, reach: Decimal) -> Decimal:
        return self.bps * price + self.spread * reach

    def fill(
        self, order: Order, quantity: Decimal, price: Decimal, time: int, reach: Decimal, how: str
    ) -> None:
        key = order.key
        order.paid += quantity * price
        self.last[key[1]] = price
        order.fees = (self.per_order if order.fees is None else order.fees) + (
            self.per_share * quantity + self.percent * quantity * price
        )
        commission = max(self.money(order.fees), self.money(self.minimum)) - order.charged
        order.charged += commission
        passive = order.kind in ("limit", "stop_limit")
        slippage = ZERO if passive else self.money(quantity * self.slip(price, reach))
        cash = -order.side * self.money(quantity * price) - commission - slippage
        self.take_from_promises(order, quantity)
        order.left -= quantity
        order.filled += quantity
        if self.cap is not None:
            self.budget[key[1]] -= quantity
        self.cash += cash
        if key not in self.positions:
            self.positions[key] = Position(
                side=order.side, opened=time, born=how, best=price, worst=price,
                stop=order.stop_loss, target=order.take_profit, reason=order.reason,
            )  # fmt: skip
        position = self.positions[key]
        position.flow += cash
        position.commission += commission
        position.slippage += slippage
        closes = position.quantity * order.side < 0
        held = abs(position.quantity)
        position.quantity += order.side * quantity
        if closes:
            position.leave(quantity, price)
            position.see(price, price)
        else:
            worth = position.average * held + price * quantity
            position.average = worth / (held + quantity)
            position.entered += quantity
            position.entry_paid += quantity * price
        self.fills.append(
            Fill(
                time, key[1], order.side, quantity, price, commission, slippage, cash, order.reason
            )
        )
        if closes:
            self.closed(order, quantity)

    def take_from_promises(self, order: Order, quantity: Decimal) -> None:
        closing = min(quantity, order.reduces) if self.reduces(order) else ZERO
        opens = order.left - order.reduces
        if closing:
            order.promised -= order.promised * closing / order.reduces
            order.reduces -= closing
        if order.reserved and quantity > closing and opens > 0:
            order.reserved -= order.reserved * min(Decimal(1), (quantity - closing) / opens)

    def closed(self, order: Order, quantity: Decimal) -> None:
        """Part of a position is gone: its bracket shrinks, and so does what was promised beyond what is left."""
        if order.parent is not None:
            for other in self.of(order.key):
                if other.parent is order.parent and other is not order:
                    other.left -= quantity
                    if other.left <= 0:
                        other.left = ZERO
                        self.end(other, "cancelled", order.reason)
        self.trim(order.key)
        if self.held(order.key) == 0:
            self.flat(order.key, order.reason, order)

    def trim(self, key: Key) -> None:
        for order in reversed(self.of(key)):
            excess = self.leaving(key) - abs(self.held(key))
            if order.kind == "market" and order.reduces > 0 and excess > 0:
                cut = min(excess, order.reduces)
                order.promised -= order.promised * cut / order.reduces
                order.reduces -= cut

    def flat(self, key: Key, reason: str, by: Order | None = None) -> None:
        position = self.positions.pop(key)
        exit_price = position.exit_paid / position.exited
        self.trades.append(Trade(*key, position, self.time, exit_price, position.flow, reason))
        for order in self.of(key):
            if order.only_reduces and order is not by and order.left > 0:
                self.end(
                    order, "cancelled", reason if order.parent and reason else "position_closed"
                )
            elif order.only_reduces and order is by and order.left > 0:
                self.end(order, "cancelled", "position_closed")
        self.trim(key)

    def protect(self, entry: Order, quantity: Decimal, price: Decimal, how: str) -> None:
        for kind, name in (
            ("stop", "stop_loss"),
            ("trailing_stop", "trailing_stop"),
            ("limit", "take_profit"),
        ):
            level = getattr(entry, name)
            if level is None:
                continue
            own = [o for o in self.of(entry.key) if o.parent is entry and o.kind == kind]
            if own:
                own[0].left += quantity
                own[0].quantity += quantity
                continue
            order = Order(
                entry.key,
                -entry.side,
                kind,
                quantity,
                self.time,
                day=False,
                reason=name,
                parent=entry,
                only_reduces=True,
                born=how,
                born_price=price,
                quantity=quantity,
            )
            if kind == "stop":
                order.stop = level
            elif kind == "limit":
                order.limit = level
            else:
                order.trail, order.stop = level, price - entry.side * level
            self.on_ticks(order)
            self.orders.append(order)

    # -- after the bar

    def bar_over(self, until: int) -> None:
        for symbol, bar in self.bars.items():
            self.last[symbol] = bar[3]
        for key, position in list(self.positions.items()):
            if key[1] in self.bars:
                _, high, low, close, _ = self.bars[key[1]]
                if position.opened == self.now and position.born in ("limit", "stop"):
                    high, low = (close, low) if position.side > 0 else (high, close)
                position.see(high, low)
                position.bars += 1
                if position.bars >= (self.limits[key[0]].get("max_bars") or 10**9):
                    self.send_out(key, until, "max_bars")
        for order in self.due():
            if order.kind == "trailing_stop":
                _, high, low, close, _ = self.bar_of(order)
                best = close if order.born in ("limit", "stop") else high if order.side < 0 else low
                level = to_step(best + order.side * order.trail, self.tick, order.side > 0)
                order.stop = min(order.stop, level) if order.side > 0 else max(order.stop, level)
            order.born = ""

    def at_close(self, close: int) -> None:
        for reducing in (True, False):
            for order in self.open_orders():
                closing = self.closing.get(order.key[1])
                ready = (
                    order.status == "open"
                    and order.kind == "market_on_close"
                    and closing
                    and order.placed <= closing[0]
                )
                if ready and self.reduces(order) == reducing:
                    self.execute(order, closing[1], "", close, ZERO)
        if self.account.get("flat_at_close"):
            self.flatten(close)
        for order in self.open_orders():
            if order.day and order.placed < close:
                self.end(
                    order, "expired", "session_over" if order.key[1] in self.dealt else "not_traded"
                )

    def flatten(self, close: int) -> None:
        for order in self.open_orders():
            if not order.only_reduces and order.placed < close:
                self.end(order, "cancelled", "flat_at_close")
        for key in list(self.positions):
            if key[1] in self.closing:
                side = -1 if self.held(key) > 0 else 1
                order = Order(
                    key,
                    side,
                    "market_on_close",
                    abs(self.held(key)),
                    self.positions[key].opened,
                    reason="flat_at_close",
                    only_reduces=True,
                    quantity=abs(self.held(key)),
                )
                self.orders.append(order)
                self.execute(order, self.closing[key[1]][1], "", close, ZERO)
                if key in self.positions:
                    self.end(order, "expired", "session_over")
            if key in self.positions:
                self.send_out(key, close, "flat_at_close")

    def guard(self, now: int) -> None:
        if self.exposure > 0 and self.equity < self.maintenance * self.exposure:
            self.liquidate("margin_call", now)
        limit = self.account.get("daily_loss_limit_percent")
        if limit and not self.blocked and self.equity <= self.start * (1 - exactly(limit) / 100):
            self.blocked = True
            self.liquidate("daily_loss_limit", now)

    def liquidate(self, reason: str, now: int) -> None:
        for order in self.open_orders():
            if not order.only_reduces:
                self.end(order, "cancelled", reason)
        for key in list(self.positions):
            self.send_out(key, now, reason)

    # -- between sessions

    def begin_session(self, days: int) -> None:
        """Interest for so many days, and a new day for the loss limit."""
        self.blocked, self.dealt, self.closing, year = False, set(), {}, Decimal(days) / 365
        self.session += 1
        for key, position in self.positions.items():
            if position.quantity < 0:
                rate = exactly(self.account.get("borrow_rate", 0.0)) / 100
                due = self.money(-position.quantity * self.last[key[1]] * rate * year)
                self.charge(position, due)
                position.interest += due
        if self.cash < 0:
            due = self.money(
                -self.cash * exactly(self.account.get("margin_rate", 0.0)) / 100 * year
            )
            left, exposure = due, self.exposure
            for i, (key, position) in enumerate(self.positions.items(), 1):
                part = self.money(due * abs(position.quantity) * self.last[key[1]] / exposure)
                part = left if i == len(self.positions) else min(left, part)
                left -= part
                self.charge(position, part)
                position.interest += part
            if not self.positions:
                self.cash -= due
                self.own_interest += due
        self.start = self.equity

    def charge(self, position: Position, amount: Decimal) -> None:
        self.cash -= amount
        position.flow -= amount

    def dividend(self, symbol: str, amount: Decimal) -> None:
        for key, position in self.positions.items():
            if key[1] == symbol:
                paid = self.money(position.quantity * amount)
                self.charge(position, -paid)
                position.dividends += paid
        for order in self.open_orders():
            if order.key[1] == symbol:
                lower = []
                if order.side > 0 and order.kind == "limit":
                    lower = ["limit"]
                elif order.side < 0 and order.kind in STOPS:
                    lower = ["stop", "limit"]
                for name in lower:
                    price = getattr(order, name)
                    if price is not None:
                        setattr(order, name, max(price - amount, price / 100))
                self.on_ticks(order)

    def split(self, symbol: str, ratio: Decimal, now: int) -> None:
        self.time = now
        if symbol in self.last:
            self.last[symbol] /= ratio
        for key, position in sorted(self.positions.items()):
            if key[1] != symbol:
                continue
            new = abs(position.quantity) * ratio
            kept = to_step(new, self.lot)
            side = 1 if position.quantity > 0 else -1
            position.exited *= ratio
            position.entered *= ratio
            position.average /= ratio
            position.best /= ratio
            position.worst /= ratio
            position.stop = position.stop and position.stop / ratio
            position.target = position.target and position.target / ratio
            if new > kept:
                position.leave(new - kept, self.last[symbol])
                cash = side * self.money((new - kept) * self.last[symbol])
                self.charge(position, -cash)
                self.fills.append(
                    Fill(
                        now, symbol, -side, new - kept, self.last[symbol], ZERO, ZERO, cash, "split"
                    )
                )
            position.quantity = side * kept
            if not kept:
                self.flat(key, "split")
        for order in self.open_orders():
            if order.key[1] == symbol:
                self.split_order(order, ratio)
        for strategy in range(len(self.limits)):
            self.trim((strategy, symbol))

    def split_order(self, order: Order, ratio: Decimal) -> None:
        order.filled *= ratio
        order.left = to_step(order.left * ratio, self.lot)
        order.reduces = min(order.left, to_step(order.reduces * ratio, self.lot))
        if order.only_reduces:
            order.left = min(order.left, abs(self.held(order.key)))
            order.reduces = order.left
        order.quantity = order.filled + order.left
        for name in ("limit", "stop", "trail", "stop_loss", "take_profit", "trailing_stop"):
            if getattr(order, name) is not None:
                setattr(order, name, getattr(order, name) / ratio)
        self.on_ticks(order)
        if order.left <= 0:
            self.end(order, "cancelled", "split")

    def write_off(self, now: int) -> None:
        """Positions in symbols that have been silent for too long."""
        self.time = now
        for key, position in list(self.positions.items()):
            if self.silent.get(key[1], 0) < self.account.get("delist_after_sessions", 10):
                continue
            for order in self.of(key):
                if not order.only_reduces:
                    self.end(order, "cancelled", "delisted")
            self.last[key[1]] *= exactly(self.account.get("delisting_value_percent", 100.0)) / 100
            side = 1 if position.quantity > 0 else -1
            position.see(self.last[key[1]], self.last[key[1]])
            position.leave(abs(position.quantity), self.last[key[1]])
            cash = side * self.money(abs(position.quantity) * self.last[key[1]])
            self.charge(position, -cash)
            self.fills.append(
                Fill(
                    now,
                    key[1],
                    -side,
                    abs(position.quantity),
                    self.last[key[1]],
                    ZERO,
                    ZERO,
                    cash,
                    "delisted",
                )
            )
            self.flat(key, "delisted")

    def end_run(self, now: int) -> None:
        """Positions that are still open are trades at their last price."""
        for key, p in self.positions.items():
            last, held = self.last[key[1]], abs(p.quantity)
            exit_price = (p.exit_paid + held * last) / (p.exited + held)
            self.trades.append(Trade(*key, p, now, exit_price, p.flow + p.quantity * last, ""))

    def end_session(self, symbols: Sequence[str]) -> None:
        for symbol in symbols:
            self.silent[symbol] = 0 if symbol in self.seen else self.silent.get(symbol, 0) + 1
        self.seen = set()
