"""The Python side of the broker's ledger.

Names of symbols and reasons, arrays that grow, records that are taken out for tables. What happens
to an order is decided in engine/trading/broker; nothing here computes a price or a cost.
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
    """The growing arrays of the ledger, each of length `size`."""
    dtypes = (records.ORDER, np.dtype(np.int64), records.FILL, records.TRADE, records.LOCK)
    return {name: np.zeros(size, dtype) for name, dtype in zip(GROWING, dtypes, strict=True)}


class Room:
    """Arrays for one session's orders, fills, trades and locks.

    Many accounts that are simulated over the same session use the same room in turn.
    """

    def __init__(self, size: int = SMALLEST):
        self.arrays = _arrays(size)


NOTHING = Room(0)


class Names:
    """The numbers of symbols and reasons in the broker's records.

    Accounts that are simulated over the same session share them.
    """

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self._ids: dict[str, int] = {}
        self._reasons: list[str] = []
        self._reason_codes = {name: code for code, name in enumerate(REASONS)}

    def symbol_ids(self, symbols: Sequence[str]) -> list[int]:
        """The symbols' numbers; new symbols get the next free numbers."""
        new = [symbol for symbol in dict.fromkeys(symbols) if symbol not in self._ids]
        self._ids |= {symbol: len(self.symbols) + i for i, symbol in enumerate(new)}
        self.symbols += new
        return [self._ids[symbol] for symbol in symbols]

    def reason_code(self, reason: str) -> int:
        """The number of a reason; a new reason gets the next free number."""
        if reason not in self._reason_codes:
            self._reason_codes[reason] = OWN_REASONS + len(self._reasons)
            self._reasons.append(reason)
        return self._reason_codes[reason]

    def reason(self, code: int) -> str:
        """The reason with this number."""
        return REASONS[code] if code < OWN_REASONS else self._reasons[code - OWN_REASONS]


class Broker:
    """One account with the orders and positions of all its strategies.

    Symbols and strategies are numbers here; times are microseconds UTC.
    """

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
        """The symbols, indexed by their numbers."""
        return self.names.symbols

    def symbol_id(self, symbol: str) -> int:
        """The number of a symbol; a new symbol gets the next free number."""
        return self.symbol_ids([symbol])[0]

    def symbol_ids(self, symbols: Sequence[str]) -> list[int]:
        """The symbols' numbers; the ledger gets room for new symbols."""
        found = self.names.symbol_ids(symbols)
        self.make_room_for_symbols()
        return found

    def reason_code(self, reason: str) -> int:
        """The number of a reason."""
        return self.names.reason_code(reason)

    def reason(self, code: int) -> str:
        """The reason with this number."""
        return self.names.reason(code)

    # -- the run

    def begin_session(self, number: int, days: int) -> None:
        """Begin session `number` of the run, `days` calendar days after the session before.

        Interest is charged for these days.
        """
        overnight.begin_session(self.ledger, number, days)

    def split(self, symbol: str, ratio: float, now: int) -> None:
        """Apply a split of `ratio` on its ex-date to positions and resting orders."""
        self._ensure(8)
        overnight.split(self.ledger, self.symbol_id(symbol), ratio, now)

    def dividend(self, symbol: str, amount: float) -> None:
        """Pay a dividend on its ex-date; `amount` per share as held before a split of that date."""
        overnight.dividend(self.ledger, self.symbol_id(symbol), amount)

    def write_off(self, now: int) -> None:
        """Close positions in symbols that have had no bar for too many sessions."""
        self._ensure(8)
        overnight.write_off(self.ledger, now)

    def record_equity(self, time: int, row: Any) -> None:
        """Write the account's state at `time` into a row of the equity curve."""
        record_equity(self.ledger, time, row)

    def know(self, symbols: NDArray[np.int64], prices: NDArray[np.float64]) -> None:
        """Set last prices of symbols, float64 [symbols], where nothing is held.

        The price of a held symbol comes from the symbol's own bars.
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
        """Process the instants first .. last - 1: the signals at each, then the bar after it.

        signals      SIGNAL records, sorted by instant and strategy
        next_signal  index of the first signal that is not processed yet
        equity       EQUITY [instants]; row k + 1: after the bar that ends at instant k + 1

        Returns the index of the next signal. The compiled walk stops where the ledger's arrays are
        full; they are enlarged and the walk goes on.
        """
        while True:
            first, next_signal = walk(self.ledger, feed, first, last, signals, next_signal, equity)
            if first == last:
                return int(next_signal)
            self._grow()

    def act(self, signals: Records, first: int, last: int, now: int) -> None:
        """Turn the signals first .. last - 1 into orders at the time `now`."""
        self._ensure(last - first)
        act_all(self.ledger, signals, first, last, now)

    def step(self, feed: BarFeed, instant: int, equity: Records) -> None:
        """Process the bar that follows the instant with this index."""
        self._ensure(0)
        step(self.ledger, feed, instant, equity)

    def end_session(self) -> None:
        """Count a session without bars for each symbol that had none."""
        overnight.count_silence(self.ledger)

    def end_run(self, now: int) -> None:
        """Log the open positions as trades that are still open."""
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
        """Place an order; its id, or None where the order is refused (`refusal` says why).

        unit    of `size`: shares, cash, percent (of equity) or risk (percent of equity lost where
                stop_loss is hit)
        prices  further fields of the order. limit, stop, trail, stop_loss, take_profit,
                trailing_stop: NaN for none, 0 for a price without a value, which is refused.
                Others: day, reason, reduce, scanner, found
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
        """Why the strategy's last refused order in the symbol was refused."""
        return self.reason(int(self.ledger.positions[strategy, symbol]["refused_by"]))

    def send_out(self, strategy: int, symbol: int, reason: str, now: int) -> None:
        """Close a position at the market."""
        self._ensure(1)
        send_out(self.ledger, strategy, symbol, self.reason_code(reason), now)

    def cancel(self, number: int, strategy: int, now: int) -> bool:
        """Cancel a strategy's open order with the id `number`; False where there is none."""
        for place in self.open_places():
            order = self.ledger.orders[place]
            if order["id"] == number and order["strategy"] == strategy:
                self._ensure(1)
                end_order(self.ledger, place, records.CANCELLED, records.CANCELLED_BY_STRATEGY, now)
                compact(self.ledger)
                return True
        return False

    def cancel_entries(self, strategy: int, symbol: int, now: int) -> None:
        """Cancel the orders that would open or enlarge a position."""
        self._ensure(1)
        cancel_entries(self.ledger, strategy, symbol, records.CANCELLED_BY_STRATEGY, now)
        compact(self.ledger)

    def open_places(self) -> list[int]:
        """Indices into `ledger.orders` of the open orders."""
        places: list[int] = self.ledger.alive[: self.ledger.counts[ALIVE]].tolist()
        return places

    def held(self) -> list[tuple[int, int]]:
        """(strategy, symbol) of the open positions, in order of opening."""
        return [tuple(pair) for pair in self.ledger.held[: self.ledger.counts[HELD]].tolist()]

    # -- what is taken out

    def take_locks(self) -> list[tuple[int, str, bool]]:
        """(time, symbol, locked) since the last call.

        A symbol locks with its first position or order, and unlocks with the end of its last.
        """
        taken = self.ledger.locks[: self.ledger.counts[LOCKS]]
        found = [
            (int(one["time"]), self.symbols[one["symbol"]], bool(one["locked"])) for one in taken
        ]
        self.ledger.counts[LOCKS] = 0
        return found

    def take(self, everything: bool = False) -> tuple[Records, Records, Records]:
        """Copies of orders, fills and trades since the last call.

        everything  also the orders that are still open
        """
        counts, ledger = self.ledger.counts, self.ledger
        orders = ledger.orders[: counts[ORDERS]]
        orders = orders[(orders["status"] != records.OPEN) | everything].copy()
        fills, trades = ledger.fills[: counts[FILLS]].copy(), ledger.trades[: counts[TRADES]].copy()
        overnight.carry_over(ledger)
        return orders, fills, trades

    # -- room

    def move_into(self, room: Room) -> None:
        """Keep orders, fills, trades and locks in a room's arrays from now on.

        Open orders are copied. Called between two sessions, when all other records have been taken.
        """
        count, mine = int(self.ledger.counts[ALIVE]), self.ledger
        room.arrays["orders"][:count] = mine.orders[:count]
        room.arrays["alive"][:count] = mine.alive[:count]
        self.ledger = mine._replace(**room.arrays)

    def move_out(self, room: Room) -> None:
        """Return to arrays of the account's own, with copies of the open orders.

        The room keeps the arrays, which may have grown.
        """
        count, shared = int(self.ledger.counts[ALIVE]), self.ledger
        room.arrays = {name: getattr(shared, name) for name in GROWING}
        orders, alive = NOTHING.arrays["orders"], NOTHING.arrays["alive"]
        if count:
            orders, alive = shared.orders[:count].copy(), shared.alive[:count].copy()
        self.ledger = shared._replace(**{**NOTHING.arrays, "orders": orders, "alive": alive})

    def take_trades(self) -> Records:
        """Copies of the trades since the last call; ended orders and fills are dropped."""
        trades: Records = self.ledger.trades[: self.ledger.counts[TRADES]].copy()
        self.ledger.counts[LOCKS] = 0
        overnight.carry_over(self.ledger)
        return trades

    def _ensure(self, signals: int) -> None:
        """Enlarge the ledger's arrays until one more instant with so many signals fits."""
        while not has_room(self.ledger, signals):
            self._grow()

    def _grow(self) -> None:
        """Double the ledger's growing arrays."""
        size = max(SMALLEST, len(self.ledger.orders))
        old = {name: getattr(self.ledger, name) for name in GROWING}
        grown = {
            name: np.concatenate([rows, np.zeros(size, rows.dtype)]) for name, rows in old.items()
        }
        self.ledger = self.ledger._replace(**grown)

    def make_room_for_symbols(self) -> None:
        """Enlarge positions and quotes for all numbered symbols."""
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
