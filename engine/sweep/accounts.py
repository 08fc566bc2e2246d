"""Accounts of variants, walked over one session on all cores by the broker of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from engine.config.models import SessionConfig
from engine.panel.bars import Floats, Ints
from engine.runtime.threads import in_threads, threads
from engine.sweep.shared_signals import MergedSignals, SignalBuffer
from engine.trading.broker import records
from engine.trading.broker.records import ALIVE, HELD, BarFeed
from engine.trading.broker_account import Broker, Names, Room
from engine.trading.rules import Records, StrategyTerms
from engine.trading.signal_plan import HeldBefore
from engine.trading.trading_desk import act_on

NOTHING_BEFORE: HeldBefore = {}
PIECES = 8  # that a thread has at least, so that none waits long for another


class Account:
    """One variant's account.

    blocks    of each strategy, which block of parameters it has
    equity    float64[sessions], at each session's end
    trades    TRADE records of each session
    carried   numbers of the symbols that had a position or an order when the last session ended
    before    of each strategy, what held at each symbol's last row
    failures  how often a strategy of it failed
    """

    def __init__(
        self,
        config: SessionConfig,
        terms: Sequence[StrategyTerms],
        blocks: Sequence[int],
        names: Names,
    ):
        self.config, self.blocks = config, tuple(blocks)
        self.broker = Broker(config.account, config.costs, terms, names)
        self.broker.move_out(Room())
        self.equity: list[float] = []
        self.trades: list[Records] = []
        self.open_trades: Records = np.zeros(0, records.TRADE)
        self.carried: tuple[int, ...] = ()
        self.before: list[HeldBefore] = [NOTHING_BEFORE for _ in blocks]
        self.failures = 0

    @property
    def is_flat(self) -> bool:
        """Whether it has neither a position nor an open order."""
        counts = self.broker.ledger.counts
        return not (counts[ALIVE] or counts[HELD])


@dataclass(frozen=True)
class SessionBegin:
    """number   of the session, from 0 on; `days` since the one before
    opens    microseconds
    actions  symbol, split ratio, dividend of known symbols
    """

    number: int
    days: int
    opens: int
    actions: Sequence[tuple[str, float | None, float | None]] = ()


@dataclass
class Walk:
    """A session as accounts that hold and choose the same walk it.

    feed      its bars; cursors are copied for each account
    codes     int64[symbols], numbers of the symbols that it has bars of
    prices    float64[symbols], their latest prices at the open, NaN where there is none
    merged    the signals
    accounts  who walks it, and of each strategy its expressions: field -> number
    """

    feed: BarFeed
    codes: Ints
    prices: Floats
    merged: MergedSignals
    accounts: list[tuple[Account, Sequence[dict[str, int]]]] = field(default_factory=list)


def begin_all(accounts: Sequence[Account], begin: SessionBegin) -> None:
    """The night before a session: interest, corporate actions, positions in symbols that are
    gone."""

    def one(account: Account, room: Room) -> None:
        broker = account.broker
        broker.make_room_for_symbols()
        if account.is_flat and not begin.actions:
            broker.begin_session(begin.number, begin.days)
            return
        broker.move_into(room)
        broker.begin_session(begin.number, begin.days)
        for symbol, ratio, cash in begin.actions:
            act_on(broker, symbol, ratio, cash, begin.opens)
        broker.write_off(begin.opens)
        account.trades.append(broker.take_trades())
        broker.move_out(room)

    _in_pieces(accounts, one, Room)


def walk_all(walks: Sequence[Walk]) -> None:
    """Walk accounts over the whole session, and take their trades and their equity at its end."""
    for walk in walks:
        _in_pieces(walk.accounts, _play, partial(_Seat, walk))


def end_all(accounts: Sequence[Account], now: int) -> None:
    """Trades that are still open, as of the last close."""

    def one(account: Account, room: Room) -> None:
        account.broker.move_into(room)
        account.broker.end_run(now)
        account.open_trades = account.broker.take_trades()
        account.broker.move_out(room)

    _in_pieces(accounts, one, Room)


class _Seat:
    """What a thread needs to walk accounts, one after the other."""

    def __init__(self, walk: Walk):
        self.walk, self.room = walk, Room()
        self.signals = SignalBuffer(walk.merged)
        self.equity = np.zeros(len(walk.feed.instants), records.EQUITY)


def _play(one: tuple[Account, Sequence[dict[str, int]]], seat: _Seat) -> None:
    account, columns = one
    walk, broker, instants = seat.walk, account.broker, seat.walk.feed.instants
    broker.make_room_for_symbols()
    broker.move_into(seat.room)
    signals = seat.signals.put(columns)
    broker.record_equity(int(instants[0]), seat.equity[0])
    broker.know(walk.codes, walk.prices)
    feed = walk.feed._replace(cursors=walk.feed.cursors.copy())
    last = len(instants) - 1
    following = broker.walk(feed, 0, last, signals, 0, seat.equity)
    broker.act(signals, following, len(signals), int(instants[-1]))
    broker.end_session()
    account.equity.append(float(seat.equity[last]["equity"]))
    account.trades.append(broker.take_trades())
    account.carried = (
        () if account.is_flat else tuple(np.flatnonzero(broker.ledger.quotes["busy"] > 0).tolist())
    )
    broker.move_out(seat.room)


def _in_pieces(
    items: Sequence[Any], job: Callable[[Any, Any], None], make: Callable[[], Any]
) -> None:
    """Do job(item, seat) for each item on all cores.

    `make` makes a seat for a thread, which is used again.
    """
    count = max(1, min(len(items), PIECES * threads()))
    free: SimpleQueue[Any] = SimpleQueue()

    def piece(number: int) -> None:
        try:
            seat = free.get_nowait()
        except Empty:
            seat = make()
        for item in items[number * len(items) // count : (number + 1) * len(items) // count]:
            job(item, seat)
        free.put(seat)

    in_threads(piece, range(count))
