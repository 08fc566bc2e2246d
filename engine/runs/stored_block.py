"""A block of sessions on disk: what a worker hands over, and what a run that was stopped goes on from."""

from __future__ import annotations

import datetime as dt
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import polars as pl

from engine.errors import WriteError

FRAMES = ("scans", "hits", "symbols", "quality", "timings")
NOTE = "block.json"
PIECE = 1 << 20  # bytes of a file that are read at a time


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
    def found(self) -> Mapping[str, Mapping[str, int]]: ...
    @property
    def symbols(self) -> pl.DataFrame: ...
    @property
    def quality(self) -> pl.DataFrame: ...
    @property
    def timings(self) -> pl.DataFrame: ...
    def trading(self, name: str) -> list[pl.DataFrame]:
        """The sessions' rows of a table of trading."""


@dataclass
class StoredBlock:
    """A block's frames in a folder of their own, and what there is to tell of it.

    sums  frame -> CRC-32 of its file
    """

    folder: Path
    dates: Sequence[dt.date]
    bars: int
    sums: dict[str, int]
    warnings: Sequence[str] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def write(
        cls,
        block: Block,
        folder: Path,
        frames: Sequence[str] = FRAMES,
        warnings: Sequence[str] = (),
    ) -> StoredBlock:
        """Write a block into a folder, which is there whole or not at all; raises WriteError."""
        aside = folder.with_name(f".{folder.name}")
        try:
            if isinstance(block, StoredBlock):
                block.folder.rename(aside)
                sums = block.sums
            else:
                aside.mkdir(parents=True)
                sums = {
                    name: _write(getattr(block, name), aside / f"{name}.arrow") for name in frames
                }
            stored = cls(folder, block.dates, block.bars, sums, warnings)
            note = {
                "dates": list(map(str, stored.dates)),
                "bars": stored.bars,
                "sums": stored.sums,
                "warnings": list(warnings),
            }
            (aside / NOTE).write_text(json.dumps(note), encoding="utf-8")
            os.rename(aside, folder)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise WriteError.of(error, folder) from None
        if isinstance(block, StoredBlock):
            block.folder = folder
        return stored

    @classmethod
    def read(cls, folder: Path) -> StoredBlock | None:
        """The block in a folder; None where it is not what was written."""
        try:
            note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
            if any(_sum(folder / f"{name}.arrow") != crc for name, crc in note["sums"].items()):
                return None
            dates = [dt.date.fromisoformat(date) for date in note["dates"]]
            return cls(folder, dates, note["bars"], note["sums"], note["warnings"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    @cached_property
    def scans(self) -> pl.DataFrame:
        """SCANS_SCHEMA, and a column a clause."""
        return self._frame("scans")

    @cached_property
    def hits(self) -> pl.DataFrame:
        """HITS_SCHEMA, then the features."""
        return self._frame("hits")

    @cached_property
    def found(self) -> Mapping[str, Mapping[str, int]]:
        """Scanner -> symbol -> hits."""
        by_scanner = self.hits.select("scanner", "symbol").partition_by("scanner", as_dict=True)
        return {
            str(name): dict(hits["symbol"].value_counts().iter_rows())
            for (name,), hits in by_scanner.items()
        }

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
        """None: what trades cannot be shared, nor taken up in the middle."""
        return []

    def _frame(self, name: str) -> pl.DataFrame:
        return pl.read_ipc(self.folder / f"{name}.arrow")


def _write(frame: pl.DataFrame, path: Path) -> int:
    frame.write_ipc(path, compression="uncompressed")
    return _sum(path)


def _sum(path: Path) -> int:
    """CRC-32 of a file."""
    found = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found = zlib.crc32(piece, found)
    return found
