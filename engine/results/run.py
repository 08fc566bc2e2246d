"""Runs a config over an archive into a run directory."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engine
from engine.archive.archive import Archive
from engine.audit.in_run import InRunAudit
from engine.config.load import LoadedConfig
from engine.results.blocks import Progress, RunBlocks, hits_with_tickers
from engine.results.memory import peak_memory_mb
from engine.results.run_directory import RunDirectory
from engine.results.summary import RunSummary, ScannerSummary
from engine.results.trading_summary import Benchmark, trading_summary
from engine.session.coordinator import SessionCoordinator
from engine.trading.desk import TradingDesk, make_desk

LIBRARIES = ("polars", "numba", "numpy", "pyarrow", "pydantic", "exchange_calendars")


@dataclass(frozen=True)
class FinishedRun:
    """Where a run's results are, and its summary."""

    path: Path
    summary: RunSummary
    warnings: list[str]
    failures: int
    seconds: float
    audit: InRunAudit | None  # None where it was left out
    trading: dict[str, Any]  # `trading` and `strategies` of summary.json; empty where nothing is traded


def execute_run(
    loaded: LoadedConfig, archive: Archive, out: Path, progress: Progress, workers: int = 1, audit: bool = True,
    audit_seed: int | None = None,
) -> FinishedRun:  # fmt: skip
    """Run all sessions and write the run directory; raises BarsweepError where the run cannot go on.

    audit       whether a few random ticks of a session are audited for look-ahead along the way
    audit_seed  draws them; the config's digest where left out
    """
    started, clock = dt.datetime.now(dt.UTC), time.perf_counter()
    desk = make_desk(loaded, archive)
    blocks = RunBlocks(loaded, archive, progress, desk, workers)
    inspector = _inspector(loaded, blocks, audit_seed) if audit else None
    summary = RunSummary({slot.name: ScannerSummary.of(slot) for slot in blocks.coordinator.manager.slots})
    with RunDirectory(out, loaded.config.session_name, loaded.digest, started, desk is not None) as directory:
        for block in blocks:
            last = block.dates[-1] == blocks.dates[-1]
            directory.add(block, hits_with_tickers(block, archive), desk.end_run() if desk and last else {})
            summary.add(block)
        summary.finish(archive, blocks.coordinator.universes, blocks.dates)
        trading = _trading(desk, blocks.coordinator, loaded, archive, directory.finish_tables())
        warnings, failures = blocks.warnings, blocks.failures + (desk.failures if desk else 0)
        seconds = time.perf_counter() - clock
        manifest = _manifest(loaded, archive, started, seconds, blocks, summary, inspector)
        directory.finish(manifest, summary.as_dict(warnings) | trading)
    return FinishedRun(directory.path, summary, warnings, failures, seconds, inspector, trading)


def _inspector(loaded: LoadedConfig, blocks: RunBlocks, seed: int | None) -> InRunAudit:
    """What audits a session of the run while it is at hand."""
    inspector = InRunAudit.of(loaded, blocks.dates, int(loaded.digest, 16) if seed is None else seed)
    if blocks.workers > 1:
        inspector.left_out = "the run is shared by workers"
    blocks.coordinator.inspector = inspector
    return inspector


def _trading(
    desk: TradingDesk | None, coordinator: SessionCoordinator, loaded: LoadedConfig, archive: Archive, folder: Path
) -> dict[str, Any]:  # fmt: skip
    """What trading came to, from the tables as they are written."""
    if desk is None:
        return {}
    dates = coordinator.scope.dates
    benchmark = Benchmark.of(archive, dates, loaded.config.session_data_config.benchmark, coordinator.symbols)
    summary = trading_summary(folder, str(archive.calendar.tz), loaded.config.account.starting_cash, benchmark)
    return {"trading": summary, "strategies": desk.states()}


def _manifest(
    loaded: LoadedConfig, archive: Archive, started: dt.datetime, seconds: float, blocks: RunBlocks,
    summary: RunSummary, inspector: InRunAudit | None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "barsweep": engine.__version__,
        "config": loaded.config.model_dump(mode="json"),
        "config_digest": loaded.digest,
        "archive": archive.manifest.model_dump(mode="json"),
        "archive_path": str(archive.path.absolute()),
        "archive_digest": archive.digest(),
        "seeds": {"audit": inspector.seed} if inspector else {},  # nothing else in a run is drawn by chance
        "audit": inspector.as_dict() if inspector else None,
        "versions": {"python": platform.python_version()} | {n: importlib.metadata.version(n) for n in LIBRARIES},
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "workers": blocks.workers,
        "seconds_by_phase": {name: round(spent, 3) for name, spent in blocks.seconds.items()},
        "milliseconds_by_scanner": {name: round(one.elapsed_us / 1000, 1) for name, one in summary.scanners.items()},
        "peak_memory_mb": round(peak_memory_mb(), 1),
        "exit_state": "failures" if blocks.failures else "complete",
    }
