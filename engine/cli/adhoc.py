"""A session config from options alone, for commands that take a scanner instead of a config."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from engine.archive.archive import Archive
    from engine.config.load import LoadedConfig

WHERE = "scanners.criteria_scanner"
DEFAULT_ARCHIVE = "parquet_data/demo"  # of a config that names none


def adhoc_config(
    archive: Archive, modules: Sequence[str], *, settings: Sequence[str] = (), where: str | None = None,
    features: Sequence[str] = (), schedules: Sequence[str] = (), pre_session: bool = False, start: str | None = None,
    end: str | None = None, universe: str | None = None, interval: str | None = None, extended_hours: bool = False,
    benchmark: str | None = None, min_quality: float | None = None, on_corrupt: str = "stop",
) -> LoadedConfig:  # fmt: skip
    """The config that the options mean; ConfigError names the option that is wrong.

    Without a schedule, and not only before the open: every five minutes, or at the close where bars are daily.
    """
    from pydantic import ValidationError

    from engine.clock.interval import Interval
    from engine.config.load import LoadedConfig
    from engine.config.models import SessionConfig

    if not modules and where is None:
        raise ConfigError("no scanner", expected='a scanner module such as scanners.momentum_scanner, or --where "EXPRESSION"')
    if features and where is None:
        raise ConfigError("--feature without --where", fix="a scanner module logs features of its own")
    daily = (Interval.parse(interval, "--interval") if interval else archive.manifest.base).is_daily
    blocks = _blocks(modules, where, features, settings, universe)
    ticks = [_schedule(text) for text in schedules] or ([] if pre_session else _usual(archive, daily))
    scanners = [{**block, "pre_session": pre_session, "regular_session": ticks or None} for block in blocks]
    data: dict[str, Any] = {"scanners": scanners, "extended_hours": extended_hours, "benchmark": benchmark, "interval": interval,
                            "min_quality": min_quality}  # fmt: skip
    span = {"start_date": start, "end_date": end, "on_corrupt": on_corrupt}
    try:
        config = SessionConfig(mode="backtest", backtest_config=span, session_data_config=data)
    except ValidationError as error:
        problem = error.errors()[0]
        raise ConfigError(f"{problem['msg']} (got {problem['input']!r})", where=".".join(map(str, problem["loc"]))) from None
    return LoadedConfig(config, Path("options"))  # in messages; files are looked up in the current folder


def _blocks(
    modules: Sequence[str], where: str | None, features: Sequence[str], settings: Sequence[str], universe: str | None
) -> list[dict[str, Any]]:  # fmt: skip
    """Each scanner with those settings that it has a parameter for."""
    from engine.scan.language import conjuncts, parse_condition

    given = [_setting(text) for text in settings] + ([("universe", universe)] if universe else [])
    used: set[str] = set()
    blocks: list[dict[str, Any]] = []
    for module in [*modules, *([WHERE] if where is not None else [])]:
        fields = _fields(module)
        own = {key: value for key, value in given if not fields or key in fields}
        used |= set(own)
        blocks.append({"module": module, "config": own})
    for key, _ in given:
        if key not in used:
            names = {name for module in modules for name in _fields(module)}
            raise ConfigError(f"--set {key}", expected="a parameter of a scanner that is run", fix=did_you_mean(key, names))
    if where is not None:
        parse_condition(where, "--where")
        named = dict(_setting(text, "--feature", plain=True) for text in features)
        clauses = {clause: clause for clause in conjuncts(where, "--where")}
        blocks[-1] = {"module": WHERE, "name": "where", "config": {**blocks[-1]["config"], "criteria": clauses, "features": named}}
    labels = [block.get("name", block["module"]) for block in blocks]
    for number, block in enumerate(blocks):
        if labels.count(labels[number]) > 1:
            block["name"] = f"{labels[number]}.{labels[: number + 1].count(labels[number])}"
    return blocks


def _fields(module: str) -> dict[str, Any]:
    """The parameters of a scanner; none where it takes any."""
    from engine.scan.module_loader import load_scanner_class

    params = getattr(load_scanner_class(module), "Params", None)
    return dict(params.model_fields) if params else {}


def _setting(text: str, option: str = "--set", plain: bool = False) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"{option} {text}", expected="NAME=VALUE such as min_price=10")
    if plain:
        return key.strip(), value
    try:
        return key.strip(), json.loads(value)
    except json.JSONDecodeError:
        return key.strip(), value


def _schedule(text: str) -> dict[str, str]:
    from engine.clock.schedule import Schedule

    if text.strip() == "close":
        return {"at": "close"}
    schedule = Schedule.parse(text)
    return {"start": str(schedule.start), "end": str(schedule.end), "interval": schedule.interval.name}


def _usual(archive: Archive, daily: bool) -> list[dict[str, str]]:
    """Every five minutes of a full session, from five after its open to five before its close; daily bars: at the close.

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
        dt.datetime.fromtimestamp(micros / 1e6, archive.calendar.tz) + dt.timedelta(minutes=sign * step)
        for micros, sign in ((session.open, 1), (session.close, -1))
    )
    parts = [(first, last)]
    if first.date() < session.date:
        before_midnight = (24 * 60 - 1 - first.hour * 60 - first.minute) // step
        evening, day = (first + dt.timedelta(minutes=step * count) for count in (before_midnight, before_midnight + 1))
        parts = [(first, evening), (day, last)]
    return [{"start": f"{a:%H:%M}", "end": f"{b:%H:%M}", "interval": f"{step}m"} for a, b in parts]


def is_run_or_config(source: str) -> bool:
    """Whether a command's argument is a path, of a run directory or a config, and no scanner's module."""
    return Path(source).is_dir() or source.endswith(".json") or os.sep in source


def loaded_from(path: Path, archive_path: Path | None, default: str | None = None) -> tuple[LoadedConfig, Archive]:
    """The config of a run directory or of a config file, and the archive: the given one, or that which it names.

    A run's archive is without the sessions that the run skipped. Raises ConfigError where there is no archive.
    """
    from engine.archive.archive import Archive
    from engine.config.load import load_config
    from engine.results.provenance import archive_of, loaded_of, read_manifest

    if path.suffix != ".json" and not path.exists():
        raise ConfigError("no such run directory or config", where=path)
    if path.is_dir():
        manifest = read_manifest(path)
        return loaded_of(manifest, path), archive_of(manifest, archive_path)
    loaded = load_config(path)
    found = archive_path or (loaded.resolve(loaded.config.archive) if loaded.config.archive else default)
    if found is None:
        raise ConfigError("no archive", where=path, expected="--archive, or an archive in the config")
    return loaded, Archive.open(found)


def of_scanner(module: str | None, archive_path: Path | None, options: dict[str, Any]) -> tuple[LoadedConfig, Archive]:
    """The config of a scanner's module, or of --where, and its archive; ConfigError where none is given."""
    from engine.archive.archive import Archive

    if archive_path is None:
        raise ConfigError("no archive", expected="--archive FOLDER for a scanner's module")
    archive = Archive.open(archive_path)
    return adhoc_config(archive, [module] if module else [], **options), archive


def universe_overrides(loaded: LoadedConfig, universe: str | None) -> list[str]:
    """Overrides that put a universe into every scanner of a config; none without a universe."""
    if universe is None:
        return []
    scanners, value = loaded.config.session_data_config.scanners, json.dumps(universe)
    return [f"session_data_config.scanners.{i}.config.universe={value}" for i in range(len(scanners))]
