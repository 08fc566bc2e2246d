"""What a scan is told beside its scanners: where, when, and with which parameters they look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from engine.errors import ConfigError

Day = str | dt.date
Spell = Callable[
    [str], str
]  # an option as whoever reads a message knows it: `str` for a program, with hyphens for a command


class ScanOptions(TypedDict, total=False):
    """Keyword options of whatever takes scanners instead of a session config.

    where           a condition to scan for, beside or instead of scanners: "close > sma_20_1d and rvol_20 > 2"
    features        with `where`: name -> expression of a value to log with each hit
    schedule        when to scan, exchange time: "09:35-15:55/5m", "close", or several; every five minutes where left out, at
                    the close where bars are daily
    pre_session     scan before each open, and in the session only with `schedule`
    start, end      first and last date; the archive's where left out
    universe        symbols to scan: a file, a membership .parquet or .csv, a list, or "all"
    interval        of the bars to scan, such as "1d"; the archive's shortest where left out
    extended_hours  see bars before and after regular hours
    min_quality     scan only symbols that had this percent of their bars in the five sessions before
    benchmark       symbol that beta, correlation and relative_strength are measured against
    settings        parameters of the scanners that are named; each takes those that it has
    on_corrupt      "stop", or "skip": what becomes of the scan when a session's file cannot be read
    """

    where: str | None
    features: Mapping[str, str]
    schedule: str | Sequence[str] | None
    pre_session: bool
    start: Day | None
    end: Day | None
    universe: str | list[str] | dict[str, Any] | None
    interval: str | None
    extended_hours: bool
    min_quality: float | None
    benchmark: str | None
    settings: Mapping[str, Any]
    on_corrupt: str


KNOWN = tuple(ScanOptions.__annotations__)


def check_order(start: Day | None, end: Day | None, spell: Spell = str) -> None:
    """Refuse a last date before the first; what is no date is told of by whoever reads it."""
    try:
        first, last = date_of(start), date_of(end)
    except ConfigError:
        return
    if first and last and first > last:
        raise ConfigError(
            f"{spell('start')} {first} is after {spell('end')} {last}: the two are reversed",
            expected=f"{spell('start')} before {spell('end')}, or the same date",
        )


def date_of(value: Day | None) -> dt.date | None:
    """A date, of a text such as 2018-03-01."""
    if value is None or (isinstance(value, dt.date) and not isinstance(value, dt.datetime)):
        return value
    try:
        return value.date() if isinstance(value, dt.datetime) else dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ConfigError(
            f"{value!r}", where="a session", expected="a date such as 2018-03-01"
        ) from None
