"""Runs a config over an archive into a run directory."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from engine.archive.archive import Archive
from engine.audit.in_run import InRunAudit
from engine.config.load import LoadedConfig
from engine.errors import Interrupted, RunError, SessionFileError
from engine.runs.provenance import archive_of, changes, loaded_of, provenance
from engine.runs.run_blocks import Progress, RunBlocks, hits_with_tickers
from engine.runs.run_directory import RunDirectory
from engine.runs.summary import RunSummary, ScannerSummary
from engine.runs.trading_summary import Benchmark, trading_summary
from engine.runtime.peak_memory import peak_memory_mb
from engine.trading.trading_desk import TradingDesk, make_desk


@dataclass(frozen=True)
class FinishedRun:
    """Where a run's results are, and its summary."""

    path: Path
    archive: Archive
    summary: RunSummary
    warnings: list[str]
    failures: int
    seconds: float
    audit: InRunAudit | None  # None where it was left out
    trading: dict[
        str, Any
    ]  # `trading` and `strategies` of summary.json; empty where nothing is traded


def execute_run(
    loaded: LoadedConfig,
    archive: Archive,
    out: Path,
    progress: Progress,
    workers: int = 1,
    audit: bool = True,
    audit_seed: int | None = None,
) -> FinishedRun:
    """Run all sessions and write the run directory; raises BarsweepError where the run cannot go on, and Interrupted with the
    path of what is left of it.

    audit       whether a few random ticks of a session are audited for look-ahead along the way
    audit_seed  draws them; the config's digest where left out
    """
    blocks = RunBlocks(
        loaded, archive, progress, trader=make_desk(loaded, archive), workers=workers
    )  # refuses what is wrong
    started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    seeds = {"audit": int(loaded.digest, 16) if audit_seed is None else audit_seed} if audit else {}
    manifest = {
        **provenance(loaded, archive),
        "seeds": seeds,
        "started": started,
        "resumed": [],
        "skipped_sessions": {},
    }
    directory = RunDirectory.begin(out.absolute(), loaded.config.session_name, manifest)
    return _in(directory, lambda directory: _complete(directory, blocks))


def resume_run(
    run: Path, archive_path: Path | None, progress: Progress, workers: int = 1
) -> FinishedRun:
    """Complete a run that was stopped; raises RunError where what its results depend on has changed."""

    def complete(directory: RunDirectory) -> FinishedRun:
        before = directory.manifest
        loaded, archive = loaded_of(before, directory.aside), archive_of(before, archive_path)
        blocks = RunBlocks(
            loaded, archive, progress, trader=make_desk(loaded, archive), workers=workers
        )
        changed = changes(before, provenance(loaded, archive))
        if changed:
            raise RunError(
                "cannot be resumed, for what its results depend on has changed:\n  "
                + "\n  ".join(changed),
                where=run,
                fix="\n  run it anew: `barsweep run --from RUN`",
            )
        directory.note(
            resumed=[*before["resumed"], dt.datetime.now(dt.UTC).isoformat(timespec="seconds")]
        )
        return _complete(directory, blocks)

    return _in(RunDirectory.unfinished(run), complete)


def _in(directory: RunDirectory, complete: Callable[[RunDirectory], FinishedRun]) -> FinishedRun:
    """Complete a run directory; Interrupted with the path of what is left of it, None where nothing is."""
    try:
        with directory:
            return complete(directory)
    except KeyboardInterrupt:
        raise Interrupted(
            directory.aside if directory.aside.exists() else None, "interrupted"
        ) from None


def _complete(directory: RunDirectory, blocks: RunBlocks) -> FinishedRun:
    """Run what is left; again without a session whose file cannot be read, where the config says so."""
    clock = time.perf_counter()
    while True:
        try:
            return _attempt(directory, blocks, clock)
        except SessionFileError as error:
            if blocks.loaded.config.backtest_config.on_corrupt == "stop":
                raise
            directory.note(
                skipped_sessions=directory.manifest["skipped_sessions"]
                | {str(error.date): str(error)}
            )
            archive = blocks.archive.without([error.date])
            blocks = replace(
                blocks, archive=archive, trader=make_desk(blocks.loaded, archive), failures=0
            )


def _attempt(directory: RunDirectory, blocks: RunBlocks, clock: float) -> FinishedRun:
    desk, coordinator = cast(TradingDesk | None, blocks.trader), blocks.coordinator
    blocks.kept, blocks.aside = (
        directory.start(desk is not None, coordinator.needs.independent),
        directory.parts,
    )
    audit = _audit(blocks, directory.manifest["seeds"].get("audit"))
    summary = RunSummary({slot.name: ScannerSummary.of(slot) for slot in coordinator.manager.slots})
    for block in blocks:
        last = block.dates[-1] == blocks.dates[-1]
        hits = hits_with_tickers(block, blocks.archive)
        directory.add(block, hits, desk.end_run() if desk and last else {}, last, blocks.warnings)
        summary.add(block)
    summary.finish(blocks.archive, coordinator.universes, blocks.dates)
    trading = _trading(desk, blocks, directory.finish_tables())
    summary.skipped = directory.manifest["skipped_sessions"]
    warnings = [*blocks.warnings, *summary.why_empty()]
    failures = blocks.failures + (desk.failures if desk else 0) + len(summary.skipped)
    seconds = time.perf_counter() - clock
    told = audit.as_dict() if audit else None
    directory.finish(
        summary.as_dict(warnings) | trading,
        audit=told,
        **_measured(blocks, summary, seconds, failures),
    )
    return FinishedRun(
        directory.path, blocks.archive, summary, warnings, failures, seconds, audit, trading
    )


def _audit(blocks: RunBlocks, seed: int | None) -> InRunAudit | None:
    """What audits a session of the run while it is at hand; None without a seed."""
    if seed is None:
        return None
    audit = InRunAudit.of(blocks.loaded, blocks.dates, seed)
    blocks.coordinator.inspector = audit
    return audit


def _trading(desk: TradingDesk | None, blocks: RunBlocks, folder: Path) -> dict[str, Any]:
    """What trading came to, from the tables as they are written."""
    if desk is None:
        return {}
    config, archive = blocks.loaded.config, blocks.archive
    benchmark = Benchmark.of(
        archive,
        blocks.dates,
        config.session_data_config.benchmark,
        blocks.coordinator.needs.symbols,
    )
    summary = trading_summary(
        folder, str(archive.calendar.tz), config.account.starting_cash, benchmark
    )
    return {"trading": summary, "strategies": desk.states()}


def _measured(
    blocks: RunBlocks, summary: RunSummary, seconds: float, failures: int
) -> dict[str, Any]:
    """The rest of the manifest: what may differ from run to run."""
    return {
        "seconds": round(seconds, 3),
        "workers": blocks.processes,
        "seconds_by_phase": {name: round(spent, 3) for name, spent in blocks.seconds.items()},
        "milliseconds_by_scanner": {
            name: round(one.elapsed_us / 1000, 1) for name, one in summary.scanners.items()
        },
        "peak_memory_mb": round(peak_memory_mb(), 1),
        "exit_state": "failures" if failures else "complete",
    }
