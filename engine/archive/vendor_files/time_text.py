"""Times as text: which form a text has, and what it says.

Texts are told apart by their shape. A date with the year first, or with the month's name, can be
read in one way. `03/05/2018` can be read in two, the month first or the day first (`03/05/18` in
three): which of them holds is decided elsewhere (date_order.py), once for all of a source, and
given here as an order.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal
from zoneinfo import available_timezones

import polars as pl

from engine.errors import BarImportError, did_you_mean

MONTH_FIRST, DAY_FIRST, YEAR_FIRST = "month first", "day first", "year first"
# numbers that can be read in several orders, in any of the separators; Polars' regular expressions
# look neither back nor ahead
NUMBERS = r"^\s*\d{1,2}(?:/\d{1,2}/|-\d{1,2}-|\.\d{1,2}\.)\d{2}(?:\d{2})?(?:\D|$)"
_NUMBERS = re.compile(r"\s*\d{1,2}([/.\-])\d{1,2}\1(\d{4}|\d{2})(?!\d)")
ISO = re.compile(r"\s*\d{4}-\d\d-\d\d(?!\d)")
HAS_TIME = re.compile(r":|^\s*\d{8}[T ;,]+\d{4}")
ZONE = r"(Z|[+-]\d\d:?\d\d)$"
# a zone that a time carries: Z, an offset, or a name, as in "20231115 09:30:00 US/Eastern"
CARRIED = r"\s*(Z|UTC|GMT|[+-]\d\d:?\d\d|[A-Z][A-Za-z_]+(?:/[A-Za-z_]+)+)$"

_ORDERS = {MONTH_FIRST: "%m{0}%d{0}{1}", DAY_FIRST: "%d{0}%m{0}{1}"}
_DATES = (  # what has one reading
    (r"\d{4}-\d{1,2}-\d{1,2}", "%Y-%m-%d"),
    (r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", "%Y.%m.%d"),
    (r"\d{8}", "%Y%m%d"),
    (r"\d{1,2}-[A-Za-z]{3,9}-\d{4}", "%d-%B-%Y"),
    (r"\d{1,2}/[A-Za-z]{3,9}/\d{4}", "%d/%B/%Y"),
    (r"\d{1,2} [A-Za-z]{3,9} \d{4}", "%d %B %Y"),
    (r"\d{1,2}-[A-Za-z]{3,9}-\d{2}", "%d-%B-%y"),
    (r"[A-Za-z]{3,9} \d{1,2}, \d{4}", "%B %d, %Y"),
    (r"[A-Za-z]{3,9} \d{1,2} \d{4}", "%B %d %Y"),
)
_TIMES = (
    (r"\d{1,2}:\d\d", "%H:%M"),
    (r"\d{1,2}:\d\d:\d\d(?:\.\d{1,9})?", "%H:%M:%S%.f"),
    (r"\d{1,2}:\d\d ?[AaPp][Mm]", "%I:%M %p"),
    (r"\d{1,2}:\d\d:\d\d ?[AaPp][Mm]", "%I:%M:%S %p"),
    (r"\d{6}", "%H%M%S"),
    (r"\d{4}", "%H%M"),
)
_DATE = re.compile(
    r"(?P<date>\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}|\d{8}|\d{1,2}[-/ ][A-Za-z]{3,9}[-/ ]\d{2,4}"
    r"|[A-Za-z]{3,9} \d{1,2},? \d{4})"
    r"(?:(?P<between>T|[ ,;]+)(?P<time>[\d:.]+(?: ?[AaPp][Mm])?))?"
)


def first_text(texts: pl.Series) -> str | None:
    """The first text of a column, None where it has none."""
    known = texts.drop_nulls()
    return None if known.is_empty() else str(known[0]).strip()


def has_time(text: str) -> bool:
    """Whether a text has a time of day, not only a date."""
    return HAS_TIME.search(text) is not None


def orders_of(text: str) -> tuple[str, ...]:
    """The orders in which a text's numbers may be read; none where it can be read in one way."""
    found = _NUMBERS.match(text)
    if found is None:
        return ()
    return (MONTH_FIRST, DAY_FIRST) if len(found[2]) == 4 else (MONTH_FIRST, DAY_FIRST, YEAR_FIRST)


def form_of(text: str, order: str | None) -> str | None:
    """The strftime form of a text without a zone; None where it has none that is known, or an order
    is needed and not given.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    date = _date_form(found["date"], order)
    if date is None or found["time"] is None:
        return date
    time = next((form for shape, form in _TIMES if re.fullmatch(shape, found["time"])), None)
    if time is not None and time.endswith("%p") and " " not in found["time"]:
        time = time.replace(" %p", "%p")
    return None if time is None else date + found["between"] + time


def swapped(form: str) -> str:
    """A strftime form with day and month exchanged."""
    return (
        form.translate(str.maketrans("dm", "md"))
        if {"%d", "%m"} <= set(re.findall(r"%[a-zA-Z]", form))
        else form
    )


def parse(texts: pl.Series, order: str | None) -> pl.Series:
    """The moments that texts without a zone tell, null where a text has no known form. Their forms
    may differ.
    """
    texts = texts.str.strip_chars()
    rest = texts.drop_nulls().unique()
    moments = pl.Series(texts.name, [None], pl.Datetime("us")).new_from_index(0, len(texts))
    for form in dict.fromkeys(filter(None, (form_of(text, order) for text in _shapes(rest)))):
        moments = moments.fill_null(parse_form(texts, form))
        if moments.null_count() == texts.null_count():
            break
    return moments


def parse_form(texts: pl.Series, form: str) -> pl.Series:
    """The moments that texts tell in a strftime form, null where they have another."""
    if re.search(r"%-?[HIMSTRXpsc]", form):
        return texts.str.to_datetime(form, time_unit="us", strict=False)
    return texts.str.to_date(form, strict=False).cast(pl.Datetime("us"))


def _shapes(texts: pl.Series) -> list[str]:
    """One text of each shape: texts have one shape if they differ in digits and letters only."""
    shape = texts.str.replace_all(r"[0-9]", "9").str.replace_all(r"[A-Za-z]", "a")
    return (
        pl.DataFrame({"text": texts, "shape": shape})
        .unique("shape")
        .sort("text")["text"]
        .head(50)
        .to_list()
    )


def _date_form(text: str, order: str | None) -> str | None:
    numbers = _NUMBERS.fullmatch(text)
    if numbers is None:
        return next((form for shape, form in _DATES if re.fullmatch(shape, text)), None)
    separator, year = numbers[1], "%Y" if len(numbers[2]) == 4 else "%y"
    if order == YEAR_FIRST:
        return f"%y{separator}%m{separator}%d" if year == "%y" else None
    return None if order is None else _ORDERS[order].format(separator, year)


def zone_of(text: str) -> str | None:
    """The zone that a text carries: Z, an offset, or a name; None where it carries none."""
    found = re.search(CARRIED, text.strip()) if has_time(text) else None
    return found[1] if found else None


def in_zone(wall: pl.Series, zone: str, twice: Literal["null", "earliest"] = "null") -> pl.Series:
    """Wall-clock times of a zone, or of an offset such as +01:00, in UTC; null where the zone's
    clock tells them never, and, unless `twice` says which hour it is, where it tells them twice.
    """
    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)", zone)
    if offset:
        ahead = int(offset[1] + "1") * dt.timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return (wall - ahead).dt.replace_time_zone("UTC")
    name = "UTC" if zone in ("Z", "GMT") else zone
    if name not in available_timezones():
        raise BarImportError(
            f"no time zone {zone!r}",
            expected="one such as America/New_York",
            fix=did_you_mean(zone, available_timezones()),
        )
    return wall.dt.replace_time_zone(
        name, ambiguous=twice, non_existent="null"
    ).dt.convert_time_zone("UTC")
