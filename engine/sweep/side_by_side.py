"""Variants as scanners beside each other: one scan of the archive for many of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.config.load import LoadedConfig

AT_ONCE = 100  # variants whose hits are in memory together


def side_by_side(
    configs: Iterable[LoadedConfig], scanner: int
) -> list[tuple[LoadedConfig, list[int]]]:
    """Merge configs that differ only in one scanner into configs that hold all their scanners.

    scanner  place of the scanner in `session_data_config.scanners` of each config

    Returns merged configs, and for each the places in `configs` of what it merges. The scanners of
    a merged config are named 0, 1, ... in that order; it has no strategies.
    """
    groups: dict[str, tuple[LoadedConfig, list[Any], list[int]]] = {}
    for place, loaded in enumerate(configs):
        data = loaded.config.session_data_config
        rest = loaded.changed(
            strategies=[], session_data_config=data.model_copy(update={"scanners": []})
        )
        _, blocks, places = groups.setdefault(rest.digest, (rest, [], []))
        blocks.append(data.scanners[scanner].model_copy(update={"name": str(len(places))}))
        places.append(place)
    merged = []
    for rest, blocks, places in groups.values():
        data = rest.config.session_data_config.model_copy(update={"scanners": blocks})
        merged.append((rest.changed(session_data_config=data), places))
    return merged
