"""Reads some columns of one file in place, converted to bars."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.archive.vendor_files.readers import ending, unreadable
from engine.archive.vendor_files.source_columns import bars_of, find_columns
from engine.archive.vendor_files.source_options import SourceOptions
from engine.archive.vendor_files.text_pieces import text_pieces
from engine.errors import BarImportError


def read_columns(
    path: Path, options: SourceOptions, names: Sequence[str], symbol: str | None = None
) -> tuple[pl.DataFrame, float, float]:
    """The file's rows in BAR_SCHEMA, timestamps as labelled, null what cannot be parsed; and the
    seconds to decode and to convert.

    names   of our columns that are wanted, where the file has them
    symbol  the symbol of all rows, where the path names it
    """
    started = time.perf_counter()
    raw, mapping = _decode(path, options, names, symbol)
    decoded = time.perf_counter()
    bars = bars_of(path, raw, mapping, options)
    bars = bars.select(name for name in names if name in bars.columns)
    return bars, decoded - started, time.perf_counter() - decoded


def names_symbol(path: Path, options: SourceOptions) -> bool:
    """Whether the file has a column of symbols."""
    try:
        _decode(path, options, ("symbol",), None)
    except BarImportError as error:
        if "no column for symbol" in error.what:
            return False
        raise
    return True


def _decode(
    path: Path, options: SourceOptions, names: Sequence[str], symbol: str | None
) -> tuple[pl.DataFrame, dict[str, str]]:
    """The file's raw columns that are needed, and our column -> the file's."""
    given = {} if symbol is None else {"symbol": symbol}
    try:
        parquet = ending(path) == "parquet"
        texts = iter(()) if parquet else text_pieces(path, (), options.text)
        there = pq.read_schema(path).names if parquet else next(texts)[1].columns
        mapping = find_columns(
            path, [name for name in there if name not in given] + [*given], options
        )
        dated = ("date", "time") if "timestamp" not in mapping or "date" in options.columns else ()
        own = {
            name: mapping[name]
            for name in (*dated, *names, "timestamp", "symbol")
            if name in mapping
        }
        wanted = [name for name in dict.fromkeys(own.values()) if name not in given]
        if parquet:
            raw = pl.read_parquet(path, columns=wanted, hive_partitioning=False, glob=False)
        else:
            none = pl.DataFrame(schema=dict.fromkeys(wanted, pl.String()))
            raw = pl.concat([none, *(piece.select(wanted) for _, piece in texts)])
    except FileNotFoundError:
        raise
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        raise unreadable(path, error, "a whole Parquet or CSV file") from None
    return raw.with_columns(**{name: pl.lit(value) for name, value in given.items()}), own
