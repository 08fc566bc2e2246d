"""Scans an archive into one table of hits, with nothing of a run around it."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from engine.archive.archive import Archive
from engine.archive.atomic import atomic_path
from engine.config.load import LoadedConfig
from engine.errors import RunError, SessionFileError
from engine.results.blocks import Progress, RunBlocks, hits_with_tickers
from engine.results.summary import RunSummary, ScannerSummary
from engine.results.tables import GrowingTable, writing
from engine.schema import HITS_SCHEMA

FORMATS = (".parquet", ".csv", ".json")
SHOWN = 20  # hits that are kept for showing


@dataclass(frozen=True)
class BatchScan:
    """What a scan came to; `top` are the last hits, `kept` how many hits there are, after `first_hit`."""

    summary: RunSummary
    top: pl.DataFrame
    kept: int
    warnings: list[str]
    failures: int
    seconds: float


def scan_archive(
    loaded: LoadedConfig, archive: Archive, out: Path | None, first_hit: bool, progress: Progress, workers: int = 1
) -> BatchScan:  # fmt: skip
    """Run the config's scanners over its sessions; write the hits to `out` (.parquet, .csv, .json), whole or not at all.

    first_hit  keep the first hit of each scanner, symbol and session
    """
    if out is not None and out.suffix not in FORMATS:
        raise RunError(
            f"cannot write {out.suffix or 'a file without a suffix'}", where=out, expected=f"one of {', '.join(FORMATS)}"
        )
    skipped: dict[str, str] = {}
    while True:
        try:
            scan = _scan(loaded, archive, out, first_hit, progress, workers)
        except SessionFileError as error:
            if loaded.config.backtest_config.on_corrupt == "stop":
                raise
            skipped[str(error.date)] = str(error)
            archive = archive.without([error.date])
        else:
            scan.summary.skipped = skipped
            return replace(scan, failures=scan.failures + len(skipped))


def _scan(
    loaded: LoadedConfig, archive: Archive, out: Path | None, first_hit: bool, progress: Progress, workers: int
) -> BatchScan:  # fmt: skip
    clock = time.perf_counter()
    blocks = RunBlocks(loaded, archive, progress, workers=workers, frames=("scans", "hits", "timings"))
    summary = RunSummary({slot.name: ScannerSummary.of(slot) for slot in blocks.coordinator.manager.slots})
    top, kept = pl.DataFrame(schema=HITS_SCHEMA), 0
    with _aside(out) as aside, closing(GrowingTable(Path(aside), "hits", HITS_SCHEMA)) as table:
        for block in blocks:
            summary.add(block)
            found = hits_with_tickers(block, archive)
            hits = _firsts(found) if first_hit else found
            kept += len(hits)
            if out is not None:
                with writing(out):
                    table.add(hits)
            if len(hits):
                top = pl.concat([top, hits.tail(SHOWN)], how="diagonal_relaxed").tail(SHOWN)
        summary.finish(archive, blocks.coordinator.universes, blocks.dates)
        if out is not None:
            with writing(out):
                table.finish()
                _deliver(Path(aside) / "hits.parquet", out)
    seconds = time.perf_counter() - clock
    return BatchScan(summary, top, kept, [*blocks.warnings, *summary.why_empty()], blocks.failures, seconds)


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
        raise RunError(f"cannot be written: {error.strerror}", where=out, fix="give another --out") from None


def _deliver(hits: Path, out: Path) -> None:
    with atomic_path(out) as temporary:
        if out.suffix == ".parquet":
            shutil.move(hits, temporary)
        elif out.suffix == ".csv":
            pl.scan_parquet(hits).sink_csv(temporary)
        else:
            pl.read_parquet(hits).write_json(temporary)
