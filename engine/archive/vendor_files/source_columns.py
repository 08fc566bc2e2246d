"""Source files in a vendor's columns, read in pieces and converted to bars.

1. a reader (readers.py) yields raw pieces with the vendor's columns
2. `find_columns`  finds which of them are ours, by name or by the options
3. `bars_of`       converts a piece to BAR_SCHEMA; what cannot be parsed is null
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from engine.archive.vendor_files.readers import (
    ENDINGS,
    divided,
    read_columnar,
    stem,
)
from engine.archive.vendor_files.source_options import Part, SourceOptions
from engine.archive.vendor_files.source_times import bar_times, label_column
from engine.archive.vendor_files.spelling import SPELLED, with_spelling
from engine.archive.vendor_files.text_pieces import INSIDE, texts_in
from engine.archive.vendor_files.time_text import (
    CARRIED,
)
from engine.archive.vendor_files.unread import (
    ORDER,
    as_number,
    check_numbers,
    check_times,
    unread_time,
    with_repeated_hour,
)
from engine.errors import BarImportError, did_you_mean
from engine.schema import BAR_SCHEMA, BAR_VALUES, OPTIONAL_BAR_SCHEMA, PRICE_COLUMNS

NUMBERS = (*BAR_VALUES, *OPTIONAL_BAR_SCHEMA)
TARGETS = ("symbol", "timestamp", "date", "time", *NUMBERS)
# Our column -> names that sources use for it, in lower case. A mapping given by hand comes first.
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
DIVIDED = (*PRICE_COLUMNS, "vwap")


# Times beyond these are wrong: nanoseconds that are read as microseconds lie in the year 50000.
BELIEVED = (pl.datetime(1900, 1, 1, time_zone="UTC"), pl.datetime(2200, 1, 1, time_zone="UTC"))
# --symbol-from-filename: dots before the ending are the symbol's
FILE_NAME = r"^(.+?)(?:\.(?:parquet|(?:csv|txt)(?:\.gz|\.zst)?|zip))$"


def read_pieces(part: Part, options: SourceOptions) -> Iterator[pl.DataFrame]:
    """The part's bars in pieces, in BAR_SCHEMA with timestamps as labelled.

    What cannot be parsed is null.
    """
    mapping: dict[str, str] = {}
    columns: list[str] = []
    rows = 0
    try:
        pieces = (options.reader or read_columnar)(part, options)
        if options.repeated_hour == ORDER:  # which may be cut between two pieces
            pieces = iter([pl.concat(pieces, how="diagonal")])
        for piece in pieces:
            if piece.columns != columns:  # the first piece, or another file inside a .zip
                mapping, columns = find_columns(part.path, piece.columns, options), piece.columns
            if len(piece):
                yield bars_of(part.path, piece, mapping, options, rows)
            rows += len(piece)
    except (
        pl.exceptions.PolarsError
    ) as error:  # a --time-format that is none, another vendor's columns
        raise BarImportError(
            f"cannot be understood: {str(error).splitlines()[0]}",
            where=part.path,
            expected="bars as the layout and the options say",
        ) from None


def find_columns(path: Path, present: list[str], options: SourceOptions) -> dict[str, str]:
    """Our column -> the source's, for all that are there.

    Raises BarImportError where one is that bars cannot do without.
    """
    present = [name for name in present if name != INSIDE]
    lower = {name.strip().lower(): name for name in reversed(present)}
    found = {
        target: next(lower[alias] for alias in aliases if alias in lower)
        for target, aliases in ALIASES.items()
        if any(alias in lower for alias in aliases)
    }
    for target, name in options.columns.items():
        if target not in TARGETS or name not in present:
            wrong, known = (target, TARGETS) if target not in TARGETS else (name, tuple(present))
            raise BarImportError(
                f"--column {target}={name}: no column {wrong!r}",
                where=path,
                expected=f"one of {', '.join(known)}",
                fix=did_you_mean(wrong, known),
            )
        found[target] = name
    has_symbol = "symbol" in found or options.symbol_pattern is not None
    has_time = "timestamp" in found or "date" in found
    missing = [
        name
        for name in BAR_VALUES
        if name not in found and not (name == "volume" and options.no_volume)
    ]
    missing += [] if has_symbol else ["symbol"]
    missing += [] if has_time else ["timestamp"]
    if missing:
        raise BarImportError(
            f"no column for {', '.join(missing)}",
            where=path,
            expected=f"columns {', '.join(BAR_SCHEMA)}; the file has {', '.join(present)}",
            fix=f"name it: --column {missing[0]}=NAME"
            + ("" if has_symbol else ", or --symbol-from-filename")
            + (", or --no-volume if none is recorded" if missing == ["volume"] else ""),
        )
    return found


def bars_of(
    path: Path, piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions, rows: int = 0
) -> pl.DataFrame:
    """A source's rows in BAR_SCHEMA, as far as the columns are there; null what cannot be parsed.

    Where a symbol is written in another way than it is stored, the column SPELLED has the way it is
    written.

    rows  of the file before these

    Raises BarImportError naming the first row with a number or a time that an option reads.
    """
    try:
        bars = as_bars(path, piece, mapping, options)
    except pl.exceptions.PolarsError:
        _, texts = label_column(piece, mapping, options)
        if texts.dtype == pl.String and texts.null_count() < len(texts):
            raise unread_time(
                path, texts.drop_nulls()[0], int(texts.is_not_null().arg_true()[0])
            ) from None
        raise
    check_numbers(
        path, piece, bars, {name: mapping[name] for name in NUMBERS if name in mapping}, rows
    )
    if bars["timestamp"].null_count():
        bars = _with_times(path, piece, mapping, options, bars, rows)
    return with_spelling(
        bars, piece.select(_spelled(path, piece, mapping, options).alias(SPELLED))[SPELLED]
    )


def _with_times(
    path: Path,
    piece: pl.DataFrame,
    mapping: dict[str, str],
    options: SourceOptions,
    bars: pl.DataFrame,
    rows: int,
) -> pl.DataFrame:
    """Bars of which some have no time yet: those that a clock tells twice have one, or it is an
    error.
    """
    _, texts = label_column(piece, mapping, options)
    zones = _zones(texts, options.timezone)
    if zones.null_count() < len(zones):
        as_utc = as_bars(path, piece, mapping, replace(options, timezone="UTC", on_the_wall=True))[
            "timestamp"
        ]
        wall = as_utc.dt.replace_time_zone(None)
        for zone in zones.drop_nulls().unique().sort().to_list():
            of_zone = pl.select(pl.when(zones == zone).then(wall)).to_series()
            bars = with_repeated_hour(path, bars, of_zone, zone, options.repeated_hour, rows)
    check_times(path, texts, bars["timestamp"], rows)
    return bars


def _zones(texts: pl.Series, zone: str | None) -> pl.Series:
    """The zone with a clock that each row's time is of, by its text or by the options.

    Null where there is none.
    """
    of_options = pl.Series([zone], dtype=pl.String).new_from_index(0, len(texts))
    if texts.dtype != pl.String:
        return of_options
    carried = texts.str.strip_chars().str.extract(CARRIED)
    named = pl.select(pl.when(carried.str.contains("/")).then(carried)).to_series()
    return named.zip_with(carried.is_not_null(), of_options)


def as_bars(
    path: Path, piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions
) -> pl.DataFrame:
    """A source's rows in BAR_SCHEMA, as far as the columns are there.

    Null what cannot be parsed.
    """
    symbol = _symbol(path, piece, mapping, options).str.strip_chars()
    for pattern, replacement in options.symbol_rules:
        symbol = symbol.str.replace(pattern, replacement)
    if options.no_volume:
        piece, mapping = _with_volume(piece, mapping)
    numbers = [
        _number(path, piece, name, mapping[name], options) for name in NUMBERS if name in mapping
    ]
    if options.price_divisor != 1:
        numbers = [
            divided(n, options.price_divisor) if n.meta.output_name() in DIVIDED else n
            for n in numbers
        ]
    label = pl.lit(bar_times(path, piece, mapping, options))
    timestamp = pl.when(label.is_between(*BELIEVED)).then(label).alias("timestamp")
    return piece.select(symbol.str.to_uppercase().alias("symbol"), timestamp, *numbers)


def _with_volume(
    piece: pl.DataFrame, mapping: dict[str, str]
) -> tuple[pl.DataFrame, dict[str, str]]:
    """A piece of a source that records no volume, or only some, with 0 where there is none."""
    source = mapping.get("volume")
    if source is None:
        return piece.with_columns(pl.lit(0.0).alias("volume")), mapping | {"volume": "volume"}
    text = (
        pl.col(source).str.strip_chars().replace("", None)
        if piece.schema[source] == pl.String
        else pl.col(source)
    )
    return piece.with_columns(
        text.fill_null(pl.lit("0" if piece.schema[source] == pl.String else 0))
    ), mapping


def _symbol(
    path: Path, piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions
) -> pl.Expr:
    if options.symbol_pattern is None or "symbol" in options.columns:
        return pl.col(mapping["symbol"]).cast(pl.String)
    return pl.lit(_found(path, piece, options.symbol_pattern)[1])


def _spelled(
    path: Path, piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions
) -> pl.Expr:
    """How a symbol is written: as it is, or as the part of the file's name that tells it."""
    if options.symbol_pattern is None or "symbol" in options.columns:
        return pl.col(mapping["symbol"]).cast(pl.String).str.strip_chars()
    found = _found(path, piece, options.symbol_pattern)
    return pl.repeat(ENDINGS.sub("", found[0]), len(piece), dtype=pl.String)


def _found(path: Path, piece: pl.DataFrame, pattern: str) -> re.Match[str]:
    """Where a file's name, or that of a file in a .zip, tells the symbol."""
    name = path.name
    if INSIDE in piece.columns:
        inside, alone = Path(piece[INSIDE][0]).name, len(texts_in(path)) == 1
        if alone and pattern == FILE_NAME and stem(inside) != stem(path.name):
            raise BarImportError(
                f"holds {inside}: which of the two names is the symbol cannot be told",
                where=path,
                expected="a file and its .zip of one name",
                fix="rename it, or unpack it",
            )
        name = path.name if alone else inside
    match = re.search(pattern, name)
    if match is None:
        raise BarImportError(
            "no symbol in the file's name", where=path, expected=f"a name like {pattern}"
        )
    return match


def _number(
    path: Path, piece: pl.DataFrame, name: str, source: str, options: SourceOptions
) -> pl.Expr:
    dtype = piece.schema[source]
    if not (dtype.is_numeric() or dtype in (pl.String, pl.Null)):
        raise BarImportError(
            f"column {source!r} is {dtype}", where=path, expected=f"numbers for {name}"
        )
    numbers = piece[source].cast(pl.Float64, strict=False)
    if dtype == pl.String and (
        options.text.decimal_comma or numbers.null_count() > piece[source].null_count()
    ):
        numbers = piece.select(as_number(pl.col(source), options.text)).to_series()
    return pl.lit(numbers).alias(name)


def read_symbols(
    path: Path, piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions
) -> pl.Series:
    """The rows' symbols as the file has them."""
    return piece.with_columns(_symbol(path, piece, mapping, options).alias("symbol"))["symbol"]
