"""Bar files: Parquet files of bars, read and written with errors that name the file.

A file's metadata holds an index: its symbols with their row counts and, where there are few, the
distinct timestamps of its bars. Readers then need not decode the symbol column.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.archive.disk.atomic import atomic_path
from engine.archive.disk.layout import CHECKSUM_KEY, SYMBOLS_KEY
from engine.errors import ArchiveError
from engine.schema import BAR_SCHEMA, OPTIONAL_BAR_SCHEMA

# Rows of a row group. A session of 10,000 symbols fits in one: the row groups of a file have to be
# copied into one array after decoding.
ROW_GROUP = 1 << 21
FEW_TIMES = 366  # distinct timestamps that are stored in the metadata at most
KNOWN = {**BAR_SCHEMA, **OPTIONAL_BAR_SCHEMA}
# What pyarrow raises for damaged files, invalid UTF-8 included.
UNREADABLE = (pa.ArrowException, OSError, ValueError)
REPAIR = "import the session again, or find what else is wrong with `barsweep archive check`"


def write_bars(path: Path, frame: pl.DataFrame) -> None:
    """Write sorted bars atomically, with an index in the metadata and checksums of pages.

    The index holds the symbols' row counts, and the distinct timestamps where they are few (as
    those of a year of daily bars). `archive check` verifies the checksums.

    Columns are dictionary-encoded: minute bars repeat their prices and times, and a dictionary
    decodes four times as fast as plain values of the same size on disk. Compression is zstd; where
    timestamps are few it is lz4, which decodes in half the time: files of daily bars are small, and
    a run reads years of them.
    """
    symbols, counts = symbol_runs(frame["symbol"])
    index = {"symbols": symbols, "counts": counts.tolist()}
    # A symbol has one bar a timestamp, so a symbol with many bars shows that timestamps are many.
    times = _distinct_times(frame) if counts.max(initial=0) <= FEW_TIMES else []
    few = 0 < len(times) <= FEW_TIMES
    index |= {"times": times} if few else {}
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    table = table.cast(_arrow_schema(frame.columns))
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(
            temporary,
            table.schema,
            compression="lz4" if few else "zstd",
            use_dictionary=True,
            store_schema=False,
            write_page_index=False,
            data_page_version="1.0",
            write_page_checksum=True,
        ) as writer,
    ):
        writer.write_table(table, row_group_size=ROW_GROUP)
        if in_order(frame):  # readers of the index rely on sorted rows
            text = json.dumps(index)
            # By the writer: metadata of the schema is not stored when the schema is not.
            writer.add_key_value_metadata(
                {SYMBOLS_KEY: text, CHECKSUM_KEY: _checksum(text.encode())}
            )


def in_order(frame: pl.DataFrame) -> bool:
    """Whether bars are sorted by symbol and time, and unique."""
    symbols, counts = symbol_runs(frame["symbol"])
    times = frame["timestamp"].to_physical().to_numpy()
    later = times[1:] > times[:-1]
    later[np.cumsum(counts)[:-1] - 1] = True  # the next symbol's
    return bool(later.all()) and all(a < b for a, b in pairwise(symbols))


def symbol_runs(symbols: pl.Series) -> tuple[list[str], np.ndarray]:
    """A sorted symbol column as its symbols, str[symbols], and their row counts, int64[symbols]."""
    runs = symbols.rle().struct.unnest()
    return runs["value"].to_list(), runs["len"].cast(pl.Int64).to_numpy()


def read_bars(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """Decode columns of a bar file, checked for dtype and nulls.

    Raises ArchiveError naming the file.
    """
    try:
        frame = pl.read_parquet(
            path, columns=list(columns), hive_partitioning=False, glob=False
        ).rechunk()
    except (pl.exceptions.ColumnNotFoundError, pl.exceptions.SchemaFieldNotFoundError):
        raise _missing_column(path, columns) from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _unreadable(path, error) from None
    _check(path, frame)
    return frame


def count_rows(path: Path) -> int:
    """Rows of a bar file, from its footer; raises ArchiveError."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except UNREADABLE as error:
        raise _unreadable(path, error) from None


def size_of(path: Path) -> int:
    """Bytes of a file; raises ArchiveError where it is gone."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from None


def stored_columns(path: Path) -> list[str]:
    """The columns of a bar file; raises ArchiveError naming the file."""
    try:
        return list(pq.read_schema(path).names)
    except UNREADABLE as error:
        raise _unreadable(path, error) from None


def read_index(path: Path) -> tuple[list[str], np.ndarray] | None:
    """The file's symbols and row counts, int64[symbols], in file order, from its metadata.

    None where the metadata has no index, or one that cannot be this file's.
    """
    text, metadata, ours = _read_index_text(path)
    return None if metadata is None or ours is False else _checked_index(text, metadata.num_rows)


def read_times(path: Path) -> list[int] | None:
    """The distinct timestamps of the file's bars (microseconds UTC), increasing, from its metadata.

    None where the metadata does not hold them.
    """
    text, metadata, ours = _read_index_text(path)
    index = _parsed(text) if ours else {}
    times = index.get("times")
    if (
        metadata is None
        or not isinstance(times, list)
        or not all(type(time) is int for time in times)
    ):
        return None
    # Another tool may have rewritten the bars and copied the metadata.
    return times if _span(metadata) == (times[:1], times[-1:]) else None


def read_span(path: Path) -> tuple[int, int] | None:
    """The first and last timestamp of a file's bars (microseconds UTC), from its statistics.

    None where the file has no statistics.
    """
    try:
        (first,), (last,) = _span(pq.read_metadata(path))
    except UNREADABLE:
        return None
    return first, last


def index_fits(path: Path, bars: pl.DataFrame) -> bool | None:
    """Whether the index in the metadata is that of the file's bars.

    None where there is no index.
    """
    index, times, (symbols, counts) = (
        read_index(path),
        read_times(path),
        symbol_runs(bars["symbol"]),
    )
    if index is None:
        return None
    return (
        index[0] == symbols
        and index[1].tolist() == counts.tolist()
        and times in (None, _distinct_times(bars))
    )


def _distinct_times(bars: pl.DataFrame) -> list[int]:
    times: list[int] = bars["timestamp"].to_physical().unique().sort().to_list()
    return times


def _span(metadata: pq.FileMetaData) -> tuple[list[int], list[int]]:
    """([first timestamp], [last timestamp]) from all row groups' statistics, else ([], [])."""
    if "timestamp" not in metadata.schema.names:
        return [], []
    column = metadata.schema.names.index("timestamp")
    statistics = [
        metadata.row_group(group).column(column).statistics
        for group in range(metadata.num_row_groups)
    ]
    spans = [(s.min_raw, s.max_raw) for s in statistics if s is not None and s.has_min_max]
    if not spans or len(spans) < len(statistics):
        return [], []
    return [min(low for low, _ in spans)], [max(high for _, high in spans)]


def _read_index_text(path: Path) -> tuple[bytes, pq.FileMetaData | None, bool | None]:
    """The index in a file's metadata as JSON text, the metadata, and whether its checksum fits.

    (b"", None, False) where there is no index; the last value is None where there is no checksum.
    """
    try:
        metadata = pq.read_metadata(path)
        entries = metadata.metadata or {}
        text = entries[SYMBOLS_KEY.encode()]
    except (*UNREADABLE, KeyError):
        return b"", None, False  # reading the file itself reports what is wrong
    checksum = entries.get(CHECKSUM_KEY.encode())
    return text, metadata, None if checksum is None else checksum == _checksum(text).encode()


def _checked_index(text: bytes, rows: int) -> tuple[list[str], np.ndarray] | None:
    """Symbols and row counts of an index.

    None where they cannot be those of a file of `rows` rows.
    """
    index = _parsed(text)
    symbols, counts = index.get("symbols"), index.get("counts")
    if not (isinstance(symbols, list) and isinstance(counts, list)) or len(symbols) != len(counts):
        return None
    if (
        set(map(type, symbols)) - {str}
        or set(map(type, counts)) - {int}
        or len(set(symbols)) < len(symbols)
    ):
        return None
    if min(counts, default=1) <= 0 or sum(counts) != rows:
        return None
    return symbols, np.array(counts, np.int64)


def _parsed(text: bytes) -> dict[str, Any]:
    """A JSON object's members; {} where the text is no JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def verify(path: Path) -> None:
    """Verify a bar file's page checksums, where it has them; raises ArchiveError."""
    try:
        pq.read_table(path, page_checksum_verification=True, partitioning=None)
    except UNREADABLE as error:
        raise _unreadable(path, error) from None


def _checksum(text: bytes) -> str:
    return f"{zlib.crc32(text):08x}"


def _check(path: Path, frame: pl.DataFrame) -> None:
    for name, dtype in frame.schema.items():
        if name in KNOWN and dtype != KNOWN[name]:
            raise ArchiveError(
                f"column {name!r} is {dtype}",
                where=path,
                expected=str(KNOWN[name]),
                fix="import the file: `barsweep archive import` converts dtypes",
            )
        if frame[name].null_count():
            raise ArchiveError(
                f"column {name!r} has {frame[name].null_count()} nulls",
                where=path,
                expected="no nulls",
                fix=REPAIR,
            )


def _unreadable(path: Path, error: BaseException) -> ArchiveError:
    if isinstance(error, FileNotFoundError) or not path.exists():
        return ArchiveError("no such file", where=path, fix=REPAIR)
    why = (str(error) or type(error).__name__).splitlines()[0]
    return ArchiveError(
        f"not a readable Parquet file ({path.stat().st_size:,} bytes; {why})",
        where=path,
        fix=REPAIR,
    )


def _missing_column(path: Path, columns: Sequence[str]) -> ArchiveError:
    try:
        present = pq.read_schema(path).names
    except UNREADABLE as error:
        return _unreadable(path, error)
    missing = [name for name in columns if name not in present]
    return ArchiveError(
        f"no column {', '.join(missing)}",
        where=path,
        expected=f"columns {', '.join(BAR_SCHEMA)}",
        fix=REPAIR,
    )


def _arrow_schema(columns: Sequence[str]) -> pa.Schema:
    kinds = {"symbol": pa.string(), "timestamp": pa.timestamp("us", "UTC")}
    return pa.schema([(name, kinds.get(name, pa.float64())) for name in columns])
