"""Processes that compute parts of a run beside the run's own.

Every block (a month; where bars are daily a year) is computed from its own warm-up, so processes need nothing of each other: each
writes its blocks' tables aside, and they are taken in order.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.errors import StoppedError
from engine.panel.passes import THREADS
from engine.results.stored_block import StoredBlock
from engine.session.coordinator import SessionCoordinator
from engine.session.record import in_blocks

SHARED_THREADS = (THREADS, "POLARS_MAX_THREADS")  # environment variables: threads of a process


class Workers:
    """Parts of a run, of whole blocks each, that are computed elsewhere once `begin` is called.

    count     processes, this one among them
    executor  where parts are submitted; processes of this machine where left out
    frames    the tables that are read
    aside     where processes write their parts; a folder for temporary files where left out
    """

    def __init__(
        self, loaded: LoadedConfig, archive: Archive, count: int, executor: Executor | None, frames: Sequence[str],
        aside: Path | None,
    ):  # fmt: skip
        self._given = loaded.config.model_dump(mode="json"), str(loaded.path), archive, list(frames)
        self._count, self._executor, self._here, self._aside = count, executor, executor is None, aside
        self._parts: deque[Sequence[dt.date]] = deque()
        self._begun: deque[Future[list[StoredBlock]]] = deque()  # in order
        self._folder: Path | None = None
        self._until_end = ExitStack()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._until_end.__exit__(*raised)

    @property
    def begun(self) -> bool:
        """Whether others are at work."""
        return self._folder is not None

    def begin(self, parts: Sequence[Sequence[dt.date]]) -> None:
        """Have parts computed."""
        self._parts.extend(parts)
        self._folder = Path(self._until_end.enter_context(tempfile.TemporaryDirectory(prefix="barsweep-", dir=self._aside)))
        if self._executor is None:
            self._executor = self._until_end.enter_context(_processes(self._count))
        with _interrupts_wait():  # so they do in the processes that begin now
            self._submit()

    def blocks(self) -> Iterator[StoredBlock]:
        """The parts' blocks in order; this process computes what is left over. Raises StoppedError."""
        try:
            while self._begun:
                if self._here and self._parts and not self._begun[0].done():
                    self._begun.append(_done(compute_blocks(*self._call())))
                else:
                    found = self._begun.popleft().result()
                    while found:
                        yield found.pop(0)
                self._submit()
        except BrokenExecutor:
            raise StoppedError("a worker process was killed", where="--workers",
                               fix="was there memory enough? fewer workers take less") from None  # fmt: skip

    def _submit(self) -> None:
        """Let each worker have a part at hand and one to go on with."""
        assert self._executor is not None
        ahead = self._count if not self._here or len(self._parts) > self._count else self._count - 1  # at last this one helps
        while self._parts and sum(not future.done() for future in self._begun) < ahead:
            self._begun.append(self._executor.submit(compute_blocks, *self._call()))

    def _call(self) -> tuple[Any, ...]:
        part, (content, path, archive, frames) = self._parts.popleft(), self._given
        assert self._folder is not None
        return content, path, archive, list(part), str(self._folder / str(part[0])), frames


def compute_blocks(
    content: dict[str, Any], path: str, archive: Archive, dates: list[dt.date], folder: str, frames: Sequence[str]
) -> list[StoredBlock]:  # fmt: skip
    """Compute consecutive blocks of a run and write their tables into a folder; runs in a process of its own."""
    coordinator = SessionCoordinator(LoadedConfig(SessionConfig(**content), Path(path)), archive, quality="quality" in frames)
    blocks = enumerate(in_blocks(coordinator.records(dates)))
    found = [StoredBlock.write(block, Path(folder) / str(number), frames) for number, block in blocks]
    found[-1].warnings, found[-1].seconds = coordinator.scope.warnings, coordinator.seconds
    return found


@contextmanager
def _processes(count: int) -> Iterator[Executor]:
    """As many processes as make, with this one, so many. Threads are twice the cores, as they wait for each other at times."""
    before = {name: os.environ.get(name) for name in SHARED_THREADS}
    for name in SHARED_THREADS:
        os.environ[name] = str(-(-2 * (os.cpu_count() or 1) // count))  # read by the processes when they begin
    try:
        pool = ProcessPoolExecutor(count - 1, multiprocessing.get_context("spawn"), _settle_in)
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


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Let Ctrl-C wait in this thread."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _settle_in() -> None:
    """Let a worker process end without a word at Ctrl-C, and when the run's own is killed: it would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    threading.Thread(target=_outlive, args=(multiprocessing.parent_process(),), daemon=True).start()


def _outlive(parent: Any) -> None:
    parent.join()
    os._exit(1)
