"""A difference between two replays of the same past."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """The first of the values or rows of one kind, owner and name that differ up to a tick.

    what    column, universe, clause, feature, rank, scan, hit, event, order, fill, trade, equity or
            failure
    owner   the scanner or the strategy; None for a column of the cross-sections
    name    the column, the clause or the field
    symbol  None where the difference concerns no single symbol
    time    when the value was known, exchange-local
    whole   the value over the archive as it is; None where missing
    other   the value over the archive with another future; None where missing
    count   number of values or rows that differ
    """

    what: str
    owner: str | None
    name: str
    symbol: str | None
    time: dt.datetime
    whole: Any
    other: Any
    count: int = 1


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal; NaN equals NaN."""
    return bool(one == other or (one != one and other != other))
