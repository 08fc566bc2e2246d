"""What a replay is asked for, and the batches of sessions that it yields."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.archive.archive import Archive
from engine.clock.calendar import ExchangeCalendar, Session
from engine.clock.interval import Interval
from engine.features.feature_node import FeatureNode
from engine.features.session_rows import Panel
from engine.features.warm_up_block import BlockSample, WarmUpBlock
from engine.panel.symbol_table import SymbolTable
from engine.scan.cross_section import CrossSection
from engine.scan.ticks import Ticks


@dataclass(frozen=True, kw_only=True)
class ReplaySpec:
    """What to replay.

    dates        the run's sessions, all in the archive, increasing
    ticks        when the run looks
    table_of     the symbols needed from a first date to a last date
    all_columns  decode every bar column, for readers of whole bars
    previous     daily columns whose previous value is read
    benchmark    the symbol that others are measured against
    at_once      nothing is asked for on the way, so that sessions of daily bars may be computed
                 together
    before       columns that are read at the last tick of the session before, where bars are daily
    watched      which sessions may be computed again, with other bars; None for none
    close_up     nodes that close-ups show, among `nodes`, and the ticks they show them at; None
                 where nobody takes any
    """

    archive: Archive
    calendar: ExchangeCalendar
    base: Interval
    extended: bool
    dates: Sequence[dt.date]
    nodes: Sequence[FeatureNode]
    ticks: Ticks
    table_of: Callable[[dt.date, dt.date], SymbolTable]
    all_columns: bool = False
    previous: Sequence[str] = ()
    benchmark: str | None = None
    at_once: bool = False
    before: Sequence[str] = ()
    watched: Callable[[Panel], bool] | None = None
    close_up: tuple[Sequence[FeatureNode], Ticks] | None = None


@dataclass(frozen=True)
class SessionBatch:
    """Sessions that were computed together; valid until the next batch is asked for.

    panel   their bars
    cross   their cross-sections, all ticks of all sessions
    sample  what the block computed, for computing some of it again
    """

    panel: Panel
    cross: CrossSection
    block: WarmUpBlock
    sample: BlockSample

    @property
    def sessions(self) -> Sequence[Session]:
        """In order of time."""
        return self.cross.sessions

    def split(self) -> Iterator[SessionBatch]:
        """The sessions one by one, as views."""
        for number in range(len(self.sessions)):
            yield SessionBatch(
                self.panel.of_session(number),
                self.cross.of_sessions(number, number + 1),
                self.block,
                self.sample,
            )
