"""The broker's records as the frames of the run directory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from engine.schema import EQUITY_SCHEMA, FILLS_SCHEMA, ORDERS_SCHEMA, TIMESTAMP, TRADES_SCHEMA
from engine.trading.broker import KINDS, STATES, Broker
from engine.trading.rules import Records

SIDES = {1: "buy", -1: "sell"}
# of a session without any: making a frame of twenty empty columns takes as long as making one with rows
NO_ORDERS, NO_FILLS, NO_TRADES = (
    pl.DataFrame(schema=schema) for schema in (ORDERS_SCHEMA, FILLS_SCHEMA, TRADES_SCHEMA)
)
DIRECTIONS = {1: "long", -1: "short"}


class TradingTables:
    """Takes out of the broker's books what a session added to each table."""

    def __init__(self, broker: Broker):
        self._broker = broker

    def session(
        self, date: dt.date, equity: Records, scanners: Sequence[str]
    ) -> Mapping[str, pl.DataFrame]:
        """orders that are over, fills, trades and the equity curve of a session."""
        orders, fills, trades = self._broker.take()
        return {
            "orders": self._orders(date, orders),
            "fills": self._fills(date, fills),
            "trades": self._trades(date, trades, scanners, False),
            "equity": self._equity(date, equity),
        }

    def rest(self, date: dt.date, scanners: Sequence[str]) -> Mapping[str, pl.DataFrame]:
        """Orders and trades that are still open at the run's end."""
        orders, _, trades = self._broker.take(everything=True)
        return {
            "orders": self._orders(date, orders),
            "trades": self._trades(date, trades, scanners, True),
        }

    def _orders(self, date: dt.date, rows: Records) -> pl.DataFrame:
        if not len(rows):
            return NO_ORDERS
        done = rows["filled"]
        status = rows["status"]
        return _frame(
            ORDERS_SCHEMA,
            date,
            {
                "order": rows["id"],
                "placed": rows["placed"],
                "ended": _known(rows["ended"], rows["ended"] >= 0),
                "strategy": self._strategy(rows),
                "symbol": self._symbol(rows),
                "side": _named(rows["side"], SIDES.get),
                "kind": _named(rows["kind"], KINDS.__getitem__),
                "quantity": rows["quantity"],
                "limit": _price(rows["limit"]),
                "stop": _price(rows["stop"]),
                "trail": _price(rows["trail"]),
                "day": rows["day"],
                "parent": _known(rows["parent"], rows["parent"] >= 0),
                "reason": self._reason(rows["reason"]),
                "status": _named(status, STATES.__getitem__),
                "status_reason": self._reason(rows["ended_by"]),
                "filled": done,
                "average_price": _price(rows["average"]),
                "commission": rows["commission"],
            },
        ).sort("order")

    def _fills(self, date: dt.date, rows: Records) -> pl.DataFrame:
        if not len(rows):
            return NO_FILLS
        return _frame(
            FILLS_SCHEMA,
            date,
            {
                "time": rows["time"],
                "order": _known(rows["order"], rows["order"] >= 0),
                "strategy": self._strategy(rows),
                "symbol": self._symbol(rows),
                "side": _named(rows["side"], SIDES.get),
                "quantity": rows["quantity"],
                "price": rows["price"],
                "commission": rows["commission"],
                "slippage": rows["slippage"],
                "cash": rows["cash"] / self._broker.scale,
                "reason": self._reason(rows["reason"]),
            },
        )

    def _trades(
        self, date: dt.date, rows: Records, scanners: Sequence[str], still_open: bool
    ) -> pl.DataFrame:
        if not len(rows):
            return NO_TRADES
        scale = self._broker.scale
        costs = np.rint((rows["commission"] + rows["slippage"] + rows["interest"]) * scale) / scale
        value = rows["quantity"] * rows["entry_price"]
        frame = _frame(
            TRADES_SCHEMA,
            date,
            {
                "strategy": self._strategy(rows),
                "symbol": self._symbol(rows),
                "side": _named(rows["side"], DIRECTIONS.get),
                "quantity": rows["quantity"],
                "entry_time": rows["entry_time"],
                "exit_time": rows["exit_time"],
                "entry_price": rows["entry_price"],
                "exit_price": rows["exit_price"],
                "pnl": rows["pnl"],
                "return": rows["pnl"] / value,
                "costs": costs,
                "commission": rows["commission"],
                "slippage": rows["slippage"],
                "interest": rows["interest"],
                "dividends": rows["dividends"],
                "mae": rows["mae"],
                "mfe": rows["mfe"],
                "bars": rows["bars"],
                "stop": _price(rows["stop"]),
                "target": _price(rows["target"]),
                "entry_reason": self._reason(rows["entry_reason"]),
                "exit_reason": self._reason(rows["exit_reason"]),
                "scanner": _named(rows["scanner"], scanners.__getitem__),
                "found": _known(rows["found"], rows["found"] >= 0),
                "open": np.full(len(rows), still_open),
            },
        )
        none_yet = pl.when(pl.col("open")).then(None)
        return frame.with_columns(
            none_yet.otherwise(pl.col(name)).alias(name) for name in ("exit_time", "exit_reason")
        )

    def _equity(self, date: dt.date, rows: Records) -> pl.DataFrame:
        return _frame(
            EQUITY_SCHEMA,
            date,
            {
                "timestamp": rows["time"],
                "cash": rows["cash"] / self._broker.scale,
                "positions": rows["value"],
                "equity": rows["equity"],
                "drawdown": rows["drawdown"],
                "exposure": rows["gross"],
                "reserved": rows["reserved"],
                "interest": rows["interest"] / self._broker.scale,
                "open_positions": rows["open_positions"],
                "open_orders": rows["open_orders"],
            },
        )

    def _strategy(self, rows: Records) -> pl.Series:
        return _named(rows["strategy"], self._broker.strategies.__getitem__)

    def _symbol(self, rows: Records) -> pl.Series:
        return _named(rows["symbol"], self._broker.symbols.__getitem__)

    def _reason(self, codes: np.ndarray) -> pl.Series:
        return _named(codes, lambda code: self._broker.reason(code) or None)


def _named(codes: np.ndarray, name_of: Callable[[int], str | None]) -> pl.Series:
    return pl.Series([name_of(code) for code in codes.tolist()], dtype=pl.String)


def _known(values: np.ndarray, known: np.ndarray) -> pl.Series:
    series = pl.Series(values)
    return series.set(pl.Series(~known), None)


def _price(values: np.ndarray) -> pl.Series:
    return pl.Series(values, nan_to_null=True)


def _frame(
    schema: Mapping[str, pl.DataType], date: dt.date, columns: Mapping[str, np.ndarray | pl.Series]
) -> pl.DataFrame:
    """A frame of a schema; times are given as int64 microseconds."""
    made: dict[str, pl.Series] = {}
    for name, values in columns.items():
        given = pl.Series(name, values)
        made[name] = (given.cast(pl.Int64) if schema[name] == TIMESTAMP else given).cast(
            schema[name]
        )
    rows = len(next(iter(made.values())))
    made["session"] = pl.Series("session", [date], pl.Date).new_from_index(0, rows)
    return pl.DataFrame([made[name] for name in schema])
