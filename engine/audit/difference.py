"""What two replays of the same past differ in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """What was known of a column, a clause, a table up to a tick and is another thing where the future is; the first of it.

    what    column, universe, clause, feature, rank, scan, hit, event, order, fill, trade, equity, failure
    owner   the scanner or the strategy; None for a column that any may read
    name    the column, the clause, the field
    symbol  None where it is of no single symbol
    time    when the first was known, exchange-local
    whole   its value in the archive as it is, None where it is missing
    other   its value where the future is another
    count   how many values or rows differ
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
    """Whether two values are the same; a NaN is the same as another."""
    return bool(one == other or (one != one and other != other))
