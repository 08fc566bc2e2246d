"""A config whose plug-ins read another archive.

Paths in plug-ins' parameters are replaced by paths to changed copies where they lie in the archive,
are folders above it, or are membership files. Paths are found as such, in globs, in `file://`
addresses and in SQL (paths.py).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.archive.archive import Archive
from engine.audit.future import Future, membership_of
from engine.audit.paths import is_above, led
from engine.config.load import LoadedConfig
from engine.errors import BarsweepError

MIRROR = (
    "root"  # the folder in which the changed archive has the path that the archive has on the disk
)


def mirrored(folder: Path, path: Path) -> Path:
    """The place of an absolute path in a folder that mirrors the disk from its root."""
    return folder / MIRROR / path.resolve().relative_to(path.resolve().anchor)


@dataclass(frozen=True)
class Leads:
    """Maps paths of the archive to paths of the changed archive.

    archive, changed  the folders of both
    future            changes membership files
    folder            mirrors the disk around the changed archive, and holds changed copies
    """

    archive: Path
    changed: Path
    folder: Path
    future: Future
    made: dict[Path, Path] = field(default_factory=dict)

    def of(self, path: Path) -> Path:
        """The path to read instead of `path`; `path` itself where nothing changes."""
        inside, archive = path.resolve(), self.archive.resolve()
        if inside.is_relative_to(archive):
            return self.changed / inside.relative_to(archive)
        if is_above(inside, archive):
            return self._above(inside, archive)
        if inside not in self.made:
            intervals = membership_of(inside)
            if intervals is None:
                return path
            self.made[inside] = self.folder / f"membership-{len(self.made)}.parquet"
            self.future.membership(intervals).write_parquet(self.made[inside])
        return self.made[inside]

    def _above(self, above: Path, archive: Path) -> Path:
        """A mirror of the folder `above`: links to its entries, but the changed archive."""
        place = mirrored(self.folder, above)
        for folder in (one for one in archive.parents if one.is_relative_to(above)):
            for entry in folder.iterdir():
                link = mirrored(self.folder, folder) / entry.name
                if not archive.is_relative_to(entry) and not link.is_symlink():
                    link.symlink_to(entry)
        return place


@dataclass(frozen=True, kw_only=True)
class RedirectedConfig(LoadedConfig):
    """A config that resolves paths to changed copies."""

    leads: Leads

    def resolve(self, value: str) -> Path:
        """The absolute path for a path in the config, redirected."""
        return self.leads.of(super().resolve(value))


def redirected(
    loaded: LoadedConfig, archive: Archive, changed: Archive, future: Future, folder: Path
) -> LoadedConfig:
    """The config with all plug-in parameters redirected from `archive` to `changed`."""
    leads = Leads(archive.path, changed.path, folder, future)

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: moved(one) for key, one in value.items()}
        if isinstance(value, list):
            return [moved(one) for one in value]
        return (
            led(value, lambda path, varies: _lead(path, varies, loaded, leads))
            if isinstance(value, str) and value
            else value
        )

    config = loaded.config
    data = config.session_data_config
    scanners = [one.model_copy(update={"config": moved(one.config)}) for one in data.scanners]
    strategies = [one.model_copy(update={"config": moved(one.config)}) for one in config.strategies]
    update = {
        "session_data_config": data.model_copy(update={"scanners": scanners}),
        "strategies": strategies,
    }
    return RedirectedConfig(config.model_copy(update=update), loaded.path, loaded.made, leads=leads)


def _lead(text: str, varies: bool, loaded: LoadedConfig, leads: Leads) -> str | None:
    """The path to read instead of the path `text`; None where it stays.

    For a path that does not exist, the nearest existing folder above it is redirected.
    """
    written, rest = Path(os.path.expandvars(text)), Path()
    while written.name:
        try:
            path = loaded.resolve(str(written))
        except (BarsweepError, OSError, ValueError):
            written, rest = written.parent, written.name / rest
            continue
        found = leads.of(path)
        beyond = rest != Path() and not found.is_relative_to(
            leads.changed
        )  # "data/x", where there is a folder data above
        return None if found == path or beyond else str((found / rest).absolute())
    return None
