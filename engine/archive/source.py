"""Source files as people have them, read in pieces and turned into bars."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import BarImportError, did_you_mean
from engine.schema import BAR_SCHEMA, OPTIONAL_BAR_SCHEMA, PRICE_COLUMNS, TIMESTAMP

ROWS_A_PIECE = 1_000_000
NUMBERS = (*PRICE_COLUMNS, "volume", *OPTIONAL_BAR_SCHEMA)
TARGETS = ("symbol", "timestamp", "date", "time", *NUMBERS)
# What sources call our columns; a mapping given by hand comes first.
ALIASES = {
    "symbol": ("symbol", "ticker", "sym"),
    "timestamp": ("timestamp", "datetime", "ts", "window_start", "ts_event"),
    "date": ("date", "day"),
    "time": ("time", "tod"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
    "vwap": ("vwap", "vw"),
    "trade_count": ("trade_count", "transactions", "n"),
}
EPOCH_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": None}


@dataclass(frozen=True)
class SourceOptions:
    """How to read source files.

    columns               our name -> the source's
    timezone              of timestamps that carry none
    epoch_unit            s, ms, us or ns of timestamps that are whole numbers
    symbol_from_filename  the symbol is the file's name without its ending
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    timezone: str | None = None
    epoch_unit: str | None = None
    symbol_from_filename: bool = False


def source_files(paths: list[Path]) -> list[Path]:
    """The Parquet and CSV files among paths and below folders, sorted; raises BarImportError where there are none."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise BarImportError("no such file or folder", where=path)
        inside = [p for p in sorted(path.rglob("*")) if p.is_file()] if path.is_dir() else [path]
        found += [p for p in inside if _kind(p)]
    if not found:
        names = ", ".join(str(path) for path in paths)
        raise BarImportError("no bar files", where=names, expected="files ending in .parquet, .csv or .csv.gz")
    return found


def read_pieces(path: Path, options: SourceOptions) -> Iterator[pl.DataFrame]:
    """The file's bars in pieces, in BAR_SCHEMA with timestamps as labelled; what cannot be parsed is null."""
    mapping: dict[str, str] | None = None
    for piece in _raw_pieces(path):
        if mapping is None:
            mapping = _mapping(path, piece.columns, options)
        yield _standard(path, piece, mapping, options)


def _kind(path: Path) -> str | None:
    match = re.search(r"\.(parquet|csv(\.gz)?)$", path.name.lower())
    return match[1][:3] if match else None


def _raw_pieces(path: Path) -> Iterator[pl.DataFrame]:
    try:
        if _kind(path) == "csv":
            yield from pl.scan_csv(path, infer_schema=False).collect_batches(chunk_size=ROWS_A_PIECE, maintain_order=True)
        else:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(ROWS_A_PIECE):
                    yield pl.DataFrame(batch)
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        size = path.stat().st_size
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BarImportError(f"cannot be read ({size:,} bytes): {first}", where=path, expected="a whole Parquet or CSV file",
                             fix="fetch the file again") from None  # fmt: skip


def _mapping(path: Path, present: list[str], options: SourceOptions) -> dict[str, str]:
    """Our column -> the source's, for all that are there."""
    lower = {name.lower(): name for name in reversed(present)}
    found = {
        target: next(lower[alias] for alias in aliases if alias in lower)
        for target, aliases in ALIASES.items()
        if any(alias in lower for alias in aliases)
    }
    for target, name in options.columns.items():
        if target not in TARGETS or name not in present:
            wrong, known = (target, TARGETS) if target not in TARGETS else (name, tuple(present))
            raise BarImportError(f"--column {target}={name}: no column {wrong!r}", where=path,
                                 expected=f"one of {', '.join(known)}", fix=did_you_mean(wrong, known))  # fmt: skip
        found[target] = name
    has_symbol = "symbol" in found or options.symbol_from_filename
    has_time = "timestamp" in found or "date" in found
    missing = [name for name in (*PRICE_COLUMNS, "volume") if name not in found]
    missing += [] if has_symbol else ["symbol"]
    missing += [] if has_time else ["timestamp"]
    if missing:
        raise BarImportError(
            f"no column for {', '.join(missing)}", where=path, expected=f"columns {', '.join(BAR_SCHEMA)}; the file has "
            f"{', '.join(present)}",
            fix=f"name it: --column {missing[0]}=NAME" + ("" if has_symbol else ", or --symbol-from-filename"),
        )  # fmt: skip
    return found


def _standard(path: Path, piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions) -> pl.DataFrame:
    by_name = options.symbol_from_filename and "symbol" not in options.columns
    symbol = pl.lit(path.name.split(".")[0]) if by_name else pl.col(mapping["symbol"]).cast(pl.String)
    numbers = [_number(path, piece, name, mapping[name]) for name in NUMBERS if name in mapping]
    timestamp = _timestamp(path, piece, mapping, options)
    return piece.select(symbol.str.strip_chars().str.to_uppercase().alias("symbol"), timestamp, *numbers)


def _number(path: Path, piece: pl.DataFrame, name: str, source: str) -> pl.Expr:
    dtype = piece.schema[source]
    if not (dtype.is_numeric() or dtype in (pl.String, pl.Null)):
        raise BarImportError(f"column {source!r} is {dtype}", where=path, expected=f"numbers for {name}")
    return pl.col(source).cast(pl.Float64, strict=False).alias(name)


def _timestamp(path: Path, piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions) -> pl.Expr:
    """The bar's label in UTC, null where it cannot be parsed."""
    source = mapping["timestamp"] if "timestamp" in mapping and "date" not in options.columns else mapping["date"]
    dtype, moment = piece.schema[source], pl.col(source)
    if source == mapping.get("date") and "time" in mapping:
        moment = pl.concat_str(moment.cast(pl.String), pl.col(mapping["time"]).cast(pl.String), separator=" ")
        dtype = pl.String()
    if dtype.is_integer():
        return _from_epoch(path, source, moment, options)
    if dtype == pl.String and _carries_zone(piece, moment):
        return moment.str.to_datetime(time_unit="us", time_zone="UTC", strict=False).alias("timestamp")
    if dtype == pl.String:
        dtype, moment = pl.Datetime(), moment.str.to_datetime(time_unit="us", strict=False)
    if dtype == pl.Date or (isinstance(dtype, pl.Datetime) and dtype.time_zone is None):
        return _naive(path, source, moment.cast(pl.Datetime("us")), options)
    if isinstance(dtype, pl.Datetime):
        return moment.dt.convert_time_zone("UTC").cast(TIMESTAMP).alias("timestamp")
    raise BarImportError(f"column {source!r} is {dtype}", where=path, expected="timestamps, dates, text or whole numbers")


def _carries_zone(piece: pl.DataFrame, moment: pl.Expr) -> bool:
    """Whether the first text of the column ends in Z or an offset."""
    text = piece.select(moment.drop_nulls().first()).item() if len(piece) else None
    return bool(text and re.search(r"\d(Z|[+-]\d\d:?\d\d)$", text))


def _from_epoch(path: Path, source: str, moment: pl.Expr, options: SourceOptions) -> pl.Expr:
    if options.epoch_unit is None:
        raise BarImportError(f"column {source!r} holds whole numbers", where=path, expected="a declared unit",
                             fix="give --epoch-unit s, ms, us or ns")  # fmt: skip
    scale = EPOCH_UNITS[options.epoch_unit]
    micros = moment.cast(pl.Int64) // 1000 if scale is None else moment.cast(pl.Int64) * scale
    return micros.cast(TIMESTAMP).alias("timestamp")


def _naive(path: Path, source: str, moment: pl.Expr, options: SourceOptions) -> pl.Expr:
    if options.timezone is None:
        raise BarImportError(f"column {source!r} has no time zone", where=path, expected="a declared zone",
                             fix="give --timezone, such as America/New_York or UTC")  # fmt: skip
    local = moment.dt.replace_time_zone(options.timezone, ambiguous="null", non_existent="null")
    return local.dt.convert_time_zone("UTC").cast(TIMESTAMP).alias("timestamp")
