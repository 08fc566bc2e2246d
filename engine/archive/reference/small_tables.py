"""Small tables that people bring: corporate actions, tickers, memberships. CSV or Parquet in; typed rows, or one message, out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.archive.disk.atomic import atomic_path
from engine.archive.vendor_files.date_order import DateOrders
from engine.archive.vendor_files.session_dates import off_session
from engine.archive.vendor_files.spelling import two_spellings, with_spelling
from engine.archive.vendor_files.text_pieces import text_pieces
from engine.archive.vendor_files.time_text import orders_of, parse, parse_form
from engine.clock.calendar import ExchangeCalendar
from engine.errors import ArchiveError, BarImportError, BarsweepError, did_you_mean

AS_ISO = "write them as 2018-03-05"
DOTTED = r"\d\."  # 6.11.2017 is no date of a table


def read_table(
    path: Path,
    schema: Mapping[str, pl.DataType],
    aliases: Mapping[str, Sequence[str]],
    needed: Sequence[str],
    optional: Sequence[str] = (),
    quotients: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    time_format: str | None = None,
    calendar: ExchangeCalendar | None = None,
    declared: bool = False,
) -> pl.DataFrame:
    """The columns of a schema, found by their names or aliases; `needed` ones have no nulls, `optional` ones may be missing.

    quotients    our column -> pairs of the table's columns, the first over the second, that it may be made of
    time_format  of dates that are text, as strftime writes it; found where it is None
    calendar     of the exchange, where most dates are sessions
    declared     whether --time-format says how dates are written, where they do not tell it themselves

    Raises ArchiveError naming the file, the column and the first value that cannot be what it should.
    """
    raw = _raw(path)
    lower = {name.lower().strip("\ufeff "): name for name in reversed(raw.columns)}
    dates = {name: _column(lower, name, aliases) for name in schema}
    texts = [
        raw[name]
        for ours, name in dates.items()
        if name and schema[ours] == pl.Date and raw.schema[name] == pl.String
    ]
    order = None if time_format else _date_order(texts, path, calendar, declared)
    columns = []
    for ours, dtype in schema.items():
        theirs = _column(lower, ours, aliases)
        pair = next(
            (
                pair
                for pair in (quotients or {}).get(ours, ())
                if theirs is None and set(pair) <= set(lower)
            ),
            None,
        )
        if theirs is not None:
            columns.append(_typed(raw[theirs], dtype, path, time_format, order).alias(ours))
        elif pair is not None:
            above, below = (_typed(raw[lower[name]], dtype, path) for name in pair)
            columns.append((above / below).alias(ours))
        elif ours in optional:
            columns.append(pl.repeat(None, len(raw), dtype=dtype, eager=True).alias(ours))
        else:
            names = " or ".join((ours, *aliases.get(ours, ())))
            raise ArchiveError(
                f"no column {ours}",
                where=path,
                fix=did_you_mean(ours, lower),
                expected=f"a column {names}; the table has {', '.join(raw.columns)}",
            )
    table = pl.DataFrame(columns)
    spelled = _column(lower, "symbol", aliases) if "symbol" in schema else None
    told = (
        two_spellings(with_spelling(table, raw[spelled].cast(pl.String).str.strip_chars()))
        if spelled
        else None
    )
    if told:
        raise ArchiveError(
            told,
            where=path,
            expected="one way to write a symbol",
            fix="correct the table, or rename one of them",
        )
    for ours in needed:
        if table[ours].null_count():
            row = int(table[ours].is_null().arg_true()[0])
            raise ArchiveError(
                f"{ours} is missing in row {row + 1}",
                where=path,
                expected=f"a value in every row of {ours}",
            )
    return table


def _column(
    present: Mapping[str, str], ours: str, aliases: Mapping[str, Sequence[str]]
) -> str | None:
    """Their name of a column, by theirs in small letters."""
    return next((present[name] for name in (ours, *aliases.get(ours, ())) if name in present), None)


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Write a table beside an archive's bars, whole or not at all; raises ArchiveError."""
    try:
        with atomic_path(path) as temporary:
            table.write_parquet(temporary)
    except OSError as error:
        raise ArchiveError(
            f"cannot be written: {error.strerror or error}", where=path, fix="make room or rights"
        ) from None


def _raw(path: Path) -> pl.DataFrame:
    try:
        if not path.is_file():
            raise ArchiveError("no such file", where=path)
        return (
            _parquet(path)
            if path.suffix == ".parquet"
            else pl.concat([rows for _, rows in text_pieces(path)])
        )
    except BarImportError as error:  # its options are of imports
        raise ArchiveError(
            error.what,
            where=error.where,
            expected=error.expected,
            fix="write the table as UTF-8, with the names of its columns in the first line",
        ) from None
    except (
        pa.ArrowException,
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        OSError,
        ValueError,
    ) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArchiveError(
            f"cannot be read: {told}",
            where=path,
            expected="a table with a header, .csv or .parquet",
        ) from None


def _parquet(path: Path) -> pl.DataFrame:
    """Not by Polars' reader, which a damaged file can bring down."""
    table = pq.ParquetFile(path).read()
    table.validate(full=True)
    return pl.DataFrame(table)


def _typed(
    values: pl.Series,
    dtype: pl.DataType,
    path: Path,
    time_format: str | None = None,
    order: str | None = None,
) -> pl.Series:
    """Text as text in capitals, dates, or numbers; 4:1 and 4/1 are numbers too."""
    if values.dtype == pl.String:
        values = values.str.strip_chars().replace("", None)
    if dtype == pl.Date:
        typed = _dates(values, time_format, order)
    else:
        typed = _numbers(values) if dtype == pl.Float64 else values.cast(dtype, strict=False)
    lost = (typed.is_null() & values.is_not_null()).arg_true()
    if len(lost):
        kinds = {pl.Date: "a date such as 2014-06-09", pl.Float64: "a number"}
        raise ArchiveError(
            f"{values.name} is {str(values[int(lost[0])])!r} in row {int(lost[0]) + 1}",
            where=path,
            expected=kinds.get(type(dtype), "text"),
        )
    return typed.str.to_uppercase() if dtype == pl.String else typed


def _dates(values: pl.Series, time_format: str | None, order: str | None) -> pl.Series:
    if values.dtype.is_temporal():
        return values.cast(pl.Date, strict=False)
    texts = values.cast(pl.String).str.replace(
        r"^(\d{4}-\d{2}-\d{2})[ T].*$", "$1"
    )  # as pandas writes times
    if time_format:
        return parse_form(texts, time_format).dt.date()
    return parse(texts.replace(texts.filter(texts.str.contains(DOTTED)), None), order).dt.date()


def _date_order(
    columns: Sequence[pl.Series], path: Path, calendar: ExchangeCalendar | None, declared: bool
) -> str | None:
    """The order of the numbers in a table's dates, one for all of its columns; None where they can be read in one way."""
    kept = [
        (n, text.strip())
        for n, column in enumerate(columns)
        for text in column.drop_nulls()
        if not re.search(DOTTED, text)
    ]
    rows, texts = (
        pl.Series([n for n, _ in kept], dtype=pl.Int64),
        pl.Series([text for _, text in kept], dtype=pl.String),
    )
    several = {orders for text in texts.unique().to_list() if (orders := orders_of(text))}
    if not several:
        return None
    told = DateOrders(
        lambda moments: off_session(moments, calendar) if calendar else moments.is_null()
    )
    read = {
        order: parse(texts, order).dt.replace_time_zone("UTC") for order in max(several, key=len)
    }
    try:
        told.add(
            texts,
            {
                order: pl.DataFrame({"symbol": rows, "timestamp": dates})
                for order, dates in read.items()
            },
            path,
        )
        return told.decide()
    except BarsweepError as error:
        raise ArchiveError(
            error.what,
            where=path,
            expected="dates that can be read in one way",
            fix=f"{error.fix}, or {AS_ISO}" if declared else AS_ISO,
        ) from None


def _numbers(values: pl.Series) -> pl.Series:
    if values.dtype != pl.String:
        return values.cast(pl.Float64, strict=False)
    parts = (
        pl.col("value")
        .str.extract_groups(r"^([0-9.]+)\s*[:/]\s*([0-9.]+)$")
        .struct.unnest()
        .cast(pl.Float64, strict=False)
    )
    quotients = pl.DataFrame({"value": values}).select(parts)
    return values.cast(pl.Float64, strict=False).fill_null(
        quotients.to_series(0) / quotients.to_series(1)
    )
