"""What an optimization leaves in its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.archive.archive import Archive
from engine.archive.disk.atomic import atomic_path
from engine.errors import WriteError
from engine.optimize.optimization import Optimized
from engine.runs.provenance import provenance

MANIFEST = "manifest.json"
HITS = "out_of_sample_hits.parquet"


def write(found: Optimized, archive: Archive, folder: Path) -> None:
    """Write tables, then the manifest, each whole or not at all."""
    tables = {
        "splits.parquet": found.splits,
        "out_of_sample.parquet": found.out_of_sample,
        "variants.parquet": found.variants,
        **({HITS: found.hits} if found.hits is not None else {}),
    }
    try:
        for name, table in tables.items():
            with atomic_path(folder / name) as temporary:
                table.write_parquet(temporary)
        with atomic_path(folder / MANIFEST) as temporary:
            temporary.write_text(
                json.dumps(manifest_of(found, archive), indent=2, default=str), "utf-8"
            )
    except OSError as error:
        raise WriteError.of(error, folder) from None


def manifest_of(found: Optimized, archive: Archive) -> dict[str, Any]:
    """The manifest: the best variant's config, its digests, the search, the panel on luck."""
    plan, validation = found.plan, found.plan.validation
    return provenance(found.sweep.config(found.best), archive) | {
        "optimize": {
            "objective": plan.objective.figure,
            "minimize": plan.objective.minimize,
            "search": plan.method.value,
            "drawn": found.sweep.drawn,
            "seed": plan.seed,
            "axes": {axis.name: list(axis.values) for axis in found.sweep.variants.axes},
            "variants": len(found.sweep.variants),
            "validation": vars(validation),
            "label_sessions": plan.objective.label,
            "splits": len(found.splits),
        },
        "best": {
            "variant": found.best,
            "parameters": found.sweep.variants.values(found.best),
            "figure": found.figure,
        },
        "trials": vars(found.trials),
        "luck": found.luck.as_dict() if found.luck else None,
        "seconds": found.seconds,
    }
