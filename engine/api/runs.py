"""Runs of session configs, and what they leave in their run directories."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.api.notebook_html import facts_html
from engine.api.open_market import OpenMarket, folder_of
from engine.api.pages import report as write_report
from engine.api.pages import show as show_run
from engine.api.progress_display import by_session, telling
from engine.api.result_tables import funnel_table, left_out_table, scanners_table
from engine.api.scan_options import Day, Spell, check_order
from engine.api.scan_sources import (
    DEFAULT_ARCHIVE,
    ConfigLike,
    Overrides,
    config_of,
    loaded_from,
    universe_overrides,
)
from engine.archive.archive import Archive
from engine.archive.disk.atomic import atomic_path
from engine.archive.reading_cost import ReadingCost, reading_cost
from engine.errors import Interrupted, RunError
from engine.progress import Progress
from engine.report.run_page import report_page
from engine.runs.execute_run import FinishedRun, execute_run, resume_run
from engine.runs.growing_tables import whole_frame, writing
from engine.runs.provenance import UNFINISHED, changes, loaded_of, read_manifest
from engine.runs.run_directory import TRADING_TABLES, finished, kept_blocks
from engine.runs.run_tables import RunTables
from engine.schema import HITS_SCHEMA

if TYPE_CHECKING:
    from engine.api.evaluations import Evaluated
    from engine.api.explanations import Answer, NearMisses
    from engine.api.pages import Shown


@dataclass(frozen=True)
class Run:
    """A run directory; its tables are read when they are asked for.

    path      where it is
    finished  what there is to tell of a run that this process made; None of one that was there already
    changed   what was not as it was in the run that this one repeats, in words
    """

    path: Path
    finished: FinishedRun | None = field(default=None, repr=False)
    changed: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Config, digests, versions, times, peak memory, the audit."""
        return read_manifest(self.path)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The run in numbers: sessions, bars, hits, counts by scanner, trading, warnings."""
        told: dict[str, Any] = RunTables(self.path).summary
        return told

    @cached_property
    def hits(self) -> pl.DataFrame:
        """A row a hit: session, tick (UTC), scanner, symbol, rank, promoted, the features."""
        return self.table("hits")

    @cached_property
    def scans(self) -> pl.DataFrame:
        """A row a scan: scanned, qualified, promoted, how many symbols each clause left, the error if it failed."""
        return self.table("scans")

    @cached_property
    def trades(self) -> pl.DataFrame:
        """A row a trade, from flat to flat; empty where nothing traded."""
        return self.table("trades")

    @cached_property
    def equity(self) -> pl.DataFrame:
        """The account at every bar; empty where nothing traded."""
        return self.table("equity")

    def table(self, name: str) -> pl.DataFrame:
        """A table of the run directory: scans, hits, symbols, quality, timings, orders, fills, trades, equity."""
        path = self.path / f"{name}.parquet"
        if not path.exists() and name in TRADING_TABLES:
            return pl.DataFrame(schema=TRADING_TABLES[name])
        if not path.exists():
            there = sorted(file.stem for file in self.path.glob("*.parquet"))
            raise RunError(
                f"no table {name!r}", where=self.path, expected=f"one of {', '.join(there)}"
            )
        return pl.read_parquet(path)

    @property
    def metrics(self) -> dict[str, Any]:
        """Return, volatility, Sharpe ratio, drawdown, alpha, beta and the others of summary.json; empty where nothing traded."""
        return dict(self.summary["trading"]["metrics"]) if "trading" in self.summary else {}

    @property
    def scanners(self) -> pl.DataFrame:
        """A row a scanner: scans, scanned, hits, symbols, promoted, errors, ms."""
        return scanners_table(
            self.summary["scanners"], self.manifest.get("milliseconds_by_scanner", {})
        )

    @property
    def funnel(self) -> pl.DataFrame:
        """How many symbols each clause left, all scans together: scanner, clause, left, share (percent)."""
        return funnel_table(self.summary["scanners"])

    @property
    def left_out(self) -> pl.DataFrame:
        """What each scanner's universe leaves out (survivorship)."""
        return left_out_table(self.summary.get("survivorship", {}))  # runs of before have none

    @property
    def warnings(self) -> list[str]:
        """What is odd, in words; sessions that were skipped among it."""
        skipped = [
            f"session {session} was skipped: {why}"
            for session, why in self.summary["skipped_sessions"].items()
        ]
        return [*skipped, *self.summary["warnings"]]

    @property
    def failed(self) -> bool:
        """Whether a scanner or a strategy failed on the way, or a session was skipped."""
        return bool(self.manifest["exit_state"] == "failures")

    @property
    def looks_ahead(self) -> bool:
        """Whether the audit that runs along found that something does."""
        return bool((self.manifest.get("audit") or {}).get("differences"))

    def report(self, path: str | Path | None = None) -> Path:
        """Write the run's report as one HTML page (extra `charts`); into the run directory where left out."""
        return write_report(self.path, out=path)

    def show(
        self, symbol: str, session: str | dt.date | None = None, out: str | Path | None = None
    ) -> Shown:
        """All hits of a symbol, or one session's candles, indicators and hits as an HTML page."""
        return show_run(self.path, symbol, session, out=out)

    def evaluate(self, **options: Any) -> Evaluated:
        """What the hits did next; options as of `barsweep.evaluate`."""
        from engine.api.evaluations import evaluate

        return evaluate(self.path, **options)

    def explain(self, symbol: str, at: str | dt.datetime, scanner: str | None = None) -> Answer:
        """Why a symbol was found at a tick (exchange time), or why not; `scanner` names one of several."""
        from engine.api.explanations import answer_of

        return answer_of(*loaded_from(self.path, None), symbol, at, scanner)

    def near_misses(self, at: str | dt.datetime, scanner: str | None = None) -> NearMisses:
        """The symbols that failed exactly one clause at a tick."""
        from engine.api.explanations import misses_of

        return misses_of(*loaded_from(self.path, None), at, scanner)

    def reading_cost(self) -> ReadingCost | None:
        """What reading a session in place costs against an import; None for an archive that is imported."""
        archive = self.finished.archive if self.finished else loaded_from(self.path, None)[1]
        return reading_cost(archive, dt.date.fromisoformat(self.summary["last_session"]))

    def _repr_html_(self) -> str:
        one = self.summary
        facts = {
            "run": self.path,
            "sessions": f"{one['sessions']} ({one['first_session']} to {one['last_session']})",
            "bars": one["bars"],
            "hits": one["hits"],
            **{k: v for k, v in self.metrics.items() if v is not None},
            **{f"warning {n}": text for n, text in enumerate(self.warnings, 1)},
        }
        trades = [("trades", self.trades)] if len(self.trades) else []
        return facts_html(facts, ("scanners", self.scanners), ("funnel", self.funnel), *trades)


@dataclass(frozen=True)
class UnfinishedRun:
    """What is left of a run that was interrupted.

    path      its directory, NAME.unfinished, to be taken up by `barsweep.resume`; None where no block of sessions was complete
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
    """Replay the sessions of a session config; write what its scanners found and its strategies traded into a run directory.

    config       a JSON file, or what is in one, as a dict or a model; the module of a scanner may be its class. The folder of a
                 run is repeated (`repeat`)
    archive      instead of the config's; without either parquet_data/demo
    start, end   first and last date, instead of the config's
    universe     of all scanners, instead of theirs
    on_corrupt   "stop" or "skip": what becomes of the run when a session's file cannot be read
    overrides    key.path -> value of any key of the config: {"account.starting_cash": 50_000}
    out          where the run directory goes
    report       whether report.html is written; where left out, if strategies traded and plotly is installed
    audit        look for look-ahead at a few random ticks of one session; `audit_seed` draws them
    workers      processes that may share the run; the tables are the same bytes
    on_progress  called with what, done, of how many; a notebook and a terminal show it by themselves where left out

    Raises BarsweepError for a mistake, and Interrupted, with an UnfinishedRun, when it is interrupted.
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
    """Repeat a run from its manifest, changed where that is asked for; beside the other where `out` is left out.

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
    """Complete a run that was stopped or killed, to the same bytes; one that is complete is opened (its `finished` is None)."""
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
