"""Distances between bars, and the interval that follows from them.

Bars may be missing, so the distance between two bars of a symbol is a multiple of the interval, and
over enough bars the interval is their greatest common divisor. Bars that are declared shorter than
they are would look ahead: five-minute bars read as minutes are visible four minutes early, weekly
bars read as days four days early. They are recognized by distances that are all multiples of a
longer interval.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from math import gcd
from typing import Any

import polars as pl

from engine.archive.vendor_files.session_dates import dates_of_days, session_dates
from engine.clock.calendar import ExchangeCalendar
from engine.clock.interval import MICROS_A_MINUTE, Interval

SURE = 1000.0  # odds against distances that are multiples of a longer interval by chance
USUAL = (5, 10, 15, 30, 60)  # intervals in minutes that two bars are believed
REGULAR = 20  # distances of one symbol that say as much of it
# Share of distances that are multiples of a longer interval, where some others are among them
MOST = 0.98
# Share of the commonest distance's multiples, from which on the shorter ones are the odd ones
IRREGULAR = 0.75


@dataclass
class Spacing:
    """Distances between bars that follow one another, of all symbols.

    minutes   within a session: minutes apart -> how often
    sessions  between sessions: sessions apart -> how often
    utc       minute of the day of bars of which no symbol has two in a session -> how often
    local     the same on the exchange's clock
    longer    symbol -> its shortest distance in minutes, for symbols of which every distance is a
              multiple of that: their bars are longer than those of others
    """

    minutes: Counter[int] = field(default_factory=Counter)
    sessions: Counter[int] = field(default_factory=Counter)
    utc: Counter[int] = field(default_factory=Counter)
    local: Counter[int] = field(default_factory=Counter)
    longer: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        bars: pl.DataFrame,
        calendar: ExchangeCalendar,
        daily: bool | None = None,
        label: str = "open",
    ) -> Spacing:
        """The distances in a piece of a source (`symbol`, `timestamp`, and the sessions' `date` if
        it is known); daily where it is known that bars are of days.
        """
        kept = [name for name in ("symbol", "timestamp", "date") if name in bars.columns]
        rows = bars.select(kept).drop_nulls().sort("symbol", "timestamp")
        if rows.is_empty():
            return cls()
        if "date" not in kept:
            of_days = daily or not (rows["timestamp"].dt.time() != dt.time(0)).any()
            date = (
                dates_of_days(calendar, rows["timestamp"], label)
                if of_days
                else session_dates(calendar, rows["timestamp"])
            )
            rows = rows.with_columns(date.alias("date"))
        same = (pl.col("symbol") == pl.col("symbol").shift()).fill_null(False)
        within = same & (pl.col("date") == pl.col("date").shift())
        apart = (pl.col("timestamp").dt.epoch("us").diff() // MICROS_A_MINUTE).alias("apart")
        near = (
            rows.select("symbol", apart, within=within)
            .filter("within", pl.col("apart") > 0)
            .drop("within")
        )
        days = rows.filter(~within)
        found = cls(_counter(near["apart"]), Counter(), longer=_longer(near))
        found.sessions = _sessions_apart(days, calendar)
        if near.is_empty():
            local = rows["timestamp"].dt.convert_time_zone(str(calendar.tz))
            found.utc, found.local = (
                _counter(_minute(times)) for times in (rows["timestamp"], local)
            )
        return found

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Spacing:
        """What `as_json` has written."""
        counters = {
            name: Counter({int(k): v for k, v in told[name].items()})
            for name in ("minutes", "sessions", "utc", "local")
        }
        return cls(**counters, longer=dict(told["longer"]))

    def as_json(self) -> dict[str, Any]:
        """For a mark of the staging folder."""
        return {name: dict(value) for name, value in vars(self).items()}

    def __add__(self, other: Spacing) -> Spacing:
        counters = {
            name: getattr(self, name) + getattr(other, name)
            for name in ("minutes", "sessions", "utc", "local")
        }
        return Spacing(**counters, longer=self.longer | other.longer)

    @property
    def common(self) -> int | None:
        """The commonest distance within a session, in minutes, of several the shortest; None where
        no symbol has two bars in one.
        """
        return (
            min(self.minutes, key=lambda apart: (-self.minutes[apart], apart))
            if self.minutes
            else None
        )

    @property
    def is_settled(self) -> bool:
        """Whether no further bars can tell a shorter interval, or another one."""
        return 1 in self.minutes

    def interval(self) -> Interval | None:
        """The interval of the bars; None where there are too few distances, or several fit."""
        if not self.minutes:
            alike = (
                max(max(clock.values(), default=0) for clock in (self.utc, self.local))
                >= IRREGULAR * self.utc.total()
            )
            return Interval.parse("1d") if self.sessions and alike else None
        minutes = gcd(*self.minutes)
        if (
            self._share(self.common or 1) >= IRREGULAR
            and (self.common or 1) > minutes
            and self._count >= REGULAR
        ):
            return None  # such as hours by the clock, of which the first is half a one
        alike = len(self.minutes) == 1 and (self._count > 1 or minutes in USUAL)
        if minutes >= 1440 or not (minutes == 1 or alike or _odds(minutes, self._count) >= SURE):
            return None
        return Interval.parse(f"{minutes}m")

    def too_long(self, interval: Interval) -> str | None:
        """Why bars cannot be of an interval, being longer ones, in words; None where nothing says
        so.
        """
        if interval.is_daily:
            least = min(self.sessions, default=1)
            if not self.minutes and least > 1 and self.sessions.total() >= 2:
                return f"bars are never less than {least} sessions apart"
            return None
        unit = interval.minutes
        step = gcd(*self.minutes) if self.minutes else unit
        often = self.common or unit
        if step % unit == 0 and step > unit and _odds(step // unit, self._count) >= SURE:
            return f"bars are never less than {_clock(step)} apart"
        if (
            often % unit == 0
            and often > unit
            and self._share(often) >= MOST
            and _odds(often // unit, self._count) >= SURE
        ):
            return (
                f"bars are {_clock(often)} apart, but for "
                f"{self._count - self._multiples(often)} of {self._count:,}"
            )
        for symbol, apart in self.longer.items():
            if apart % unit == 0 and apart > unit:
                return f"bars of {symbol} are never less than {_clock(apart)} apart"
        return None

    @property
    def _count(self) -> int:
        return self.minutes.total()

    def _multiples(self, step: int) -> int:
        return sum(often for apart, often in self.minutes.items() if apart % step == 0)

    def _share(self, step: int) -> float:
        return self._multiples(step) / max(1, self._count)


def _odds(times: int, count: int) -> float:
    """Against `count` distances being multiples of `times` intervals by chance."""
    return float(times) ** min(count, 64)


def _clock(minutes: int) -> str:
    return str(dt.timedelta(minutes=minutes))


def _counter(values: pl.Series) -> Counter[int]:
    return Counter(dict(values.value_counts().iter_rows()))


def _minute(times: pl.Series) -> pl.Series:
    return times.dt.hour().cast(pl.Int64) * 60 + times.dt.minute().cast(pl.Int64)


def _longer(near: pl.DataFrame) -> dict[str, int]:
    """The first symbols of which every distance is a multiple of the shortest, with that."""
    least = pl.col("apart").min()
    by_symbol = near.group_by("symbol").agg(
        least.alias("least"), (pl.col("apart") % least == 0).all().alias("all"), pl.len()
    )
    found = (
        by_symbol.filter("all", pl.col("least") > 1, pl.col("len") >= REGULAR)
        .sort("symbol")
        .head(5)
    )
    return dict(found.select("symbol", "least").iter_rows())


def _sessions_apart(days: pl.DataFrame, calendar: ExchangeCalendar) -> Counter[int]:
    """Distances between a symbol's dates, in sessions of the exchange."""
    dates: list[dt.date] = days["date"].unique().sort().to_list()
    sessions = [one.date for one in calendar.sessions(dates[0], dates[-1])]
    place = {date: bisect_left(sessions, date) for date in dates}
    numbers = days.select("symbol", pl.col("date").replace_strict(place, return_dtype=pl.Int64))
    apart = numbers.select(pl.col("date").diff().over("symbol")).to_series().drop_nulls()
    return _counter(apart.filter(apart > 0))
