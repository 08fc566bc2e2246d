"""Reader of a NautilusTrader catalog: Parquet files with fixed-point prices."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.archive.vendor_files.readers import parquet_batches, unreadable
from engine.archive.vendor_files.source_options import Part, SourceOptions
from engine.errors import BarImportError
from engine.schema import BAR_VALUES

NAUTILUS = re.compile(
    r"^(?P<symbol>.+\.[^.]+)-(?P<step>\d+)-(?P<unit>MINUTE|HOUR|DAY)"
    r"-(?P<price>[A-Z]+)-(EXTERNAL|INTERNAL)$"
)


def read_nautilus(part: Part, options: SourceOptions) -> Iterator[pl.DataFrame]:
    """Bars of a catalog file: fixed-point prices as floats, ts_init as the close.

    A day's label becomes its date.
    """
    try:
        metadata = pq.read_schema(part.path).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise unreadable(part.path, error, "a whole file of a NautilusTrader catalog") from None
    bar_type = metadata.get(b"bar_type", part.path.parent.name.encode()).decode()
    match = NAUTILUS.match(bar_type)
    if match is None or match["price"] != "LAST":
        raise BarImportError(
            f"bars of type {bar_type!r}",
            where=part.path,
            expected="minute, hour or day bars of LAST prices",
            fix="give the folders of those alone",
        )
    digits = int(metadata.get(b"price_precision", b"9")), int(metadata.get(b"size_precision", b"9"))
    try:
        for batch in parquet_batches(part):
            yield _nautilus_piece(batch, match["symbol"], match["unit"] == "DAY", digits)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise unreadable(part.path, error, "a whole file of a NautilusTrader catalog") from None


def _nautilus_piece(
    batch: pa.RecordBatch, symbol: str, daily: bool, digits: tuple[int, int]
) -> pl.DataFrame:
    columns = {
        name: fixed_point(batch.column(name), digits[name == "volume"]) for name in BAR_VALUES
    }
    micros = np.asarray(batch.column("ts_init").cast(pa.int64())) // 1000
    closes = pl.from_numpy(micros, schema=["at"]).select(
        pl.col("at").cast(pl.Datetime("us", "UTC"))
    )["at"]
    if daily:  # midnight UTC ends the UTC day before; any other close lies within its own date
        midnight = closes.dt.time() == dt.time(0)
        labels = pl.select(
            pl.when(midnight)
            .then(closes - dt.timedelta(days=1))
            .otherwise(closes - dt.timedelta(microseconds=1))
        )
        closes = labels.to_series()
    else:
        closes = closes.dt.truncate(
            "1m"
        )  # bars recorded live are initialized a little after the close
    return pl.DataFrame(
        {
            "symbol": pl.Series([symbol]).new_from_index(0, len(batch)),
            "timestamp": closes,
            **columns,
        }
    )


def fixed_point(column: pa.Array, digits: int) -> np.ndarray:
    """Catalog prices as float64[rows]: Decimal128, or little-endian integers of 1e-9 (8 bytes) or
    1e-16 (16 bytes).
    """
    if pa.types.is_decimal(column.type):
        return np.round(np.asarray(column.cast(pa.float64())), digits)
    width = column.type.byte_width
    raw = np.frombuffer(column.buffers()[1], np.uint8)[
        column.offset * width : (column.offset + len(column)) * width
    ]
    if width == 8:
        return np.round(raw.view("<i8") / 1e9, digits)
    halves = raw.view("<u8").reshape(-1, 2)
    result: np.ndarray = np.round(
        (halves[:, 1].view("<i8") * 2.0**64 + halves[:, 0]) / 1e16, digits
    )
    return result
