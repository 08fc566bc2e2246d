"""The broker's records as frames of the run directory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl

from engine.schema import EQUITY_SCHEMA, FILLS_SCHEMA, ORDERS_SCHEMA, TIMESTAMP, TRADES_SCHEMA
from engine.session.trader import TableRows
from engine.trading.broker_account import KINDS, STATES, Broker
from engine.trading.rules import Records

SIDES = {1: "buy", -1: "sell"}
DIRECTIONS = {1: "long", -1: "short"}


class TradingTables:
    """Takes a session's new records out of the broker's ledger, table by table."""

    def __init__(self, broker: Broker):
        self._broker = broker

    def session(
        self, date: dt.date, equity: Records, scanners: Sequence[str]
    ) -> Mapping[str, TableRows]:
        """Table name -> rows of one session: ended orders, fills, trades, the equity curve.

        Frames are made later, for all sessions of a block at once.
        """
        orders, fills, trades = self._broker.take()
        return {
            "orders": TableRows(date, orders[np.argsort(orders["id"])], self._orders),
            "fills": TableRows(date, fills, self._fills),
            "trades": TableRows(date, trades, partial(self._trades, scanners, False)),
            "equity": TableRows(date, equity, self._equity),
        }

    def rest(self, date: dt.date, scanners: Sequence[str]) -> Mapping[str, pl.DataFrame]:
        """Table name -> orders and trades that are still open at the run's end."""
        orders, _, trades = self._broker.take(everything=True)
        return {
            "orders": self._orders([date] * len(orders), orders[np.argsort(orders["id"])]),
            "trades": self._trades(scanners, True, [date] * len(trades), trades),
        }

    def _orders(self, dates: Sequence[dt.date], rows: Records) -> pl.DataFrame:
        done = rows["filled"]
        status = rows["status"]
        return _frame(
            ORDERS_SCHEMA,
            dates,
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
        )

    def _fills(self, dates: Sequence[dt.date], rows: Records) -> pl.DataFrame:
        return _frame(
            FILLS_SCHEMA,
            dates,
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
        self, scanners: Sequence[str], still_open: bool, dates: Sequence[dt.date], rows: Records
    ) -> pl.DataFrame:
        scale = self._broker.scale
        costs = np.rint((rows["commission"] + rows["slippage"] + rows["interest"]) * scale) / scale
        value = rows["quantity"] * rows["entry_price"]
        frame = _frame(
            TRADES_SCHEMA,
            dates,
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

    def _equity(self, dates: Sequence[dt.date], rows: Records) -> pl.DataFrame:
        return _frame(
            EQUITY_SCHEMA,
            dates,
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
    """The name of each code, as a text column."""
    return pl.Series([name_of(code) for code in codes.tolist()], dtype=pl.String)


def _known(values: np.ndarray, known: np.ndarray) -> pl.Series:
    """The values, null where `known` is False."""
    series = pl.Series(values)
    return series.set(pl.Series(~known), None)


def _price(values: np.ndarray) -> pl.Series:
    """Prices, null where NaN."""
    return pl.Series(values, nan_to_null=True)


def _frame(
    schema: Mapping[str, pl.DataType],
    dates: Sequence[dt.date],
    columns: Mapping[str, np.ndarray | pl.Series],
) -> pl.DataFrame:
    """A frame of a schema.

    dates    each row's session
    columns  name -> values; times as int64 microseconds UTC
    """
    made: dict[str, pl.Series] = {}
    for name, values in columns.items():
        given = pl.Series(name, values)
        made[name] = (given.cast(pl.Int64) if schema[name] == TIMESTAMP else given).cast(
            schema[name]
        )
    made["session"] = pl.Series("session", dates, pl.Date)
    return pl.DataFrame([made[name] for name in schema])
