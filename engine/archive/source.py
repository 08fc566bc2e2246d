"""Source files as people have them, read in pieces and turned into bars."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from engine.archive import layout
from engine.archive.date_order import ambiguous, mixed, order_near
from engine.archive.readers import ENDINGS, Part, Reader, divided, ending, read_columnar, stem
from engine.archive.spelling import SPELLED, with_spelling
from engine.archive.text import INSIDE, USUAL, TextOptions, texts_in
from engine.archive.time_text import (
    CARRIED,
    ISO,
    ZONE,
    first_text,
    has_time,
    in_zone,
    orders_of,
    parse,
    parse_form,
    swapped,
    zone_of,
)
from engine.archive.unread import (
    ORDER,
    as_number,
    check_numbers,
    check_times,
    unread_time,
    with_repeated_hour,
)
from engine.errors import BarImportError, did_you_mean
from engine.schema import BAR_SCHEMA, BAR_VALUES, OPTIONAL_BAR_SCHEMA, PRICE_COLUMNS, TIMESTAMP

NUMBERS = (*BAR_VALUES, *OPTIONAL_BAR_SCHEMA)
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
DIVIDED = (*PRICE_COLUMNS, "vwap")
MOST_MICROS = 2**62
DATES = (19000101, 22001231)  # as whole numbers
EPOCH_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": None}


@dataclass(frozen=True)
class SourceOptions:
    """How to read source files.

    columns         our name -> the source's
    timezone        of timestamps that carry none
    epoch_unit      s, ms, us or ns of timestamps that are whole numbers
    time_format     of timestamps that are text, as strftime writes it; found where it is None
    date_order      of the numbers in dates that are text, of time_text.MONTH_FIRST and the others, where it can be more than one
    near            the date that the texts are of, which says in which order they are to be read
    daily           whether bars are of days, and their midnights dates; None where it is not known yet
    on_the_wall     whether the clock's own time is wanted, as if all zones were UTC
    day_ends        whether moments label the ends of days that begin at midnight UTC, where the next one begins
    symbol_pattern  the symbol is its first group, found in the file's name
    symbol_rules    patterns in a symbol and what they become, one after the other
    price_divisor   what prices are divided by
    header          columns of a vendor's text files, where they have no header of their own
    text            how text files are written
    repeated_hour   which of the two hours it is that a clock tells twice: earlier, later, or order, as the rows follow one another
    no_volume       whether a volume that is not there is 0, for the source records none
    query           what to ask a DuckDB file
    reader          what reads the files
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    timezone: str | None = None
    epoch_unit: str | None = None
    time_format: str | None = None
    symbol_pattern: str | None = None
    symbol_rules: tuple[tuple[str, str], ...] = ()
    price_divisor: float = 1
    header: tuple[str, ...] = ()
    text: TextOptions = USUAL
    repeated_hour: str | None = None
    no_volume: bool = False
    query: str | None = None
    reader: Reader = field(
        default=read_columnar, repr=False
    )  # a function's repr is another in each process
    date_order: str | None = None
    near: dt.date | None = None
    daily: bool | None = None
    day_ends: bool = False
    on_the_wall: bool = False


# A time beyond these is not one: nanoseconds read as microseconds lie in the year 50000.
BELIEVED = (pl.datetime(1900, 1, 1, time_zone="UTC"), pl.datetime(2200, 1, 1, time_zone="UTC"))
# --symbol-from-filename: dots before the ending are the symbol's
FILE_NAME = r"^(.+?)(?:\.(?:parquet|(?:csv|txt)(?:\.gz|\.zst)?|zip))$"


def source_files(paths: list[Path]) -> list[Path]:
    """The files among paths and below folders that may hold bars, sorted; raises BarImportError where there are none.

    What archives below a folder have of their own is none of them.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise BarImportError("no such file or folder", where=path)
        if layout.is_imported(path):
            raise BarImportError(
                "is an archive already",
                where=path,
                expected="bars as a vendor delivers them",
                fix=f"use it as it is, or import one interval of it, such as {path}/bars/interval=1m",
            )
        inside = _foreign_files(path) if path.is_dir() else [path]
        found += [p for p in inside if ending(p)]
    if not found:
        names = ", ".join(str(path) for path in paths)
        raise BarImportError(
            "no bar files",
            where=names,
            expected="files ending in .parquet, .csv, .txt (.gz, .zst), .zip or .json",
        )
    return list(dict.fromkeys(found))


def _foreign_files(folder: Path) -> list[Path]:
    below = sorted(folder.rglob("*"))
    archives = [path.parent for path in below if path.name == layout.MANIFEST]
    own = {root / name for root in archives for name in (layout.ACTIONS, layout.SYMBOL_MAP)}
    imported = [root for root in archives if layout.is_imported(root)]
    return [
        path
        for path in below
        if path.is_file() and path not in own and not any(path.is_relative_to(i) for i in imported)
    ]


def read_pieces(part: Part, options: SourceOptions) -> Iterator[pl.DataFrame]:
    """The part's bars in pieces, in BAR_SCHEMA with timestamps as labelled; what cannot be parsed is null."""
    mapping: dict[str, str] = {}
    columns: list[str] = []
    rows = 0
    try:
        pieces = options.reader(part, options)
        if options.repeated_hour == ORDER:  # which may be cut between two pieces
            pieces = iter([pl.concat(pieces, how="diagonal")])
        for piece in pieces:
            if piece.columns != columns:  # of the first piece, or of another file in a .zip
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
    """Our column -> the source's, for all that are there; raises BarImportError where one is that bars cannot do without."""
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

    Where a symbol is written in another way than it is stored, the column SPELLED has the way it is written.

    rows  of the file before these

    Raises BarImportError naming the first row with a number or a time that an option reads.
    """
    try:
        bars = as_bars(path, piece, mapping, options)
    except pl.exceptions.PolarsError:
        _, texts = _labels(piece, mapping, options)
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
    """Bars of which some have no time yet: those that a clock tells twice have one, or it is an error."""
    _, texts = _labels(piece, mapping, options)
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
    """The zone with a clock that each row's time is of, by its text or by the options; null where there is none."""
    of_options = pl.Series([zone], dtype=pl.String).new_from_index(0, len(texts))
    if texts.dtype != pl.String:
        return of_options
    carried = texts.str.strip_chars().str.extract(CARRIED)
    named = pl.select(pl.when(carried.str.contains("/")).then(carried)).to_series()
    return named.zip_with(carried.is_not_null(), of_options)


def as_bars(
    path: Path, piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions
) -> pl.DataFrame:
    """A source's rows in BAR_SCHEMA, as far as the columns are there; null what cannot be parsed."""
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
    label = pl.lit(_timestamp(path, piece, mapping, options))
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


def _timestamp(
    path: Path, piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions
) -> pl.Series:
    """The bars' labels in UTC, null where one cannot be parsed. A date without a time is that date at midnight UTC, in any zone."""
    source, values = _labels(piece, mapping, options)
    if values.dtype.is_integer() or (
        values.dtype == pl.String and not options.time_format and _counts(values)
    ):
        return _day_ends(_from_epoch(path, source, values, options), options)
    if values.dtype == pl.String:
        return _of_text(path, source, values, options)
    if values.dtype == pl.Date:
        return _at_midnight(values)
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is None:
        return _naive(path, source, values.cast(pl.Datetime("us")), options)
    if isinstance(values.dtype, pl.Datetime):
        moments = values.dt.convert_time_zone("UTC").cast(TIMESTAMP)
        return _dates_of_midnights(
            values.dt.replace_time_zone(None), _day_ends(moments, options), options
        )
    raise BarImportError(
        f"column {source!r} is {values.dtype}",
        where=path,
        expected="timestamps, dates, text or whole numbers",
    )


def _labels(
    piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions
) -> tuple[str, pl.Series]:
    """The column that tells the rows' times, and its name; of a date and a time in two columns, both as text."""
    source = (
        mapping["timestamp"]
        if "timestamp" in mapping and "date" not in options.columns
        else mapping["date"]
    )
    values = piece[source]
    if source == mapping.get("date") and "time" in mapping:
        date = values.cast(pl.Date) if isinstance(values.dtype, pl.Datetime) else values
        values = date.cast(pl.String) + " " + piece[mapping["time"]].cast(pl.String)
    elif values.dtype.is_integer() and (
        options.time_format or (not options.epoch_unit and _are_dates(values))
    ):
        values = values.cast(pl.String)  # 20180301
    return source, values


def label_texts(
    piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions
) -> pl.Series | None:
    """The texts that tell the rows' times; None where numbers or times do."""
    _, values = _labels(piece, mapping, options)
    return values if values.dtype == pl.String and not _counts(values) else None


def read_symbols(
    path: Path, piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions
) -> pl.Series:
    """The rows' symbols as the file has them."""
    return piece.with_columns(_symbol(path, piece, mapping, options).alias("symbol"))["symbol"]


def _of_text(path: Path, source: str, texts: pl.Series, options: SourceOptions) -> pl.Series:
    """The labels that texts tell, each in the zone that it carries, else in that of the options."""
    first = first_text(texts)
    if first is None:
        return pl.Series([None], dtype=TIMESTAMP).new_from_index(0, len(texts))
    if options.time_format:
        return _of_form(path, source, texts, options)
    if zone_of(first) is None:
        naive = _wall_clock(path, texts, first, options)
        return _naive(path, source, naive, options) if has_time(first) else _at_midnight(naive)
    if ISO.match(first) and "/" not in first:
        moments = texts.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
        if options.daily:
            wall = (
                texts.str.strip_chars()
                .str.replace(ZONE, "")
                .str.to_datetime(time_unit="us", strict=False)
            )
            return _dates_of_midnights(wall, _day_ends(moments, options), options)
        return moments
    bodies = texts.str.strip_chars().str.replace(CARRIED, "")
    return _in_their_zones(
        _wall_clock(path, bodies, str(first_text(bodies)), options), texts, options
    )


def _in_their_zones(wall: pl.Series, texts: pl.Series, options: SourceOptions) -> pl.Series:
    """The labels of wall-clock times, each in the zone that its text carries."""
    zones = texts.str.strip_chars().str.extract(CARRIED)
    moments = pl.Series([None], dtype=TIMESTAMP).new_from_index(0, len(texts))
    for zone in zones.drop_nulls().unique().sort().to_list():
        moments = in_zone(wall, "UTC" if options.on_the_wall else zone).zip_with(
            (zones == zone).fill_null(False), moments
        )
    return _dates_of_midnights(wall, _day_ends(moments, options), options)


def _of_form(path: Path, source: str, texts: pl.Series, options: SourceOptions) -> pl.Series:
    """The labels that texts tell in the form that is declared."""
    form = options.time_format or ""
    if re.search(r"%([:#]*z|\+)", form):
        return texts.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
    if zone_of(first_text(texts) or ""):
        return _in_their_zones(parse_form(texts.str.strip_chars(), form), texts, options)
    naive = parse_form(texts.str.strip_chars(), form)
    lost = texts.filter(naive.is_null() & texts.is_not_null())
    other = swapped(form)
    if other != form and 10 * parse_form(lost.str.strip_chars(), other).count() > len(texts):
        raise BarImportError(
            f"{lost[0]!r} is no date of the form {form}, and one of the form {other}",
            where=path,
            expected="dates of one form in all of a source",
            fix=f"give --time-format '{other}' if it is that of all of them",
        )
    tells_time = re.search(r"%-?[HIMSTRXpsc]", form) is not None
    return _naive(path, source, naive, options) if tells_time else _at_midnight(naive)


def _wall_clock(path: Path, texts: pl.Series, first: str, options: SourceOptions) -> pl.Series:
    """What texts without a zone tell; raises BarImportError where they can be read in several ways, and no order is given."""
    if ISO.match(first):
        try:
            return _rest(texts, texts.str.to_datetime(time_unit="us", strict=False), options)
        except pl.exceptions.ComputeError:  # a time of day in no usual form
            return parse(texts, options.date_order)
    if not orders_of(first):
        return parse(texts, options.date_order)
    order = options.date_order or order_near(texts, first, options.near)
    if order is None:
        raise ambiguous(path, first, orders_of(first))
    moments = parse(texts, order)
    lost = texts.filter(moments.is_null() & texts.is_not_null())
    for other in orders_of(first):
        if len(lost) and parse(lost, other).count():
            wrong = lost.filter(parse(lost, other).is_not_null())[0]
            raise mixed(path, first, order, wrong, other)
    return moments


def _rest(texts: pl.Series, moments: pl.Series, options: SourceOptions) -> pl.Series:
    """The moments, with those of texts that are of another form than the first."""
    lost = moments.is_null() & texts.is_not_null()
    if not lost.any():
        return moments
    return moments.zip_with(
        ~lost, parse(pl.select(pl.when(lost).then(texts)).to_series(), options.date_order)
    )


def _counts(values: pl.Series) -> bool:
    """Whether the first text of the column counts from 1970; eight digits are a date."""
    return re.fullmatch(r"\d{9,20}", first_text(values) or "") is not None


def _are_dates(values: pl.Series) -> bool:
    """Whether whole numbers are dates such as 20180301: as seconds they would be days of 1970."""
    dates = values.drop_nulls().cast(pl.String).str.to_date("%Y%m%d", strict=False)
    return (
        len(dates) > 0
        and dates.null_count() == 0
        and bool(values.drop_nulls().is_between(*DATES).all())
    )


def _from_epoch(path: Path, source: str, values: pl.Series, options: SourceOptions) -> pl.Series:
    if options.epoch_unit is None:
        raise BarImportError(
            f"column {source!r} holds whole numbers",
            where=path,
            expected="a declared unit",
            fix="give --epoch-unit s, ms, us or ns",
        )
    scale = EPOCH_UNITS[options.epoch_unit]
    count = values.cast(pl.Int64, strict=False)
    if scale is None:
        return (count // 1000).cast(TIMESTAMP)
    fits = count.is_between(
        -MOST_MICROS // scale, MOST_MICROS // scale
    )  # beyond, the product would turn up anywhere
    return pl.select(pl.when(fits).then(count * scale).cast(TIMESTAMP)).to_series()


def _naive(path: Path, source: str, wall: pl.Series, options: SourceOptions) -> pl.Series:
    """Wall-clock times in the zone of the options; of daily bars, midnights are dates, and need no zone."""
    timed = wall.drop_nulls().dt.time() != dt.time(0)
    dates = options.daily or (options.daily is None and not timed.any())
    if dates and not timed.any():
        return _at_midnight(wall)
    if options.timezone is None:
        raise BarImportError(
            f"column {source!r} has no time zone",
            where=path,
            expected="a declared zone",
            fix="give --timezone, such as America/New_York or UTC",
        )
    return _dates_of_midnights(wall, _day_ends(in_zone(wall, options.timezone), options), options)


def _dates_of_midnights(wall: pl.Series, moments: pl.Series, options: SourceOptions) -> pl.Series:
    """The moments; of daily bars, those that are midnight on their own wall's clock are that date, at midnight UTC."""
    if not options.daily or options.day_ends:
        return moments
    midnight = (wall.dt.time() == dt.time(0)).fill_null(False)
    return _at_midnight(wall).zip_with(midnight, moments)


def _at_midnight(dates: pl.Series) -> pl.Series:
    return dates.cast(pl.Datetime("us")).dt.truncate("1d").dt.replace_time_zone("UTC")


def _day_ends(moments: pl.Series, options: SourceOptions) -> pl.Series:
    """Moments that are the ends of days lie within these."""
    return moments - dt.timedelta(microseconds=1) if options.day_ends else moments
