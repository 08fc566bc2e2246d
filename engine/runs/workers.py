"""Processes that compute parts of a run beside the run's own.

Every block (a month; where bars are daily a year) is computed from its own warm-up, so processes need nothing of each other: each
writes its blocks' tables aside, and they are taken in order.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.errors import BarsweepError, StoppedError
from engine.runs.stored_block import StoredBlock
from engine.runtime.processes import born_into, processes
from engine.session.coordinator import SessionCoordinator
from engine.session.session_record import in_blocks

Computed = tuple[list[StoredBlock], BarsweepError | None]


class Workers:
    """Parts of a run, of whole blocks each, that are computed elsewhere once they begin.

    frames    the tables that are read
    aside     where processes write their parts; a folder for temporary files where left out
    executor  where parts are submitted; processes of this machine where left out
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        archive: Archive,
        frames: Sequence[str],
        aside: Path | None,
        executor: Executor | None,
    ):
        self._given = loaded.config.model_dump(mode="json"), str(loaded.path), archive, list(frames)
        self._aside, self._executor, self._own = aside, executor, executor is None
        self._parts: deque[Sequence[dt.date]] = deque()
        self._submitted: deque[Future[Computed]] = deque()  # in order
        self._until_end, self._folder = (
            ExitStack(),
            Path(),
        )  # where parts are written, once others have begun
        self.begun, self.count = False, 1  # processes, this one among them

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *raised: Any) -> None:
        for future in self._submitted:
            future.cancel()
        if not self._own:
            wait(self._submitted)  # they write into the folder
        self._until_end.__exit__(*raised)

    def begin(self, parts: Sequence[Sequence[dt.date]], count: int) -> None:
        """Have parts computed by so many processes, this one among them."""
        self.begun, self.count = True, min(count, len(parts) + 1) if self._own else count
        self._parts.extend(parts)
        self._folder = Path(
            self._until_end.enter_context(
                tempfile.TemporaryDirectory(prefix="barsweep-", dir=self._aside)
            )
        )
        if self._executor is None:
            self._executor = self._until_end.enter_context(processes(self.count - 1))
        with _killed_is_told():
            self._submit()

    def blocks(self) -> Iterator[StoredBlock]:
        """The parts' blocks in order; this process computes what is left over. Raises what a part raised, and StoppedError."""
        with _killed_is_told():
            while self._submitted:
                if self._own and self._parts and not self._submitted[0].done():
                    self._submitted.append(_done(compute_blocks(*self._call())))
                else:
                    blocks, error = self._submitted.popleft().result()
                    while blocks:
                        yield blocks.pop(0)
                    if error is not None:
                        raise error
                self._submit()

    def _submit(self) -> None:
        """Let each worker have a part at hand and one to go on with."""
        assert self._executor is not None
        ahead = (
            self.count if not self._own or len(self._parts) > self.count else self.count - 1
        )  # at last this one helps
        while self._parts and sum(not future.done() for future in self._submitted) < ahead:
            with born_into(self.count) if self._own else nullcontext():
                self._submitted.append(self._executor.submit(compute_blocks, *self._call()))

    def _call(self) -> tuple[Any, ...]:
        part, (content, path, archive, frames) = self._parts.popleft(), self._given
        return content, path, archive, list(part), str(self._folder / str(part[0])), frames


def compute_blocks(
    content: dict[str, Any],
    path: str,
    archive: Archive,
    dates: list[dt.date],
    folder: str,
    frames: Sequence[str],
) -> Computed:
    """Compute consecutive blocks of a run and write their tables into a folder; runs in a process of its own.

    The blocks, and what kept it from computing the rest.
    """
    coordinator = SessionCoordinator(
        LoadedConfig(SessionConfig(**content), Path(path)), archive, quality="quality" in frames
    )
    found: list[StoredBlock] = []
    try:
        for number, block in enumerate(in_blocks(coordinator.records(dates))):
            found.append(StoredBlock.write(block, Path(folder) / str(number), frames))
    except BarsweepError as error:
        return found, error
    found[-1].warnings, found[-1].seconds = coordinator.scope.warnings, coordinator.seconds
    return found, None


@contextmanager
def _killed_is_told() -> Iterator[None]:
    try:
        yield
    except BrokenExecutor:
        raise StoppedError(
            "a worker process was killed",
            where="--workers",
            fix="was there memory enough? fewer workers take less",
        ) from None


def _done(computed: Computed) -> Future[Computed]:
    future: Future[Computed] = Future()
    future.set_result(computed)
    return future
