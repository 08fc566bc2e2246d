"""Column names and dtypes of the frames that rooms hand to each other, each named once."""

from __future__ import annotations

import polars as pl

TIMESTAMP = pl.Datetime("us", "UTC")
PRICE_COLUMNS = ("open", "high", "low", "close")
BAR_VALUES = (*PRICE_COLUMNS, "volume")

# A bar: its timestamp labels the START; it is known at timestamp + interval. Frames of bars are
# sorted by
# (symbol, timestamp), unique, prices as traded.
BAR_SCHEMA: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "timestamp": TIMESTAMP,
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
}
OPTIONAL_BAR_SCHEMA: dict[str, pl.DataType] = {"vwap": pl.Float64(), "trade_count": pl.Float64()}

CORPORATE_ACTIONS_SCHEMA: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "ex_date": pl.Date(),
    # New shares for one old: 4.0 for a four-for-one split, null or 1.0 for none
    "split_ratio": pl.Float64(),
    # Per share, in the scale before the split of that date; null or 0.0 for none
    "cash_dividend": pl.Float64(),
}

SYMBOL_MAP_SCHEMA: dict[str, pl.DataType] = {
    "symbol": pl.String(),  # the company's permanent name
    "ticker": pl.String(),  # the name under which its bars are stored from start_date on
    "start_date": pl.Date(),
    "end_date": pl.Date(),  # exclusive; null: still in use
}

MEMBERSHIP_SCHEMA: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "start_date": pl.Date(),
    "end_date": pl.Date(),  # exclusive; null: still a member
}

# The run directory. `scans` is followed by one UInt32 column a clause, `hits` by the features.
SCANS_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "tick": TIMESTAMP,
    "scanner": pl.String(),
    "scan_type": pl.String(),  # pre_session, regular
    "scanned": pl.UInt32(),
    "qualified": pl.UInt32(),
    "promoted": pl.UInt32(),
    "error": pl.String(),
}
HITS_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "tick": TIMESTAMP,
    "scanner": pl.String(),
    "symbol": pl.String(),
    "rank": pl.UInt32(),  # 1 is the best
    "promoted": pl.Boolean(),  # true where this hit is what added the symbol
}
SYMBOL_EVENTS_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "time": TIMESTAMP,
    "symbol": pl.String(),
    "event": pl.String(),  # registered, promoted, locked, unlocked, removed
    "source": pl.String(),  # config, a scanner's name, a strategy's name
}
QUALITY_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "symbol": pl.String(),
    "expected": pl.UInt32(),
    "present": pl.UInt32(),
    "quality_percent": pl.Float64(),
    # The longest run of minutes without a bar between the session's open and close
    "longest_gap": pl.Float64(),
    "first_bar": TIMESTAMP,  # start of it; null without one
    "last_bar": TIMESTAMP,
}
# The rows of `barsweep archive quality`: bars of regular hours, and counts of implausible ones.
ARCHIVE_QUALITY_SCHEMA: dict[str, pl.DataType] = QUALITY_SCHEMA | {
    name: pl.UInt32() for name in ("stale", "spike", "filled", "crossed")
}
# The tables of trading. Money and prices are in the archive's currency; `side` of an order is buy
# or sell, of a trade long or short.
ORDERS_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),  # in which the order ended
    "order": pl.Int64(),
    "placed": TIMESTAMP,
    "ended": TIMESTAMP,  # null: still open at the run's end
    "strategy": pl.String(),
    "symbol": pl.String(),
    "side": pl.String(),
    "kind": pl.String(),  # market, limit, stop, stop_limit, trailing_stop, market_on_close
    "quantity": pl.Float64(),
    "limit": pl.Float64(),
    "stop": pl.Float64(),
    "trail": pl.Float64(),
    "day": pl.Boolean(),  # false: good till cancelled
    "parent": pl.Int64(),  # the entry that it protects
    "reason": pl.String(),  # why it was placed
    "status": pl.String(),  # filled, cancelled, expired, rejected, open
    "status_reason": pl.String(),
    "filled": pl.Float64(),
    "average_price": pl.Float64(),
    "commission": pl.Float64(),
}
FILLS_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "time": TIMESTAMP,  # start of the bar it was filled in; at the closing price: the close
    # Null: a delisted position was closed, or less than a lot was left by a split and paid out
    "order": pl.Int64(),
    "strategy": pl.String(),
    "symbol": pl.String(),
    "side": pl.String(),
    "quantity": pl.Float64(),
    "price": pl.Float64(),  # within the bar; slippage is a cost of its own
    "commission": pl.Float64(),
    "slippage": pl.Float64(),
    "cash": pl.Float64(),  # what the fill added to cash, costs included
    "reason": pl.String(),
}
TRADES_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),  # in which the trade ended
    "strategy": pl.String(),
    "symbol": pl.String(),
    "side": pl.String(),
    "quantity": pl.Float64(),  # bought or sold short by all entries
    "entry_time": TIMESTAMP,
    "exit_time": TIMESTAMP,  # null while it is open
    "entry_price": pl.Float64(),  # averages, in the scale of the exit
    "exit_price": pl.Float64(),
    "pnl": pl.Float64(),  # after costs, with dividends; of an open trade at the last price
    "return": pl.Float64(),  # pnl over what was paid to enter
    "costs": pl.Float64(),  # commission, slippage and interest
    "commission": pl.Float64(),
    "slippage": pl.Float64(),
    "interest": pl.Float64(),
    "dividends": pl.Float64(),
    "mae": pl.Float64(),  # worst price over entry price - 1, signed so that a loss is below 0
    "mfe": pl.Float64(),
    "bars": pl.Int64(),
    "stop": pl.Float64(),  # of the bracket it was entered with
    "target": pl.Float64(),
    "entry_reason": pl.String(),
    "exit_reason": pl.String(),
    "scanner": pl.String(),  # that found the symbol, "config" where none did
    "found": TIMESTAMP,
    "open": pl.Boolean(),
}
EQUITY_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "timestamp": TIMESTAMP,
    "cash": pl.Float64(),
    "positions": pl.Float64(),  # at market, short ones below 0
    "equity": pl.Float64(),
    "drawdown": pl.Float64(),  # below the highest equity so far, 0 or less
    "exposure": pl.Float64(),  # long plus short
    "reserved": pl.Float64(),  # for orders that would open positions
    # On borrowed cash while no position was open, so far; other interest is in the trades
    "interest": pl.Float64(),
    "open_positions": pl.UInt32(),
    "open_orders": pl.UInt32(),
}
TIMINGS_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "tick": TIMESTAMP,
    "scanner": pl.String(),
    "elapsed_us": pl.Float64(),
}
