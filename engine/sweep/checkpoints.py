"""What a sweep has done so far, in its folder, so that one that is killed goes on where it was.

Sums are kept after the last session of a calendar month (of daily bars a year): a run's values do
not depend on where it begins, as long as it begins with such a block. Files are named by what they
depend on; whatever else lies there is not read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from engine.archive.disk.atomic import atomic_path

UNFINISHED = ".unfinished"
EVERY = 10.0  # seconds between two looks at the disk, at least; what is finished is always written
Arrays = dict[str, Any]


class HasState(Protocol):
    """Sums that can be put aside and taken up again."""

    def state(self) -> Arrays:
        """All that there is to keep, by name."""

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Go on from there."""


@dataclass
class Checkpoint:
    """The place of one pass; `path` None keeps nothing."""

    path: Path | None = None
    _saved: float = 0.0

    def load(self, judges: Sequence[HasState]) -> tuple[dt.date, int] | None:
        """Restore the sums; the last session that is in them, and how many are."""
        self._saved = time.monotonic()
        if self.path is None or not self.path.exists():
            return None
        with np.load(io.BytesIO(self.path.read_bytes()), allow_pickle=False) as kept:
            for number, judge in enumerate(judges):
                judge.restore(
                    {
                        name.partition(".")[2]: kept[name]
                        for name in kept.files
                        if name.startswith(f"{number}.")
                    }
                )
            day, sessions = kept["at"].tolist()
        return dt.date.fromordinal(day), sessions

    def save(self, last: dt.date, sessions: int, judges: Sequence[HasState], done: bool) -> None:
        """Put the sums aside, now and then, and when they are done."""
        if self.path is None or (not done and time.monotonic() < self._saved + EVERY):
            return
        arrays = {
            f"{number}.{name}": array
            for number, judge in enumerate(judges)
            for name, array in judge.state().items()
        }
        with atomic_path(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, at=np.array([last.toordinal(), sessions]), **arrays)
        self._saved = time.monotonic()


@dataclass(frozen=True)
class Checkpoints:
    """The places of a sweep's passes in its folder; none where `folder` is None.

    key  what all of them depend on
    """

    folder: Path | None = None
    key: str = ""

    def of(self, *parts: Any) -> Checkpoint:
        """The place of a pass."""
        path = self._path(parts)
        return Checkpoint(path and path.with_suffix(".npz"))

    def frame(self, *parts: Any) -> pl.DataFrame | None:
        """A table that was put aside."""
        path = self._path(parts)
        there = path is not None and path.with_suffix(".parquet").exists()
        return pl.read_parquet(path.with_suffix(".parquet")) if there and path else None

    def keep(self, frame: pl.DataFrame, *parts: Any) -> None:
        """Put a table aside."""
        if path := self._path(parts):
            with atomic_path(path.with_suffix(".parquet")) as temporary:
                frame.write_parquet(temporary)

    def _path(self, parts: Sequence[Any]) -> Path | None:
        if self.folder is None:
            return None
        text = json.dumps([self.key, *parts], default=str)
        return self.folder / UNFINISHED / hashlib.sha256(text.encode()).hexdigest()[:24]

    def clear(self) -> None:
        """The sweep is written: nothing is to be kept of its making."""
        if self.folder is not None:
            shutil.rmtree(self.folder / UNFINISHED, ignore_errors=True)
