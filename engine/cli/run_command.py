"""`barsweep run`: Replay a session config over its archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import (
    print_facts,
    print_json,
    print_scanners,
    print_table,
    print_warnings,
    progress_bar,
    say,
    tell_of_compiling,
    tell_reading_cost,
)
from engine.cli.shared_options import (
    FILE,
    FOLDER,
    archive_option,
    format_option,
    iso_date,
    log_level_option,
    quiet_option,
    spell,
    workers_option,
)
from engine.errors import ConfigError
from engine.log import set_up_logging
from engine.runtime.stdout import plug_ins_print_to_stderr

if TYPE_CHECKING:
    from engine.api import Run


@click.command("run")
@click.argument("config", type=FILE, required=False)
@click.option(
    "--from",
    "again",
    type=FOLDER,
    metavar="RUN",
    help="Repeat a run: its config and its archive, in place of CONFIG.",
)
@click.option(
    "--resume",
    type=FOLDER,
    metavar="RUN",
    help="Complete a run that was stopped or killed, in place of CONFIG.",
)
@archive_option(required=False)
@click.option("--start", type=iso_date, metavar="DATE", help="First date, instead of the config's.")
@click.option("--end", type=iso_date, metavar="DATE", help="Last date, instead of the config's.")
@click.option("--universe", help='Universe of all scanners, instead of theirs: a file, or "all".')
@click.option(
    "--on-corrupt",
    type=click.Choice(["stop", "skip"]),
    help="What becomes of the run when a session's file cannot be read.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change any key of the config; may be repeated.",
)
@click.option(
    "--out",
    type=FOLDER,
    help=(
        "Where the run directory goes; with --from, beside the other where left out.  [default: "
        "runs]"
    ),
)
@click.option(
    "--report/--no-report",
    default=None,
    help=(
        "Write report.html into the run directory; where left out, if strategies traded and "
        "plotly is installed."
    ),
)
@click.option(
    "--audit/--no-audit",
    default=True,
    show_default=True,
    help="Look for look-ahead at a few random ticks of one session, for less than 5 % of the time.",
)
@click.option(
    "--audit-seed",
    type=click.IntRange(0),
    help="Draws these ticks; the config's digest where left out.",
)
@workers_option
@format_option
@quiet_option
@log_level_option
def run_command(
    config: Path | None,
    again: Path | None,
    resume: Path | None,
    archive_path: Path | None,
    out: Path | None,
    report: bool | None,
    workers: int,
    output_format: str,
    quiet: bool,
    log_level: str,
    **options: Any,
) -> int:
    """Replay the sessions of CONFIG.

    Write what its scanners found and its strategies traded into a run directory.

    The archive and the dates come from the options, else from the config; without either, from
    parquet_data/demo and all that the archive holds. Exit status 1 says that a scanner or a
    strategy failed on the way, or that a session was skipped.

    While a run goes on its directory is called NAME.unfinished. If it is killed, --resume completes
    it to the same bytes: months that are done are kept (years, of daily bars); a run with
    strategies, or scanners whose lifecycle is their own, begins anew.
    """
    set_up_logging("error" if quiet else log_level)
    changes = [options[name] for name in ("start", "end", "universe", "on_corrupt", "overrides")]
    _check_source(config, again, resume, *changes, out)
    from engine import api

    with progress_bar(quiet) as progress, tell_of_compiling(quiet), plug_ins_print_to_stderr():
        told: dict[str, Any] = {
            "archive": archive_path,
            "report": report,
            "workers": workers,
            "on_progress": progress,
        }
        if resume:
            run = api.resume(resume, **told)
        elif again:
            run = api.repeat(again, out=out, spell=spell, **told, **options)
        else:
            run = api.run(config or "", out=out or "runs", spell=spell, **told, **options)
    if run.finished is None:
        say(f"{resume} is complete", err=True)
        return 1 if run.failed else 0
    for change in run.changed:
        say(f"warning: not as in {again.name if again else ''}: {change}", err=True)
    print_json(_as_json(run)) if output_format == "json" else _print_summary(run)
    if not quiet:
        tell_reading_cost(run.reading_cost(), run.finished.summary.sessions, run.finished.seconds)
    return 1 if run.failed or run.looks_ahead else 0


def _check_source(
    config: Path | None, again: Path | None, resume: Path | None, *changes: object
) -> None:
    """Refuse a run of nothing, of two things, and changes to a run that is resumed."""
    if sum(given is not None for given in (config, again, resume)) != 1:
        raise ConfigError("what to run", expected="one of CONFIG, --from RUN and --resume RUN")
    if resume and any(changes):
        raise ConfigError(
            "--resume takes everything from the run",
            expected="no option that changes it",
            fix="to repeat it with a change: `barsweep run --from RUN`",
        )


def _as_json(run: Run) -> dict[str, Any]:
    done = run.finished
    assert done is not None
    return (
        {"run": _shown(run.path), "seconds": round(done.seconds, 3)}
        | done.summary.as_dict(done.warnings)
        | {"audit": done.audit.as_dict() if done.audit else None}
        | done.trading
    )


def _shown(path: Path) -> str:
    """A path as people write it: from the current folder, where it is below that."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _print_summary(run: Run) -> None:
    done = run.finished
    assert done is not None
    summary = done.summary
    print_facts(
        {
            "sessions": f"{summary.sessions} ({summary.first} to {summary.last})",
            "bars": summary.bars,
            "time": f"{done.seconds:.2f} s",
            "results": _shown(run.path),
            **({"look-ahead": done.audit.told} if done.audit else {}),
        }
    )
    if done.trading:
        _print_trading(done.trading)
    if summary.scanners:
        say()
        print_scanners(run.scanners, run.funnel, run.left_out)
    most = [
        (
            name,
            ", ".join(f"{symbol} {count}" for symbol, count in one.as_dict()["most_hits"].items()),
        )
        for name, one in summary.scanners.items()
        if one.symbols
    ]
    if most:
        say()
        print_table("most hits", ("scanner", "symbols"), most)
    for one in done.audit.differences if done.audit else ():
        say(
            f"warning: look-ahead: {one.what} {one.name} of {one.owner or one.symbol} at "
            f"{one.time:%Y-%m-%d %H:%M}",
            err=True,
        )
    print_warnings(run.warnings)


def _print_trading(summary: dict[str, Any]) -> None:
    trading, failed = (
        summary["trading"],
        {name: one for name, one in summary["strategies"].items() if one["errors"]},
    )
    metrics, trades = trading["metrics"], trading["trades"]
    shown = (
        "cum_returns_final",
        "annual_return",
        "annual_volatility",
        "sharpe_ratio",
        "sortino_ratio",
        "max_drawdown",
        "alpha",
        "beta",
        "benchmark_return",
    )
    say()
    print_facts(
        {
            "equity": f"{trading['starting_cash']:,.2f} to {trading['final_equity']:,.2f}",
            "benchmark": trading["benchmark"],
            **{name: _figure(metrics[name]) for name in shown if metrics.get(name) is not None},
            "trades": trades["count"],
            **{
                name: _figure(trades[name])
                for name in ("win_rate", "profit_factor", "pnl", "costs")
                if name in trades
            },
            **({"won, lost": _won_and_lost(trades)} if trades["count"] else {}),
        }
    )
    heads = ("strategy", "trades", "win rate", "pnl", "a trade", "profit factor", "costs")
    keys = ("count", "win_rate", "pnl", "expectancy", "profit_factor", "costs")
    say()
    print_table(
        "strategies",
        heads,
        [(name, *(one[key] for key in keys)) for name, one in trading["by"]["strategy"].items()],
    )
    for name, one in failed.items():
        first = one["first_errors"][0]
        say(
            f"warning: {name} failed in {one['errors']} sessions, first at {first['time']}: "
            f"{first['error']}",
            err=True,
        )


def _won_and_lost(trades: dict[str, Any]) -> str:
    """What a win rate is made of."""
    open_ones = (
        f"; {trades['open']:,} of them still open, at their value so far" if trades["open"] else ""
    )
    return (
        f"{trades['won']:,} won, {trades['lost']:,} lost, {trades['break_even']:,} broke even, "
        f"which is not won{open_ones}"
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"
