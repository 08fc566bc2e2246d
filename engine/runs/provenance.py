"""What the results of a run depend on: written into its manifest, held against what is there when it is taken up again."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import engine
from engine.archive.archive import Archive
from engine.config.load import LoadedConfig, check_config
from engine.config.models import SessionConfig
from engine.errors import ConfigError, RunError

LIBRARIES = ("polars", "numba", "numpy", "pyarrow", "pydantic", "exchange_calendars")
UNFINISHED = ".unfinished"  # at the end of a run directory's name, until it is complete


def provenance(loaded: LoadedConfig, archive: Archive) -> dict[str, Any]:
    """The block of the manifest: config, archive, files, plug-ins and versions, by digest."""
    return {
        "barsweep": engine.__version__,
        "config": loaded.config.model_dump(mode="json"),
        "config_digest": loaded.digest,
        "config_path": str(loaded.path.absolute()),
        "archive": archive.manifest.model_dump(mode="json"),
        "archive_path": str(archive.path.absolute()),
        "archive_digest": archive.digest(),
        "files": {name: _sha256(path) for name, path in _files(loaded)},
        "plug_ins": {name: _sha256(path) for name, path in _plug_ins(loaded.config)},
        "seeds": {},  # nothing but the audit is drawn by chance
        "versions": {"python": platform.python_version()}
        | {n: importlib.metadata.version(n) for n in LIBRARIES},
    }


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What results depend on and is not as it was, in words; both are manifests."""
    found = [
        f"{key}: {_short(a)}, now {_short(b)}"
        for key, a, b in config_changes(before["config"], now["config"])
    ]
    if before["archive_digest"] != now["archive_digest"]:
        found.append(
            f"archive: digest {before['archive_digest']}, now {now['archive_digest']} ({now['archive_path']})"
        )
    for kind, what in (("files", "file"), ("plug_ins", "code of"), ("versions", "version of")):
        old, new = before.get(kind), now.get(kind)
        if old is None or new is None:  # of a version that did not tell
            continue
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                found.append(f"{what} {name}: {_short(old.get(name))}, now {_short(new.get(name))}")
    if before["barsweep"] != now["barsweep"]:
        found.append(f"barsweep: {before['barsweep']}, now {now['barsweep']}")
    return found


def config_changes(before: Any, now: Any, key: str = "config") -> Iterator[tuple[str, Any, Any]]:
    """(key.path, value, other value) of what differs in two configs."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*before, *now]):
            yield from config_changes(before.get(name), now.get(name), f"{key}.{name}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from config_changes(one, other, f"{key}.{number}")
    elif before != now:
        yield key, before, now


def read_manifest(run: Path, unfinished: bool = False) -> dict[str, Any]:
    """manifest.json of a run directory; raises RunError, also for an unfinished one where that will not do."""
    try:
        manifest: dict[str, Any] = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
        manifest["config"], manifest["archive_path"], manifest["archive_digest"]
    except (OSError, ValueError, KeyError, TypeError):
        raise RunError(
            "no run directory", where=run, expected="a folder with the manifest.json of a run"
        ) from None
    if manifest.get("exit_state") == "unfinished" and not unfinished:
        raise RunError("is unfinished", where=run, fix="complete it: `barsweep run --resume RUN`")
    return manifest


def loaded_of(
    manifest: Mapping[str, Any], run: Path, overrides: Sequence[str] = ()
) -> LoadedConfig:
    """A run's config, with changes; it finds its files where it found them then. Raises ConfigError."""
    path = Path(manifest.get("config_path") or run / "manifest.json")
    return check_config(copy.deepcopy(manifest["config"]), path, overrides)


def archive_of(manifest: Mapping[str, Any], elsewhere: Path | None = None) -> Archive:
    """The archive that a run had, without the sessions that it skipped. Raises ArchiveError."""
    skipped = map(dt.date.fromisoformat, manifest.get("skipped_sessions", {}))
    return Archive.open(elsewhere or Path(manifest["archive_path"])).without(skipped)


def _files(loaded: LoadedConfig) -> Iterator[tuple[str, Path]]:
    """The files that plug-ins' parameters name, such as universes."""
    config = loaded.config
    settings = [
        value
        for one in config.session_data_config.scanners
        if one.enabled
        for value in one.config.values()
    ]
    settings += [value for one in config.strategies if one.enabled for value in one.config.values()]
    for text in dict.fromkeys(value for value in settings if isinstance(value, str)):
        try:
            path = loaded.resolve(text)
            if path.is_file():
                yield text, path
        except (ConfigError, OSError, ValueError):
            continue  # no path


def _plug_ins(config: SessionConfig) -> Iterator[tuple[str, Path]]:
    """The source files of the modules that hold the config's scanners and strategies."""
    modules = [one.module for one in config.session_data_config.scanners if one.enabled]
    modules += [one.module for one in config.strategies if one.enabled]
    for name in dict.fromkeys(module.partition(":")[0] for module in modules):
        source = getattr(
            sys.modules.get(name), "__file__", None
        )  # imported already: the run is set up
        if source and Path(source).is_file():
            yield name, Path(source)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
