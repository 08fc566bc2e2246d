"""The layout of a session, or of its rest: everything that the broker processes.

1. a close-up: the columns and bars of the active symbols
2. the bar feed
3. the signals of the columnar strategies
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.panel.bars import Floats, Ints
from engine.scan.session_batch import SessionBatch
from engine.session.trader import SessionInputs
from engine.trading.bar_feed import make_feed
from engine.trading.broker import records
from engine.trading.broker.records import BarFeed
from engine.trading.broker_account import Broker
from engine.trading.finds import NEVER, Finds, ScannerCodes
from engine.trading.rules import Records
from engine.trading.signal_plan import SignalRows, Signals
from engine.trading.strategy_runtime import StrategyRuntime


@dataclass(frozen=True)
class Layout:
    """What the broker processes in a session.

    view     session batch of the symbols that are or become active, at the ticks of decisions
    codes    int64 [symbols], the broker's symbol numbers
    feed     the symbols' bars
    signals  SIGNAL records of all columnar strategies, by instant and strategy
    """

    view: SessionBatch
    codes: Ints
    feed: BarFeed
    signals: Records

    @classmethod
    def of(
        cls,
        inputs: SessionInputs,
        slots: Sequence[StrategyRuntime],
        finds: Finds,
        scanners: ScannerCodes,
        *,
        broker: Broker,
        instants: Ints,
        fail: Callable[[StrategyRuntime, BaseException], None],
    ) -> Layout:
        """The layout for the symbols that are known now.

        fail  called with a strategy whose expressions cannot be evaluated, and the error
        """
        view = inputs.close_up(sorted(finds.active_from))
        codes = np.array(broker.symbol_ids(view.cross.table.names), np.int64)
        feed = make_feed(view.panel, codes, instants)
        maker = SignalMaker(view, codes, finds, scanners, broker, instants)
        made = [np.zeros(0, records.SIGNAL)]
        for slot in slots:
            if slot.plan:
                try:
                    made.append(maker.signals(slot))
                except pl.exceptions.PolarsError as error:
                    fail(slot, error)
        together = np.concatenate(made)
        order = np.lexsort(
            (together["strategy"], together["instant"])
        )  # stable: ranks keep their order
        return cls(view, codes, feed, together[order])

    def latest_prices(self, rows: Ints, now: int | None) -> Floats:
        """float64 [rows]: the latest prices of some symbols (rows of the close-up).

        The last close by `now` (microseconds) in this session; else the close known at the open.
        """
        prices: Floats = self.view.cross.values("close")[0][rows]
        if now is None:
            return prices
        for place, i in enumerate(rows.tolist()):
            seen = int(
                np.searchsorted(self.feed.times[self.feed.starts[i] : self.feed.ends[i]], now)
            )
            prices[place] = (
                self.feed.close[self.feed.starts[i] + seen - 1] if seen else prices[place]
            )
        return prices

    def own(self, strategy: int, first: int, last: int) -> tuple[int, int]:
        """The range of one strategy's signals within first ..

        last - 1, the signals of one instant.
        """
        strategies = self.signals["strategy"][first:last]
        low, high = (
            np.searchsorted(strategies, strategy),
            np.searchsorted(strategies, strategy, side="right"),
        )
        return first + int(low), first + int(high)


@dataclass(frozen=True)
class SignalMaker:
    """Turns the strategies' expressions over a close-up into signals."""

    view: SessionBatch
    codes: Ints
    finds: Finds
    scanners: ScannerCodes
    broker: Broker
    instants: Ints

    def signals(self, slot: StrategyRuntime) -> Records:
        """SIGNAL records of one strategy."""
        assert slot.plan is not None
        rows = self.rows(slot)
        found = slot.plan.signals(
            rows.cross, rows.tick_ids, rows.symbol_ids, rows.may_enter, self.broker.reason_code
        )
        return self.ordered(slot, found)[0]

    def rows(self, slot: StrategyRuntime) -> SignalRows:
        """The (tick, symbol) rows over which a strategy's expressions are evaluated.

        Ticks of the strategy's schedule, with the symbols that it may enter or may hold then.
        """
        assert slot.plan is not None
        cross, names = self.view.cross, self.view.cross.table.names
        times = slot.ticks(cross.session)
        ticks = np.searchsorted(cross.ticks, times)
        enter_from = np.array([self.finds.eligible_from(slot, name) for name in names], np.int64)
        shown_from = (
            np.zeros(len(names), np.int64) if slot.plan.edge else self._shown_from(slot, enter_from)
        )
        active_from = np.array(
            [self.finds.active_from.get(name, NEVER) for name in names], np.int64
        )
        shown_from = np.where(active_from == NEVER, NEVER, shown_from)
        time_ids, symbols = np.nonzero(times[:, None] >= shown_from[None, :])
        may_enter = times[time_ids] >= enter_from[symbols]
        return SignalRows(slot.view(cross), ticks[time_ids], symbols, may_enter)

    def ordered(self, slot: StrategyRuntime, found: Signals) -> tuple[Records, Ints]:
        """A strategy's signals as SIGNAL records, sorted by instant and rank.

        With them int64 [signals]: which signal each record is.
        """
        cross = self.view.cross
        return found.ordered_records(
            slot.index,
            cross.ticks,
            np.searchsorted(self.instants, cross.ticks),
            self.codes,
            self.finds.by_row(slot, cross.table.names, self.scanners),
        )

    def _shown_from(self, slot: StrategyRuntime, enter_from: Ints) -> Ints:
        """int64 [symbols], microseconds: from when the strategy's rows include each symbol.

        From the open (0) for symbols with a position or an entry order.
        """
        shown = enter_from.copy()
        busy = self.broker.ledger.positions[slot.index, self.codes]
        shown[(busy["quantity"] != 0) | (busy["entering"] > 0)] = 0
        return shown
