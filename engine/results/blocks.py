"""A run's sessions, block by block: in this process, or shared between several.

Every block (a month; where bars are daily a year) is computed from its own warm-up, so processes need nothing of each other: each
writes its blocks' tables aside, and they are taken in order.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.errors import StoppedError
from engine.indicators.block import block_of
from engine.panel.passes import THREADS
from engine.results.stored_block import FRAMES, Block, StoredBlock
from engine.schema import HITS_SCHEMA
from engine.session.coordinator import SessionCoordinator
from engine.session.record import in_blocks
from engine.session.trader import Trader

Progress = Callable[[int, int, dt.date], None]  # sessions done, of how many, the last one
LONGEST_PART = 12  # blocks; shorter parts are told of sooner, and warm up more
B = TypeVar("B", bound=Block)
SHARED_THREADS = (THREADS, "POLARS_MAX_THREADS")  # environment variables: threads of a process


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

    trader    trades what is found; its account goes from session to session, so such a run is not shared
    workers   processes that share the run
    executor  where its parts are submitted; processes of this machine where left out
    frames    the tables that are read, beside those of trading
    kept      the run's first blocks, where they are there already
    aside     where processes write their parts; a folder for temporary files where left out
    """

    loaded: LoadedConfig
    archive: Archive
    progress: Progress
    trader: Trader | None = None
    workers: int = 1
    executor: Executor | None = None
    frames: Sequence[str] = FRAMES
    kept: list[StoredBlock] = field(default_factory=list)
    aside: Path | None = None
    failures: int = 0
    seconds: dict[str, float] = field(default_factory=dict)  # wall time by phase, of all processes

    def __post_init__(self) -> None:
        self.coordinator = SessionCoordinator(self.loaded, self.archive, self.trader, "quality" in self.frames)
        self.warnings, self.dates = self.coordinator.scope.warnings, self.coordinator.scope.dates
        if self.workers > 1 and not self.coordinator.needs.declared:
            self.warnings.append("one worker: strategies, and scanners that scan symbol by symbol, go from session to session")
            self.workers = 1

    def __iter__(self) -> Iterator[Block]:
        self._done, self._left = 0, self.dates[sum(len(block.dates) for block in self.kept) :]
        while self.kept:
            yield self._count(self._told(self.kept.pop(0)))
        if self._left:
            yield from map(self._count, self._shared() if self.workers > 1 or self.executor else self._own())

    def _count(self, block: B) -> B:
        self.failures += block.scans["error"].count()
        return block

    def _told(self, block: StoredBlock) -> StoredBlock:
        """Take in what there is to tell of a block that was stored."""
        self.warnings += [warning for warning in block.warnings if warning not in self.warnings]
        for phase, spent in block.seconds.items():
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent
        self._progress(block.dates)
        return block

    def _progress(self, dates: Sequence[dt.date]) -> None:
        """Tell that these sessions are done."""
        for date in dates:
            self._done += 1
            self.progress(self._done, len(self.dates), date)

    def _own(self) -> Iterator[Block]:
        def told() -> Iterator[Any]:
            for record in self.coordinator.records(self._left):
                self._progress(record.dates)
                yield record

        yield from in_blocks(told())
        self.seconds = self.coordinator.seconds

    def _shared(self) -> Iterator[Block]:
        with tempfile.TemporaryDirectory(prefix="barsweep-", dir=self.aside) as aside, self._executor() as executor:
            try:
                yield from map(self._told, self._in_order(executor, Path(aside)))
            except BrokenExecutor:
                raise StoppedError("a worker process was killed", where="--workers",
                                   fix="was there memory enough? fewer workers take less") from None  # fmt: skip

    def _in_order(self, executor: Executor, aside: Path) -> Iterator[StoredBlock]:
        """The parts' blocks: each worker has a part at hand and one to go on with; this process computes what is left over."""
        content, here = self.loaded.config.model_dump(mode="json"), self.executor is None
        calls = deque(
            (content, str(self.loaded.path), self.archive, part, str(aside / str(part[0])), list(self.frames))
            for part in self._parts()
        )
        queue: deque[Future[list[StoredBlock]]] = deque()  # in order
        while calls or queue:
            ahead = self.workers if not here or len(calls) > self.workers else self.workers - 1  # at last this one helps
            while calls and sum(not future.done() for future in queue) < ahead:
                queue.append(executor.submit(compute_blocks, *calls.popleft()))
            if here and calls and not queue[0].done():
                queue.append(_done(compute_blocks(*calls.popleft())))
            else:
                blocks = queue.popleft().result()
                while blocks:
                    yield blocks.pop(0)

    def _parts(self) -> deque[list[dt.date]]:
        """The sessions of consecutive blocks, a part each: a block whose last one is computed beside it warms up along the way."""
        by_day = self.coordinator.scope.base.is_daily
        blocks = [list(dates) for _, dates in groupby(self._left, key=lambda date: block_of(date, by_day))]
        rounds = -(-len(blocks) // (LONGEST_PART * self.workers))  # of as many parts as there are workers
        size = -(-len(blocks) // (rounds * self.workers))
        return deque([date for block in blocks[i : i + size] for date in block] for i in range(0, len(blocks), size))

    @contextmanager
    def _executor(self) -> Iterator[Executor]:
        """The executor; by default as many processes as make, with this one, the workers. They share the machine's cores."""
        if self.executor is not None:
            yield self.executor
            return
        before = {name: os.environ.get(name) for name in SHARED_THREADS}
        for name in SHARED_THREADS:
            os.environ[name] = str(max(1, (os.cpu_count() or 1) // self.workers))  # read by the processes when they begin
        try:
            pool = ProcessPoolExecutor(self.workers - 1, multiprocessing.get_context("spawn"), _end_with_parent)
            try:
                yield pool
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _done(blocks: list[StoredBlock]) -> Future[list[StoredBlock]]:
    future: Future[list[StoredBlock]] = Future()
    future.set_result(blocks)
    return future


def compute_blocks(
    content: dict[str, Any], path: str, archive: Archive, dates: list[dt.date], folder: str, frames: Sequence[str]
) -> list[StoredBlock]:  # fmt: skip
    """Compute consecutive blocks of a run and write their tables into a folder; runs in a process of its own."""
    coordinator = SessionCoordinator(LoadedConfig(SessionConfig(**content), Path(path)), archive, quality="quality" in frames)
    blocks = enumerate(in_blocks(coordinator.records(dates)))
    found = [StoredBlock.write(block, Path(folder) / str(number), frames) for number, block in blocks]
    found[-1].warnings, found[-1].seconds = coordinator.scope.warnings, coordinator.seconds
    return found


def _end_with_parent() -> None:
    """Let a worker process end when the run's own is killed: it would wait for work for ever."""
    threading.Thread(target=_outlive, args=(multiprocessing.parent_process(),), daemon=True).start()


def _outlive(parent: Any) -> None:
    parent.join()
    os._exit(1)
