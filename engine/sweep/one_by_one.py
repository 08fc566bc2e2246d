"""Variants as scanners beside each other.

The way for scanners of which nothing is known but that they scan.

Files are decoded once, and indicators computed once, for so many variants at a time; each variant
scans by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from engine.analysis.evaluate import EXCURSIONS, Evaluation, Evaluator
from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.errors import RunError
from engine.progress import Progress, silent
from engine.runs.batch_scan import scan_archive
from engine.sweep.checkpoints import Checkpoints
from engine.sweep.config_template import Template
from engine.sweep.figures import Asked

AT_ONCE = 100  # variants whose hits are in memory together


def judge_one_by_one(
    template: Template,
    scanner: int,
    variants: Sequence[Mapping[str, Any]],
    archive: Archive,
    asked: Asked,
    checkpoints: Checkpoints,
    progress: Progress,
) -> pl.DataFrame:
    """The figures of a scanner's variants, each a value of every parameter.

    A row a variant, in their order.
    """
    frames: list[pl.DataFrame] = []
    for first in range(0, len(variants), AT_ONCE):
        some = variants[first : first + AT_ONCE]
        frame = checkpoints.frame(scanner, some)
        if frame is None:
            frame = frame_of(_judge(template, scanner, some, archive, asked))
            checkpoints.keep(frame, scanner, some)
        frames.append(frame)
        progress("variants", first + len(some), len(variants))
    return pl.concat(frames)


def _judge(
    template: Template,
    scanner: int,
    variants: Sequence[Mapping[str, Any]],
    archive: Archive,
    asked: Asked,
) -> list[dict[str, Any]]:
    figures: list[dict[str, Any]] = [{}] * len(variants)
    for loaded, numbers in _together(template, scanner, variants):
        scan = scan_archive(loaded, archive, None, asked.first_hit, silent, keep=True)
        if scan.failures:
            raise RunError(
                f"{scan.failures} scans failed",
                where="sweep",
                fix="scan a variant alone to see why",
            )
        assert scan.hits is not None
        sessions = scan.summary.sessions
        own = Evaluator(scan.hits, archive).run(silent)
        by_name = {one.scanner: one for one in own}
        symbols = dict(scan.hits.group_by("scanner").agg(pl.col("symbol").n_unique()).iter_rows())
        for number in numbers:
            figures[number] = _figures(
                by_name.get(str(number)), sessions, symbols.get(str(number), 0), asked.horizons
            )
    return figures


def _together(
    template: Template, scanner: int, variants: Sequence[Mapping[str, Any]]
) -> list[tuple[LoadedConfig, list[int]]]:
    """Configs that hold variants as scanners, named by their places; one for each base config."""
    groups: dict[str, tuple[LoadedConfig, list[Any], list[int]]] = {}
    for number, values in enumerate(variants):
        loaded = template.config(values)
        data = loaded.config.session_data_config
        block = data.scanners[scanner].model_copy(update={"name": str(number)})
        rest = loaded.changed(
            strategies=[], session_data_config=data.model_copy(update={"scanners": []})
        )
        _, blocks, numbers = groups.setdefault(rest.digest, (rest, [], []))
        blocks.append(block)
        numbers.append(number)
    made = []
    for rest, blocks, numbers in groups.values():
        data = rest.config.session_data_config.model_copy(update={"scanners": blocks})
        made.append((rest.changed(session_data_config=data), numbers))
    return made


def _figures(
    one: Evaluation | None, sessions: int, symbols: int, horizons: Sequence[str]
) -> dict[str, Any]:
    hits = one.hits if one else 0
    found: dict[str, Any] = {
        "hits": hits,
        "hits_a_session": hits / sessions,
        "sessions": one.sessions if one else 0,
        "symbols": symbols,
    }
    for horizon in horizons:
        own = one.returns[horizon] if one else {}
        over = one.excess[horizon] if one else {}
        found[f"count_{horizon}"] = own.get("count", 0)
        if horizon not in EXCURSIONS:
            found[f"win_rate_{horizon}"] = own.get("win_rate")
        found |= {
            f"mean_{horizon}": own.get("mean"),
            f"excess_{horizon}": over.get("mean"),
            f"t_{horizon}": over.get("t"),
        }
    return found


def frame_of(figures: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Figures as columns."""
    counts = ("hits", "sessions", "symbols")
    schema = {
        name: pl.Int64() if name in counts or name.startswith("count_") else pl.Float64()
        for name in figures[0]
    }
    return pl.DataFrame(figures, schema=schema)
