"""In which order the numbers of dates such as 03/05/2018 are to be read: one for all of a source.

    1. a part above 12 is no month: an order in which a date of the source is none is out
    2. the calendar's sessions: bars are of sessions, so an order with none but sessions is better
       than one with other days
    3. the order of rows: files are in order of time, so an order in which every file's dates
       increase, or decrease, is better

Where more than one is left, or they speak for different orders, nobody can know, and the source is
refused.
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
    """The order in which most texts are of a date that is known, or of one beside it; None where
    none or several are.
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
    """What a source's dates say of the order they are written in; texts are looked at file by file,
    in the rows' order.

    off_session  which moments are of no session of the exchange
    cannot       order -> a text that is a date in another order, and none in this one, and its file
    off          order -> how many dates are of no session
    turns        orders in which the dates of a symbol in some file neither increase nor decrease
    differ       whether some text is another date in another order
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
        """Take in a piece of a file: its texts, and `symbol` and `timestamp` of its rows as they
        are in each order.
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
        """Whether dates have come that leave one order, or none."""
        return len(self.cannot) >= len(self.orders) - 1 and bool(self.orders)

    def decide(self) -> str:
        """The order; BarImportError where there is none, or more than one."""
        left = [order for order in self.orders if order not in self.cannot]
        if not left:
            (one, (other, where)), (another, (text, _)) = list(self.cannot.items())[:2]
            raise mixed(where, text, one, other, another)
        if len(left) == 1 or not self.differ:
            return left[0]
        in_session = {order for order in left if not self.off[order]} or set(left)
        in_turn = {order for order in left if order not in self.turns} or set(left)
        both = in_session & in_turn
        if len(both) != 1:
            raise ambiguous(self.where, self.first, left)
        return both.pop()


def _turns(bars: pl.DataFrame) -> bool:
    """Whether some symbol's dates go forth and back."""
    same = (bars["symbol"] == bars["symbol"].shift()).fill_null(False)
    steps = bars["timestamp"].dt.date().cast(pl.Int32).diff().filter(same)
    return bool((steps > 0).any() and (steps < 0).any())
