"""What a strategy with code of its own is given: the market now, its positions, orders."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from engine.clock.interval import Interval
from engine.clock.time_manager import TimeManager, utc
from engine.errors import StrategyError, did_you_mean
from engine.session.session_data import SessionData
from engine.session.symbol_view import Bar
from engine.trading.broker import records
from engine.trading.broker.decimals import add
from engine.trading.broker_account import KINDS, Broker


class Holder(Protocol):
    """The strategy of a context."""

    name: str
    index: int


class Desk(Protocol):
    """What a context calls of the trading desk; `slot` is the strategy's runtime."""

    base: Interval
    broker: Broker

    def tradable(self, slot: Any) -> list[str]:
        """The symbols that the strategy may trade now, sorted."""

    def value(self, symbol: str, column: str) -> float:
        """A column of a symbol now."""

    def has_new_bar(self, symbol: str) -> bool:
        """Whether a bar of the symbol ended just now."""

    def code(self, symbol: str) -> int | None:
        """The broker's number of an active symbol."""

    def found_by(self, slot: Any, symbol: str) -> tuple[str, int]:
        """(scanner, time) of the symbol's first hit by now; time -1 without one."""

    def rank_of(self, slot: Any, symbol: str) -> int:
        """The rank of that first hit."""

    def scanner_code(self, name: str) -> int:
        """The number of a scanner in trades."""

    def refresh(self) -> None:
        """Take in symbols that a strategy has just added or removed."""


@dataclass(frozen=True)
class PositionView:
    """A position of this strategy.

    `quantity` is below 0 for a short position; `profit` is before the costs of closing.
    """

    symbol: str
    quantity: float
    average_price: float
    profit: float
    bars: int
    opened: dt.datetime


@dataclass(frozen=True)
class OrderView:
    """An open order of this strategy."""

    id: int
    symbol: str
    side: str
    kind: str
    quantity: float
    left: float
    limit: float
    stop: float
    reason: str


class StrategyContext:
    """The market, the account and orders, as seen by one strategy at one tick.

    time_manager  the clock: now, the session's open and close
    symbols       the symbols that the strategy may trade now, sorted
    """

    def __init__(self, desk: Desk, slot: Holder, data: SessionData, clock: TimeManager):
        self._desk, self._slot, self._data = desk, slot, data
        self.time_manager = clock

    # -- what is known

    @property
    def session_data(self) -> SessionData:
        """The state of all symbols; symbols that were just added have all their data."""
        self._desk.refresh()
        return self._data

    @property
    def current_time(self) -> dt.datetime:
        """Now, exchange-local."""
        return self.time_manager.get_current_time()

    @property
    def symbols(self) -> list[str]:
        """The symbols that the strategy may trade now, sorted."""
        return self._desk.tradable(self._slot)

    def value(self, symbol: str, column: str) -> float:
        """A column or an indicator of a symbol now (`close`, `session_vwap`, `rsi_14_5m`).

        NaN without a value.
        """
        return self._desk.value(symbol, column)

    def bar(self, symbol: str) -> Bar | None:
        """The symbol's latest complete bar, or None."""
        return self.session_data.get_latest_bar(symbol, self._desk.base.name)

    def has_new_bar(self, symbol: str) -> bool:
        """Whether a bar of the symbol ended just now."""
        return self._desk.has_new_bar(symbol)

    def bars(self, symbol: str, interval: str = "1m") -> pl.DataFrame:
        """This session's complete bars of a symbol up to now.

        Columns: timestamp, open, high, low, close, volume.
        """
        view = self.session_data.get_symbol_data(symbol)
        if view is None:
            raise self._unknown(symbol)
        return view.bars(interval)

    def found(self, symbol: str) -> tuple[str, dt.datetime] | None:
        """The scanner and the exchange-local time of the symbol's first hit in this session.

        None without a hit.
        """
        scanner, time = self._desk.found_by(self._slot, symbol)
        return None if time < 0 else (scanner, utc(time))

    def rank(self, symbol: str) -> int:
        """The symbol's rank in the scan of its first hit in this session; 0 without a hit."""
        return self._desk.rank_of(self._slot, symbol)

    # -- what is held

    @property
    def cash(self) -> float:
        """Cash, in currency."""
        return float(self._account["cash"]) / self._desk.broker.scale

    @property
    def equity(self) -> float:
        """Cash and positions at their last prices."""
        return float(self._account["equity"])

    @property
    def exposure(self) -> float:
        """Value of all positions, long plus short, in currency."""
        return float(self._account["gross"])

    @property
    def reserved(self) -> float:
        """Value of the positions that open orders would open, in currency."""
        return float(self._account["reserved"])

    @property
    def buying_power(self) -> float:
        """Currency that may still be used to open positions.

        Leverage times equity, less exposure and what is reserved, and what sales will bring.
        """
        leverage = float(self._desk.broker.ledger.rules[0]["leverage"])
        return (
            leverage * self.equity - self.exposure - self.reserved + float(self._account["freed"])
        )

    def position(self, symbol: str) -> float:
        """Shares held of a symbol by this strategy, below 0 where short."""
        return float(
            self._desk.broker.ledger.positions[self._slot.index, self._id(symbol)]["quantity"]
        )

    def positions(self) -> list[PositionView]:
        """The strategy's open positions, in order of opening."""
        broker = self._desk.broker
        return [
            self._position(symbol)
            for strategy, symbol in broker.held()
            if strategy == self._slot.index
        ]

    def orders(self, symbol: str | None = None) -> list[OrderView]:
        """The strategy's open orders, of one symbol or all."""
        broker = self._desk.broker
        found = [broker.ledger.orders[place] for place in broker.open_places()]
        views = [self._order(order) for order in found if order["strategy"] == self._slot.index]
        return [view for view in views if symbol is None or view.symbol == symbol]

    # -- orders

    def buy(self, symbol: str, quantity: float | None = None, **order: Any) -> int | None:
        """Place a buy order; see `order`."""
        return self.order(symbol, 1, quantity, **order)

    def sell(self, symbol: str, quantity: float | None = None, **order: Any) -> int | None:
        """Place a sell order; see `order`.

        It reduces a long position, and opens a short one with the rest.
        """
        return self.order(symbol, -1, quantity, **order)

    def order(
        self,
        symbol: str,
        side: int,
        quantity: float | None = None,
        *,
        cash: float | None = None,
        percent: float | None = None,
        risk: float | None = None,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        at_close: bool = False,
        good_till_cancelled: bool = False,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        trailing_stop: float | None = None,
        reason: str = "",
    ) -> int | None:
        """Place an order; its id, or None where the broker refuses it (`refusal` says why).

        It is filled at the next bar of the symbol at the earliest. The size is one of: quantity
        (shares), cash (currency), percent (of equity), risk (percent of equity lost if stop_loss is
        hit). limit, stop and trail (a distance) make the kind of order, a market order without any;
        at_close fills at the session's closing price. stop_loss, take_profit and trailing_stop (a
        distance) protect what the order opens, one cancelling the other; a price that is NaN is
        refused, and so is a stop_loss or a take_profit that would close the position at once. Day
        orders end with the session.

        Market orders on their way, those of `close` too, count as done: what is beyond the rest of
        the position opens one on the other side.
        """
        code = self._id(symbol)
        kind = self._kind(limit, stop, trail, at_close)
        if trail is not None:
            stop = add(self._last(code), side * float(trail))
        given = {
            "limit": limit,
            "stop": stop,
            "trail": trail,
            "stop_loss": stop_loss,
            "take_profit": take_profit,
            "trailing_stop": trailing_stop,
        }
        prices = {name: _price(value) for name, value in given.items()}
        unit, size = self._size(shares=quantity, cash=cash, percent=percent, risk=risk)
        scanner, found = self._desk.found_by(self._slot, symbol)
        return self._desk.broker.place(
            self._slot.index,
            code,
            side,
            kind,
            size,
            self.time_manager.now,
            unit,
            **prices,
            day=not good_till_cancelled,
            reason=self._desk.broker.reason_code(reason),
            scanner=self._desk.scanner_code(scanner),
            found=found,
        )

    def close(self, symbol: str, reason: str = "exit") -> None:
        """Close the position in a symbol at the market, and cancel entry orders."""
        code, now = self._id(symbol), self.time_manager.now
        self._desk.broker.cancel_entries(self._slot.index, code, now)
        self._desk.broker.send_out(self._slot.index, code, reason, now)

    def cancel(self, order_id: int) -> bool:
        """Cancel an open order of this strategy; False where there is none of that id."""
        return self._desk.broker.cancel(order_id, self._slot.index, self.time_manager.now)

    def refusal(self, symbol: str) -> str:
        """Why the broker refused this strategy's last refused order in a symbol."""
        return self._desk.broker.refusal(self._slot.index, self._id(symbol))

    # -- inside

    @property
    def _account(self) -> Any:
        return self._desk.broker.ledger.account[0]

    def _last(self, code: int) -> float:
        return float(self._desk.broker.ledger.quotes[code]["last"])

    def _size(self, **sizes: float | None) -> tuple[str, float]:
        """(unit, size) of an order; raises StrategyError unless exactly one size is given."""
        given = {name: value for name, value in sizes.items() if value is not None}
        if len(given) != 1:
            raise StrategyError(
                f"an order with {len(given)} sizes",
                where=self._slot.name,
                expected="one of quantity, cash, percent, risk",
            )
        ((unit, size),) = given.items()
        return unit, float(size)

    def _kind(
        self, limit: float | None, stop: float | None, trail: float | None, at_close: bool
    ) -> int:
        if at_close or trail is not None:
            if (
                (at_close and trail is not None)
                or limit is not None
                or (at_close and stop is not None)
            ):
                raise StrategyError(
                    "an order of two kinds",
                    where=self._slot.name,
                    expected="limit, stop, both of these, trail, or at_close",
                )
            return records.AT_CLOSE if at_close else records.TRAILING
        if stop is not None:
            return records.STOP if limit is None else records.STOP_LIMIT
        return records.MARKET if limit is None else records.LIMIT

    def _id(self, symbol: str) -> int:
        code = self._desk.code(symbol)
        if code is None:
            raise self._unknown(symbol)
        return code

    def _unknown(self, symbol: str) -> StrategyError:
        return StrategyError(
            f"symbol {symbol!r} is not active",
            where=self._slot.name,
            expected="one of context.symbols",
            fix=did_you_mean(symbol, self.session_data.get_active_symbols())
            or "promote it by session_data.add_symbol()",
        )

    def _position(self, code: int) -> PositionView:
        position = self._desk.broker.ledger.positions[self._slot.index, code]
        quantity, average = float(position["quantity"]), float(position["average"])
        return PositionView(
            self._desk.broker.symbols[code],
            quantity,
            average,
            quantity * (self._last(code) - average),
            int(position["bars"]),
            utc(int(position["opened"])),
        )

    def _order(self, order: Any) -> OrderView:
        return OrderView(
            int(order["id"]),
            self._desk.broker.symbols[order["symbol"]],
            "buy" if order["side"] > 0 else "sell",
            KINDS[order["kind"]],
            float(order["quantity"]),
            float(order["left"]),
            float(order["limit"]),
            float(order["stop"]),
            self._desk.broker.reason(int(order["reason"])),
        )


def _price(value: float | None) -> float:
    """A price for the broker: NaN for none, 0 for a NaN that was given.

    The broker refuses an order with a price of 0.
    """
    if value is None:
        return math.nan
    return 0.0 if math.isnan(value) else float(value)
