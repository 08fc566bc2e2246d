"""A run's blocks of sessions in order, computed in this process or in several.

1. This process begins with the first sessions, alone.
2. A new process needs a second until it computes. Worker processes therefore begin only when the
   pace of the first sessions says that idle cores would save more than WORTH_SHARING seconds.
3. This process completes its own part, then yields the workers' blocks in order.
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
LONGEST_PART = 12  # blocks; shorter parts report progress sooner, and warm up more often
B = TypeVar("B", bound=Block)
# Seconds that workers must save by the estimate: each needs one to start, warms up for itself, and
# gets less from an idle core than the estimate says, for cores share caches and memory.
WORTH_SHARING = 2.5
HEAD_START = 0.7  # seconds that this process computes alone while workers start


def hits_with_tickers(block: Block, archive: Archive) -> pl.DataFrame:
    """A block's hits.

    Where the archive has a symbol map, the column `ticker` (the symbol's on that day) stands
    before the features.
    """
    hits = block.hits
    if not archive.symbol_map:
        return hits
    tickers = archive.symbol_map.tickers(hits["symbol"], hits["session"])
    return hits.select(*HITS_SCHEMA, tickers, pl.exclude(*HITS_SCHEMA))


@dataclass
class RunBlocks:
    """An iterable over the blocks of a run in order, each computed when it is asked for.

    trader     the trading desk; None without strategies
    workers    most processes that may share the run; 1 where state goes from session to session
    executor   where parts are submitted; processes of this machine where left out
    frames     names of the tables that the caller reads, beside those of trading
    kept       stored blocks of the run's first sessions
    aside      folder in which worker processes write; a temporary folder where left out
    failures   scans that raised, so far
    processes  processes that have shared the run
    seconds    wall time by phase, summed over all processes
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
    processes: int = 1
    seconds: dict[str, float] = field(default_factory=dict)
    _done: int = 0  # sessions, those of stored blocks included
    _missing: Sequence[dt.date] = ()  # sessions without a stored block

    def __post_init__(self) -> None:
        self._recent: list[SessionRecord] = []  # computed here, of blocks not yet consumed
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
                "one worker: strategies, and scanners with a lifecycle of their own, "
                "go from session to session"
            )

    def __iter__(self) -> Iterator[Block]:
        self._done, self._missing = 0, self.dates[sum(len(block.dates) for block in self.kept) :]
        while self.kept:
            yield self._count(self._told(self.kept.pop(0)))
        for block in (
            (self._shared() if self._shares else in_blocks(self._records()))
            if self._missing
            else ()
        ):
            yield self._count(block)
            consumed = block.dates[-1]
            self._recent = [record for record in self._recent if record.dates[0] > consumed]

    def _count(self, block: B) -> B:
        self.failures += block.scans["error"].count()
        return block

    def _told(self, block: StoredBlock) -> StoredBlock:
        """Take over the warnings and times of a stored block, and report its sessions as done."""
        self.warnings += [warning for warning in block.warnings if warning not in self.warnings]
        self._add(block.seconds)
        self._progress(block.dates)
        return block

    def _add(self, seconds: Mapping[str, float]) -> None:
        for phase, spent in seconds.items():
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent

    def _progress(self, dates: Sequence[dt.date]) -> None:
        """Report these sessions as done."""
        for date in dates:
            self._done += 1
            self.progress(self._done, len(self.dates), date)

    def after(self, date: dt.date) -> SessionTables:
        """Sessions after a date that this process computed and whose block was not consumed.

        An interrupt asks for them: their block may be incomplete.
        """
        return SessionTables([record for record in self._recent if record.dates[0] > date])

    def _records(self) -> Iterator[SessionRecord]:
        try:
            for record in self.coordinator.records(self._missing):
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
        """Records of this process' part: all sessions, or those before the workers' parts.

        The pace is measured from the second session on, for kernels may have been compiled during
        the first.
        """
        clock = None
        for record in self._records():
            yield record
            clock = clock or PaceClock(self._done)
            pace = None if workers.begun else clock.pace(self._done)
            if pace and pace.saved(len(self.dates) - self._done, self.workers) > WORTH_SHARING:
                count = min(self.workers, pace.enough)
                own, *others = self._parts(count, HEAD_START * pace.rate)
                if others and record.date < own[-1]:
                    self.coordinator.stop_after(own[-1])
                    workers.begin(others, count)

    def _parts(self, count: int, ahead: float = 0.0) -> list[list[dt.date]]:
        return share_out(self._missing, self.coordinator.scope.base.is_daily, count, ahead)


def share_out(
    dates: Sequence[dt.date], by_day: bool, workers: int, ahead: float
) -> list[list[dt.date]]:
    """Split sessions into parts of whole, consecutive blocks, equally many parts for each worker.

    by_day  whether bars are daily, so that a block is a year; else a month
    ahead   sessions by which the first part is longer

    Within a part only the first block computes a warm-up.
    """
    blocks = [list(block) for _, block in groupby(dates, key=lambda date: block_of(date, by_day))]
    count = workers * -(-len(blocks) // (LONGEST_PART * workers))
    share = max(1.0, (len(dates) - ahead) / count)
    lengths = np.array([len(block) for block in blocks])
    middles = np.cumsum(lengths) - lengths / 2
    numbers = np.clip((middles - ahead) // share, 0, count - 1)
    parts = groupby(zip(numbers.tolist(), blocks, strict=True), key=itemgetter(0))
    return [[date for _, block in part for date in block] for _, part in parts]
