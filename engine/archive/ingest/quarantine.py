"""Rows that an import puts aside because they cannot be bars, each with its reason.

They are collected in the staging folder (`staging.py`) and end in one file of the archive,
quarantine/IMPORT.parquet.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from engine.archive.disk.atomic import atomic_path
from engine.archive.ingest.staging import Staging


def quarantine_reasons(staging: Staging) -> tuple[Counter[str], dict[str, pl.DataType]]:
    """Reason -> rows put aside, and the union of those rows' columns (name -> dtype)."""
    reasons: Counter[str] = Counter()
    schema: dict[str, pl.DataType] = {}
    for rows in staging.quarantined():
        reasons.update(dict(sorted(rows["reason"].value_counts().iter_rows())))
        schema |= rows.schema
    return reasons, schema


def write_quarantine(staging: Staging, target: Path, schema: dict[str, pl.DataType]) -> None:
    """Write the rows put aside as one Parquet file with the columns of `schema`.

    The file is written piece by piece, so that memory never holds all rows; columns that a piece
    lacks are null.
    """
    arrow = pl.DataFrame(schema=schema).to_arrow().schema
    with (
        atomic_path(target) as path,
        pq.ParquetWriter(path, arrow, compression="zstd") as writer,
    ):
        for rows in staging.quarantined():
            missing = [
                pl.lit(None, dtype).alias(name)
                for name, dtype in schema.items()
                if name not in rows.columns
            ]
            writer.write_table(rows.with_columns(missing).select(*schema).to_arrow().cast(arrow))
