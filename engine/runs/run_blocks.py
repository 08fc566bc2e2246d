"""A run's sessions, block by block: in this process, or shared between several.

A run that is shared begins in this process. Others take a second until they compute, so they begin once it is seen that the
cores which this one leaves idle are worth it; it goes on to the end of its own part, and then takes theirs in order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import KW_ONLY, dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.features.warm_up_block import block_of
from engine.runs.pace import PaceClock
from engine.runs.stored_block import FRAMES, Block, StoredBlock
from engine.runs.workers import Workers
from engine.schema import HITS_SCHEMA
from engine.session.coordinator import SessionCoordinator
from engine.session.session_record import SessionRecord, SessionTables, in_blocks
from engine.session.trader import Trader

Progress = Callable[[int, int, dt.date], None]  # sessions done, of how many, the last one
LONGEST_PART = 12  # blocks; shorter parts are told of sooner, and warm up more
B = TypeVar("B", bound=Block)
# Seconds saved: other processes take one until they compute, warm up for themselves, and what idle cores promise is not all had,
# as cores share caches and memory.
WORTH_SHARING = 2.5
HEAD_START = 0.7  # seconds in which this process goes on at the pace that it has alone


def hits_with_tickers(block: Block, archive: Archive) -> pl.DataFrame:
    """A block's hits; where the archive has a map of tickers, with `ticker`, the symbol's on the day, before the features."""
    hits = block.hits
    if not archive.symbol_map:
        return hits
    tickers = archive.symbol_map.tickers(hits["symbol"], hits["session"])
    return hits.select(*HITS_SCHEMA, tickers, pl.exclude(*HITS_SCHEMA))


@dataclass
class RunBlocks:
    """The blocks of a run in order, computed as they are asked for.

    trader    trades what is found
    workers   processes that may share the run; as many do as would save time, and none where something goes from session to session
    executor  where its parts are submitted; processes of this machine where left out
    frames    the tables that are read, beside those of trading
    kept      the run's first blocks, where they are there already
    aside     where processes write their parts; a folder for temporary files where left out
    """

    loaded: LoadedConfig
    archive: Archive
    progress: Progress
    _: KW_ONLY
    trader: Trader | None = None
    workers: int = 1
    executor: Executor | None = None
    frames: Sequence[str] = FRAMES
    kept: list[StoredBlock] = field(default_factory=list)
    aside: Path | None = None
    failures: int = 0
    processes: int = 1  # that have shared the run
    seconds: dict[str, float] = field(default_factory=dict)  # wall time by phase, of all processes
    _done: int = 0  # sessions, of blocks that were kept too
    _left: Sequence[dt.date] = ()  # sessions that are not kept

    def __post_init__(self) -> None:
        self._recent: list[SessionRecord] = []  # that are of no block yet, or of the one at hand
        self.coordinator = SessionCoordinator(
            self.loaded, self.archive, self.trader, "quality" in self.frames
        )
        self.warnings, self.dates = self.coordinator.scope.warnings, self.coordinator.scope.dates
        several = self.workers > 1 or self.executor is not None
        self._shares = several and self.coordinator.needs.independent and not self.loaded.made
        if self.workers > 1 and self.loaded.made:
            self.warnings.append(
                "one worker: a scanner that no module holds cannot be had by other processes"
            )
        elif self.workers > 1 and not self._shares:
            self.warnings.append(
                "one worker: strategies, and scanners with a lifecycle of their own, go from session to session"
            )

    def __iter__(self) -> Iterator[Block]:
        self._done, self._left = 0, self.dates[sum(len(block.dates) for block in self.kept) :]
        while self.kept:
            yield self._count(self._told(self.kept.pop(0)))
        for block in (
            (self._shared() if self._shares else in_blocks(self._records())) if self._left else ()
        ):
            yield self._count(block)
            self._recent = [
                record for record in self._recent if record.dates[0] > block.dates[-1]
            ]  # it has been taken

    def _count(self, block: B) -> B:
        self.failures += block.scans["error"].count()
        return block

    def _told(self, block: StoredBlock) -> StoredBlock:
        """Take in what there is to tell of a block that was stored."""
        self.warnings += [warning for warning in block.warnings if warning not in self.warnings]
        self._add(block.seconds)
        self._progress(block.dates)
        return block

    def _add(self, seconds: Mapping[str, float]) -> None:
        for phase, spent in seconds.items():
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent

    def _progress(self, dates: Sequence[dt.date]) -> None:
        """Tell that these sessions are done."""
        for date in dates:
            self._done += 1
            self.progress(self._done, len(self.dates), date)

    def after(self, date: dt.date) -> SessionTables:
        """The sessions after a date that were computed here, and whose block nobody has taken yet, complete or not."""
        return SessionTables([record for record in self._recent if record.dates[0] > date])

    def _records(self) -> Iterator[SessionRecord]:
        try:
            for record in self.coordinator.records(self._left):
                self._recent.append(record)
                self._progress(record.dates)
                yield record
        finally:
            self._add(self.coordinator.seconds)

    def _shared(self) -> Iterator[Block]:
        with Workers(self.loaded, self.archive, self.frames, self.aside, self.executor) as workers:
            if self.executor:
                workers.begin(self._parts(self.workers), self.workers)
            else:
                yield from in_blocks(self._unless_begun(workers))
            self.processes = max(self.processes, workers.count)
            yield from map(self._told, workers.blocks())

    def _unless_begun(self, workers: Workers) -> Iterator[SessionRecord]:
        """All sessions; if, as they come, workers are seen to be worth it, these begin, and the sessions end before theirs."""
        clock = None
        for record in self._records():
            yield record
            clock = clock or PaceClock(
                self._done
            )  # from the second session on: kernels may have been compiled for the first
            pace = None if workers.begun else clock.pace(self._done)
            if pace and pace.saved(len(self.dates) - self._done, self.workers) > WORTH_SHARING:
                count = min(self.workers, pace.enough)
                own, *others = self._parts(count, HEAD_START * pace.rate)
                if others and record.date < own[-1]:
                    self.coordinator.stop_after(own[-1])
                    workers.begin(others, count)

    def _parts(self, count: int, ahead: float = 0.0) -> list[list[dt.date]]:
        return share_out(self._left, self.coordinator.scope.base.is_daily, count, ahead)


def share_out(
    dates: Sequence[dt.date], by_day: bool, workers: int, ahead: float
) -> list[list[dt.date]]:
    """Sessions in parts of consecutive blocks, as many for each worker: a block after another of its part is warm along the way.

    ahead  how many sessions more the first part has
    """
    blocks = [list(block) for _, block in groupby(dates, key=lambda date: block_of(date, by_day))]
    count = workers * -(-len(blocks) // (LONGEST_PART * workers))
    share = max(1.0, (len(dates) - ahead) / count)
    lengths = np.array([len(block) for block in blocks])
    numbers = np.clip(
        (np.cumsum(lengths) - lengths / 2 - ahead) // share, 0, count - 1
    )  # by the blocks' middles
    parts = groupby(zip(numbers.tolist(), blocks, strict=True), key=itemgetter(0))
    return [[date for _, block in part for date in block] for _, part in parts]
