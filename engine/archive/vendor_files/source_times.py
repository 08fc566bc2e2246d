"""Timestamps of bars from a source's columns, which may hold epochs, dates, text or local times."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import polars as pl

from engine.archive.vendor_files.date_order import ambiguous, mixed, order_near
from engine.archive.vendor_files.source_options import SourceOptions
from engine.archive.vendor_files.time_text import (
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
from engine.errors import BarImportError
from engine.schema import TIMESTAMP

MOST_MICROS = 2**62


DATES = (19000101, 22001231)  # as whole numbers


EPOCH_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": None}


def bar_times(
    path: Path, piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions
) -> pl.Series:
    """The bars' labels in UTC, null where one cannot be parsed.

    A date without a time is that date at midnight UTC, in any zone.
    """
    source, values = label_column(piece, mapping, options)
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


def label_column(
    piece: pl.DataFrame, mapping: dict[str, str], options: SourceOptions
) -> tuple[str, pl.Series]:
    """The column that tells the rows' times, and its name.

    Of a date and a time in two columns, both as text.
    """
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
    _, values = label_column(piece, mapping, options)
    return values if values.dtype == pl.String and not _counts(values) else None


def _of_text(path: Path, source: str, texts: pl.Series, options: SourceOptions) -> pl.Series:
    """Labels parsed from text, each in the zone that it carries, else in that of the options."""
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
    """Labels parsed from text in the declared --time-format."""
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
    """What texts without a zone tell.

    Raises BarImportError where they can be read in several ways, and no order is given.
    """
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
    """Wall-clock times in the zone of the options.

    Of daily bars, midnights are dates, and need no zone.
    """
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
    """The moments.

    Of daily bars, those that are midnight on their own wall's clock are that date, at midnight UTC.
    """
    if not options.daily or options.day_ends:
        return moments
    midnight = (wall.dt.time() == dt.time(0)).fill_null(False)
    return _at_midnight(wall).zip_with(midnight, moments)


def _at_midnight(dates: pl.Series) -> pl.Series:
    return dates.cast(pl.Datetime("us")).dt.truncate("1d").dt.replace_time_zone("UTC")


def _day_ends(moments: pl.Series, options: SourceOptions) -> pl.Series:
    """Moments moved by one microsecond into their day, where they label the ends of days."""
    return moments - dt.timedelta(microseconds=1) if options.day_ends else moments
