"""Finds the order of day, month and year in dates such as 03/05/2018, one order for a whole source.

    1. a part above 12 is no month: orders in which some date is invalid are dropped
    2. bars belong to sessions: an order whose dates are all sessions of the exchange is preferred
    3. files are sorted by time: an order in which every symbol's dates only increase, or only
       decrease, is preferred

Where several orders remain, or rules 2 and 3 prefer different ones, the source is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from engine.archive.vendor_files.time_text import (
    NUMBERS,
    first_text,
    form_of,
    orders_of,
    parse,
    parse_form,
)
from engine.errors import BarImportError, BarsweepError


def order_near(texts: pl.Series, first: str, near: dt.date | None) -> str | None:
    """The order in which most texts are within a day of `near`, the date of the texts' file.

    None where `near` is None, or where no order or several different ones fit.
    """
    if near is None:
        return None
    day = dt.timedelta(days=1)
    found = {}
    for order in orders_of(first):
        dates = parse(texts, order).dt.date()
        if 2 * dates.is_between(near - day, near + day).sum() > dates.count() > 0:
            found[order] = dates
    same = len({tuple(dates.unique().sort().to_list()) for dates in found.values()}) == 1
    return next(iter(found)) if same else None


def ambiguous(
    where: object, text: str, orders: Sequence[str], kind: type[BarsweepError] = BarImportError
) -> BarsweepError:
    """The error of dates that can be read in several orders."""
    body = text.strip()
    forms = [form for form in (form_of(body, order) for order in orders) if form]
    read = [
        str(parse_form(pl.Series([body]), form)[0].date())
        for form in forms
        if parse_form(pl.Series([body]), form)[0]
    ]
    told = " or ".join(f"'{form}'" for form in forms) or "such as '%d/%m/%Y'"
    return kind(
        f"{body!r} can be read as {' and as '.join(read) or 'more than one date'}",
        where=where,
        expected="dates that "
        "the source, by a part above 12, the calendar's sessions and the order of rows, shows "
        "how to read",
        fix=f"give --time-format {told}",
    )


def mixed(where: object, one: str, order: str, other: str, another: str) -> BarImportError:
    """The error of a source whose dates are written in two orders."""
    return BarImportError(
        f"{other.strip()!r} is a date with the {another}, and others are read with the {order}, "
        f"such as {one.strip()!r}",
        where=where,
        expected="dates of one order in all of a source",
        fix="give --time-format, and import files of another form by themselves, or write dates "
        "as 2018-03-05",
    )


@dataclass
class DateOrders:
    """Evidence about the order of day, month and year, collected piece by piece of a source.

    off_session  Datetime[n] -> Boolean[n]: belongs to no session of the exchange
    cannot       order -> (a text that is no date in this order but in another, its file)
    off          order -> how many dates are no sessions
    turns        orders in which some symbol's dates in a file both increase and decrease
    differ       whether some text is a different date in a different order
    """

    off_session: Callable[[pl.Series], pl.Series]
    orders: tuple[str, ...] = ()
    first: str = ""
    where: Path | None = None
    differ: bool = False
    cannot: dict[str, tuple[str, Path]] = field(default_factory=dict)
    off: dict[str, int] = field(default_factory=dict)
    turns: set[str] = field(default_factory=set)

    def add(self, texts: pl.Series, read: dict[str, pl.DataFrame], where: Path) -> None:
        """Take in a piece of a file.

        texts  String[rows], the dates as written
        read   order -> the rows' `symbol` and `timestamp`, read in that order
        """
        rows = pl.DataFrame(
            {"text": texts, **{order: bars["timestamp"] for order, bars in read.items()}}
        ).drop_nulls("text")
        if rows.is_empty():
            return
        several = rows["text"].filter(rows["text"].str.contains(NUMBERS))
        self.first, self.where = self.first or str(first_text(several) or ""), self.where or where
        self.orders = tuple(dict.fromkeys((*self.orders, *read)))
        for order, bars in read.items():
            lost = rows.filter(
                pl.col(order).is_null(),
                pl.any_horizontal(pl.col(other).is_not_null() for other in read),
            )
            if len(lost):
                self.cannot.setdefault(order, (str(lost["text"][0]), where))
            self.off[order] = self.off.get(order, 0) + int(
                self.off_session(rows[order].drop_nulls().unique()).sum()
            )
            if _turns(bars.drop_nulls()):
                self.turns.add(order)
        first, *rest = (rows[order] for order in read)
        self.differ = self.differ or any(first.ne_missing(other).any() for other in rest)

    @property
    def is_told(self) -> bool:
        """Whether at most one order is still possible, so that no more dates are needed."""
        return len(self.cannot) >= len(self.orders) - 1 and bool(self.orders)

    def decide(self) -> str:
        """The order; BarImportError where there is none, or more than one."""
        possible = [order for order in self.orders if order not in self.cannot]
        if not possible:
            (one, (other, where)), (another, (text, _)) = list(self.cannot.items())[:2]
            raise mixed(where, text, one, other, another)
        if len(possible) == 1 or not self.differ:
            return possible[0]
        in_session = {order for order in possible if not self.off[order]} or set(possible)
        sorted_by_time = {order for order in possible if order not in self.turns} or set(possible)
        both = in_session & sorted_by_time
        if len(both) != 1:
            raise ambiguous(self.where, self.first, possible)
        return both.pop()


def _turns(bars: pl.DataFrame) -> bool:
    """Whether some symbol's dates go forth and back."""
    same = (bars["symbol"] == bars["symbol"].shift()).fill_null(False)
    steps = bars["timestamp"].dt.date().cast(pl.Int32).diff().filter(same)
    return bool((steps > 0).any() and (steps < 0).any())
