"""The broker's ledger in Python's hands: symbols and reasons by name, arrays that grow, tables that
are taken out.

What happens to an order is decided in engine/trading/broker; nothing here computes a price or a
cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.config.models import AccountConfig, CostsConfig
from engine.trading.broker import overnight, records
from engine.trading.broker.placing import (
    cancel_entries,
    compact,
    end_order,
    give_size,
    new_order,
    submit,
)
from engine.trading.broker.records import (
    ALIVE,
    FILLS,
    HELD,
    LOCKS,
    ORDERS,
    OWN_REASONS,
    REASONS,
    TRADES,
    BarFeed,
    Ledger,
)
from engine.trading.broker.signals import send_out
from engine.trading.broker.walk import act_all, has_room, record_equity, step, walk
from engine.trading.rules import UNITS, Records, StrategyTerms, rules_of, terms_of

KINDS = ("market", "limit", "stop", "stop_limit", "trailing_stop", "market_on_close")
STATES = ("open", "filled", "cancelled", "expired", "rejected")
GROWING = ("orders", "alive", "fills", "trades", "locks")  # arrays of the ledger that grow
SMALLEST = 256  # places for orders, fills and trades at first


def _arrays(size: int) -> dict[str, Any]:
    """The arrays of the ledger that grow, with so many places each."""
    dtypes = (records.ORDER, np.dtype(np.int64), records.FILL, records.TRADE, records.LOCK)
    return {name: np.zeros(size, dtype) for name, dtype in zip(GROWING, dtypes, strict=True)}


class Room:
    """Arrays for one session's orders, fills, trades and locks, that accounts use one after the other."""

    def __init__(self, size: int = SMALLEST):
        self.arrays = _arrays(size)


NOTHING = Room(0)


class Names:
    """Symbols and reasons, and the numbers that they have in records; accounts that are walked over the same session share them."""

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self._ids: dict[str, int] = {}
        self._reasons: list[str] = []
        self._reason_codes = {name: code for code, name in enumerate(REASONS)}

    def symbol_ids(self, symbols: Sequence[str]) -> list[int]:
        """The numbers of symbols, given to them when they are first asked for."""
        new = [symbol for symbol in dict.fromkeys(symbols) if symbol not in self._ids]
        self._ids |= {symbol: len(self.symbols) + i for i, symbol in enumerate(new)}
        self.symbols += new
        return [self._ids[symbol] for symbol in symbols]

    def reason_code(self, reason: str) -> int:
        """The number of a reason."""
        if reason not in self._reason_codes:
            self._reason_codes[reason] = OWN_REASONS + len(self._reasons)
            self._reasons.append(reason)
        return self._reason_codes[reason]

    def reason(self, code: int) -> str:
        """The reason of a number."""
        return REASONS[code] if code < OWN_REASONS else self._reasons[code - OWN_REASONS]


class Broker:
    """One account, the orders and positions of all strategies in it."""

    def __init__(
        self,
        account: AccountConfig,
        costs: CostsConfig,
        strategies: Sequence[StrategyTerms],
        names: Names | None = None,
    ):
        self.strategies = [terms.name for terms in strategies]
        self.names = names or Names()
        self.scale = 10.0**account.currency_decimals
        count = len(strategies)
        self.ledger = Ledger(
            **_arrays(SMALLEST),
            positions=np.zeros((count, 0), records.POSITION),
            held=np.zeros((0, 2), np.int64),
            quotes=np.zeros(0, records.QUOTE),
            account=np.zeros(1, records.ACCOUNT),
            rules=rules_of(account, costs, self.scale),
            strategies=terms_of(strategies),
            counts=np.zeros(6, np.int64),
        )
        own = self.ledger.account[0]
        units = Decimal(repr(account.starting_cash)).scaleb(account.currency_decimals)
        own["cash"] = int(units.to_integral_value(ROUND_HALF_UP))
        own["equity"] = own["peak"] = own["session_start"] = float(own["cash"]) / self.scale

    # -- names

    @property
    def symbols(self) -> list[str]:
        """The symbols by their numbers."""
        return self.names.symbols

    def symbol_id(self, symbol: str) -> int:
        """The number of a symbol, given to it when it is first asked for."""
        return self.symbol_ids([symbol])[0]

    def symbol_ids(self, symbols: Sequence[str]) -> list[int]:
        """The numbers of symbols, which the ledger have room for."""
        found = self.names.symbol_ids(symbols)
        self.make_room_for_symbols()
        return found

    def reason_code(self, reason: str) -> int:
        """The number of a reason."""
        return self.names.reason_code(reason)

    def reason(self, code: int) -> str:
        """The reason of a number."""
        return self.names.reason(code)

    # -- the run

    def begin_session(self, number: int, days: int) -> None:
        """A session begins, so many days after the one before."""
        overnight.begin_session(self.ledger, number, days)

    def split(self, symbol: str, ratio: float, now: int) -> None:
        """A split's ex-date."""
        self._ensure(8)
        overnight.split(self.ledger, self.symbol_id(symbol), ratio, now)

    def dividend(self, symbol: str, amount: float) -> None:
        """A dividend's ex-date; the amount is per share as held before any split of the day."""
        overnight.dividend(self.ledger, self.symbol_id(symbol), amount)

    def write_off(self, now: int) -> None:
        """End positions in symbols that have been silent for too long."""
        self._ensure(8)
        overnight.write_off(self.ledger, now)

    def record_equity(self, time: int, row: Any) -> None:
        """The account as it stands, as a row of the equity curve."""
        record_equity(self.ledger, time, row)

    def know(self, symbols: NDArray[np.int64], prices: NDArray[np.float64]) -> None:
        """The last prices of symbols, where they are known and nothing is held: held ones are
        valued by their own bars.
        """
        free = ~np.isnan(prices) & (self.ledger.positions["quantity"][:, symbols] == 0).all(axis=0)
        self.ledger.quotes["last"][symbols[free]] = prices[free]

    def walk(
        self,
        feed: BarFeed,
        first: int,
        last: int,
        signals: Records,
        next_signal: int,
        equity: Records,
    ) -> int:
        """From one instant to another; returns the next signal."""
        while True:
            first, next_signal = walk(self.ledger, feed, first, last, signals, next_signal, equity)
            if first == last:
                return int(next_signal)
            self._grow()

    def act(self, signals: Records, first: int, last: int, now: int) -> None:
        """Turn the signals [first, last) into orders."""
        self._ensure(last - first)
        act_all(self.ledger, signals, first, last, now)

    def step(self, feed: BarFeed, instant: int, equity: Records) -> None:
        """The bar that follows an instant."""
        self._ensure(0)
        step(self.ledger, feed, instant, equity)

    def end_session(self) -> None:
        """Count who did not trade."""
        overnight.count_silence(self.ledger)

    def end_run(self, now: int) -> None:
        """Log the trades that are still open."""
        self._ensure(0)
        overnight.log_open_trades(self.ledger, now)

    # -- orders of strategies that decide by themselves

    def place(
        self,
        strategy: int,
        symbol: int,
        side: int,
        kind: int,
        size: float,
        now: int,
        unit: str = "shares",
        **prices: Any,
    ) -> int | None:
        """Place an order; its id, or None where it is refused (`refusal` says why).

        unit    of the size: shares, cash, percent (of equity) or risk (percent of equity lost if
                stop_loss is hit)
        prices  fields of the order: limit, stop, trail, stop_loss, take_profit, trailing_stop (NaN:
                none, 0: without a value, which is refused), day, reason, reduce, scanner, found
        """
        self._ensure(1)
        place = new_order(self.ledger, strategy, symbol, side, kind, 0.0, now, 0)
        order = self.ledger.orders[place]
        for name, value in prices.items():
            order[name] = value
        number = int(order["id"])
        give_size(self.ledger, place, UNITS[unit], size)
        return number if submit(self.ledger, place, now) else None

    def refusal(self, strategy: int, symbol: int) -> str:
        """Why the last order that was refused was."""
        return self.reason(int(self.ledger.positions[strategy, symbol]["refused_by"]))

    def send_out(self, strategy: int, symbol: int, reason: str, now: int) -> None:
        """Close a position at the market."""
        self._ensure(1)
        send_out(self.ledger, strategy, symbol, self.reason_code(reason), now)

    def cancel(self, number: int, strategy: int, now: int) -> bool:
        """Cancel an open order of a strategy; False where there is none."""
        for place in self.open_places():
            order = self.ledger.orders[place]
            if order["id"] == number and order["strategy"] == strategy:
                self._ensure(1)
                end_order(self.ledger, place, records.CANCELLED, records.CANCELLED_BY_STRATEGY, now)
                compact(self.ledger)
                return True
        return False

    def cancel_entries(self, strategy: int, symbol: int, now: int) -> None:
        """Cancel what would open or add to a position."""
        self._ensure(1)
        cancel_entries(self.ledger, strategy, symbol, records.CANCELLED_BY_STRATEGY, now)
        compact(self.ledger)

    def open_places(self) -> list[int]:
        """Places of the open orders."""
        places: list[int] = self.ledger.alive[: self.ledger.counts[ALIVE]].tolist()
        return places

    def held(self) -> list[tuple[int, int]]:
        """Strategy and symbol of the open positions, in order of opening."""
        return [tuple(pair) for pair in self.ledger.held[: self.ledger.counts[HELD]].tolist()]

    # -- what is taken out

    def take_locks(self) -> list[tuple[int, str, bool]]:
        """Time, symbol, and whether it was locked or unlocked, since the last call."""
        taken = self.ledger.locks[: self.ledger.counts[LOCKS]]
        found = [
            (int(one["time"]), self.symbols[one["symbol"]], bool(one["locked"])) for one in taken
        ]
        self.ledger.counts[LOCKS] = 0
        return found

    def take(self, everything: bool = False) -> tuple[Records, Records, Records]:
        """Copies of the orders that are over (or of all), the fills and the trades since the last
        call.
        """
        counts, ledger = self.ledger.counts, self.ledger
        orders = ledger.orders[: counts[ORDERS]]
        orders = orders[(orders["status"] != records.OPEN) | everything].copy()
        fills, trades = ledger.fills[: counts[FILLS]].copy(), ledger.trades[: counts[TRADES]].copy()
        overnight.carry_over(ledger)
        return orders, fills, trades

    # -- room

    def move_into(self, room: Room) -> None:
        """Keep orders, fills, trades and locks in a room's arrays from now on; the orders that are open are taken along.

        Between two sessions, when nothing else is in the ledger' own.
        """
        count, mine = int(self.ledger.counts[ALIVE]), self.ledger
        room.arrays["orders"][:count] = mine.orders[:count]
        room.arrays["alive"][:count] = mine.alive[:count]
        self.ledger = mine._replace(**room.arrays)

    def move_out(self, room: Room) -> None:
        """Leave a room, which has what the ledger grew to, with copies of the orders that are open."""
        count, shared = int(self.ledger.counts[ALIVE]), self.ledger
        room.arrays = {name: getattr(shared, name) for name in GROWING}
        orders, alive = NOTHING.arrays["orders"], NOTHING.arrays["alive"]
        if count:
            orders, alive = shared.orders[:count].copy(), shared.alive[:count].copy()
        self.ledger = shared._replace(**{**NOTHING.arrays, "orders": orders, "alive": alive})

    def take_trades(self) -> Records:
        """Copies of the trades since the last time; orders that are over and fills are forgotten."""
        trades: Records = self.ledger.trades[: self.ledger.counts[TRADES]].copy()
        self.ledger.counts[LOCKS] = 0
        overnight.carry_over(self.ledger)
        return trades

    def _ensure(self, signals: int) -> None:
        while not has_room(self.ledger, signals):
            self._grow()

    def _grow(self) -> None:
        size = max(SMALLEST, len(self.ledger.orders))
        old = {name: getattr(self.ledger, name) for name in GROWING}
        grown = {
            name: np.concatenate([rows, np.zeros(size, rows.dtype)]) for name, rows in old.items()
        }
        self.ledger = self.ledger._replace(**grown)

    def make_room_for_symbols(self) -> None:
        """Give each symbol that has a number a place in the ledger."""
        strategies, have = self.ledger.positions.shape
        if len(self.symbols) <= have:
            return
        size = max(64, 2 * have, len(self.symbols))
        positions = np.zeros((strategies, size), records.POSITION)
        positions["entered_session"] = positions["refused_session"] = -1
        positions[:, :have] = self.ledger.positions
        quotes = np.zeros(size, records.QUOTE)
        quotes["last"], quotes["row"], quotes["seen"], quotes["dealt"] = math.nan, -1, -1, -1
        quotes[:have] = self.ledger.quotes
        held = np.zeros((strategies * size, 2), np.int64)
        held[: len(self.ledger.held)] = self.ledger.held
        self.ledger = self.ledger._replace(positions=positions, quotes=quotes, held=held)
