"""Frames of what a scan or a run came to, from the blocks of summary.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

Told = Mapping[str, Mapping[str, Any]]  # scanner -> its block of summary.json
COUNTS = ("scans", "scanned", "hits", "symbols", "promoted", "errors")


def scanners_table(told: Told, milliseconds: Mapping[str, float]) -> pl.DataFrame:
    """A row a scanner: scans, scanned, hits, symbols, promoted, errors, ms."""
    rows = [
        (name, *(one[key] for key in COUNTS), milliseconds.get(name)) for name, one in told.items()
    ]
    schema = {"scanner": pl.String(), **dict.fromkeys(COUNTS, pl.Int64()), "ms": pl.Float64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def funnel_table(told: Told) -> pl.DataFrame:
    """How many symbols each clause left: scanner, clause, left, share (percent of those that were
    scanned, null of none).
    """
    rows = [
        (name, step, left, 100 * left / one["scanned"] if one["scanned"] else None)
        for name, one in told.items()
        for step, left in [("scanned", one["scanned"]), *one["funnel"].items()]
    ]
    schema = {
        "scanner": pl.String(),
        "clause": pl.String(),
        "left": pl.Int64(),
        "share": pl.Float64(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def left_out_table(told: Told) -> pl.DataFrame:
    """What each scanner's universe leaves out.

    `left later` is null where the universe does not tell.
    """
    rows = [
        (
            name,
            one["members"],
            one["without_data"],
            one["left_later"] if one["point_in_time"] else None,
            one["stopped"],
            f"{one['hits_stopped']:,} of {one['hits']:,}",
        )
        for name, one in told.items()
    ]
    counts = dict.fromkeys(("members", "without data", "left later", "stopped trading"), pl.Int64())
    return pl.DataFrame(
        rows, schema={"scanner": pl.String(), **counts, "hits in these": pl.String()}, orient="row"
    )


def latest(hits: pl.DataFrame, tz: str, form: str = "%Y-%m-%d %H:%M") -> pl.DataFrame:
    """Hits with ticks as text in a time zone, without columns that are empty."""
    local = hits.with_columns(pl.col("tick").dt.convert_time_zone(tz).dt.to_string(form))
    return local.select(name for name in local.columns if local[name].null_count() < len(local))
