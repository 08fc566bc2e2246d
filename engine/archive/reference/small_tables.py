"""Small tables that users bring (corporate actions, tickers, memberships), CSV or Parquet.

A `TableForm` says which columns a table has; `read_table` returns typed columns, or raises one
error that names the file, the column and the first wrong value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
DOTTED = r"\d\."  # a date such as 6.11.2017, which tables may not have


@dataclass(frozen=True, kw_only=True)
class TableForm:
    """The columns of one kind of table.

    schema     our column -> dtype, in order
    aliases    our column -> other names that tables use for it
    needed     columns without nulls
    optional   columns that a table may lack; they are null then
    quotients  our column -> pairs of the table's columns: the first over the second gives ours
    declared   whether the command has --time-format, which an error about dates may then suggest
    """

    schema: Mapping[str, pl.DataType]
    aliases: Mapping[str, Sequence[str]]
    needed: Sequence[str]
    optional: Sequence[str] = ()
    quotients: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    declared: bool = False

    def column(self, present: Mapping[str, str], name: str) -> str | None:
        """The table's name of our column `name`, or None.

        present  the table's column names in lower case -> as they are written
        """
        names = (name, *self.aliases.get(name, ()))
        return next((present[alias] for alias in names if alias in present), None)


def read_table(
    path: Path,
    form: TableForm,
    time_format: str | None = None,
    calendar: ExchangeCalendar | None = None,
) -> pl.DataFrame:
    """The columns of `form.schema`, found by their names or aliases; raises ArchiveError.

    time_format  strftime form of dates that are text; found from the dates where None
    calendar     the exchange's: dates that are sessions help to find the order of day and month
    """
    raw = _raw(path)
    present = {name.lower().strip("\ufeff "): name for name in reversed(raw.columns)}
    texts = [
        raw[name]
        for name in (form.column(present, ours) for ours, d in form.schema.items() if d == pl.Date)
        if name and raw.schema[name] == pl.String
    ]
    order = None if time_format else _date_order(texts, path, calendar, form.declared)
    columns = []
    for ours, dtype in form.schema.items():
        theirs = form.column(present, ours)
        if theirs is not None:
            columns.append(_typed(raw[theirs], dtype, path, time_format, order).alias(ours))
        else:
            columns.append(_absent(raw, present, form, ours, path).alias(ours))
    table = pl.DataFrame(columns)
    _refuse_two_spellings(table, raw, form.column(present, "symbol"), path)
    for ours in form.needed:
        if table[ours].null_count():
            row = int(table[ours].is_null().arg_true()[0])
            raise ArchiveError(
                f"{ours} is missing in row {row + 1}",
                where=path,
                expected=f"a value in every row of {ours}",
            )
    return table


def _absent(
    raw: pl.DataFrame, present: Mapping[str, str], form: TableForm, name: str, path: Path
) -> pl.Series:
    """A column that the table does not have: a quotient of two others, or null if optional."""
    dtype = form.schema[name]
    for pair in form.quotients.get(name, ()):
        if set(pair) <= set(present):
            above, below = (_typed(raw[present[part]], dtype, path) for part in pair)
            return above / below
    if name in form.optional:
        return pl.repeat(None, len(raw), dtype=dtype, eager=True)
    names = " or ".join((name, *form.aliases.get(name, ())))
    raise ArchiveError(
        f"no column {name}",
        where=path,
        fix=did_you_mean(name, present),
        expected=f"a column {names}; the table has {', '.join(raw.columns)}",
    )


def _refuse_two_spellings(
    table: pl.DataFrame, raw: pl.DataFrame, symbol_column: str | None, path: Path
) -> None:
    """Raise ArchiveError where two spellings in the raw table become one symbol."""
    if symbol_column is None:
        return
    spelled = raw[symbol_column].cast(pl.String).str.strip_chars()
    problem = two_spellings(with_spelling(table, spelled))
    if problem:
        raise ArchiveError(
            problem,
            where=path,
            expected="one way to write a symbol",
            fix="correct the table, or rename one of them",
        )


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
    except BarImportError as error:  # its fix names options that only imports have
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
    """A Parquet table, read by pyarrow: a damaged file can crash Polars' reader."""
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
    """A column cast to `dtype`: text in capitals, dates, or numbers (also 4:1 and 4/1)."""
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
    dotted = texts.filter(texts.str.contains(DOTTED)).unique()
    return parse(texts.replace(dotted, None), order).dt.date()


def _date_order(
    columns: Sequence[pl.Series], path: Path, calendar: ExchangeCalendar | None, declared: bool
) -> str | None:
    """The order of day, month and year in a table's dates, one for all its columns.

    None where the dates can be read in one way only; ArchiveError where the order stays open.
    """
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
