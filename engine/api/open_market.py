"""An archive that is open: its bars, and the configs that scanners mean over it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack, cast

from engine.api.scan_options import ScanOptions, Spell
from engine.api.scan_sources import ScannerLike, config_of, scan_config
from engine.archive.archive import Archive
from engine.archive.decoded_archive import KeptArchive, KeptBars
from engine.archive.disk import layout
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.errors import ConfigError

GIGABYTE = 1 << 30
Scannable = ScannerLike | Mapping[str, Any] | SessionConfig


class OpenMarket:
    """An archive that is open.

    What it keeps of decoded bars is its own: it goes with the market, or when `forget` is called. Files that have changed since
    (an import, say) are read again. Threads may share a market.
    """

    def __init__(self, path: str | Path, *, keep: int = GIGABYTE, spell: Spell = str):
        self.path = Path(path).absolute()
        self._kept, self._spell = KeptBars(keep), spell
        self.read()  # refuses what is no archive

    @property
    def archive(self) -> Archive:
        """The archive as its files are now."""
        return self.read()

    @property
    def exchange(self) -> str:
        """Market identifier code."""
        return self.archive.exchange

    @property
    def intervals(self) -> tuple[str, ...]:
        """Names of the intervals of bars that there are."""
        return self.archive.intervals

    def sessions(self, interval: str | None = None) -> list[dt.date]:
        """The dates that have bars of an interval, increasing; of the archive's shortest where left out."""
        archive = self.archive
        return archive.sessions(interval or archive.manifest.base.name)

    def symbols(self) -> list[str]:
        """All symbols, sorted."""
        return self.archive.symbols()

    def forget(self) -> None:
        """Let go of the decoded bars that are kept."""
        self._kept.forget()

    def config(self, *scanners: Scannable, **options: Unpack[ScanOptions]) -> SessionConfig:
        """The session config that scanners and options mean, for `run`."""
        return self.loaded(*scanners, **options).config

    def loaded(self, *scanners: Scannable, **options: Unpack[ScanOptions]) -> LoadedConfig:
        """The same, with the classes of scanners that no module holds."""
        if len(scanners) == 1 and isinstance(scanners[0], Mapping | SessionConfig):
            if options:
                raise ConfigError(
                    f"{', '.join(options)} with a config",
                    expected="the config alone",
                    fix="say it in the config",
                )
            return config_of(scanners[0])
        return scan_config(
            self.archive, cast(Sequence[ScannerLike], scanners), options, self._spell
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def read(self) -> Archive:
        """The archive as its files are now, with what is kept of it."""
        manifest = layout.read_manifest(self.path)
        return (
            KeptArchive(self.path, manifest, kept=self._kept)
            if self._kept.limit
            else Archive(self.path, manifest)
        )


def open_market(
    archive: str | Path | OpenMarket, *, keep: int = GIGABYTE, spell: Spell = str
) -> OpenMarket:
    """The archive in a folder, opened; an archive that is open already is returned as it is."""
    return (
        archive if isinstance(archive, OpenMarket) else OpenMarket(archive, keep=keep, spell=spell)
    )


def folder_of(archive: str | Path | OpenMarket | None) -> Path | None:
    """The folder of an archive that is open, or named by its path."""
    if isinstance(archive, OpenMarket):
        return archive.path
    return None if archive is None else Path(archive)
