"""The date of the session that each bar belongs to."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from engine.clock.calendar import NO_DAY, ROUND_THE_CLOCK, ExchangeCalendar
from engine.errors import BarImportError, BarsweepError


def session_dates(calendar: ExchangeCalendar, starts: pl.Series) -> pl.Series:
    """Date[bars], named `date`: the session that each intraday bar belongs to.

    starts  Datetime[bars] in UTC

    That is the session that is open when the bar starts, else the bar's exchange-local date,
    whether that is a session or not. So a bar of Sunday evening belongs to Monday where Monday's
    session is open then, and a bar outside regular hours belongs to its own date.
    """
    local = starts.dt.convert_time_zone(str(calendar.tz)).dt.date().alias("date")
    low, high = local.min(), local.max()
    if (
        not isinstance(low, dt.date)
        or not isinstance(high, dt.date)
        or not calendar.is_overnight(low, high)
    ):
        return local
    known = starts.is_not_null()
    days = np.full(len(starts), NO_DAY)
    days[known.to_numpy()] = calendar.open_at(starts.filter(known).to_physical().to_numpy())
    open_then = pl.Series(days != NO_DAY)
    of_open = pl.Series(np.where(days == NO_DAY, 0, days)).cast(pl.Date)
    return of_open.zip_with(open_then, local).alias("date")


def dates_of_days(calendar: ExchangeCalendar, labels: pl.Series, label: str) -> pl.Series:
    """Date[bars], named `date`: the session that each daily bar belongs to.

    A label at midnight UTC is a date already. Any other label of a bar's end belongs to the session
    that ends then.
    """
    moments = labels if label == "open" else labels - dt.timedelta(microseconds=1)
    at_midnight = labels.dt.time() == dt.time(0)
    return (
        labels.dt.date()
        .zip_with(at_midnight.fill_null(False), session_dates(calendar, moments))
        .alias("date")
    )


def off_session(moments: pl.Series, calendar: ExchangeCalendar, label: str = "open") -> pl.Series:
    """Boolean[moments]: belongs to no session. Moments that are all at midnight UTC are dates."""
    if not (moments.dt.time() != dt.time(0)).any():
        dates = moments.dt.date()
    else:
        dates = session_dates(
            calendar, moments if label == "open" else moments - dt.timedelta(microseconds=1)
        )
    low, high = dates.min(), dates.max()
    if not isinstance(low, dt.date) or not isinstance(high, dt.date):
        return pl.Series([], dtype=pl.Boolean)
    known = pl.Series([session.date for session in calendar.sessions(low, high)], dtype=pl.Date)
    return ~dates.is_in(known.implode())


# Zones in which a vendor's days of round-the-clock markets may begin at midnight; to suggest a fix.
ZONES = (
    "America/Chicago",
    "America/New_York",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Seoul",
    "Asia/Shanghai",
)
SECOND = dt.timedelta(seconds=1)


def refuse_shifted_days(
    labels: pl.Series,
    label: str,
    calendar: ExchangeCalendar,
    where: object,
    kind: type[BarsweepError] = BarImportError,
) -> None:
    """Raise `kind` where daily bars of a 24/7 market begin at another time than its sessions.

    Such a bar would be visible before its day is over.
    """
    if not calendar.is_round_the_clock:
        return
    known = labels.drop_nulls()
    ends = label == "close"
    moments = (
        (known + SECOND).dt.truncate("1m") if ends else known
    )  # an end may be written as 23:59:59.999
    own = _midnight(moments, str(calendar.tz)) | _midnight(known, "UTC")
    if own.all():
        return
    first = moments.filter(~own)[0]
    zone = next((zone for zone in ZONES if _midnight(moments, zone).all()), _fixed_zone(moments))
    raise kind(
        f"days {'end' if ends else 'begin'} at {first:%H:%M} UTC, and those of {calendar.mic} at "
        f"midnight of {calendar.tz}",
        where=where,
        expected="days of the market's sessions, or a bar is known before its day is over",
        fix=f"give --exchange {ROUND_THE_CLOCK}@{zone}"
        if zone
        else "give the --exchange whose sessions these days are",
    )


def _midnight(moments: pl.Series, zone: str) -> pl.Series:
    return moments.dt.convert_time_zone(zone).dt.time() == dt.time(0)


def _fixed_zone(moments: pl.Series) -> str | None:
    """The zone of whole hours in which all moments are midnight."""
    hours = moments.dt.hour().unique()
    if len(hours) > 1 or (moments.dt.minute() != 0).any():
        return None
    hour = int(hours[0])
    return f"Etc/GMT+{hour}" if hour <= 12 else f"Etc/GMT-{24 - hour}"
