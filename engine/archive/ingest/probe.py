"""What can be found out about a source before it is imported, from its first rows.

`find_date_order`  the order of day, month and year in dates such as 03/05/2018
`find_interval`    the interval of the bars
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import polars as pl

from engine.archive.vendor_files.date_order import DateOrders
from engine.archive.vendor_files.readers import read_columnar
from engine.archive.vendor_files.session_dates import off_session
from engine.archive.vendor_files.source_columns import find_columns, read_pieces, read_symbols
from engine.archive.vendor_files.source_options import Part, SourceOptions
from engine.archive.vendor_files.source_times import label_texts
from engine.archive.vendor_files.spacing import Spacing
from engine.archive.vendor_files.time_text import (
    CARRIED,
    first_text,
    has_time,
    in_zone,
    orders_of,
    parse,
    zone_of,
)
from engine.archive.vendor_files.whole_minutes import off_minute, refuse_seconds, whole_minutes
from engine.clock.calendar import ExchangeCalendar
from engine.clock.interval import Interval
from engine.errors import BarImportError

LOOKED_AT = 20  # files whose first date is examined
ENOUGH = 1_000_000  # rows whose distances in time are examined


def find_date_order(
    files: Sequence[Path], reading: SourceOptions, calendar: ExchangeCalendar, label: str
) -> str | None:
    """The order of the numbers in the source's dates (time_text.MONTH_FIRST, ...).

    None where the dates can be read in one way only; BarImportError where the source does not show
    which of several ways is right.
    """
    if reading.time_format or not any(
        _is_ambiguous(file, reading) for file in islice(files, LOOKED_AT)
    ):
        return None
    orders = DateOrders(lambda moments: off_session(moments, calendar, label))
    for file in files:
        for texts, symbols in _texts(file, reading):
            first = first_text(texts) or ""
            zone = zone_of(first) or reading.timezone or str(calendar.tz)
            readings = {order: _moments(texts, first, order, zone) for order in orders_of(first)}
            if readings:
                bars = {
                    order: pl.DataFrame({"symbol": symbols, "timestamp": moments})
                    for order, moments in readings.items()
                }
                orders.add(texts, bars, file)
        if orders.is_told:
            break
    return orders.decide()


def find_interval(
    files: Sequence[Path], reading: SourceOptions, calendar: ExchangeCalendar, label: str
) -> Interval | None:
    """The interval of a source's bars, from the distances between them.

    None where the source has no rows; BarImportError where the distances fit several intervals.
    """
    return interval_of(
        ((file, piece) for file in files for piece in read_pieces(Part(file), reading)),
        calendar,
        label,
    )


def interval_of(
    pieces: Iterable[tuple[Path, pl.DataFrame]], calendar: ExchangeCalendar, label: str
) -> Interval | None:
    """As `find_interval`, of pieces of bars: (file, frame of `symbol` and `timestamp` as labelled).

    Reading stops as soon as further bars could not change the answer.
    """
    spacing, rows, first = Spacing(), 0, None
    for file, piece in pieces:
        rows += len(piece)
        first = first or (file if len(piece) else None)
        labels = whole_minutes(piece["timestamp"], label)
        whole = piece.with_columns(labels).filter(~off_minute())
        if len(piece) and whole.is_empty():
            refuse_seconds(labels, label, file)
        spacing += Spacing.of(whole, calendar, label=label)
        if spacing.is_settled or (rows >= ENOUGH and spacing.interval()):
            break
    interval = spacing.interval()
    if interval is None and first is not None:
        raise _undecided(spacing, first)
    return interval


def _undecided(spacing: Spacing, file: Path) -> BarImportError:
    if len(spacing.minutes) > 1:
        apart = ", ".join(
            str(dt.timedelta(minutes=minutes)) for minutes in sorted(spacing.minutes)[:5]
        )
        return BarImportError(
            f"bars are {apart} apart, which several intervals may be",
            where=file,
            expected="bars of one interval",
            fix="give --interval",
        )
    return BarImportError(
        "the bars' interval cannot be told from so few", where=file, fix="give --interval"
    )


def _is_ambiguous(file: Path, reading: SourceOptions) -> bool:
    return any(orders_of(first_text(texts) or "") for texts, _ in islice(_texts(file, reading), 1))


def _texts(file: Path, reading: SourceOptions) -> Iterator[tuple[pl.Series, pl.Series]]:
    """Pieces of a file as (time texts, symbols), both String[rows].

    Nothing where times are no text.
    """
    mapping: dict[str, str] = {}
    columns: list[str] = []
    try:
        for piece in (reading.reader or read_columnar)(Part(file), reading):
            if piece.columns != columns:  # the first piece, or another file inside a .zip
                mapping, columns = find_columns(file, piece.columns, reading), piece.columns
            texts = label_texts(piece, mapping, reading)
            if texts is None:
                return
            yield texts, read_symbols(file, piece, mapping, reading)
    except pl.exceptions.PolarsError:
        return  # the import itself says what is wrong


def _moments(texts: pl.Series, first: str, order: str, zone: str) -> pl.Series:
    """Texts read in one order, Datetime[rows] in UTC.

    An hour that the clock shows twice (the end of daylight saving) is taken for the earlier one:
    only the date matters here.
    """
    if not has_time(first):
        return parse(texts, order).dt.replace_time_zone("UTC")
    return in_zone(
        parse(texts.str.strip_chars().str.replace(CARRIED, ""), order), zone, twice="earliest"
    )


def with_order_and_interval(
    reading: SourceOptions,
    order: str | None,
    interval: Interval,
    label: str,
    calendar: ExchangeCalendar,
) -> SourceOptions:
    """Reading options completed by the order of dates and the interval that were found."""
    day_ends = interval.is_daily and label == "close" and calendar.is_round_the_clock
    return replace(reading, date_order=order, daily=interval.is_daily, day_ends=day_ends)
