"""Raw pieces of source files: columns as the vendor names them, of a size that memory holds however
long the file.

A reader takes a part of a source (a file, or some row groups of a Parquet file) and yields frames.
`read_columnar` reads what is a table already; the others turn a vendor's own encoding into one.
What it means is said in vendors.py.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.archive.vendor_files.source_options import Part, SourceOptions
from engine.archive.vendor_files.text_pieces import INSIDE, UNREADABLE, head, text_pieces
from engine.errors import BarImportError
from engine.schema import PRICE_COLUMNS

ROWS_A_PIECE = 250_000
ENDINGS = re.compile(r"\.(parquet|(csv|txt)(\.gz|\.zst)?|zip|json|duckdb|db)$")


def ending(path: Path) -> str | None:
    """parquet, csv, txt, zip, json, duckdb or db, whatever the compression.

    None for files that cannot hold bars.
    """
    match = ENDINGS.search(path.name.lower())
    return (match[2] or match[1]) if match else None


def stem(name: str) -> str:
    """A file's name without its ending, which may be of two parts."""
    return ENDINGS.sub("", name.lower())


def first_line(path: Path) -> str:
    """The first line of a text file, compressed or not.

    The column names of a Parquet file; "" where it cannot be read.
    """
    try:
        if ending(path) == "parquet":
            return ",".join(pq.read_schema(path).names)
        return next(iter(head(path)), "").strip()
    except (*UNREADABLE, BarImportError):
        return ""


def read_columnar(part: Part, options: SourceOptions) -> Iterator[pl.DataFrame]:
    """Pieces of a Parquet or CSV file (also .gz, .zst, or in a .zip), columns of CSV as text;
    raises BarImportError.

    Rows of a .zip have the name of the file inside, in the column INSIDE.
    """
    kind, rows = ending(part.path), 0
    header: pl.DataFrame | None = None
    try:
        if kind == "parquet":
            yield from map(pl.DataFrame, parquet_batches(part))
        else:
            for name, piece in text_pieces(part.path, options.header, options.text):
                header = piece if header is None else header
                if len(piece):
                    rows += len(piece)
                    yield piece.with_columns(pl.lit(name).alias(INSIDE)) if kind == "zip" else piece
            if header is not None and not rows and options.reader is None:
                yield header  # no rows: its columns are checked all the same
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        raise unreadable(part.path, error, "a whole Parquet or CSV file") from None


def divided(numbers: pl.Expr, divisor: float) -> pl.Expr:
    """Each number over the divisor, rounded once: Polars multiplies by its inverse, and 1723601 *
    0.0001 is not 172.3601.
    """
    return numbers.cast(pl.Float64).map_batches(
        lambda s: pl.Series(s.to_numpy() / divisor, nan_to_null=True), pl.Float64
    )


def parquet_batches(part: Part) -> Iterator[pa.RecordBatch]:
    """The part's row groups as Arrow batches of ROWS_A_PIECE rows."""
    with pq.ParquetFile(part.path) as file:
        last = file.num_row_groups if part.last is None else part.last
        yield from file.iter_batches(ROWS_A_PIECE, row_groups=range(part.first, last))


def unreadable(path: Path, error: Exception, expected: str) -> BarImportError:
    """The error of a file that its reader gave up on."""
    size = path.stat().st_size if path.exists() else 0
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BarImportError(
        f"cannot be read ({size:,} bytes): {first}",
        where=path,
        expected=expected,
        fix="fetch the file again",
    )


# -- Binance


def read_binance(part: Part, options: SourceOptions) -> Iterator[pl.DataFrame]:
    """Klines, whose times are milliseconds, and microseconds since 2025; both as microseconds."""
    for piece in read_columnar(part, options):
        time = pl.col("open_time").cast(pl.Int64, strict=False)
        yield piece.with_columns(open_time=pl.when(time < 10**14).then(time * 1000).otherwise(time))


# -- LEAN

LEAN = re.compile(
    r"equity/usa/(?:minute/(?P<minute>[^/]+)/(?P<date>\d{8})_trade|daily/(?P<daily>[^/]+))\.zip$"
)


def read_lean(part: Part, options: SourceOptions) -> Iterator[pl.DataFrame]:
    """Bars of a LEAN zip: minutes count milliseconds from midnight in New York, days are named."""
    match = LEAN.search(part.path.as_posix())
    if match is None:
        raise BarImportError(
            "not a file of LEAN's minute trade bars or daily bars",
            where=part.path,
            expected="equity/usa/minute/<ticker>/<date>_trade.zip or equity/usa/daily/<ticker>.zip",
        )
    ticker = match["minute"] or match["daily"]
    for piece in read_columnar(part, options):
        time = pl.col("time").str.to_datetime("%Y%m%d %H:%M", time_unit="us", strict=False)
        if match["date"]:
            midnight = dt.datetime.strptime(match["date"], "%Y%m%d")
            time = pl.lit(midnight) + pl.duration(
                milliseconds=pl.col("time").cast(pl.Float64, strict=False).cast(pl.Int64)
            )
        yield piece.with_columns(symbol=pl.lit(ticker), timestamp=time).drop("time")


# -- Databento

NO_PRICE = 2**63 - 1  # DBN's undefined price
SECONDS = 32  # rtype of ohlcv-1s


def read_databento(part: Part, options: SourceOptions) -> Iterator[pl.DataFrame]:
    """OHLCV records: integer prices of 1e-9, instrument ids named by the symbology.json beside the
    file where no symbol is.
    """
    for piece in read_columnar(part, options):
        _check_databento(part.path, piece)
        scaled = piece.with_columns(_databento_price(piece, name) for name in PRICE_COLUMNS)
        yield scaled if "symbol" in piece.columns else _named_instruments(scaled, part.path)


def _check_databento(path: Path, piece: pl.DataFrame) -> None:
    publishers = piece["publisher_id"].unique().sort().to_list()
    if len(publishers) > 1:
        raise BarImportError(
            f"bars of {len(publishers)} publishers ({', '.join(map(str, publishers[:5]))})",
            where=path,
            expected="one bar a symbol and minute",
            fix="take a consolidated dataset such as EQUS.MINI, or one publisher's bars",
        )
    if (piece["rtype"].head(1).cast(pl.Int64, strict=False) == SECONDS).any():
        raise BarImportError(
            "bars of one second", where=path, expected="ohlcv-1m, ohlcv-1h or ohlcv-1d"
        )


def _databento_price(piece: pl.DataFrame, name: str) -> pl.Expr:
    text = piece.schema[name] == pl.String
    fixed = piece.schema[name].is_integer() or (
        text and not piece[name].str.contains(".", literal=True).any()
    )
    if not fixed:
        return pl.col(name)
    raw = pl.col(name).cast(pl.Int64, strict=False)
    return divided(pl.when(raw != NO_PRICE).then(raw), 1e9).alias(name)


def _named_instruments(piece: pl.DataFrame, path: Path) -> pl.DataFrame:
    """With a symbol column, null where an instrument has no name on that day."""
    names = _symbology(path.parent)
    stamp = pl.col("ts_event")
    if piece.schema["ts_event"] == pl.String:
        digits = stamp.cast(pl.Int64, strict=False).cast(pl.Datetime("ns"))
        stamp = pl.coalesce(
            digits,
            stamp.str.to_datetime(
                time_unit="ns", time_zone="UTC", strict=False
            ).dt.replace_time_zone(None),
        )
    day = piece.with_columns(
        stamp.cast(pl.Datetime("ns")).dt.date().alias("_day"),
        pl.col("instrument_id").cast(pl.Int64).alias("_id"),
    ).with_row_index("_row")
    known = (
        day.sort("_day")
        .join_asof(
            names,
            left_on="_day",
            right_on="_start",
            by_left="_id",
            by_right="_instrument",
            check_sortedness=False,
        )
        .sort("_row")
    )
    return known.with_columns(
        pl.when(pl.col("_day") < pl.col("_end")).then("symbol").alias("symbol")
    )


@cache
def _symbology(folder: Path) -> pl.DataFrame:
    """Instrument ids and their symbols from d0 to before d1, of a download's symbology.json.

    Raises BarImportError.
    """
    path = folder / "symbology.json"
    wanted = "symbology.json of raw_symbol to instrument_id beside the bars"
    if not path.exists():
        raise BarImportError(
            "bars of instrument ids without their symbols",
            where=path,
            expected=wanted,
            fix="download with map_symbols, or put the batch's symbology.json there",
        )
    try:
        told = json.loads(path.read_text())
        by_id = told.get("stype_in") == "instrument_id"
        rows = [
            (
                int(key if by_id else span["s"]),
                dt.date.fromisoformat(span["d0"]),
                dt.date.fromisoformat(span["d1"]),
                span["s"] if by_id else key,
            )
            for key, spans in told["result"].items()
            for span in spans
            if span["s"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(path, error, wanted) from None
    schema = {"_instrument": pl.Int64, "_start": pl.Date, "_end": pl.Date, "symbol": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("_start")


# -- Alpaca

ALPACA = {
    "t": "timestamp",
    "o": "open",
    "h": "high",
    "l": "low",
    "c": "close",
    "v": "volume",
    "n": "trade_count",
    "vw": "vwap",
}


def read_alpaca(part: Part, options: SourceOptions) -> Iterator[pl.DataFrame]:
    """Bars as alpaca-py's frames, or as the API's JSON answers of one symbol or many."""
    if ending(part.path) != "json":
        yield from read_columnar(part, options)
        return
    expected = 'an answer of the bars API: {"bars": ...}'
    try:
        told = json.loads(part.path.read_text())
        bars = told["bars"] or {}
        bars = bars if isinstance(bars, dict) else {told["symbol"]: bars}
        rows = [
            {"symbol": symbol} | {name: bar.get(key) for key, name in ALPACA.items()}
            for symbol in bars
            for bar in bars[symbol]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise unreadable(part.path, error, expected) from None
    if rows:
        yield pl.DataFrame(rows, infer_schema_length=None)


# -- NautilusTrader


# -- DuckDB


def read_duckdb(part: Part, options: SourceOptions) -> Iterator[pl.DataFrame]:
    """What a query answers, a batch at a time.

    Raises BarImportError where DuckDB is not installed or the query fails.
    """
    try:
        import duckdb
    except ImportError:
        raise BarImportError(
            "DuckDB is not installed", where="--query", fix="pip install 'barsweep[duckdb]'"
        ) from None
    try:
        with duckdb.connect(str(part.path), read_only=True) as connection:
            connection.execute("set enable_progress_bar = false")
            answer = connection.sql(options.query or "")
            if answer is None:
                raise BarImportError(
                    "the query answers nothing",
                    where="--query",
                    expected="a query that answers bars",
                )
            stream = getattr(
                answer, "to_arrow_reader", answer.fetch_arrow_reader
            )  # DuckDB 2, and 1
            yield from map(pl.DataFrame, stream(ROWS_A_PIECE))
    except duckdb.Error as error:
        raise BarImportError(
            str(error).splitlines()[0],
            where=f"{part.path}, --query",
            expected="a query that answers bars",
        ) from None
