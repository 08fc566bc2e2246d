"""What is to be scanned or run, in any form that people have it, as one checked config."""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.api.scan_options import KNOWN, ScanOptions, Spell, check_order
from engine.archive.archive import Archive
from engine.clock.interval import Interval
from engine.clock.schedule import Schedule
from engine.config.load import LoadedConfig, check_config, load_config
from engine.config.models import SessionConfig
from engine.errors import BarsweepError, ConfigError, did_you_mean
from engine.runs.provenance import archive_of, loaded_of, read_manifest
from engine.scan.base import BaseScanner
from engine.scan.expression_language import conjuncts, parse_condition
from engine.scan.load_scanner import load_scanner_class

ScannerLike = str | type[BaseScanner] | BaseScanner
ConfigLike = str | Path | Mapping[str, Any] | SessionConfig
Overrides = (
    Mapping[str, Any] | Sequence[str]
)  # {"account.leverage": 2}, or as the command has them: "account.leverage=2"

CRITERIA = "scanners.criteria_scanner"
DEFAULT_ARCHIVE = "parquet_data/demo"  # of a config that names none
MODULE = re.compile(
    r"[^\s<>=!()]+"
)  # a module's path; what has a blank, a comparison or a call in it is an expression


@dataclass(frozen=True)
class _Part:
    """A scanner on its way into a config.

    module  as the config calls it
    fields  its parameters; none where it takes any, or has them already
    make    what makes it of its parameters, where no module holds it
    config  parameters it has already
    """

    module: str
    fields: Mapping[str, Any]
    make: Callable[[dict[str, Any]], BaseScanner] | None = None
    config: Mapping[str, Any] | None = None

    def takes(self, name: str) -> bool:
        """Whether a setting is for it."""
        return self.config is None and (not self.fields or name in self.fields)


def scan_config(
    archive: Archive, scanners: Sequence[ScannerLike], options: ScanOptions, spell: Spell = str
) -> LoadedConfig:
    """The config of scanners with options alone; ConfigError names the option that is wrong.

    Without a schedule, and not only before the open: every five minutes, or at the close where bars
    are daily.
    """
    _check_names(options)
    check_order(options.get("start"), options.get("end"), spell)
    scanners, where = _split(scanners, options.get("where"), spell)
    if not scanners and where is None:
        raise ConfigError(
            "no scanner",
            expected=(
                f"a scanner module such as scanners.momentum_scanner, or {spell('where')} "
                '"EXPRESSION"'
            ),
        )
    if options.get("features") and where is None:
        raise ConfigError(
            f"{spell('features')} without {spell('where')}",
            fix="a scanner module logs features of its own",
        )
    interval, pre_session = options.get("interval"), options.get("pre_session", False)
    daily = (
        Interval.parse(interval, spell("interval")) if interval else archive.manifest.base
    ).is_daily
    parts = [_part(scanner) for scanner in scanners]
    blocks = _blocks(parts, where, options, spell)
    ticks = _ticks(options.get("schedule")) or ([] if pre_session else _usual(archive, daily))
    data = {
        "scanners": [
            {**block, "pre_session": pre_session, "regular_session": ticks or None}
            for block in blocks
        ],
        "extended_hours": options.get("extended_hours", False),
        "benchmark": options.get("benchmark"),
        "interval": interval,
        "min_quality": options.get("min_quality"),
    }
    span = {
        "start_date": _day(options.get("start")),
        "end_date": _day(options.get("end")),
        "on_corrupt": options.get("on_corrupt", "stop"),
    }
    try:
        config = SessionConfig(mode="backtest", backtest_config=span, session_data_config=data)
    except ValidationError as error:
        problem = error.errors()[0]
        raise ConfigError(
            f"{problem['msg']} (got {problem['input']!r})", where=".".join(map(str, problem["loc"]))
        ) from None
    made = {
        block["module"]: part.make for block, part in zip(blocks, parts, strict=False) if part.make
    }
    # "options" stands for the config's file in messages.
    return LoadedConfig(config, Path("options"), made)


def config_of(config: ConfigLike, overrides: Overrides = ()) -> LoadedConfig:
    """A session config: a JSON file, or what is in one; a scanner's `module` may be a class.

    Raises ConfigError.
    """
    changes = (
        [f"{key}={json.dumps(value)}" for key, value in overrides.items()]
        if isinstance(overrides, Mapping)
        else overrides
    )
    if isinstance(config, str | Path):
        return load_config(Path(config), changes)
    made: dict[str, Any] = {}
    content = (
        config.model_dump(mode="json")
        if isinstance(config, SessionConfig)
        else _copied(config, made)
    )
    loaded = check_config(content, Path("config"), changes)
    return LoadedConfig(loaded.config, loaded.path, made)


def universe_overrides(loaded: LoadedConfig, universe: Any) -> list[str]:
    """Overrides that put a universe into every scanner of a config; none without a universe."""
    if universe is None:
        return []
    scanners, value = loaded.config.session_data_config.scanners, json.dumps(universe)
    return [
        f"session_data_config.scanners.{i}.config.universe={value}" for i in range(len(scanners))
    ]


def is_run_or_config(source: str | Path) -> bool:
    """Whether a source is a path, of a run directory or a config, and no scanner's module."""
    text = str(source)
    return (
        Path(text).is_dir()
        or text.endswith(".json")
        or (os.sep in text and MODULE.fullmatch(text) is not None)
    )


def loaded_from(
    path: Path, archive: Path | str | None, default: str | None = None, spell: Spell = str
) -> tuple[LoadedConfig, Archive]:
    """The config of a run directory or of a config file, and the archive: the given one, or that
    which it names.

    A run's archive is without the sessions that the run skipped. Raises ConfigError where there is
    no archive.
    """
    if path.suffix != ".json" and not path.exists():
        raise ConfigError("no such run directory or config", where=path)
    if path.is_dir():
        manifest = read_manifest(path)
        return loaded_of(manifest, path), archive_of(manifest, Path(archive) if archive else None)
    loaded = load_config(path)
    found = archive or (loaded.resolve(loaded.config.archive) if loaded.config.archive else default)
    if found is None:
        raise ConfigError(
            "no archive", where=path, expected=f"{spell('archive')}, or an archive in the config"
        )
    return loaded, Archive.open(found)


# -- scanners


def _split(
    scanners: Sequence[ScannerLike], where: str | None, spell: Spell
) -> tuple[list[ScannerLike], str | None]:
    """The scanners, and the one expression among them or beside them."""
    expressions = [
        one for one in scanners if isinstance(one, str) and not MODULE.fullmatch(one.strip())
    ]
    if expressions and (where is not None or len(expressions) > 1):
        raise ConfigError(
            "several expressions",
            where=spell("where"),
            expected="one of them",
            fix="join them with `and`",
        )
    return [one for one in scanners if one not in expressions], expressions[
        0
    ] if expressions else where


def _part(scanner: ScannerLike) -> _Part:
    if isinstance(scanner, str):
        return _Part(scanner, _fields(load_scanner_class(scanner)))
    kind = scanner if isinstance(scanner, type) else type(scanner)
    if not issubclass(kind, BaseScanner):
        raise ConfigError(
            f"{scanner!r} is no scanner",
            expected="a class that extends ColumnarScanner or BaseScanner, one made "
            "of it, its module's name, or an expression",
        )
    name = module_of(kind)
    if isinstance(scanner, type):
        return _Part(name or kind.__name__, _fields(kind), None if name else kind)
    return _Part(name or kind.__name__, {}, _copies_of(scanner), dict(scanner.config))


def module_of(kind: type[BaseScanner]) -> str | None:
    """The module path under which a config finds this very class.

    None where it would not (a notebook's).
    """
    if kind.__module__ == "__main__":
        return None
    for path in (kind.__module__, f"{kind.__module__}:{kind.__qualname__}"):
        try:
            if load_scanner_class(path) is kind:
                return path
        except BarsweepError:
            continue
    return None


def _copies_of(scanner: BaseScanner) -> Callable[[dict[str, Any]], BaseScanner]:
    """What makes a scanner like this one, as it was given to us.

    Of other parameters one of its class.
    """
    given, config = copy.deepcopy(scanner), dict(scanner.config)

    def make(parameters: dict[str, Any]) -> BaseScanner:
        return copy.deepcopy(given) if parameters == config else type(given)(parameters)

    return make


def _fields(kind: type[BaseScanner]) -> dict[str, Any]:
    """The parameters of a scanner; none where it takes any."""
    params = getattr(kind, "Params", None)
    return dict(params.model_fields) if params else {}


def _blocks(
    parts: Sequence[_Part], where: str | None, options: ScanOptions, spell: Spell
) -> list[dict[str, Any]]:
    """Each scanner's block of the config, with those settings that it has a parameter for.

    An expression's is the last.
    """
    universe = options.get("universe")
    given = {**(options.get("settings") or {}), **({"universe": universe} if universe else {})}
    everyone = [*parts, *([_part(CRITERIA)] if where is not None else [])]
    for key in given:
        if not any(part.takes(key) for part in everyone):
            raise ConfigError(
                f"{spell('settings')} {key}",
                expected="a parameter of a scanner that is run",
                fix=did_you_mean(key, {name for part in parts for name in part.fields}),
            )
    blocks: list[dict[str, Any]] = [
        {
            "module": part.module,
            "config": {**(part.config or {}), **{k: v for k, v in given.items() if part.takes(k)}},
        }
        for part in everyone
    ]
    if where is not None:
        parse_condition(where, spell("where"))
        clauses = {clause: clause for clause in conjuncts(where, spell("where"))}
        more = {"criteria": clauses, "features": dict(options.get("features") or {})}
        blocks[-1] = {
            "module": CRITERIA,
            "name": "where",
            "config": {**blocks[-1]["config"], **more},
        }
    labels = [block.get("name", block["module"]) for block in blocks]
    for number, block in enumerate(blocks):
        if labels.count(labels[number]) > 1:
            block["name"] = f"{labels[number]}.{labels[: number + 1].count(labels[number])}"
    _tell_apart(blocks, everyone)
    return blocks


def _tell_apart(blocks: Sequence[dict[str, Any]], parts: Sequence[_Part]) -> None:
    """Give scanners of no module that share a class name the names that the log has for them."""
    for block, part in zip(blocks, parts, strict=True):
        if part.make and "name" in block:
            block["module"] = block["name"]


def _copied(value: Any, made: dict[str, Any]) -> Any:
    """What is in a config, as JSON has it.

    Classes of scanners by the module that holds them, else put into `made`.
    """
    if isinstance(value, Mapping):
        return {key: _copied(one, made) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(one, made) for one in value]
    if isinstance(value, type) and issubclass(value, BaseScanner):
        name = module_of(value)
        if name is None:
            name = value.__name__
            if made.setdefault(name, value) is not value:
                raise ConfigError(
                    f"two scanners are called {name}",
                    where="config",
                    expected="a name of its own for each class",
                )
        return name
    return str(value) if isinstance(value, Path | dt.date) else value


# -- when, and from when to when


def _check_names(options: ScanOptions) -> None:
    for name in options:
        if name not in KNOWN:
            raise ConfigError(
                f"no option {name!r}",
                expected=f"one of {', '.join(KNOWN)}",
                fix=did_you_mean(name, KNOWN),
            )


def _day(value: str | dt.date | None) -> str | None:
    return str(value.date() if isinstance(value, dt.datetime) else value) if value else None


def _ticks(schedule: str | Sequence[str] | None) -> list[dict[str, str]]:
    return [
        _schedule(text) for text in ([schedule] if isinstance(schedule, str) else schedule or ())
    ]


def _schedule(text: str) -> dict[str, str]:
    if text.strip() == "close":
        return {"at": "close"}
    schedule = Schedule.parse(text)
    return {
        "start": str(schedule.start),
        "end": str(schedule.end),
        "interval": schedule.interval.name,
    }


def _usual(archive: Archive, daily: bool) -> list[dict[str, str]]:
    """Every five minutes of a full session, from five after its open to five before its close.

    Daily bars: at the close.

    Two schedules where the session opens the evening before.
    """
    if daily:
        return [{"at": "close"}]
    dates = archive.sessions(archive.manifest.base.name)
    if not dates:
        return [{"start": "09:35", "end": "15:55", "interval": "5m"}]
    session = max(archive.calendar.sessions(dates[0], dates[-1]), key=lambda s: s.minutes)
    step = max(5, archive.manifest.base.minutes)
    first, last = (
        dt.datetime.fromtimestamp(micros / 1e6, archive.calendar.tz)
        + dt.timedelta(minutes=sign * step)
        for micros, sign in ((session.open, 1), (session.close, -1))
    )
    parts = [(first, last)]
    if first.date() < session.date:
        before_midnight = (24 * 60 - 1 - first.hour * 60 - first.minute) // step
        evening, day = (
            first + dt.timedelta(minutes=step * count)
            for count in (before_midnight, before_midnight + 1)
        )
        parts = [(first, evening), (day, last)]
    return [{"start": f"{a:%H:%M}", "end": f"{b:%H:%M}", "interval": f"{step}m"} for a, b in parts]
