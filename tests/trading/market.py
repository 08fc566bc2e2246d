"""A small market for the broker: bars of a few symbols as a feed, and a broker over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.config.models import AccountConfig, CostsConfig
from engine.schema import BAR_VALUES
from engine.trading.bar_feed import feed_of
from engine.trading.broker import records
from engine.trading.broker.records import BarFeed
from engine.trading.broker_account import Broker
from engine.trading.rules import StrategyTerms

STEP = 60_000_000
Row = tuple[float, float, float, float, float]  # open, high, low, close, volume


def feed(broker: Broker, bars: Mapping[str, Sequence[Row | None]], start: int = 0) -> BarFeed:
    """A session of one bar a minute and symbol; None is a bar that is missing. Instants count from `start`."""
    count = len(next(iter(bars.values())))
    rows = [
        (start + i * STEP, *row)
        for one in bars.values()
        for i, row in enumerate(one)
        if row is not None
    ]
    ends = np.cumsum([sum(row is not None for row in one) for one in bars.values()])
    starts = np.array([0, *ends[:-1]], np.int64)
    columns = {
        name: np.array([row[i] for row in rows], float) for i, name in enumerate(BAR_VALUES, 1)
    }
    times = np.array([row[0] for row in rows], np.int64)
    codes = np.array(broker.symbol_ids(list(bars)), np.int64)
    return feed_of(codes, starts, ends, times, start + np.arange(count + 1) * STEP, **columns)


def broker(
    account: Mapping[str, Any] | None = None, costs: Mapping[str, Any] | None = None, **terms: Any
) -> Broker:
    """A broker with one strategy."""
    return Broker(
        AccountConfig(**(account or {})),
        CostsConfig(**(costs or {})),
        [StrategyTerms("test", **terms)],
    )


def equity_rows(one: BarFeed) -> np.ndarray:
    """Room for the equity curve of a session."""
    return np.zeros(len(one.instants), records.EQUITY)


def play(
    book: Broker,
    bars: Mapping[str, Sequence[Row | None]],
    orders: Mapping[int, Sequence[Mapping[str, Any]]],
) -> None:
    """One session: orders by the instant at which they are placed, each the arguments of Broker.place."""
    one = feed(book, bars)
    book.begin_session(0, 0)
    rows = equity_rows(one)
    for instant in range(len(one.instants)):
        for order in orders.get(instant, ()):
            place(book, int(one.instants[instant]), **order)
        if instant + 1 < len(one.instants):
            book.step(one, instant, rows)
    book.end_session()


def place(
    book: Broker,
    now: int,
    symbol: str = "A",
    side: int = 1,
    kind: int = records.MARKET,
    quantity: float = 100,
    **more: Any,
) -> int | None:
    """Place an order with prices that are not given left out."""
    prices = {
        name: float("nan")
        for name in ("limit", "stop", "trail", "stop_loss", "take_profit", "trailing_stop")
    }
    return book.place(0, book.symbol_id(symbol), side, kind, quantity, now, **{**prices, **more})
