"""Scans an archive into one table of hits, with nothing of a run around it."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import time
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from engine.archive.archive import Archive
from engine.archive.disk.atomic import atomic_path
from engine.config.load import LoadedConfig
from engine.errors import Interrupted, RunError, SessionFileError
from engine.runs.growing_tables import GrowingTable, whole_frame, writing
from engine.runs.run_blocks import Progress, RunBlocks, hits_with_tickers
from engine.runs.stored_block import Block
from engine.runs.summary import RunSummary, ScannerSummary
from engine.schema import HITS_SCHEMA
from engine.text import as_sheet

FORMATS = (".parquet", ".csv", ".json")
SHOWN = 20  # hits that are kept for showing


@dataclass(frozen=True)
class BatchScan:
    """What a scan came to.

    top          the last hits
    kept         how many hits there are, after `first_hit`
    hits         all of them, where that was asked for
    interrupted  whether it ends before its last session
    """

    summary: RunSummary
    top: pl.DataFrame
    kept: int
    hits: pl.DataFrame | None
    warnings: list[str]
    failures: int
    seconds: float
    interrupted: bool = False


@dataclass(frozen=True)
class _Found:
    """What the blocks so far came to: made anew with each, so that an interrupt leaves one that is whole."""

    summary: RunSummary
    top: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HITS_SCHEMA))
    kept: int = 0
    frames: tuple[pl.DataFrame, ...] = ()
    last: dt.date = dt.date.min

    def with_block(self, block: Block, hits: pl.DataFrame, keep: bool) -> _Found:
        """With another block and its hits."""
        summary = self.summary.copy()
        summary.add(block)
        top = (
            pl.concat([self.top, hits.tail(SHOWN)], how="diagonal_relaxed").tail(SHOWN)
            if len(hits)
            else self.top
        )
        frames = (*self.frames, hits) if keep else ()
        return _Found(summary, top, self.kept + len(hits), frames, block.dates[-1])


def scan_archive(
    loaded: LoadedConfig,
    archive: Archive,
    out: Path | None,
    first_hit: bool,
    progress: Progress,
    workers: int = 1,
    keep: bool = False,
) -> BatchScan:
    """Run the config's scanners over its sessions; write the hits to `out` (.parquet, .csv, .json), whole or not at all.

    first_hit  keep the first hit of each scanner, symbol and session
    keep       whether all hits are in the result; memory does not grow with them otherwise
    Raises Interrupted with the BatchScan of the sessions that were done.
    """
    if out is not None and out.suffix not in FORMATS:
        raise RunError(
            f"cannot write {out.suffix or 'a file without a suffix'}",
            where=out,
            expected=f"one of {', '.join(FORMATS)}",
        )
    skipped: dict[str, str] = {}
    while True:
        try:
            scan = _scan(loaded, archive, out, first_hit, progress, workers, keep)
        except SessionFileError as error:
            if loaded.config.backtest_config.on_corrupt == "stop":
                raise
            skipped[str(error.date)] = str(error)
            archive = archive.without([error.date])
        except Interrupted as stopped:
            stopped.result.summary.skipped = skipped
            raise
        else:
            scan.summary.skipped = skipped
            return replace(scan, failures=scan.failures + len(skipped))


def _scan(
    loaded: LoadedConfig,
    archive: Archive,
    out: Path | None,
    first_hit: bool,
    progress: Progress,
    workers: int,
    keep: bool,
) -> BatchScan:
    clock = time.perf_counter()
    blocks = RunBlocks(
        loaded, archive, progress, workers=workers, frames=("scans", "hits", "timings")
    )
    found = _Found(
        RunSummary(
            {slot.name: ScannerSummary.of(slot) for slot in blocks.coordinator.manager.slots}
        )
    )

    def hits_of(block: Block) -> pl.DataFrame:
        hits = hits_with_tickers(block, archive)
        return _firsts(hits) if first_hit else hits

    def finished(found: _Found, interrupted: bool = False) -> BatchScan:
        done = [date for date in blocks.dates if date <= found.last]
        found.summary.finish(archive, blocks.coordinator.universes if done else {}, done)
        hits = whole_frame(found.frames, HITS_SCHEMA) if keep else None
        warnings = [*blocks.warnings, *([] if interrupted else found.summary.why_empty())]
        return BatchScan(
            found.summary,
            found.top,
            found.kept,
            hits,
            warnings,
            blocks.failures,
            time.perf_counter() - clock,
            interrupted,
        )

    try:
        with _aside(out) as aside, closing(GrowingTable(Path(aside), "hits", HITS_SCHEMA)) as table:
            for block in blocks:
                hits = hits_of(block)
                if out is not None:
                    with writing(out):
                        table.add(hits)
                found = found.with_block(block, hits, keep)
            if out is not None:
                with writing(out):
                    table.finish()
                    _deliver(Path(aside) / "hits.parquet", out)
    except KeyboardInterrupt:
        rest = blocks.after(found.last)
        found = found.with_block(rest, hits_of(rest), keep) if rest.records else found
        raise Interrupted(
            finished(found, True), f"interrupted after {found.summary.sessions} sessions"
        ) from None
    return finished(found)


def _firsts(hits: pl.DataFrame) -> pl.DataFrame:
    return hits.unique(["session", "scanner", "symbol"], keep="first", maintain_order=True)


def _aside(out: Path | None) -> AbstractContextManager[str]:
    """A folder beside `out`; none where nothing is written."""
    if out is None:
        return nullcontext("")
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=".barsweep-", dir=out.absolute().parent)
    except OSError as error:
        raise RunError(
            f"cannot be written: {error.strerror}", where=out, fix="give another --out"
        ) from None


def _deliver(hits: Path, out: Path) -> None:
    with atomic_path(out) as temporary:
        if out.suffix == ".parquet":
            shutil.move(hits, temporary)
        elif out.suffix == ".csv":
            as_sheet(pl.scan_parquet(hits)).sink_csv(temporary)
        else:
            pl.read_parquet(hits).write_json(temporary)
