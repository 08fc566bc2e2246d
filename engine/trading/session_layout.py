"""The rest of a session as the broker walks it.

A close-up of the active symbols, their bars, and the columns' signals.
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
    """view     the session for the symbols that are or will be active, at the ticks of decisions
    codes    int64[symbols], the broker's numbers of them
    feed     their bars
    signals  SIGNAL records of all columnar strategies, by instant
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
        """Of the symbols that are known of now.

        `fail` is told of expressions that cannot be evaluated.
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
        """The prices of some symbols (rows of the close-up).

        Today's latest by `now`, else that seen at the open.
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
        """A strategy's signals among [first, last), which are those of one instant."""
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
            rows.cross, rows.at, rows.who, rows.may_enter, self.broker.reason_code
        )
        return self.ordered(slot, found)[0]

    def rows(self, slot: StrategyRuntime) -> SignalRows:
        """The rows over which a strategy's expressions are evaluated: when it decides, with what it may trade or holds then."""
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
        at, symbols = np.nonzero(times[:, None] >= shown_from[None, :])
        may_enter = times[at] >= enter_from[symbols]
        return SignalRows(slot.view(cross), ticks[at], symbols, may_enter)

    def ordered(self, slot: StrategyRuntime, found: Signals) -> tuple[Records, Ints]:
        """A strategy's signals as records, by instant and rank, and which of the signals each record is."""
        cross = self.view.cross
        return found.ordered_records(
            slot.index,
            cross.ticks,
            np.searchsorted(self.instants, cross.ticks),
            self.codes,
            self.finds.by_row(slot, cross.table.names, self.scanners),
        )

    def _shown_from(self, slot: StrategyRuntime, enter_from: Ints) -> Ints:
        """When a strategy begins to see each symbol: what it may still hold, from the open."""
        shown = enter_from.copy()
        busy = self.broker.ledger.positions[slot.index, self.codes]
        shown[(busy["quantity"] != 0) | (busy["entering"] > 0)] = 0
        return shown
