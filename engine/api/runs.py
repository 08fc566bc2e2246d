"""Runs of session configs, and what they leave in their run directories."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from engine.api.open_market import OpenMarket, folder_of
from engine.api.progress_display import by_session, telling
from engine.api.run_result import Run
from engine.api.scan_options import Day, Spell, check_order
from engine.api.scan_sources import (
    DEFAULT_ARCHIVE,
    ConfigLike,
    Overrides,
    config_of,
    universe_overrides,
)
from engine.archive.archive import Archive
from engine.archive.disk.atomic import atomic_path
from engine.errors import Interrupted, RunError
from engine.progress import Progress
from engine.report.run_page import report_page
from engine.runs.execute_run import execute_run, resume_run
from engine.runs.growing_tables import whole_frame, writing
from engine.runs.provenance import UNFINISHED, changes, loaded_of, read_manifest
from engine.runs.run_directory import finished, kept_blocks
from engine.runs.run_tables import RunTables
from engine.schema import HITS_SCHEMA

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class UnfinishedRun:
    """What is left of a run that was interrupted.

    path      its directory, NAME.unfinished, to be taken up by `barsweep.resume`; None where no
              block of sessions was complete
    sessions  of the blocks that are kept
    hits      in them, in the columns of hits.parquet
    """

    path: Path | None
    sessions: list[dt.date] = field(repr=False)
    hits: pl.DataFrame = field(repr=False)
    interrupted: bool = True

    def resume(self, *, workers: int = 1, on_progress: Progress | None = None) -> Run:
        """Complete it, to the same bytes."""
        if self.path is None:
            raise RunError(
                "nothing is kept of it",
                expected="a run with complete blocks of sessions",
                fix="run it again",
            )
        return resume(self.path, workers=workers, on_progress=on_progress)


def run(
    config: ConfigLike,
    *,
    archive: str | Path | OpenMarket | None = None,
    start: Day | None = None,
    end: Day | None = None,
    universe: str | list[str] | None = None,
    on_corrupt: str | None = None,
    overrides: Overrides = (),
    out: str | Path = "runs",
    report: bool | None = None,
    audit: bool = True,
    audit_seed: int | None = None,
    workers: int = 1,
    on_progress: Progress | None = None,
    spell: Spell = str,
) -> Run:
    """Replay the sessions of a session config.

    Write what its scanners found and its strategies traded into a run directory.

    config       a JSON file, or what is in one, as a dict or a model; the module of a scanner may
                 be its class. The folder of a
                 run is repeated (`repeat`)
    archive      instead of the config's; without either parquet_data/demo
    start, end   first and last date, instead of the config's
    universe     of all scanners, instead of theirs
    on_corrupt   "stop" or "skip": what becomes of the run when a session's file cannot be read
    overrides    key.path -> value of any key of the config: {"account.starting_cash": 50_000}
    out          where the run directory goes
    report       whether report.html is written; where left out, if strategies traded and plotly is
                 installed
    audit        look for look-ahead at a few random ticks of one session; `audit_seed` draws them
    workers      processes that may share the run; the tables are the same bytes
    on_progress  called with what, done, of how many; a notebook and a terminal show it by
                 themselves where left out

    Raises BarsweepError for a mistake, and Interrupted, with an UnfinishedRun, when it is
    interrupted.
    """
    if isinstance(config, str | Path) and Path(config).is_dir():
        return repeat(
            config,
            archive=archive,
            start=start,
            end=end,
            universe=universe,
            on_corrupt=on_corrupt,
            overrides=overrides,
            out=None if out == "runs" else out,
            report=report,
            audit=audit,
            audit_seed=audit_seed,
            workers=workers,
            on_progress=on_progress,
            spell=spell,
        )
    check_order(start, end, spell)
    dates = _dates(start, end, on_corrupt)
    loaded = config_of(config, overrides)
    loaded = config_of(config, [*_texts(overrides), *dates, *universe_overrides(loaded, universe)])
    place = folder_of(archive) or loaded.resolve(loaded.config.archive or DEFAULT_ARCHIVE)
    with _interruptible(), telling(on_progress) as progress:
        done = execute_run(
            loaded, Archive.open(place), Path(out), by_session(progress), workers, audit, audit_seed
        )
    return _reported(Run(done.path, done), report)


def repeat(
    run: str | Path,
    *,
    archive: str | Path | OpenMarket | None = None,
    start: Day | None = None,
    end: Day | None = None,
    universe: str | list[str] | None = None,
    on_corrupt: str | None = None,
    overrides: Overrides = (),
    out: str | Path | None = None,
    report: bool | None = None,
    audit: bool = True,
    audit_seed: int | None = None,
    workers: int = 1,
    on_progress: Progress | None = None,
    spell: Spell = str,
) -> Run:
    """Repeat a run from its manifest, changed where that is asked for.

    Beside the other where `out` is left out.

    `changed` of the new run says what is not as it was then, but for what was asked for.
    """
    check_order(start, end, spell)
    before, folder = read_manifest(Path(run), unfinished=True), Path(run)
    asked = [*_texts(overrides), *_dates(start, end, on_corrupt)]
    loaded = loaded_of(before, folder)
    loaded = loaded_of(before, folder, [*asked, *universe_overrides(loaded, universe)])
    target = Path(out) if out else folder.absolute().parent
    with _interruptible(), telling(on_progress) as progress:
        bars = Archive.open(folder_of(archive) or Path(before["archive_path"]))
        done = execute_run(loaded, bars, target, by_session(progress), workers, audit, audit_seed)
    told = changes(before, read_manifest(done.path))
    wanted = bool(asked or universe)
    changed = tuple(change for change in told if not (wanted and change.startswith("config.")))
    return _reported(Run(done.path, done, changed), report)


def resume(
    run: str | Path,
    *,
    archive: str | Path | OpenMarket | None = None,
    report: bool | None = None,
    workers: int = 1,
    on_progress: Progress | None = None,
) -> Run:
    """Complete a run that was stopped or killed, to the same bytes.

    One that is complete is opened (its `finished` is None).
    """
    folder = Path(run)
    if finished(folder) is not None:
        return open_run(folder.with_name(folder.name.removesuffix(UNFINISHED)))
    with _interruptible(), telling(on_progress) as progress:
        done = resume_run(folder, folder_of(archive), by_session(progress), workers)
    return _reported(Run(done.path, done), report)


def open_run(path: str | Path) -> Run:
    """A run directory that is complete; RunError where there is none."""
    found = Run(Path(path))
    found.manifest  # noqa: B018  refuses what is none
    return found


def _dates(start: Day | None, end: Day | None, on_corrupt: str | None) -> list[str]:
    given = (("start_date", start), ("end_date", end), ("on_corrupt", on_corrupt))
    return [f"backtest_config.{key}={value}" for key, value in given if value]


def _texts(overrides: Overrides) -> Sequence[str]:
    return (
        [f"{key}={json.dumps(value)}" for key, value in overrides.items()]
        if isinstance(overrides, dict)
        else list(overrides)
    )


def _reported(run: Run, wanted: bool | None) -> Run:
    """With report.html, where it is wanted or goes without saying."""
    trades = run.finished is not None and run.finished.trading
    if wanted or (wanted is None and trades and importlib.util.find_spec("plotly") is not None):
        with writing(run.path), atomic_path(run.path / "report.html") as temporary:
            temporary.write_text(report_page(RunTables(run.path)), encoding="utf-8")
    return run


@contextmanager
def _interruptible() -> Iterator[None]:
    """What is kept of a run that is interrupted, read again."""
    try:
        yield
    except Interrupted as stopped:
        aside: Path | None = stopped.result
        blocks = kept_blocks(aside) if aside else []
        dates = [date for block in blocks for date in block.dates]
        left = UnfinishedRun(
            aside, dates, whole_frame([block.hits for block in blocks], HITS_SCHEMA)
        )
        raise Interrupted(left, f"interrupted after {len(dates)} sessions") from None
