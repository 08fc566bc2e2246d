"""The files that a sweep leaves in its folder, and the config of a variant read out of them."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from engine.archive.archive import Archive
from engine.archive.disk.atomic import atomic_path
from engine.config.load import LoadedConfig
from engine.errors import ConfigError, RunError, WriteError
from engine.runs.provenance import provenance
from engine.sweep.axes import Axis
from engine.sweep.config_template import Kind, Place, Template
from engine.sweep.run_sweep import SweepResult
from engine.sweep.sweep_page import sweep_page
from engine.sweep.sweep_spec import Sweep
from engine.sweep.variants import NUMBER, column_of

MANIFEST, VARIANTS, DAILY = "manifest.json", "variants.parquet", "daily_returns.parquet"
PAGE = "sweep.html"


def write(result: SweepResult, archive: Archive, folder: Path) -> None:
    """Write variants and manifest, each whole or not at all."""
    try:
        with atomic_path(folder / VARIANTS) as temporary:
            result.variants.write_parquet(temporary)
        if result.trading is not None:
            with atomic_path(folder / DAILY) as temporary:
                result.trading.daily().write_parquet(temporary)
        if importlib.util.find_spec("plotly") is not None:
            with atomic_path(folder / PAGE) as temporary:
                temporary.write_text(sweep_page(result), "utf-8")
        with atomic_path(folder / MANIFEST) as temporary:
            temporary.write_text(json.dumps(manifest_of(result, archive), indent=2), "utf-8")
    except OSError as error:
        raise WriteError.of(error, folder) from None


def digest_of(sweep: Sweep, archive: Archive) -> str:
    """16 hex digits of all that the figures of a variant depend on, but for its own values."""
    depends: dict[str, Any] = provenance(sweep.config(0), archive)
    for name in ("config", "config_digest", "config_path", "archive_path"):
        del depends[name]
    told = _told(sweep)
    parts = [depends, told["template"], told["places"], told["first_hit"], told["horizons"]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def known_of(folder: Path, digest: str) -> pl.DataFrame | None:
    """Variants and figures of an earlier sweep in a folder, where its digests are the same."""
    try:
        manifest = read_manifest(folder)
        return read_variants(folder) if manifest.get("sweep_digest") == digest else None
    except RunError:
        return None


def manifest_of(result: SweepResult, archive: Archive) -> dict[str, Any]:
    """What the figures depend on, what is swept, and how variants were judged."""
    sweep = result.sweep
    return provenance(sweep.config(0), archive) | {
        "sweep_digest": digest_of(sweep, archive),
        "sweep": _told(sweep),
        "ways": result.ways,
        "computed": result.computed,
        "warnings": list(result.warnings),
        "skipped_sessions": dict(result.skipped),
        "luck": {one.column: one.figures for one in result.luck},
        "seconds": result.seconds,
    }


def _told(sweep: Sweep) -> dict[str, Any]:
    """What is swept, as the manifest has it."""
    template = sweep.template
    return {
        "template": template.content,
        "places": {
            name: [[list(place.path), place.kind, place.pattern] for place in places]
            for name, places in template.places.items()
        },
        "axes": {axis.name: list(axis.values) for axis in sweep.variants.axes},
        "variants": len(sweep.variants),
        "drawn": sweep.drawn,
        "seed": sweep.seed,
        "first_hit": sweep.first_hit,
        "horizons": list(sweep.horizons),
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """manifest.json of a sweep's folder. Raises RunError."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest["sweep"]["axes"]
    except (OSError, ValueError, KeyError, TypeError):
        raise RunError(
            "no sweep", where=folder, expected="a folder that `barsweep sweep --out` wrote"
        ) from None
    return manifest


def read_variants(folder: Path) -> pl.DataFrame:
    """A row a variant: number, a column a swept parameter, the figures."""
    try:
        return pl.read_parquet(folder / VARIANTS)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunError(
            f"cannot be read: {str(error).splitlines()[0]}", where=folder / VARIANTS
        ) from None


def read_daily(folder: Path) -> pl.DataFrame | None:
    """A row a variant and session: number, session, return; None of a sweep without strategies."""
    return pl.read_parquet(folder / DAILY) if (folder / DAILY).exists() else None


def config_of(folder: Path, number: int) -> LoadedConfig:
    """The config of a variant of a sweep that was written.

    Raises ConfigError where there is no such variant.
    """
    manifest, variants = read_manifest(folder), read_variants(folder)
    if not 0 <= number < len(variants):
        raise ConfigError(
            f"no variant {number}",
            where=folder,
            expected=f"a number from 0 to {len(variants) - 1:,}",
        )
    told = manifest["sweep"]
    row = variants.row(number, named=True)
    assert row[NUMBER] == number
    template = Template(
        told["template"], Path(manifest["config_path"]), {}, _places(told["places"])
    )
    return template.config(
        {
            name: _value(Axis(name, tuple(values)), row[name])
            for name, values in told["axes"].items()
        }
    )


def _places(told: Mapping[str, Any]) -> dict[str, tuple[Place, ...]]:
    return {
        name: tuple(Place(tuple(path), Kind(kind), pattern) for path, kind, pattern in places)
        for name, places in told.items()
    }


def _value(axis: Axis, shown: Any) -> Any:
    """An axis' value of what its column shows of it."""
    return axis.values[column_of(axis).to_list().index(shown)]
