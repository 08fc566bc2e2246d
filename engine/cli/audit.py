"""`barsweep audit`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.adhoc import DEFAULT_ARCHIVE, is_run_or_config, loaded_from, of_scanner, universe_overrides
from engine.cli.options import archive_option, format_option, log_level_option, quiet_option, scan_options
from engine.cli.output import print_facts, print_json, print_table, progress_bar
from engine.errors import ConfigError
from engine.log import set_up_logging

if TYPE_CHECKING:
    from engine.archive.archive import Archive
    from engine.audit.difference import Difference
    from engine.audit.look_ahead import AuditOptions, LookAheadAudit, Replay
    from engine.audit.warm_up import WarmUpAudit
    from engine.config.load import LoadedConfig

OF_A_CONFIG = ("start", "end", "universe", "settings")  # options that a config or a run takes too


@click.command("audit")
@click.argument("source", required=False, metavar="[CONFIG_OR_SCANNER]")
@click.option("--ticks", type=click.IntRange(1), default=5, show_default=True, help="Random ticks a session.")
@click.option("--sessions", type=click.IntRange(1), default=1, show_default=True, help="Random sessions.")
@click.option(
    "--before", type=click.IntRange(0), default=3, show_default=True,
    help="Sessions to replay before the audited one, so that strategies hold something.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Draws sessions, ticks and futures.")
@click.option("--warm-up/--no-warm-up", "warm_up", default=True, help="Also replay with longer warm-ups.", show_default=True)
@archive_option(required=False)
@scan_options
@format_option
@quiet_option
@log_level_option
def audit_command(
    source: str | None, ticks: int, sessions: int, before: int, seed: int, warm_up: bool, archive_path: Path | None,
    output_format: str, quiet: bool, log_level: str, **options: Any,
) -> int:  # fmt: skip
    """Prove that nothing looks ahead: replay random ticks with the future cut off, and with another one.

    CONFIG_OR_SCANNER is a session config, a run directory, or a scanner's module; a module and --where take the options of
    `barsweep scan`, a config --start, --end, --universe and --set KEY=VALUE. What was known up to a tick is compared: columns of
    the cross-section, members of universes, clauses, features, ranks, hits, promotions, orders, fills, trades, equity. Exit
    status 1 says that something differs, that a scanner or a strategy failed, or that the archive's bars themselves speak against
    their interval or their label, which no replay can see.
    """
    set_up_logging("error" if quiet else log_level)
    from engine.audit.look_ahead import AuditOptions, audit_look_ahead
    from engine.audit.warm_up import audit_warm_up

    loaded, archive = _source(source, archive_path, options)
    asked = AuditOptions(ticks, sessions, before, seed)
    with progress_bar(quiet) as progress:
        audit = audit_look_ahead(loaded, archive, asked, progress)
        warm = audit_warm_up(loaded, archive, asked, progress) if warm_up else None
    if output_format == "json":
        print_json(_as_json(asked, audit, warm))
    else:
        _print(asked, audit)
        if warm is not None:
            _print_warm_up(warm)
    for text in [*audit.warnings, *(f"failed, so not audited: {one}" for one in audit.failures)]:
        click.echo(f"warning: {text}", err=True)
    for text in audit.bars:
        click.echo(f"warning: the archive's bars are not what they are taken for: {text}; see `barsweep archive check`", err=True)
    return 1 if audit.differences or audit.failures or audit.bars else 0


def _source(source: str | None, archive_path: Path | None, options: dict[str, Any]) -> tuple[LoadedConfig, Archive]:
    if source and is_run_or_config(source):
        return _changed_config(Path(source), archive_path, options)
    return of_scanner(source, archive_path, options)


def _changed_config(path: Path, archive_path: Path | None, options: dict[str, Any]) -> tuple[LoadedConfig, Archive]:
    """A config or a run's, with what the options change."""
    from engine.config.load import load_config

    strange = [name for name, value in options.items() if value and name not in OF_A_CONFIG]
    if strange:
        raise ConfigError(f"--{strange[0].rstrip('s').replace('_', '-')} with a config", where=path,
                          expected="--start, --end, --universe and --set KEY=VALUE")  # fmt: skip
    loaded, archive = loaded_from(path, archive_path, DEFAULT_ARCHIVE)
    changes = [f"backtest_config.{key}_date={options[key]}" for key in ("start", "end") if options[key]]
    changes += universe_overrides(loaded, options["universe"])
    if path.is_dir() and (changes or options["settings"]):
        raise ConfigError("changes to a run", where=path, expected="a run directory as it is, or a config to change")
    if changes or options["settings"]:
        loaded = load_config(path, [*options["settings"], *changes])
    return loaded, archive


def _print(asked: AuditOptions, audit: LookAheadAudit) -> None:
    from engine.audit.future import FUTURES

    sessions = sorted({replay.session for replay in audit.replays})
    ticks = {replay.tick for replay in audit.replays if replay.future in FUTURES}
    print_facts({
        "sessions": ", ".join(map(str, sessions)),
        "ticks": ", ".join(f"{tick:%Y-%m-%d %H:%M}" if len(sessions) > 1 else f"{tick:%H:%M}" for tick in sorted(ticks)),
        "replays": f"{len(audit.replays)}: {', '.join(dict.fromkeys(replay.future for replay in audit.replays))}",
        "values": f"{audit.values:,} of cross-sections compared",
        "seed": asked.seed,
        "look-ahead": f"{len(audit.differences)} differences" if audit.differences else "none found",
        **({"bars": "not what they are taken for"} if audit.bars else {}),
    })  # fmt: skip
    if audit.differences:
        click.echo()
        heads = ("what", "scanner or strategy", "name", "symbol", "first at", "is", "is then", "values", "in the replay")
        print_table("known at the time, and another thing in a replay", heads, [_row(*one) for one in audit.differences])


def _row(replay: Replay, one: Difference) -> tuple[Any, ...]:
    from engine.audit.future import FUTURES

    return (
        one.what, one.owner or "-", one.name, one.symbol or "-", f"{one.time:%Y-%m-%d %H:%M}", _shown(one.whole),
        _shown(one.other), one.count, f"{replay.future} at {replay.tick:%H:%M}" if replay.future in FUTURES else replay.future,
    )  # fmt: skip


def _print_warm_up(warm: WarmUpAudit) -> None:
    from engine.audit.warm_up import FACTORS

    columns = ("indicator", "warm-up", "there", "times", "moved", "of", "largest change", "appeared", "symbol", "session")
    rows = [
        (one.indicator, one.sessions, one.there, f"{one.factor:g}", one.moved, one.values, f"{one.change:.1e}", one.appeared,
         one.symbol or "-", one.session)
        for one in warm.moving
    ]  # fmt: skip
    indicators, moving, short = ({one.indicator for one in some} for some in (warm.movements, warm.moving, warm.cut_short))
    longer = " and ".join(f"{factor:g}" for factor in FACTORS)
    found, others = sum(hits for _, _, hits, _ in warm.hits), sum(other for *_, other in warm.hits)
    click.echo()
    print_facts({
        "warm-up": f"{len(moving)} of {len(indicators)} indicators move with {longer} times as long a one",
        "hits": f"{others:,} others, of {found:,}" if others else "the same",
        **({"cut short": f"the archive begins too late to try it: {', '.join(sorted(short))}"} if short else {}),
    })  # fmt: skip
    if rows:
        click.echo()
        print_table("warm-up: sessions needed and there, and what moves with more", columns, rows)


def _as_json(asked: AuditOptions, audit: LookAheadAudit, warm: WarmUpAudit | None) -> dict[str, Any]:
    found = [{"session": replay.session, "cut": replay.tick, "future": replay.future} | dataclasses.asdict(one)
             for replay in audit.replays for one in replay.differences]  # fmt: skip
    return {
        "options": dataclasses.asdict(asked),
        "replays": [{"session": one.session, "tick": one.tick, "future": one.future, "differences": len(one.differences)}
                    for one in audit.replays],
        "values": audit.values, "differences": found, "failures": audit.failures, "warnings": audit.warnings,
        "bars": audit.bars,
        "warm_up": None if warm is None else {
            "indicators": [dataclasses.asdict(one) for one in warm.movements],
            "hits": [dict(zip(("session", "factor", "hits", "others"), one, strict=True)) for one in warm.hits],
        },
    }  # fmt: skip


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
