"""`barsweep run`."""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.adhoc import DEFAULT_ARCHIVE, universe_overrides
from engine.cli.options import (
    FILE,
    FOLDER,
    archive_option,
    check_order,
    format_option,
    iso_date,
    log_level_option,
    quiet_option,
    workers_option,
)  # fmt: skip
from engine.cli.output import (
    plug_ins_print_to_stderr,
    print_facts,
    print_json,
    print_table,
    progress_bar,
    say,
    tell_of_compiling,
    tell_reading_cost,
)  # fmt: skip
from engine.errors import ConfigError
from engine.log import set_up_logging

if TYPE_CHECKING:
    from engine.config.load import LoadedConfig
    from engine.results.run import FinishedRun
    from engine.results.summary import RunSummary


@click.command("run")
@click.argument("config", type=FILE, required=False)
@click.option("--from", "again", type=FOLDER, metavar="RUN", help="Repeat a run: its config and its archive, in place of CONFIG.")
@click.option("--resume", type=FOLDER, metavar="RUN", help="Complete a run that was stopped or killed, in place of CONFIG.")
@archive_option(required=False)
@click.option("--start", type=iso_date, metavar="DATE", help="First date, instead of the config's.")
@click.option("--end", type=iso_date, metavar="DATE", help="Last date, instead of the config's.")
@click.option("--universe", help='Universe of all scanners, instead of theirs: a file, or "all".')
@click.option(
    "--on-corrupt", type=click.Choice(["stop", "skip"]), help="What becomes of the run when a session's file cannot be read."
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change any key of the config; may be repeated.")
@click.option(
    "--out", type=FOLDER, help="Where the run directory goes; with --from, beside the other where left out.  [default: runs]"
)
@click.option(
    "--report/--no-report",
    default=None,
    help="Write report.html into the run directory; where left out, if strategies traded and plotly is installed.",
)
@click.option(
    "--audit/--no-audit",
    default=True,
    show_default=True,
    help="Look for look-ahead at a few random ticks of one session, for less than 5 % of the time.",
)
@click.option("--audit-seed", type=click.IntRange(0), help="Draws these ticks; the config's digest where left out.")
@workers_option
@format_option
@quiet_option
@log_level_option
def run_command(
    config: Path | None, again: Path | None, resume: Path | None, archive_path: Path | None, start: str | None, end: str | None,
    universe: str | None, on_corrupt: str | None, overrides: tuple[str, ...], out: Path | None, report: bool | None, audit: bool,
    audit_seed: int | None, workers: int, output_format: str, quiet: bool, log_level: str,
) -> int:  # fmt: skip
    """Replay the sessions of CONFIG; write what its scanners found and its strategies traded into a run directory.

    The archive and the dates come from the options, else from the config; without either, from
    parquet_data/demo and all that the archive holds. Exit status 1 says that a scanner or a strategy failed on the way, or that a
    session was skipped.

    While a run goes on its directory is called NAME.unfinished. If it is killed, --resume completes it to the same bytes: months
    that are done are kept (years, of daily bars); a run with strategies, or scanners whose lifecycle is their own, begins anew.
    """
    set_up_logging("error" if quiet else log_level)
    check_order(start, end)
    _check_source(config, again, resume, start, end, universe, on_corrupt, overrides, out)
    from engine.archive.archive import Archive
    from engine.results.run import execute_run, resume_run

    if resume and (status := _finished_already(resume)) is not None:
        return status
    dates = [f"backtest_config.{key}={value}"
             for key, value in (("start_date", start), ("end_date", end), ("on_corrupt", on_corrupt)) if value]  # fmt: skip
    with progress_bar(quiet) as progress, tell_of_compiling(quiet), plug_ins_print_to_stderr():

        def told(done: int, total: int, date: dt.date) -> None:
            progress(f"sessions: {date}", done, total)

        if resume:
            run = resume_run(resume, archive_path, told, workers)
        else:
            loaded, archive = _source(config, again, archive_path, universe, [*overrides, *dates])
            out = out or (again.absolute().parent if again else Path("runs"))
            run = execute_run(loaded, Archive.open(archive), out, told, workers, audit, audit_seed)
    _write_report(run, report)
    if again:
        _tell_of_changes(again, run, asked=bool(overrides or dates or universe))
    print_json(_as_json(run)) if output_format == "json" else _print_summary(run)
    if not quiet:
        tell_reading_cost(run.archive, dt.date.fromisoformat(run.summary.last), run.summary.sessions, run.seconds)
    return 1 if run.failures or (run.audit and run.audit.differences) else 0


def _check_source(config: Path | None, again: Path | None, resume: Path | None, *changes: object) -> None:
    """Refuse a run of nothing, of two things, and changes to a run that is resumed."""
    if sum(given is not None for given in (config, again, resume)) != 1:
        raise ConfigError("what to run", expected="one of CONFIG, --from RUN and --resume RUN")
    if resume and any(changes):
        raise ConfigError("--resume takes everything from the run", expected="no option that changes it",
                          fix="to repeat it with a change: `barsweep run --from RUN`")  # fmt: skip


def _finished_already(run: Path) -> int | None:
    """The exit status of a run that is complete; None of one that is not."""
    from engine.results.run_directory import finished

    manifest = finished(run)
    if manifest is None:
        return None
    say(f"{run} is complete", err=True)
    return 1 if manifest["exit_state"] == "failures" else 0


def _source(
    config: Path | None, again: Path | None, archive: Path | None, universe: str | None, overrides: list[str]
) -> tuple[LoadedConfig, Path]:  # fmt: skip
    """The config to run, changed, and the archive: the one that is given, else the one that it names."""
    from engine.config.load import load_config
    from engine.results.provenance import loaded_of, read_manifest

    if again:
        manifest = read_manifest(again, unfinished=True)
        loaded = loaded_of(manifest, again)
        loaded = loaded_of(manifest, again, [*overrides, *universe_overrides(loaded, universe)])
        return loaded, archive or Path(manifest["archive_path"])
    assert config is not None
    loaded = load_config(config, [*overrides, *universe_overrides(load_config(config), universe)])
    return loaded, archive or loaded.resolve(loaded.config.archive or DEFAULT_ARCHIVE)


def _tell_of_changes(again: Path, run: FinishedRun, asked: bool) -> None:
    """Say what is not as it was in the run that is repeated, but for what was asked for."""
    from engine.results.provenance import changes, read_manifest

    for change in changes(read_manifest(again, unfinished=True), read_manifest(run.path)):
        if not (asked and change.startswith("config.")):
            say(f"warning: not as in {again.name}: {change}", err=True)


def _write_report(run: FinishedRun, wanted: bool | None) -> None:
    """report.html, where it is wanted or goes without saying."""
    if wanted is False or (wanted is None and (not run.trading or importlib.util.find_spec("plotly") is None)):
        return
    from engine.archive.atomic import atomic_path
    from engine.results.report import report_page
    from engine.results.run_tables import RunTables
    from engine.results.tables import writing

    with writing(run.path), atomic_path(run.path / "report.html") as temporary:
        temporary.write_text(report_page(RunTables(run.path)), encoding="utf-8")


def _as_json(run: FinishedRun) -> dict[str, Any]:
    return (
        {"run": _shown(run.path), "seconds": round(run.seconds, 3)}
        | run.summary.as_dict(run.warnings)
        | {"audit": run.audit.as_dict() if run.audit else None}
        | run.trading
    )


def _shown(path: Path) -> str:
    """A path as people write it: from the current folder, where it is below that."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _print_summary(run: FinishedRun) -> None:
    summary = run.summary
    print_facts({
        "sessions": f"{summary.sessions} ({summary.first} to {summary.last})",
        "bars": summary.bars,
        "time": f"{run.seconds:.2f} s",
        "results": _shown(run.path),
        **({"look-ahead": run.audit.told} if run.audit else {}),
    })  # fmt: skip
    if run.trading:
        _print_trading(run.trading)
    if summary.scanners:
        say()
        print_scanners(summary)
    most = [(name, ", ".join(f"{symbol} {count}" for symbol, count in one.as_dict()["most_hits"].items()))
            for name, one in summary.scanners.items() if one.symbols]  # fmt: skip
    if most:
        say()
        print_table("most hits", ("scanner", "symbols"), most)
    for one in run.audit.differences if run.audit else ():
        say(
            f"warning: look-ahead: {one.what} {one.name} of {one.owner or one.symbol} at {one.time:%Y-%m-%d %H:%M}", err=True
        )
    print_warnings(summary, run.warnings)


def _print_trading(summary: dict[str, Any]) -> None:
    trading, failed = summary["trading"], {name: one for name, one in summary["strategies"].items() if one["errors"]}
    metrics, trades = trading["metrics"], trading["trades"]
    shown = ("cum_returns_final", "annual_return", "annual_volatility", "sharpe_ratio", "sortino_ratio", "max_drawdown", "alpha",
             "beta", "benchmark_return")  # fmt: skip
    say()
    print_facts({
        "equity": f"{trading['starting_cash']:,.2f} to {trading['final_equity']:,.2f}",
        "benchmark": trading["benchmark"],
        **{name: _figure(metrics[name]) for name in shown if metrics.get(name) is not None},
        "trades": trades["count"],
        **{name: _figure(trades[name]) for name in ("win_rate", "profit_factor", "pnl", "costs") if name in trades},
    })  # fmt: skip
    heads = ("strategy", "trades", "win rate", "pnl", "a trade", "profit factor", "costs")
    keys = ("count", "win_rate", "pnl", "expectancy", "profit_factor", "costs")
    say()
    print_table("strategies", heads, [(name, *(one[key] for key in keys)) for name, one in trading["by"]["strategy"].items()])
    for name, one in failed.items():
        first = one["first_errors"][0]
        say(f"warning: {name} failed in {one['errors']} sessions, first at {first['time']}: {first['error']}", err=True)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"


def print_scanners(summary: RunSummary) -> None:
    """Counts of each scanner, and the funnel."""
    columns = ("scanner", "scans", "scanned", "hits", "symbols", "promoted", "errors", "ms")
    rows = [
        (name, one.scans, one.scanned, one.hits, len(one.symbols), one.promoted, one.errors, one.elapsed_us / 1000)
        for name, one in summary.scanners.items()
    ]  # fmt: skip
    print_table("scanners", columns, rows)
    funnel = [(name, step, left, _share(left, one.scanned)) for name, one in summary.scanners.items()
              for step, left in [("scanned", one.scanned), *one.funnel.items()]]  # fmt: skip
    say()
    print_table("funnel: symbols left after each clause, all scans together", ("scanner", "clause", "left", "share"), funnel)
    _print_survivorship(summary)


def _print_survivorship(summary: RunSummary) -> None:
    from engine.results.survivorship import HEADS, survivorship_rows

    rows = survivorship_rows({name: one.as_dict() for name, one in summary.survivorship.items()})
    if rows:
        say()
        print_table("survivorship: what the universe leaves out", HEADS, rows)


def print_warnings(summary: RunSummary, warnings: Sequence[str]) -> None:
    """Sessions that were skipped, and what is odd, on stderr."""
    for session, reason in summary.skipped.items():
        say(f"warning: session {session} was skipped: {reason}", err=True)
    for warning in warnings:
        say(f"warning: {warning}", err=True)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3f} %" if whole else "-"
