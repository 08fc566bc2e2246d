"""Sessions out of the exchange_calendars library; where it cannot build a calendar by itself, out
of the calendar's parts.

Version 4.13.2 on pandas 3.1 cannot count from the Orthodox Easter (ASEX, XBEL, XBSE, XCYS), takes
the holidays of the Hebrew calendar for Easter (XTAE), and passes over weekdays that have changed
over the years: XTAE's Sundays, which ends in an error, and sessions at weekends of XBOM, XKRX and
XMOS, which are lost in silence. `_teach_offsets` mends the first two. The rules of the others are
all there: weekdays, holidays, hours. `_class_of_parts` is such a calendar with the days that are no
sessions written out as holidays, which every version of pandas steps over.
"""

from __future__ import annotations

import datetime as dt
import warnings
from functools import cached_property
from typing import Any

from engine.clock.calendar_cache import KeptSession
from engine.errors import CalendarError

WEEKDAYS = "1111100"


def build_calendar(factory: Any, mic: str, low: dt.date, high: dt.date) -> list[KeptSession]:
    """The sessions of a calendar's class from `low` to `high`, as far as it reaches; raises
    CalendarError.
    """
    import pandas as pd

    bounds = (factory.bound_min(), factory.bound_max())
    start = pd.Timestamp(low) if bounds[0] is None else max(pd.Timestamp(low), bounds[0])
    end = pd.Timestamp(high) if bounds[1] is None else min(pd.Timestamp(high), bounds[1])
    if start >= end:
        raise CalendarError(f"no sessions known from {low} to {high}", where=mic)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # what pandas says to the library is nothing that a user can change
        return _built(factory, mic, start, end)


def _built(factory: Any, mic: str, start: Any, end: Any) -> list[KeptSession]:
    _teach_offsets()
    cause = "weekdays of its own"
    if not _special_weekmasks(factory):
        try:
            return _sessions(factory(start, end))
        except Exception as error:  # whatever pandas makes of an offset it does not know
            cause = _first_line(error)
    try:
        return _sessions(_class_of_parts(factory, start, end)(start, end))
    except Exception:
        raise CalendarError(
            f"exchange_calendars cannot build this calendar ({cause})",
            where=mic,
            expected="a calendar that the library can build",
            fix="try other versions of exchange_calendars and pandas, or give the --exchange of "
            "a market with "
            "the same hours",
        ) from None


def _sessions(calendar: Any) -> list[KeptSession]:
    schedule = calendar.schedule
    opens, closes = (
        schedule[name].to_numpy("datetime64[us]").astype("int64").tolist()
        for name in ("open", "close")
    )
    pauses = [_pause(schedule[name]) for name in ("break_start", "break_end")]
    early = {day.date() for day in calendar.early_closes}
    dates = [day.date() for day in schedule.index]
    rows = zip(dates, opens, closes, *pauses, strict=True)
    return [
        (date.toordinal(), o, c, date in early, begins, ends) for date, o, c, begins, ends in rows
    ]


def _pause(times: Any) -> list[int]:
    """Starts or ends of lunch breaks, microseconds UTC a session; 0 where there is no break."""
    has_break = times.notna().to_numpy()
    micros = times.to_numpy("datetime64[us]").astype("int64")
    return [int(time) if known else 0 for time, known in zip(micros, has_break, strict=True)]


def _class_of_parts(factory: Any, start: Any, end: Any) -> Any:
    """The calendar with its days without a session from `start` to `end` as holidays, and special
    hours of sessions alone.
    """
    import pandas as pd
    from pandas.tseries.offsets import CustomBusinessDay

    days = pd.date_range(start, end, freq="D")

    class OfParts(factory):  # type: ignore[misc]
        @property
        def regular_holidays(self) -> None:
            return None  # they are among those of `day`

        @cached_property
        def day(self) -> Any:
            closed = set(pd.DatetimeIndex(self.adhoc_holidays).tz_localize(None))
            regular = super().regular_holidays
            if regular is not None:
                closed |= set(pd.DatetimeIndex(regular.holidays(start, end)).tz_localize(None))
            off = [
                day for day in days if _weekmask(self, day)[day.weekday()] != "1" or day in closed
            ]
            return CustomBusinessDay(holidays=off, weekmask="1111111")

        def _special_dates(self, *arguments: Any) -> Any:
            special = super()._special_dates(*arguments)
            return special[special.index.isin(pd.date_range(start, end, freq=self.day))]

    return OfParts


def _teach_offsets() -> None:
    """The library's own offsets say how they add to a date under the name that pandas had for it
    before version 3.1.
    """
    from exchange_calendars import tase_holidays
    from exchange_calendars.pandas_extensions import offsets
    from pandas.tseries.offsets import BaseOffset

    if not hasattr(BaseOffset, "_add_datetime"):
        return
    for module in (tase_holidays, offsets):
        for kind in vars(module).values():
            if (
                isinstance(kind, type)
                and "_apply" in vars(kind)
                and "_add_datetime" not in vars(kind)
            ):
                kind._add_datetime = vars(kind)["_apply"]  # type: ignore[attr-defined]


def _special_weekmasks(calendar: Any) -> Any:
    """(first date, last date, weekmask) for ranges of dates, of a calendar or of its class."""
    made = object.__new__(calendar) if isinstance(calendar, type) else calendar
    return getattr(made, "special_weekmasks", None) or ()


def _weekmask(calendar: Any, day: Any) -> str:
    """The weekmask of a date: seven characters from Monday on, 1 where sessions are held."""
    for first, last, mask in _special_weekmasks(calendar):
        if (first is None or day >= first) and (last is None or day <= last):
            return str(mask)
    return str(getattr(calendar, "weekmask", WEEKDAYS))


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text[:100]}".rstrip(": ")
