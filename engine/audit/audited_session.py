"""A run replayed up to the end of one session, and everything that it shows by then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.panel.bars import Ints
from engine.runtime.forget_modules import forget_modules
from engine.scan.clause_evaluation import values_of
from engine.scan.cross_section import CrossSection
from engine.scan.scan_plan import Clause
from engine.scan.scanner_runtime import ScannerRuntime
from engine.session.coordinator import SessionCoordinator
from engine.session.session_record import SessionRecord, SessionTables
from engine.trading.trading_desk import make_desk

SCAN_TABLES, TRADING_TABLES = (
    ("scans", "hits", "symbols", "quality"),
    ("orders", "fills", "trades", "equity"),
)


class AuditedSession:
    """A run over the config's sessions up to `date`; a context manager that keeps the last session.

    tables    the tables of the run directory so far, with open orders and trades
    cross     the last session's cross-sections
    view      what columnar strategies read in that session, or None
    slots     the scanners
    failures  errors of strategies: (strategy, time in microseconds, message)
    """

    def __init__(self, loaded: LoadedConfig, archive: Archive, date: dt.date, warmup: float = 1.0):
        scanners, strategies = loaded.config.session_data_config.scanners, loaded.config.strategies
        named = [one.module for one in scanners] + [one.module for one in strategies]
        forget_modules(module.partition(":")[0] for module in named)
        self.archive, self._desk = archive, make_desk(loaded, archive)
        self.coordinator = SessionCoordinator(loaded, archive, self._desk, warmup=warmup)
        self._sessions = self.coordinator.sessions()
        records = list(_until(self._sessions, date))
        batch = self.coordinator.at_hand
        assert batch is not None
        self.cross, self.slots = batch.cross, self.coordinator.manager.slots
        self.view: CrossSection | None = self._desk.close_up if self._desk else None
        self.tables = self._tables(records)
        slots = self._desk.slots if self._desk else []
        self.failures = [(slot.name, time, said) for slot in slots for time, said in slot.errors]
        self._values: dict[tuple[str, int], pl.Series] = {}

    def __enter__(self) -> AuditedSession:
        return self

    def __exit__(self, *_: object) -> None:
        self._sessions.close()  # type: ignore[attr-defined]

    @property
    def ticks(self) -> Ints:
        """int64 [ticks], microseconds: the ticks of scanners and of columnar strategies."""
        return np.union1d(self.cross.ticks, self.view.ticks) if self.view else self.cross.ticks

    def grid(self, slot: ScannerRuntime) -> tuple[Ints, Ints]:
        """A scanner's ticks (indices of `cross.ticks`) and the symbol ids of its universe."""
        return slot.scan_ticks(self.cross), slot.members(self.cross)

    def values(self, slot: ScannerRuntime, number: int) -> pl.Series:
        """A part (clause, feature or rank) of a scanner's plan at all its ticks and symbols.

        One value per (tick, symbol), tick by tick, evaluated as the scanner's scans evaluate it.
        """
        assert slot.plan is not None
        key = slot.name, number
        if key not in self._values:
            self._values[key] = self._evaluate(
                slot, slot.plan.parts[number], slot.plan.session_at_once
            )
        return self._values[key]

    def _evaluate(self, slot: ScannerRuntime, part: Clause, at_once: bool) -> pl.Series:
        """The values of one part: all ticks in one frame, or tick by tick, as the scans do."""
        ticks, members = self.grid(slot)
        if not len(ticks) or not len(members):
            return pl.Series(dtype=pl.Float64)
        stacks = [ticks] if at_once else [ticks[i : i + 1] for i in range(len(ticks))]
        columns, cross = dict.fromkeys(("tick", *part.columns)), slot.view(self.cross)
        return pl.concat(
            [values_of(part.expression, cross.grid(columns, stack, members)) for stack in stacks]
        )

    def _tables(self, records: list[SessionRecord]) -> dict[str, pl.DataFrame]:
        """Table name -> the rows of all records, and of what is still open."""
        rows = SessionTables(records)
        tables: dict[str, pl.DataFrame] = {name: getattr(rows, name) for name in SCAN_TABLES}
        if self._desk is not None:
            rest = self._desk.end_run()
            for name in TRADING_TABLES:
                tables[name] = pl.concat(
                    [*rows.trading(name), *([rest[name]] if name in rest else [])]
                )
        return tables


def _until(sessions: Iterator[SessionRecord], date: dt.date) -> Iterator[SessionRecord]:
    """The records up to the session of `date`; the session then stays in memory."""
    for record in sessions:
        yield record
        if record.date == date:
            return
