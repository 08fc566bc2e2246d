"""The opening range breakout on real minutes: every trade derived again by a loop over bars, from the files alone."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.schema import BAR_SCHEMA
from tests.trading.runs import config, trade

AT_0935 = [{"start": "09:35", "end": "09:35", "interval": "5m"}]
SHARES = 100


@pytest.fixture(scope="module")
def traded(us2018: Archive) -> dict[str, pl.DataFrame]:
    scanner = {
        "module": "scanners.opening_range_scanner",
        "regular_session": AT_0935,
        "config": {"limit": 20},
    }
    strategy = {
        "module": "engine.strategies.opening_range_breakout",
        "config": {"size": SHARES, "size_unit": "shares", "stop_atr": 0.1, "target_r": 5.0},
    }
    account = {"starting_cash": 10_000_000, "flat_at_close": True}
    return trade(config([strategy], account, scanners=[scanner]), us2018)


def sessions(archive: Archive) -> Iterator[tuple[dt.date, dict[str, list[dict[str, Any]]]]]:
    """Regular bars of each session by symbol, in order of time."""
    for date in archive.sessions():
        session = archive.calendar.session(date)
        bars = archive.read_session(date, list(BAR_SCHEMA)).with_columns(
            pl.col("timestamp").to_physical()
        )
        regular = bars.filter(
            (pl.col("timestamp") >= session.open) & (pl.col("timestamp") < session.close)
        )
        yield (
            date,
            {
                str(symbol): rows.to_dicts()
                for (symbol,), rows in regular.partition_by("symbol", as_dict=True).items()
            },
        )


def average_true_range(days: list[dict[str, float]]) -> float | None:
    """Wilder's, of 14 days, from the symbol's first day in the archive."""
    ranges = [
        max(day["high"], before["close"]) - min(day["low"], before["close"])
        for before, day in itertools.pairwise(days)
    ]
    if len(ranges) < 14:
        return None
    value = sum(ranges[:14]) / 14
    for one in ranges[14:]:
        value = (value * 13 + one) / 14
    return value


def day_of(bars: list[dict[str, Any]]) -> dict[str, float]:
    return {
        "high": max(b["high"] for b in bars),
        "low": min(b["low"] for b in bars),
        "close": bars[-1]["close"],
    }


def walk(bars: list[dict[str, Any]], open_at: int, atr: float) -> dict[str, Any] | None:
    """The trade of one symbol in one session, or None."""
    first = [b for b in bars if b["timestamp"] < open_at + 5 * 60_000_000]
    rest = [b for b in bars if b["timestamp"] >= open_at + 5 * 60_000_000]
    side = (first[-1]["close"] > first[0]["open"]) - (first[-1]["close"] < first[0]["open"])
    if not side:
        return None
    entry = max(b["high"] for b in first) if side > 0 else min(b["low"] for b in first)
    stop, target = entry - side * 0.1 * atr, entry + side * 0.1 * atr * 5
    for number, bar in enumerate(rest):
        beyond = bar["high"] if side > 0 else bar["low"]
        if side * beyond < side * entry:
            continue
        at_open = side * bar["open"] >= side * entry
        price = bar["open"] if at_open else entry
        return {"side": side, "time": bar["timestamp"], "price": price} | leave(
            rest[number:], side, stop, target, price, at_open
        )
    return None


def leave(
    bars: list[dict[str, Any]], side: int, stop: float, target: float, price: float, at_open: bool
) -> dict[str, Any]:
    """Stop before target; through a gap at the open; else at the last close."""
    for number, bar in enumerate(bars):
        entered = number == 0
        opens = bar["open"] if not entered or at_open else price
        worst, best = (bar["low"], bar["high"]) if side > 0 else (bar["high"], bar["low"])
        if side * opens <= side * stop:
            return {"exit": opens, "left": bar["timestamp"], "why": "stop_loss"}
        if side * opens >= side * target:
            return {"exit": opens, "left": bar["timestamp"], "why": "take_profit"}
        if side * worst <= side * stop:
            return {"exit": stop, "left": bar["timestamp"], "why": "stop_loss"}
        if side * best >= side * target:
            return {"exit": target, "left": bar["timestamp"], "why": "take_profit"}
    return {"exit": bars[-1]["close"], "left": None, "why": "flat_at_close"}


def test_every_trade_is_found_again(us2018: Archive, traded: dict[str, pl.DataFrame]) -> None:
    hits = {(row["session"], row["symbol"]) for row in traded["hits"].iter_rows(named=True)}
    trades = {
        (row["session"], row["symbol"]): row for row in traded["trades"].iter_rows(named=True)
    }
    days: dict[str, list[dict[str, float]]] = {}
    expected = 0
    for date, by_symbol in sessions(us2018):
        session = us2018.calendar.session(date)
        for symbol, bars in by_symbol.items():
            found = None
            if (date, symbol) in hits:
                atr = average_true_range(days.get(symbol, []))
                assert atr is not None
                found = walk(bars, session.open, atr)
            trade_ = trades.get((date, symbol))
            assert (found is None) == (trade_ is None), (date, symbol)
            if found and trade_:
                expected += 1
                left = found["left"] or session.close
                assert trade_["side"] == ("long" if found["side"] > 0 else "short")
                assert micros(trade_["entry_time"]) == found["time"]
                assert micros(trade_["exit_time"]) == left
                assert trade_["entry_price"] == pytest.approx(found["price"], rel=1e-9)
                assert trade_["exit_price"] == pytest.approx(found["exit"], rel=1e-9)
                assert trade_["exit_reason"] == found["why"]
                assert trade_["pnl"] == pytest.approx(
                    found["side"] * SHARES * (found["exit"] - found["price"]), abs=0.011
                )
        for symbol, bars in by_symbol.items():
            days.setdefault(symbol, []).append(day_of(bars))
    assert expected == len(trades) > 400
    assert set(traded["trades"]["exit_reason"]) == {"stop_loss", "take_profit", "flat_at_close"}


def micros(time: dt.datetime) -> int:
    return int(time.timestamp() * 1_000_000)
