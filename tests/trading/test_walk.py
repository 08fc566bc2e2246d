"""A session walked at once, in pieces, and bar by bar with every symbol's quote up to date: the ledger are the same."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.trading.broker.records import ALIVE, FILLS, HELD, ORDERS, TRADES
from engine.trading.broker_account import Broker, records
from tests.trading.market import Row, broker, equity_rows, feed

SYMBOLS, BARS, SESSIONS = "ABCDE", 24, 2


def bars_of(draw: random.Random) -> dict[str, list[Row | None]]:
    """Prices in cents; bars are missing now and then, and in some nobody traded."""
    made: dict[str, list[Row | None]] = {}
    for symbol in SYMBOLS:
        price, rows = 1000 + 300 * len(made), list[Row | None]()
        for _ in range(BARS):
            price = max(100, price + draw.randint(-15, 15))
            high, low = price + draw.randint(0, 12), price - draw.randint(0, 12)
            open_, volume = draw.randint(low, high), draw.choice([0, 50, 900, 20_000])
            row = tuple(one / 100 for one in (open_, high, low, price))
            rows.append(None if draw.random() < 0.2 else (*row, float(volume)))
        made[symbol] = rows
    return made


def signals_of(draw: random.Random) -> np.ndarray:
    """Entries with brackets, exits and exits of nothing, several an instant."""
    count = draw.randint(0, 60)
    made = np.zeros(count, records.SIGNAL)
    for name in ("limit", "stop", "stop_loss", "take_profit", "trailing_stop", "size", "weight"):
        made[name] = np.nan
    for one in made:
        one["instant"], one["symbol"] = draw.randint(0, BARS), draw.randrange(len(SYMBOLS))
        one["side"] = draw.choice([0, 0, 0, 1, 1, -1])
        one["exit_long"], one["exit_short"] = draw.choice([0, 100]), draw.choice([0, 101])
        one["reason"], one["size"] = 102, draw.randint(1, 40)
        price = 10 + 3 * one["symbol"]
        if draw.random() < 0.5:
            one["stop_loss"] = price - one["side"] * draw.randint(1, 40) / 20
            one["take_profit"] = price + one["side"] * draw.randint(1, 40) / 20
        if draw.random() < 0.2:
            one["limit"] = price - draw.randint(-20, 20) / 100
    return made[np.argsort(made["instant"], kind="stable")]


def played(way: str, seed: int, account: dict[str, Any]) -> tuple[Broker, list[np.ndarray]]:
    draw, book, curves = random.Random(seed), broker(account, unit="percent"), []
    for session in range(SESSIONS):
        one = feed(book, bars_of(draw), session * 10**12)
        signals, rows = signals_of(draw), equity_rows(one)
        cuts = sorted(draw.sample(range(1, BARS), 3))
        book.begin_session(session, session)
        book.record_equity(int(one.instants[0]), rows[0])
        following = 0
        if way == "step":
            for instant in range(BARS):
                end = int(np.searchsorted(signals["instant"], instant, side="right"))
                book.act(signals, following, end, int(one.instants[instant]))
                book.step(one, instant, rows)
                following = end
        else:
            bounds = [0, BARS] if way == "whole" else [0, *cuts, BARS]
            for first, last in pairwise(bounds):
                following = book.walk(one, first, last, signals, following, rows)
        book.act(signals, following, len(signals), int(one.instants[-1]))
        book.end_session()
        curves.append(rows)
    return book, curves


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    flat=st.booleans(),
    positions=st.sampled_from([None, 2]),
    participation=st.sampled_from([None, 0.1]),
    loss=st.sampled_from([None, 1.0]),
)
@pytest.mark.parametrize("way", ["pieces", "step"])
def test_ways_to_walk_a_session_leave_the_same_books(
    way: str,
    seed: int,
    flat: bool,
    positions: int | None,
    participation: float | None,
    loss: float | None,
) -> None:
    account = {
        "flat_at_close": flat,
        "max_open_positions": positions,
        "max_participation": participation,
        "daily_loss_limit_percent": loss,
        "leverage": 2.0,
    }
    whole, curves = played("whole", seed, account)
    other, others = played(way, seed, account)
    for mine, theirs in zip(curves, others, strict=True):
        _same(mine, theirs)
    counts = whole.ledger.counts
    np.testing.assert_array_equal(counts, other.ledger.counts)
    used = {"orders": ORDERS, "fills": FILLS, "trades": TRADES, "alive": ALIVE, "held": HELD}
    for name, count in used.items():
        mine, theirs = getattr(whole.ledger, name), getattr(other.ledger, name)
        _same(mine[: counts[count]], theirs[: counts[count]])
    for name in ("positions", "quotes", "account", "strategies"):
        _same(getattr(whole.ledger, name), getattr(other.ledger, name))


def _same(mine: np.ndarray, theirs: np.ndarray) -> None:
    for name in mine.dtype.names or ():
        np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)
    if mine.dtype.names is None:
        np.testing.assert_array_equal(mine, theirs)
