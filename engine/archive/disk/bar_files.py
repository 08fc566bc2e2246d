"""Bar files: Parquet in, Parquet out, with errors that name the file."""

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

ROW_GROUP = (
    1 << 21
)  # rows: a session of 10,000 symbols is one, else its bars are copied together after decoding
FEW_TIMES = 366
KNOWN = {**BAR_SCHEMA, **OPTIONAL_BAR_SCHEMA}
UNREADABLE = (
    pa.ArrowException,
    OSError,
    ValueError,
)  # what pyarrow raises for damaged files; text that is none among them
REPAIR = "import the session again, or find what else is wrong with `barsweep archive check`"


def write_bars(path: Path, frame: pl.DataFrame) -> None:
    """Write sorted bars atomically, with the symbols' row counts in the metadata, the times where they are few (those of a year's
    daily bars are), and checksums that `archive check` verifies.

    Dictionaries: minute bars repeat their prices and times, and a dictionary decodes four times as fast as plain values of the
    same size on disk. Over them zstd; where times are few lz4, which decodes in half the time: there is little of daily bars, and
    a run reads years of them.
    """
    symbols, counts = symbol_runs(frame["symbol"])
    index = {"symbols": symbols, "counts": counts.tolist()}
    # a symbol has a bar at a time once: where one has many, there are many, and no need to count them
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
        if in_order(frame):  # so that whoever reads the index need not look
            text = json.dumps(index)
            # of the writer: the schema's own is not stored without the schema
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
    """A sorted symbol column as its symbols and their row counts (int64), in order."""
    runs = symbols.rle().struct.unnest()
    return runs["value"].to_list(), runs["len"].cast(pl.Int64).to_numpy()


def read_bars(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """Decode columns of a bar file, checked for dtype and nulls; raises ArchiveError naming the file."""
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
    """The file's symbols and row counts in its order, from its metadata; None where it has none that fit."""
    text, metadata, ours = _read_note(path)
    return None if metadata is None or ours is False else _checked_index(text, metadata.num_rows)


def read_times(path: Path) -> list[int] | None:
    """The times (microseconds) that the file has bars at, increasing, from its metadata; None where that does not tell them."""
    text, metadata, ours = _read_note(path)
    note = _parsed(text) if ours else {}
    times = note.get("times")
    if (
        metadata is None
        or not isinstance(times, list)
        or not all(type(time) is int for time in times)
    ):
        return None
    # another tool may have kept our note and not our bars
    return times if _span(metadata) == (times[:1], times[-1:]) else None


def read_span(path: Path) -> tuple[int, int] | None:
    """The first and the last time of a file's bars (microseconds), by its statistics; None where they do not tell."""
    try:
        (first,), (last,) = _span(pq.read_metadata(path))
    except UNREADABLE:
        return None
    return first, last


def index_fits(path: Path, bars: pl.DataFrame) -> bool | None:
    """Whether the metadata tells the symbols' row counts and the times of the file's bars; None where it tells nothing."""
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
    """The first and the last time of a file's bars, by its statistics; none where it has none."""
    if "timestamp" not in metadata.schema.names:
        return [], []
    place = metadata.schema.names.index("timestamp")
    kept = [
        metadata.row_group(group).column(place).statistics
        for group in range(metadata.num_row_groups)
    ]
    spans = [(one.min_raw, one.max_raw) for one in kept if one is not None and one.has_min_max]
    if not spans or len(spans) < len(kept):
        return [], []
    return [min(low for low, _ in spans)], [max(high for _, high in spans)]


def _read_note(path: Path) -> tuple[bytes, pq.FileMetaData | None, bool | None]:
    """What a file's metadata tells of its symbols and times, the metadata, and whether `write_bars` wrote that; None where nobody
    can say.
    """
    try:
        metadata = pq.read_metadata(path)
        told = metadata.metadata or {}
        text = told[SYMBOLS_KEY.encode()]
    except (*UNREADABLE, KeyError):
        return b"", None, False  # the read that follows says what is wrong
    checksum = told.get(CHECKSUM_KEY.encode())
    return text, metadata, None if checksum is None else checksum == _checksum(text).encode()


def _checked_index(text: bytes, rows: int) -> tuple[list[str], np.ndarray] | None:
    """The symbols and counts that a text tells, unless it cannot be true of a file of so many rows."""
    note = _parsed(text)
    symbols, told = note.get("symbols"), note.get("counts")
    if not (isinstance(symbols, list) and isinstance(told, list) and len(symbols) == len(told)):
        return None
    if (
        set(map(type, symbols)) - {str}
        or set(map(type, told)) - {int}
        or len(set(symbols)) < len(symbols)
    ):
        return None
    if min(told, default=1) <= 0 or sum(told) != rows:
        return None
    return symbols, np.array(told, np.int64)


def _parsed(text: bytes) -> dict[str, Any]:
    """A note as its parts; nothing where it is no JSON object."""
    try:
        note = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def verify(path: Path) -> None:
    """Read a bar file with its checksums, where it has them; raises ArchiveError where one does not fit."""
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
