"""Variants as scanners beside each other: the way for scanners of which nothing is known but that
they scan.

Files are decoded once, and indicators computed once, for so many variants at a time; each variant
scans by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from engine.analysis.evaluate import EXCURSIONS, Evaluation, Evaluator
from engine.archive.archive import Archive
from engine.errors import RunError
from engine.progress import Progress, silent
from engine.runs.batch_scan import scan_archive
from engine.sweep.checkpoints import Checkpoints
from engine.sweep.config_template import Template
from engine.sweep.figures import Asked
from engine.sweep.side_by_side import AT_ONCE, side_by_side


def judge_one_by_one(
    template: Template,
    scanner: int,
    variants: Sequence[Mapping[str, Any]],
    archive: Archive,
    asked: Asked,
    checkpoints: Checkpoints,
    progress: Progress,
) -> pl.DataFrame:
    """The figures of a scanner's variants, each a value of every parameter: a row a variant, in
    their order.
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
    configs = (template.config(values) for values in variants)
    for loaded, numbers in side_by_side(configs, scanner):
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
        for name, number in enumerate(numbers):
            figures[number] = _figures(
                by_name.get(str(name)), sessions, symbols.get(str(name), 0), asked.horizons
            )
    return figures


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
