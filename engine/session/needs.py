"""What a run needs: which nodes it computes, of which symbols, and when it looks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Protocol

from engine.errors import RunError
from engine.features.feature_node import TICKS, FeatureNode
from engine.features.session_rows import Panel
from engine.indicators.key import IndicatorKey
from engine.panel.symbol_table import SymbolTable
from engine.scan.columns import COLUMNS
from engine.scan.replay import MarketReplay
from engine.scan.requirements import Requirements
from engine.scan.scanner_runtime import ScannerSlot
from engine.scan.session_batch import ReplaySpec, SessionBatch
from engine.scan.ticks import Scheduled, TickTable
from engine.session.scope import RunScope
from engine.session.session_data import SessionData
from engine.session.trader import Trader


class HasBatch(Protocol):
    """Who knows which batch is at hand."""

    at_hand: SessionBatch | None


Wanted = Callable[[Panel, int, Sequence[FeatureNode]], bool]  # see `Inspector.wants`


class RunNeeds:
    """Gathered from the scanners once they are set up, from the trader, and from what the session's data was asked for.

    nodes   what the run computes, once it has begun
    warmup  what the indicators' warm-up is multiplied by
    """

    def __init__(
        self,
        scope: RunScope,
        slots: Sequence[ScannerSlot],
        data: SessionData,
        trader: Trader | None,
        warmup: float,
    ):
        self._scope, self._slots, self._data, self._trader, self._warmup = (
            scope,
            slots,
            data,
            trader,
            warmup,
        )
        self.nodes: Sequence[FeatureNode] = ()
        self._everyone: SymbolTable | None = None
        self._latest: SymbolTable | None = None  # that was asked for, as most are alike

    @property
    def declared(self) -> bool:
        """Whether all that is computed is known beforehand: nothing asks for more on the way."""
        return self._trader is None and all(slot.columnar for slot in self._slots)

    @property
    def independent(self) -> bool:
        """Whether sessions are: nothing goes from one to the next."""
        return self._trader is None and all(slot.independent for slot in self._slots)

    @property
    def symbols(self) -> list[str]:
        """The symbols of the run's universes and of its config."""
        return list(self.table(self._scope.dates[0], self._scope.dates[-1]).names)

    def replay(self, dates: Sequence[dt.date], wanted: Wanted, run: HasBatch) -> MarketReplay:
        """The replay of some of the run's sessions, which takes in what is asked for on the way."""
        ticks = self._ticks()
        requirements = self._requirements(ticks)
        close_up = self._close_up(requirements)
        self.nodes = requirements.nodes

        def watched(panel: Panel) -> bool:
            return wanted(panel, replay.walked, self.nodes)

        replay = MarketReplay(
            ReplaySpec(
                archive=self._scope.archive,
                calendar=self._scope.calendar,
                base=self._scope.base,
                extended=self._scope.settings.extended_hours,
                dates=dates,
                nodes=self.nodes,
                ticks=ticks,
                table_of=self.table,
                all_columns=bool(self._trader) or any(not slot.columnar for slot in self._slots),
                previous=requirements.previous,
                benchmark=self._scope.benchmark,
                close_up=close_up,
                at_once=self.declared,
                watched=watched,
                before=sorted(self._columns_before),
            )
        )

        def provision(key: IndicatorKey) -> None:
            self._refuse_late(key)
            assert run.at_hand is not None
            replay.provision(run.at_hand, requirements.nodes_of(key))

        self._data.provision = provision
        return replay

    def _requirements(self, ticks: TickTable) -> Requirements:
        """What the scanners read, and what setup() and the config asked for."""
        requirements = Requirements(
            self._scope.base.name,
            self._scope.full_minutes,
            ticks.slot_count,
            self._scope.benchmark,
            self._warmup,
            # others may read anything, of every symbol
            lazy=self.declared
            if self._scope.base.is_daily
            else all(slot.columnar for slot in self._slots),
        )
        for slot in self._slots:
            requirements.need_columns(slot.plan.columns if slot.plan else ())
            requirements.need_everywhere(slot.plan.columns_everywhere if slot.plan else ())
            requirements.need_columns(() if slot.columnar else COLUMNS)
            requirements.need_keys(slot.plan.indicators if slot.plan else ())
        requirements.need_keys(self._data.requested.values())
        requirements.need_everywhere(self._columns_before)
        return requirements

    def _refuse_late(self, key: IndicatorKey) -> None:
        """Refuse an indicator whose values cannot be had any more once the run has begun."""
        if self._scope.base.is_daily and self.declared:
            raise RunError(
                f"{key.name} is asked for too late: daily bars are computed a year at once",
                where="add_indicator",
                expected="it in the setup() of the run's first session, or in session_data_config.indicators",
            )
        if key.indicator.rows == TICKS and self._trader is not None and not self._trades_by_tick:
            raise RunError(
                f"{key.name} is asked for too late: its values are those of scheduled ticks, which are settled",
                where="add_indicator",
                expected="it in a strategy's indicators() or in session_data_config.indicators",
            )

    def table(self, start: dt.date, end: dt.date) -> SymbolTable:
        """The symbols needed between two dates: all, for a scanner that may ask for any. A position may outlive a membership."""
        if self._trader:
            start, end = self._scope.dates[0], self._scope.dates[-1]
        universes = [slot.scanner.universe for slot in self._slots]
        if any(not slot.columnar for slot in self._slots) or None in universes:
            self._everyone = self._everyone or SymbolTable(
                [*self._scope.archive.symbols(), *self._data.get_config_symbols()]
            )
            return self._everyone
        names = {
            symbol for universe in universes if universe for symbol in universe.everyone(start, end)
        }
        names |= {
            *self._data.get_config_symbols(),
            *([self._scope.benchmark] if self._scope.benchmark else []),
        }
        if self._latest is None or not self._latest.is_of(names):
            self._latest = SymbolTable(names)
        return self._latest

    def _close_up(self, requirements: Requirements) -> tuple[list[FeatureNode], TickTable] | None:
        """What the trader reads, and when; added to what the run needs."""
        if self._trader is None:
            return None
        wanted = requirements.alone()
        for needs in (wanted, requirements):
            needs.need_columns(self._trader.columns)
            needs.need_keys([*self._trader.keys, *self._data.requested.values()])
        return wanted.nodes, self._trader.ticks(self._scope.base, self._scope.sessions())

    @property
    def _columns_before(self) -> set[str]:
        """The columns that are read at the last tick of the session before: where bars are daily, those of the tick before."""
        if not self._scope.base.is_daily:
            return set()
        of_scans = {
            column for slot in self._slots if slot.plan for column in slot.plan.columns_before
        }
        return of_scans | (self._trader.columns_before if self._trader else set())

    @property
    def _trades_by_tick(self) -> bool:
        """Whether the trader is shown values of scheduled ticks: its own ticks must be among the run's."""
        if self._trader and self._scope.base.is_daily and self._trader.columns_before:
            return True
        keys = [*self._trader.keys, *self._data.requested.values()] if self._trader else []
        return any(key.indicator.rows == TICKS for key in keys)

    def _ticks(self) -> TickTable:
        schedules: list[Scheduled] = [
            schedule for slot in self._slots for schedule in slot.schedules
        ]
        if self._trader and self._trades_by_tick:
            schedules.append(self._trader.ticks(self._scope.base, self._scope.sessions()))
        walked = self._scope.calendar.sessions(
            self._scope.archive.sessions(self._scope.base.name)[0], self._scope.dates[-1]
        )
        return TickTable(schedules, any(slot.pre_session for slot in self._slots), walked)
