"""A run's sessions, block by block: in this process, or shared between several.

Every block (a month; where bars are daily a year) is computed from its own warm-up, so processes need nothing of each other: each
writes its blocks' tables aside, and they are taken in order.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.indicators.block import block_of
from engine.panel.passes import THREADS
from engine.schema import HITS_SCHEMA
from engine.session.coordinator import SessionCoordinator
from engine.session.record import in_blocks
from engine.session.trader import Trader

Progress = Callable[[int, int, dt.date], None]  # sessions done, of how many, the last one
FRAMES = ("scans", "hits", "symbols", "quality", "timings")
LONGEST_PART = 12  # blocks; shorter parts are told of sooner, and warm up more
SHARED_THREADS = (THREADS, "POLARS_MAX_THREADS")  # environment variables: threads of a process


class Block(Protocol):
    """Sessions that were computed together, and their rows of each table."""

    @property
    def dates(self) -> Sequence[dt.date]: ...
    @property
    def bars(self) -> int: ...
    @property
    def scans(self) -> pl.DataFrame: ...
    @property
    def hits(self) -> pl.DataFrame: ...
    @property
    def symbols(self) -> pl.DataFrame: ...
    @property
    def quality(self) -> pl.DataFrame: ...
    @property
    def timings(self) -> pl.DataFrame: ...
    def trading(self, name: str) -> list[pl.DataFrame]:
        """The sessions' rows of a table of trading."""


def hits_with_tickers(block: Block, archive: Archive) -> pl.DataFrame:
    """A block's hits; where the archive has a map of tickers, with `ticker`, the symbol's on the day, before the features."""
    hits = block.hits
    if not archive.symbol_map:
        return hits
    tickers = archive.symbol_map.tickers(hits["symbol"], hits["session"])
    return hits.select(*HITS_SCHEMA, tickers, pl.exclude(*HITS_SCHEMA))


@dataclass
class StoredBlock:
    """A block that another process has written aside, and what there is to tell of it."""

    folder: Path
    dates: Sequence[dt.date]
    bars: int
    failures: int
    warnings: Sequence[str]
    seconds: dict[str, float]

    @cached_property
    def scans(self) -> pl.DataFrame:
        """SCANS_SCHEMA, and a column a clause."""
        return self._frame("scans")

    @cached_property
    def hits(self) -> pl.DataFrame:
        """HITS_SCHEMA, then the features."""
        return self._frame("hits")

    @cached_property
    def symbols(self) -> pl.DataFrame:
        """SYMBOL_EVENTS_SCHEMA."""
        return self._frame("symbols")

    @cached_property
    def quality(self) -> pl.DataFrame:
        """QUALITY_SCHEMA."""
        return self._frame("quality")

    @cached_property
    def timings(self) -> pl.DataFrame:
        """TIMINGS_SCHEMA."""
        return self._frame("timings")

    def trading(self, name: str) -> list[pl.DataFrame]:
        """None: what trades cannot be shared."""
        return []

    def _frame(self, name: str) -> pl.DataFrame:
        path = self.folder / f"{name}.arrow"
        frame = pl.read_ipc(path)
        path.unlink()
        return frame


@dataclass
class RunBlocks:
    """The blocks of a run in order, computed as they are asked for.

    trader    trades what is found; its account goes from session to session, so such a run is not shared
    workers   processes that share the run
    executor  where its parts are submitted; processes of this machine where left out
    frames    the tables that are read, beside those of trading
    """

    loaded: LoadedConfig
    archive: Archive
    progress: Progress
    trader: Trader | None = None
    workers: int = 1
    executor: Executor | None = None
    frames: Sequence[str] = FRAMES
    failures: int = 0
    seconds: dict[str, float] = field(default_factory=dict)  # wall time by phase, of all processes

    def __post_init__(self) -> None:
        self.coordinator = SessionCoordinator(self.loaded, self.archive, self.trader, "quality" in self.frames)
        self.warnings, self.dates = self.coordinator.scope.warnings, self.coordinator.scope.dates
        if self.workers > 1 and not self.coordinator.declared:
            self.warnings.append("one worker: strategies, and scanners that scan symbol by symbol, go from session to session")
            self.workers = 1

    def __iter__(self) -> Iterator[Block]:
        return self._shared() if self.workers > 1 or self.executor else self._own()

    def _own(self) -> Iterator[Block]:
        def told() -> Iterator[Any]:
            for done, record in enumerate(self.coordinator.sessions(), 1):
                self.progress(done, len(self.dates), record.date)
                yield record

        yield from in_blocks(told())
        self.failures, self.seconds = self.coordinator.manager.failures, self.coordinator.seconds

    def _shared(self) -> Iterator[Block]:
        done = 0
        with tempfile.TemporaryDirectory(prefix="barsweep-") as aside, self._executor() as executor:
            for block in self._in_order(executor, Path(aside)):
                self._take_in(block)
                for date in block.dates:
                    done += 1
                    self.progress(done, len(self.dates), date)
                yield block

    def _in_order(self, executor: Executor, aside: Path) -> Iterator[StoredBlock]:
        """The parts' blocks: each worker has a part at hand and one to go on with; this process computes what is left over."""
        content, here = self.loaded.config.model_dump(mode="json"), self.executor is None
        calls = deque(
            (content, str(self.loaded.path), str(self.archive.path.absolute()), part, str(aside / str(part[0])), list(self.frames))
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
                yield from queue.popleft().result()

    def _parts(self) -> deque[list[dt.date]]:
        """The sessions of consecutive blocks, a part each: a block whose last one is computed beside it warms up along the way."""
        by_day = self.coordinator.scope.base.is_daily
        blocks = [list(dates) for _, dates in groupby(self.dates, key=lambda date: block_of(date, by_day))]
        rounds = -(-len(blocks) // (LONGEST_PART * self.workers))  # of as many parts as there are workers
        size = -(-len(blocks) // (rounds * self.workers))
        return deque([date for block in blocks[i : i + size] for date in block] for i in range(0, len(blocks), size))

    def _take_in(self, block: StoredBlock) -> None:
        self.failures += block.failures
        self.warnings += [warning for warning in block.warnings if warning not in self.warnings]
        for phase, spent in block.seconds.items():
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent

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
            pool = ProcessPoolExecutor(self.workers - 1, mp_context=multiprocessing.get_context("spawn"))
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
    content: dict[str, Any], path: str, archive: str, dates: list[dt.date], folder: str, frames: Sequence[str]
) -> list[StoredBlock]:  # fmt: skip
    """Compute consecutive blocks of a run and write their tables into a folder; runs in a process of its own."""
    loaded = LoadedConfig(SessionConfig(**content), Path(path))
    coordinator = SessionCoordinator(loaded, Archive.open(archive), quality="quality" in frames)
    found: list[StoredBlock] = []
    for number, block in enumerate(in_blocks(coordinator.sessions(dates))):
        own = Path(folder) / str(number)
        own.mkdir(parents=True)
        for name in frames:
            getattr(block, name).write_ipc(own / f"{name}.arrow", compression="uncompressed")
        found.append(StoredBlock(own, block.dates, block.bars, 0, [], {}))
    found[-1].failures, found[-1].warnings = coordinator.manager.failures, coordinator.scope.warnings
    found[-1].seconds = coordinator.seconds
    return found
