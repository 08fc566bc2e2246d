"""What a run needs: the feature nodes it computes, their symbols, and the ticks."""

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
from engine.scan.scanner_runtime import ScannerRuntime
from engine.scan.session_batch import ReplaySpec, SessionBatch
from engine.scan.ticks import Scheduled, TickTable
from engine.session.scope import RunScope
from engine.session.session_data import SessionData
from engine.session.trader import Trader


class HasBatch(Protocol):
    """An object that knows which session batch is being played."""

    at_hand: SessionBatch | None


Wanted = Callable[[Panel, int, Sequence[FeatureNode]], bool]  # see `Inspector.wants`


class RunNeeds:
    """The needs of the scanners after setup(), of the trader, and of the config's indicators.

    nodes   the feature nodes that the run computes; empty before `replay`
    warmup  factor of the indicators' warm-up
    """

    def __init__(
        self,
        scope: RunScope,
        slots: Sequence[ScannerRuntime],
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
        self._latest: SymbolTable | None = (
            None  # the latest table: consecutive batches mostly share it
        )

    @property
    def declared(self) -> bool:
        """Whether all computed columns are known before the first session.

        Scanners with a scan() of their own and traders may ask for indicators later.
        """
        return self._trader is None and all(slot.columnar for slot in self._slots)

    @property
    def independent(self) -> bool:
        """Whether no state passes from one session to the next."""
        return self._trader is None and all(slot.independent for slot in self._slots)

    @property
    def symbols(self) -> list[str]:
        """The symbols of the run's universes and of its config, sorted."""
        return list(self.table(self._scope.dates[0], self._scope.dates[-1]).names)

    def replay(self, dates: Sequence[dt.date], wanted: Wanted, run: HasBatch) -> MarketReplay:
        """The replay of some of the run's sessions.

        Indicators that are asked for during the run are added to the replay
        (`SessionData.provision`).
        """
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
        """The columns that scanners read, and the indicators of setup() and of the config."""
        requirements = Requirements(
            self._scope.base.name,
            self._scope.full_minutes,
            ticks.slot_count,
            self._scope.benchmark,
            self._warmup,
            # a scanner with a scan() of its own may read any column of any symbol
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
        """Raise RunError for an indicator that can no longer be computed in this run."""
        if self._scope.base.is_daily and self.declared:
            raise RunError(
                f"{key.name} is asked for too late: daily bars are computed a year at once",
                where="add_indicator",
                expected="it in the setup() of the run's first session, "
                "or in session_data_config.indicators",
            )
        if key.indicator.rows == TICKS and self._trader is not None and not self._trades_by_tick:
            raise RunError(
                f"{key.name} is asked for too late: its values are those of scheduled ticks, "
                "which are settled",
                where="add_indicator",
                expected="it in a strategy's indicators() or in session_data_config.indicators",
            )

    def table(self, start: dt.date, end: dt.date) -> SymbolTable:
        """The symbols needed from `start` to `end`.

        All symbols where a scanner has a scan() of its own or no universe. With a trader those of
        the whole run, because a position may outlive its symbol's membership.
        """
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
        """The feature nodes and ticks of the trader; None without a trader.

        The nodes are added to `requirements` too.
        """
        if self._trader is None:
            return None
        wanted = requirements.alone()
        for needs in (wanted, requirements):
            needs.need_columns(self._trader.columns)
            needs.need_keys([*self._trader.keys, *self._data.requested.values()])
        return wanted.nodes, self._trader.ticks(self._scope.base, self._scope.sessions())

    @property
    def _columns_before(self) -> set[str]:
        """The columns of which the value at the previous session's last tick is read.

        Only where bars are daily: there the tick before lies in the session before.
        """
        if not self._scope.base.is_daily:
            return set()
        of_scans = {
            column for slot in self._slots if slot.plan for column in slot.plan.columns_before
        }
        return of_scans | (self._trader.columns_before if self._trader else set())

    @property
    def _trades_by_tick(self) -> bool:
        """Whether the trader reads values that exist at scheduled ticks only.

        Then the trader's ticks are added to the run's.
        """
        if self._trader and self._scope.base.is_daily and self._trader.columns_before:
            return True
        keys = [*self._trader.keys, *self._data.requested.values()] if self._trader else []
        return any(key.indicator.rows == TICKS for key in keys)

    def _ticks(self) -> TickTable:
        """The scheduled ticks of all scanners, and of the trader where it needs them."""
        schedules: list[Scheduled] = [
            schedule for slot in self._slots for schedule in slot.schedules
        ]
        if self._trader and self._trades_by_tick:
            schedules.append(self._trader.ticks(self._scope.base, self._scope.sessions()))
        walked = self._scope.calendar.sessions(
            self._scope.archive.sessions(self._scope.base.name)[0], self._scope.dates[-1]
        )
        return TickTable(schedules, any(slot.pre_session for slot in self._slots), walked)
