"""A config whose plug-ins read another archive: paths into the archive, and membership files, lead to changed copies."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from engine.archive.archive import Archive
from engine.archive.universe import is_membership, read_membership
from engine.audit.future import Future
from engine.config.load import LoadedConfig
from engine.errors import BarsweepError, UniverseError


@dataclass(frozen=True)
class Leads:
    """archive -> changed, in paths;  future changes files of membership"""

    archive: Path
    changed: Path
    future: Future
    made: dict[Path, Path] = field(default_factory=dict)

    def of(self, path: Path) -> Path:
        """Where a path leads now."""
        inside = path.resolve()
        if inside.is_relative_to(self.archive.resolve()):
            return self.changed / inside.relative_to(self.archive.resolve())
        if inside not in self.made:
            intervals = _membership(inside)
            if intervals is None:
                return path
            self.made[inside] = self.changed / f"membership-{len(self.made)}.parquet"
            self.future.membership(intervals).write_parquet(self.made[inside])
        return self.made[inside]


def _membership(path: Path) -> pl.DataFrame | None:
    """The intervals of a file of membership; None of anything else."""
    try:
        return read_membership(path) if path.is_file() and is_membership(path) else None
    except UniverseError:
        return None


@dataclass(frozen=True, kw_only=True)
class RedirectedConfig(LoadedConfig):
    """A config of which the paths are looked up anew."""

    leads: Leads

    def resolve(self, value: str) -> Path:
        """A path that the config names."""
        return self.leads.of(super().resolve(value))


def redirected(loaded: LoadedConfig, archive: Archive, changed: Archive, future: Future) -> LoadedConfig:
    """The config for a changed archive: its plug-ins' parameters that are paths into the archive are paths into the other."""
    leads = Leads(archive.path, changed.path, future)

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: moved(one) for key, one in value.items()}
        if isinstance(value, list):
            return [moved(one) for one in value]
        return _lead(value, loaded, leads) if isinstance(value, str) and value else value

    config = loaded.config
    data = config.session_data_config
    scanners = [one.model_copy(update={"config": moved(one.config)}) for one in data.scanners]
    strategies = [one.model_copy(update={"config": moved(one.config)}) for one in config.strategies]
    update = {"session_data_config": data.model_copy(update={"scanners": scanners}), "strategies": strategies}
    return RedirectedConfig(config.model_copy(update=update), loaded.path, loaded.made, leads=leads)


def _lead(value: str, loaded: LoadedConfig, leads: Leads) -> str:
    """A text that is a path, where it leads now; other texts as they are."""
    try:
        path = loaded.resolve(value)
    except (BarsweepError, OSError, ValueError):
        return value
    found = leads.of(path)
    return value if found == path else str(found.absolute())
