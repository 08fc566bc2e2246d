"""Records and codes of the broker. Times are int64 microseconds, prices and quantities float64,
money in `cash` is int64 in the currency's smallest unit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.runtime.borrow import borrow
from engine.runtime.jit import COMPILED, njit

# kinds of orders
MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING, AT_CLOSE = 0, 1, 2, 3, 4, 5
# states of orders
OPEN, FILLED, CANCELLED, EXPIRED, REJECTED = 0, 1, 2, 3, 4
# how a bracket's order was born: not in this bar, at the bar's open, within it by a limit, within
# it by a stop
SETTLED, AT_OPEN, BY_LIMIT, BY_STOP = 0, 1, 2, 3
# units of a size
SHARES, CASH, PERCENT, RISK = 0, 1, 2, 3

# Reasons that the broker gives itself; those of strategies have numbers from OWN_REASONS on.
REASONS = (
    "", "stop_loss", "take_profit", "trailing_stop", "flat_at_close", "margin_call",
    "daily_loss_limit", "delisted", "reversal",
    "rebalance", "position_closed", "session_over", "not_enough_cash", "max_open_positions",
    "no_size", "no_price", "no_shorting",
    "entries_blocked", "exit_signal", "cancelled", "strategy_limit", "position_limit",
    "not_a_price", "max_bars", "no_position",
    "split", "no_stop_loss", "stop_loss_on_wrong_side", "take_profit_on_wrong_side", "not_traded",
)  # fmt: skip
(
    NO_REASON, STOP_LOSS, TAKE_PROFIT, TRAILING_STOP, FLAT_AT_CLOSE, MARGIN_CALL,
    DAILY_LOSS_LIMIT, DELISTED, REVERSAL, REBALANCE,
    POSITION_CLOSED, SESSION_OVER, NOT_ENOUGH_CASH, MAX_OPEN_POSITIONS, NO_SIZE, NO_PRICE,
    NO_SHORTING, ENTRIES_BLOCKED,
    EXIT_SIGNAL, CANCELLED_BY_STRATEGY, STRATEGY_LIMIT, POSITION_LIMIT, NOT_A_PRICE, MAX_BARS,
    NO_POSITION,
    SPLIT, NO_STOP_LOSS, STOP_LOSS_ON_WRONG_SIDE, TAKE_PROFIT_ON_WRONG_SIDE, NOT_TRADED,
) = range(len(REASONS))  # fmt: skip
OWN_REASONS = 100

ORDER = np.dtype(
    [
        # parent: the entry that a bracket's order protects, else -1
        ("id", np.int64), ("parent", np.int64),
        ("strategy", np.int32), ("symbol", np.int32), ("side", np.int8), ("kind", np.int8),
        ("status", np.int8),
        ("day", np.bool_), ("reduce", np.bool_),  # reduce: never opens or adds
        ("triggered", np.bool_),  # a stop that was touched
        ("born", np.int8), ("born_at", np.int64), ("born_price", np.float64),
        ("reason", np.int32), ("ended_by", np.int32), ("placed", np.int64), ("ended", np.int64),
        ("quantity", np.float64), ("left", np.float64), ("filled", np.float64),
        # part of what is left that was meant, when it was placed, to reduce the position
        ("reducing", np.float64),
        # sum of quantity * price, a pair (decimals.py)
        ("paid", np.float64), ("paid_rest", np.float64), ("average", np.float64),
        # commission before rounding and without the minimum, a pair
        ("fees", np.float64), ("fees_rest", np.float64),
        ("commission", np.float64),  # as charged
        ("limit", np.float64), ("stop", np.float64), ("trail", np.float64),  # NaN: none
        # of the bracket; NaN: none; 0: asked for, and without a value
        ("stop_loss", np.float64), ("take_profit", np.float64), ("trailing_stop", np.float64),
        # exposure that it will take, and give back
        ("reserved", np.float64), ("frees", np.float64),
        ("scanner", np.int32), ("found", np.int64),  # who found the symbol, and when
    ],
    align=True,
)  # fmt: skip
FILL = np.dtype(
    [
        ("time", np.int64), ("order", np.int64), ("strategy", np.int32), ("symbol", np.int32),
        ("side", np.int8),
        ("quantity", np.float64), ("price", np.float64), ("commission", np.float64),
        ("slippage", np.float64),
        ("reason", np.int32), ("cash", np.int64),  # what it moved, in the smallest unit
    ],
    align=True,
)  # fmt: skip
POSITION = np.dtype(  # of one strategy in one symbol
    [
        ("quantity", np.float64), ("average", np.float64),  # average price of what is held
        # paid, rest: a pair (decimals.py)
        ("entered", np.float64), ("entry_paid", np.float64), ("entry_rest", np.float64),
        ("exited", np.float64), ("exit_paid", np.float64), ("exit_rest", np.float64),
        ("opened", np.int64), ("born", np.int8), ("opened_bar", np.int64), ("bars", np.int64),
        ("side", np.int8),
        ("flow", np.int64), ("commission", np.int64), ("slippage", np.int64),
        ("dividends", np.int64), ("interest", np.int64),
        ("best", np.float64), ("worst", np.float64), ("stop", np.float64), ("target", np.float64),
        ("reason", np.int32), ("scanner", np.int32), ("found", np.int64),
        ("entering", np.int32), ("entering_side", np.int8),  # orders on their way in
        # quantity that market orders on their way will take out of it, at most all
        ("leaving", np.float64),
        ("entered_session", np.int64), ("refused_session", np.int64), ("refused_by", np.int32),
        # reasons: bits, of those in that session
        ("refused_reasons", np.int64), ("counted", np.int64),
    ],
    align=True,
)  # fmt: skip
TRADE = np.dtype(
    [
        ("strategy", np.int32), ("symbol", np.int32), ("side", np.int8), ("quantity", np.float64),
        ("entry_time", np.int64), ("exit_time", np.int64), ("entry_price", np.float64),
        ("exit_price", np.float64),
        ("pnl", np.float64), ("commission", np.float64), ("slippage", np.float64),
        ("dividends", np.float64),
        ("interest", np.float64), ("mae", np.float64), ("mfe", np.float64), ("bars", np.int64),
        ("stop", np.float64), ("target", np.float64), ("entry_reason", np.int32),
        ("exit_reason", np.int32),
        ("scanner", np.int32), ("found", np.int64),
    ],
    align=True,
)  # fmt: skip
QUOTE = np.dtype(  # what is known of a symbol
    [
        # row: of the bar at hand, else -1
        ("last", np.float64), ("row", np.int64), ("budget", np.float64), ("time", np.int64),
        # traded: there is a bar at hand, of a volume above 0; closes: the latest bar was one; time,
        # dealt: start and session of the last such bar
        ("traded", np.bool_), ("closes", np.bool_), ("dealt", np.int64),
        # sessions without a bar; number of the last session with one
        ("silent", np.int64), ("seen", np.int64),
        ("busy", np.int64),  # open positions and orders
    ],
    align=True,
)  # fmt: skip
ACCOUNT = np.dtype(
    [
        # value: of the positions
        ("cash", np.int64), ("value", np.float64), ("gross", np.float64), ("equity", np.float64),
        ("reserved", np.float64), ("freed", np.float64), ("peak", np.float64),
        ("session_start", np.float64),
        ("session", np.int64), ("blocked", np.bool_), ("next_id", np.int64),
        ("open_positions", np.int64),
        # interest: charged while no position was open
        ("counting", np.int64), ("interest", np.int64),
    ],
    align=True,
)  # fmt: skip
RULES = np.dtype(  # of the account and of costs; NaN or 0 where a limit is not set
    [
        ("scale", np.float64), ("leverage", np.float64), ("maintenance", np.float64),
        ("lot", np.float64), ("tick", np.float64),
        ("dust", np.float64),  # a quantity up to here is none
        ("participation", np.float64), ("max_positions", np.int64), ("max_position", np.float64),
        ("daily_loss", np.float64),
        ("flat_at_close", np.bool_), ("shorting", np.bool_), ("delist_after", np.int64),
        ("delisting_value", np.float64),
        ("borrow_rate", np.float64), ("margin_rate", np.float64), ("per_share", np.float64),
        ("per_order", np.float64),
        ("percent", np.float64), ("minimum", np.float64), ("slippage_bps", np.float64),
        ("slippage_spread", np.float64),
    ],
    align=True,
)  # fmt: skip
STRATEGY = np.dtype(
    [
        ("unit", np.int8), ("once", np.bool_), ("band", np.float64), ("max_positions", np.int64),
        ("allocation", np.float64),
        ("open_positions", np.int64), ("gross", np.float64), ("max_bars", np.int64),
    ],
    align=True,
)  # fmt: skip
SIGNAL = np.dtype(  # what a strategy's columns ask for at an instant; NaN: not given
    [
        ("instant", np.int64), ("strategy", np.int32), ("symbol", np.int32), ("side", np.int8),
        ("exit_long", np.int32), ("exit_short", np.int32),  # reason codes, 0: none
        ("reason", np.int32), ("limit", np.float64), ("stop", np.float64),
        ("stop_loss", np.float64),
        ("take_profit", np.float64), ("trailing_stop", np.float64), ("size", np.float64),
        ("weight", np.float64),
        ("scanner", np.int32), ("found", np.int64),
    ],
    align=True,
)  # fmt: skip
EQUITY = np.dtype(
    [
        ("time", np.int64), ("cash", np.int64), ("value", np.float64), ("equity", np.float64),
        ("drawdown", np.float64),
        ("gross", np.float64), ("reserved", np.float64), ("interest", np.int64),
        ("open_positions", np.int64),
        ("open_orders", np.int64),
    ],
    align=True,
)  # fmt: skip

LOCK = np.dtype([("time", np.int64), ("symbol", np.int32), ("locked", np.bool_)], align=True)


def _as_python(one: np.dtype) -> np.dtype:
    """A record as numba reads it: fields are attributes, whole numbers are computed with in 64
    bits.
    """
    kinds = {name: one[name] for name in one.names or ()}
    wide = [
        (name, np.int64 if np.issubdtype(kind, np.integer) else kind)
        for name, kind in kinds.items()
    ]
    return np.dtype((np.record, wide))


if not COMPILED:
    globals().update(
        {
            name: _as_python(one)
            for name, one in list(globals().items())
            if isinstance(one, np.dtype)
        }
    )

# counts
ORDERS, ALIVE, FILLS, TRADES, HELD, LOCKS = 0, 1, 2, 3, 4, 5


class Ledger(NamedTuple):
    """All state of the broker, in arrays that compiled code reads and writes.

    orders      ORDER [capacity]: the session's orders, and before them those still open from
                earlier
    alive       int64 [capacity]: indices of the open orders, in order of placing
    positions   POSITION [strategies, symbols]
    held        int64 [strategies * symbols, 2]: (strategy, symbol) of the open positions, in order
                of opening
    quotes      QUOTE [symbols]
    account     ACCOUNT [1]
    rules       RULES [1]
    strategies  STRATEGY [strategies]
    fills       FILL [capacity]: those since they were last taken
    trades      TRADE [capacity]: those since they were last taken
    locks       LOCK [capacity]: symbols that got a first position or order, or lost the last
    counts      int64 [6]: the number of used elements of each growing array
    """

    orders: np.ndarray
    alive: np.ndarray
    positions: np.ndarray
    held: np.ndarray
    quotes: np.ndarray
    account: np.ndarray
    rules: np.ndarray
    strategies: np.ndarray
    fills: np.ndarray
    trades: np.ndarray
    locks: np.ndarray
    counts: np.ndarray


class BarFeed(NamedTuple):
    """One session's bars of the symbols that may be traded; made by engine/trading/bar_feed.py.

    symbols    int64 [n], the symbols' numbers
    cursors    int64 [n], the next instant that each symbol's quote has not taken in; written
    starts, ends  int64 [n], each symbol's slice of the bars
    times      int64 [bars], bar starts, microseconds UTC; open .. volume  float64 [bars]
    instants   int64 [k], increasing: the session's open, every bar's end, its close
    bars       int32 [n, k - 1], row of the bar from each instant to the next, -1 for none
    latest     int32 [n, k - 1], row of the latest bar by then
    traded     int32 [n, k - 1], row of the latest bar by then with a volume above 0
    places     int64 [symbols], the index of each symbol in `symbols`, -1 for none
    """

    symbols: np.ndarray
    cursors: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    times: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    instants: np.ndarray
    bars: np.ndarray
    latest: np.ndarray
    traded: np.ndarray
    places: np.ndarray


@njit
def lend(ledger):
    """The ledger without reference counters.

    Compiled code updates the counters at each call it passes arrays to; see
    engine/runtime/borrow.py.
    """
    return Ledger(*borrow((
        ledger.orders, ledger.alive, ledger.positions, ledger.held, ledger.quotes, ledger.account,
        ledger.rules, ledger.strategies, ledger.fills, ledger.trades, ledger.locks, ledger.counts,
    )))  # fmt: skip


@njit
def lend_feed(feed):
    """The feed without reference counters."""
    return BarFeed(*borrow((
        feed.symbols, feed.cursors, feed.starts, feed.ends, feed.times,
        feed.open, feed.high, feed.low, feed.close, feed.volume,
        feed.instants, feed.bars, feed.latest, feed.traded, feed.places,
    )))  # fmt: skip
