"""A run directory: written aside, kept there when the run is stopped, and moved into place when it is complete."""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import json
import logging
import os
import shutil
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import polars as pl

from engine.archive.disk.atomic import atomic_path
from engine.errors import BarsweepError, RunError, StoppedError
from engine.runs.growing_tables import GrowingTable, writing
from engine.runs.provenance import UNFINISHED, read_manifest
from engine.runs.stored_block import Block, StoredBlock
from engine.schema import (
    EQUITY_SCHEMA,
    FILLS_SCHEMA,
    HITS_SCHEMA,
    ORDERS_SCHEMA,
    QUALITY_SCHEMA,
    SCANS_SCHEMA,
    SYMBOL_EVENTS_SCHEMA,
    TIMINGS_SCHEMA,
    TRADES_SCHEMA,
)
from engine.text import file_name

log = logging.getLogger("barsweep")
TRADING_TABLES = {
    "orders": ORDERS_SCHEMA,
    "fills": FILLS_SCHEMA,
    "trades": TRADES_SCHEMA,
    "equity": EQUITY_SCHEMA,
}
TABLES = {
    "scans": SCANS_SCHEMA,
    "hits": HITS_SCHEMA,
    "symbols": SYMBOL_EVENTS_SCHEMA,
    "quality": QUALITY_SCHEMA,
    "timings": TIMINGS_SCHEMA,
}


class RunDirectory:
    """`with` it: `NAME.unfinished` while the run goes on, NAME once it is complete.

        manifest.json  what the results depend on, and exit_state "unfinished"
        blocks/        a folder a block that is done, kept until the run is complete
        tables/        what becomes NAME
        parts/         what worker processes are at
        lock           locked by the process that writes

    A mistake in the input leaves nothing. What stops a run from outside (a signal, a full disk) leaves what is done, to be taken
    up again; a killed one leaves all of this.
    """

    def __init__(self, aside: Path, manifest: dict[str, Any], fresh: bool):
        self.aside, self.manifest, self._fresh = aside, manifest, fresh
        self.path = aside.with_name(aside.name.removesuffix(UNFINISHED))
        self._tables: dict[str, GrowingTable] = {}
        self._keeps = False

    @classmethod
    def begin(cls, root: Path, session_name: str, manifest: dict[str, Any]) -> RunDirectory:
        """A new one; raises RunError where there can be none."""
        started = dt.datetime.fromisoformat(manifest["started"])
        named = file_name(session_name) or "session"
        name = f"{named}-{manifest['config_digest']}-{started:%Y%m%dT%H%M%S}"
        fresh = root / f".{name}-{os.getpid()}"
        try:
            fresh.mkdir(parents=True)
            _write_json(fresh / "manifest.json", manifest | {"exit_state": "unfinished"})
            return cls(_move(fresh, root / name), manifest, True)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            raise RunError(
                f"cannot be written: {error.strerror}", where=root, fix="give another --out"
            ) from None

    @classmethod
    def unfinished(cls, run: Path) -> RunDirectory:
        """One that was left; `run` is its name with or without ".unfinished". Raises RunError."""
        run = run.absolute()
        aside = run if run.name.endswith(UNFINISHED) else run.with_name(run.name + UNFINISHED)
        return cls(aside, read_manifest(aside, unfinished=True), False)

    def __enter__(self) -> RunDirectory:
        with writing(self.aside):
            self._lock = (self.aside / "lock").open("w")
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise RunError(
                "is still being written by another process",
                where=self.aside,
                fix="wait until it has ended",
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        kept, mistake = (
            self._blocks(),
            isinstance(error, BarsweepError) and not isinstance(error, StoppedError),
        )
        if self.path.exists() or (self._fresh and (mistake or not kept)):
            shutil.rmtree(self.aside, ignore_errors=True)
        else:
            self._clear()
            log.warning(
                "stopped; `barsweep run --resume %s` goes on (%d blocks of sessions are kept)",
                self.aside,
                len(kept),
            )
        self._lock.close()

    @property
    def parts(self) -> Path:
        """A folder for what worker processes are at."""
        return self.aside / "parts"

    def start(self, trades: bool, keeps: bool) -> list[StoredBlock]:
        """Begin the tables; the blocks that are there already, which are to be added first.

        keeps  whether blocks are kept as they come; a run that goes from session to session can only begin anew
        """
        self._clear()
        self._keeps = keeps
        with writing(self.aside):
            for folder in (self.parts, self._folder, self.aside / "blocks"):
                folder.mkdir(exist_ok=True)
        schemas = TABLES | TRADING_TABLES if trades else TABLES
        self._tables = {
            name: GrowingTable(self._folder, name, schema) for name, schema in schemas.items()
        }
        blocks: list[StoredBlock] = []
        for folder in self._blocks() if keeps else ():
            block = StoredBlock.read(folder)
            if (
                block is None
            ):  # the disk has not kept what was written: from here on all is computed again
                break
            blocks.append(block)
        for folder in self._blocks()[len(blocks) :]:
            shutil.rmtree(folder)
        return blocks

    def add(
        self,
        block: Block,
        hits: pl.DataFrame,
        trading: Mapping[str, pl.DataFrame],
        last: bool,
        warnings: list[str],
    ) -> None:
        """Append the rows of a block of sessions, its hits as they are given, and what trading leaves after them.

        last      whether no block follows, so that there is nothing to keep it for
        warnings  all so far
        """
        kept = self.aside / "blocks" / str(block.dates[0])
        if (
            self._keeps
            and not last
            and not (isinstance(block, StoredBlock) and block.folder == kept)
        ):
            StoredBlock.write(block, kept, warnings=warnings)
        with writing(self._folder):
            for name, table in self._tables.items():
                if name in TABLES:
                    table.add(hits if name == "hits" else getattr(block, name))
                elif rows := [*block.trading(name), *([trading[name]] if name in trading else [])]:
                    table.add(pl.concat(rows, how="diagonal_relaxed"))

    def note(self, **more: Any) -> None:
        """Put more into the manifest, at once."""
        self.manifest |= more
        with writing(self.aside):
            _write_json(self.aside / "manifest.json", self.manifest | {"exit_state": "unfinished"})

    def finish_tables(self) -> Path:
        """Write what is left of the tables; where they are until `finish`."""
        with writing(self._folder):
            for table in self._tables.values():
                table.finish()
        return self._folder

    def finish(self, summary: dict[str, Any], **manifest: Any) -> None:
        """Complete the manifest, and move the directory into place, once its tables are finished."""
        with writing(self._folder):
            _write_json(self._folder / "manifest.json", self.manifest | manifest)
            _write_json(self._folder / "summary.json", summary)
            self._folder.rename(self.path)

    @property
    def _folder(self) -> Path:
        return self.aside / "tables"

    def _blocks(self) -> list[Path]:
        """The folders of the blocks that are done, in order."""
        return sorted(
            folder for folder in self.aside.glob("blocks/*") if not folder.name.startswith(".")
        )

    def _clear(self) -> None:
        """Drop what a process was at when it ended."""
        for table in self._tables.values():
            table.close()
        for folder in (self._folder, self.parts, *self.aside.glob("blocks/.*")):
            shutil.rmtree(folder, ignore_errors=True)


def kept_blocks(aside: Path) -> list[StoredBlock]:
    """The blocks of sessions that an unfinished run keeps, in order, as far as the disk has them."""
    folders = sorted(folder for folder in aside.glob("blocks/*") if not folder.name.startswith("."))
    return list(takewhile(lambda block: block is not None, map(StoredBlock.read, folders)))  # type: ignore[arg-type]


def finished(run: Path) -> dict[str, Any] | None:
    """The manifest of a run that is complete, by its name with or without ".unfinished"; None where it is not.

    What is left aside of one that was killed just after it was moved into place goes.
    """
    path = run.absolute().with_name(run.absolute().name.removesuffix(UNFINISHED))
    if not path.exists():
        return None
    shutil.rmtree(path.with_name(path.name + UNFINISHED), ignore_errors=True)
    return read_manifest(path)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(
            json.dumps(content, indent=2, default=str, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def _move(fresh: Path, path: Path) -> Path:
    """Give a directory a name that is free: where two runs start in the same second, with a number."""
    number, name = 1, path.name
    while True:
        aside = path.with_name(name + UNFINISHED)
        if not path.with_name(name).exists() and not aside.exists():
            try:
                return fresh.rename(aside)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another run was faster
                    raise
        number += 1
        name = f"{path.name}-{number}"
