"""Errors for numbers and times of a source that cannot be parsed: row, text, and the option to
give.

Text without a digit ("N/A", "-", a footer's "Total") is a missing value. Text with digits that some
option would parse is an error: putting such rows aside would silently lose all prices above 1,000,
or an hour of a year. A column of which nothing can be parsed is an error, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from engine.archive.vendor_files.text_blocks import TextOptions
from engine.errors import BarImportError
from engine.schema import TIMESTAMP

# Values of --repeated-hour: which of the two hours a time belongs to that the clock shows twice.
EARLIER, LATER, ORDER = "earlier", "later", "order"
CURRENCIES = "$€£¥₹"
BETWEEN = " \u00a0\u202f'_"  # what stands between thousands, besides a comma or a dot
# How a time is written, and what --time-format says of it.
DATES = (
    (r"^\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"^\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"^\d{8}(?!\d)", ("%Y%m%d",)),
    (r"^\d{1,2}/\d{1,2}/\d{4}", ("%m/%d/%Y", "%d/%m/%Y")),
    (r"^\d{1,2}-\d{1,2}-\d{4}", ("%m-%d-%Y", "%d-%m-%Y")),
    (r"^\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y", "%m.%d.%Y")),
    (r"^\d{1,2}-[A-Za-z]{3}-\d{4}", ("%d-%b-%Y",)),
    (r"^\d{1,2} [A-Za-z]{3} \d{4}", ("%d %b %Y",)),
    (r"^[A-Za-z]{3} \d{1,2}, \d{4}", ("%b %d, %Y",)),
)
TIMES = (
    (r"\d{1,2}:\d{2}:\d{2}\.\d+ ?[AaPp][Mm]", "%I:%M:%S%.f %p"),
    (r"\d{1,2}:\d{2}:\d{2} [AaPp][Mm]", "%I:%M:%S %p"),
    (r"\d{1,2}:\d{2} [AaPp][Mm]", "%I:%M %p"),
    (r"\d{1,2}:\d{2}:\d{2}\.\d+", "%H:%M:%S%.f"),
    (r"\d{1,2}:\d{2}:\d{2}", "%H:%M:%S"),
    (r"\d{1,2}:\d{2}", "%H:%M"),
)


def check_numbers(
    where: object, raw: pl.DataFrame, bars: pl.DataFrame, mapping: Mapping[str, str], rows: int
) -> None:
    """BarImportError for the first number as text that an option reads, or for a column of which
    nothing is a number.

    mapping  our column -> that of `raw`
    rows     of the file before these
    """
    for name, source in mapping.items():
        if (
            name not in bars.columns
            or raw.schema[source] != pl.String
            or not bars[name].null_count()
        ):
            continue
        text = raw[source].str.strip_chars()
        lost = bars[name].is_null() & text.str.contains(r"\d").fill_null(False)
        if not lost.any():
            continue
        nothing = bars[name].null_count() == len(bars) and not rows
        for row in lost.arg_true().head(1000).to_list():
            fix = option_of(text[row])
            if fix or nothing:
                raise BarImportError(
                    f"{name} is {raw[source][row]!r} in row {rows + row + 1}",
                    where=where,
                    expected="a number such as 1234.5",
                    fix=fix or f"name another column: --column {name}=NAME",
                )


def option_of(text: str) -> str | None:
    """The option that reads a text as a number; None where none does."""
    strip = "".join(sign for sign in CURRENCIES + BETWEEN if sign in text)
    bare = re.sub(f"[{re.escape(strip)}]", "", text) if strip else text
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+\.\d*|[+-]?\d{1,3}(,\d{3}){2,}", bare):
        strip, comma = strip + ",", False
    elif re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+,\d*|[+-]?\d{1,3}(\.\d{3}){2,}", bare):
        strip, comma = strip + ".", True
    elif re.fullmatch(r"[+-]?\d{1,3},\d{3}", bare):
        whole, part = bare.replace(",", ""), bare.replace(",", ".")
        return f"give --strip '{strip},' if that is {whole}, or --decimal-comma if it is {part}"
    elif re.fullmatch(r"[+-]?\d*,\d+", bare):
        comma = True
    elif strip and re.fullmatch(r"[+-]?\d*\.?\d+", bare):
        comma = False
    else:
        return None
    options = (
        [f'--strip "{strip}"' if "'" in strip else f"--strip '{strip}'"] if strip else []
    ) + ["--decimal-comma"] * comma
    return f"give {' '.join(options)}"


def as_number(text: pl.Expr, options: TextOptions) -> pl.Expr:
    """Text parsed as float64; null where it is no number."""
    text = text.str.strip_chars()
    if options.strip:
        text = text.str.replace_all(f"[{re.escape(options.strip)}]", "")
    if options.decimal_comma:
        text = text.str.replace(",", ".", literal=True)
    return text.cast(pl.Float64, strict=False)


# -- times


def check_times(where: object, texts: pl.Series, times: pl.Series, rows: int) -> None:
    """BarImportError naming the first text where none of a file's can be read as a time.

    rows  of the file before these
    """
    if rows or times.null_count() < len(times) or texts.null_count() == len(texts):
        return
    row = int(texts.is_not_null().arg_true()[0])
    told = texts[row]
    if texts.dtype != pl.String:
        raise BarImportError(
            f"{told} in row {row + 1} is no time",
            where=where,
            expected="a time between 1900 and 2200",
            fix="give the --epoch-unit that it has: s, ms, us or ns",
        )
    raise unread_time(where, told, row)


def unread_time(where: object, text: str, row: int) -> BarImportError:
    """The error of a text that cannot be parsed as a time; `row` counts from 0."""
    forms = time_forms(text)
    told = " or ".join(f"'{form}'" for form in forms)
    fix = (
        f"give --time-format {told}"
        if forms
        else "give its --time-format, such as '%d.%m.%Y %H:%M'"
    )
    return BarImportError(
        f"{text!r} in row {row + 1} cannot be read as a time",
        where=where,
        expected="times such as 2018-03-13 09:30",
        fix=fix,
    )


def time_forms(text: str) -> list[str]:
    """What --time-format may say of a text: several forms where its numbers can be read in several
    ways, none if none is known.
    """
    text = text.strip()
    for pattern, forms in DATES:
        found = re.match(pattern, text)
        if found is None:
            continue
        rest = text[found.end() :]
        for shape, form in TIMES:
            at = re.search(shape, rest)
            if at is not None:
                rest = rest[: at.start()] + form + rest[at.end() :]
                break
        return [form + rest for form in forms]
    return []


def with_repeated_hour(
    where: object, bars: pl.DataFrame, wall: pl.Series, zone: str, repeated: str | None, rows: int
) -> pl.DataFrame:
    """Bars with the times that a zone's clock tells twice, as `repeated` says, in the order of the
    source.

    wall  Datetime[bars], what stands in the source, null where it cannot be read; of bars that have
          a time, anything

    Raises BarImportError for a time that the clock tells twice where `repeated` is None, and for
    one that it skips.
    """
    lost = bars["timestamp"].is_null() & wall.is_not_null()
    if not lost.any():
        return bars
    earlier, later = (
        wall.dt.replace_time_zone(zone, ambiguous=which, non_existent="null")
        for which in ("earliest", "latest")
    )
    skipped = (lost & earlier.is_null()).arg_true()
    if len(skipped):
        row = int(skipped[0])
        raise BarImportError(
            f"{wall[row]} in row {rows + row + 1} is a time that the clock of {zone} skips",
            where=where,
            expected="times of that zone",
            fix="give the --timezone that the times are of",
        )
    if repeated is None:
        row = int(lost.arg_true()[0])
        raise BarImportError(
            f"{wall[row]} in row {rows + row + 1} is a time that the clock of {zone} tells twice",
            where=where,
            expected="which of the two hours it is",
            fix="give --repeated-hour order where both are there, one after the other, or else "
            "earlier or later; or times in UTC",
        )
    if repeated == ORDER:
        second = _second_pass(bars["symbol"], wall, lost)
    else:
        second = pl.Series([repeated == LATER]).new_from_index(0, len(bars))
    chosen = later.zip_with(second, earlier).dt.convert_time_zone("UTC").cast(TIMESTAMP)
    return bars.with_columns(timestamp=chosen.zip_with(lost, bars["timestamp"]))


def _second_pass(symbols: pl.Series, wall: pl.Series, lost: pl.Series) -> pl.Series:
    """Boolean[rows]: on its date the symbol's local time has gone back before this row.

    Only rows of `lost`, the times that the clock shows twice, can be True.
    """
    rows = (
        pl.DataFrame({"symbol": symbols, "wall": wall, "lost": lost})
        .with_row_index("row")
        .filter("lost")
    )
    back = (pl.col("wall") <= pl.col("wall").shift()).fill_null(False)
    passed = rows.with_columns(second=(back.cum_sum() > 0).over("symbol", pl.col("wall").dt.date()))
    second = pl.Series([False]).new_from_index(0, len(wall))
    return second.scatter(passed["row"], passed["second"])
