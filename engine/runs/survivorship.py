"""What a run's universes leave out: members without data, members that left, hits in symbols that later stopped trading.

A result over today's members of an index, or over symbols that are still traded, is better than the past was. These counts say how
far that may go.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np

from engine.archive.archive import Archive
from engine.archive.reference.universe import Universe
from engine.panel.daily_panel import day_number

SILENT = 10  # sessions without a bar at the archive's end, after which a symbol has stopped trading

HEADS = ("scanner", "members", "without data", "left later", "stopped trading", "hits in these")


@dataclass(frozen=True)
class Survivorship:
    """Of one scanner. Members and who left are None where the universe does not tell.

    point_in_time  whether the universe knows who was a member when
    members        named as members at some time of the run
    without_data   of these, without a daily bar in the run
    left_later     of these, no longer members at some later time that the universe knows of
    stopped        of these, whose last bar is more than SILENT sessions before the archive's end
    hits           of the scanner
    hits_stopped   of these, in symbols that stopped
    """

    point_in_time: bool
    members: int | None
    without_data: int | None
    left_later: int | None
    stopped: int | None
    hits: int
    hits_stopped: int

    def as_dict(self) -> dict[str, Any]:
        """For summary.json."""
        return asdict(self)


@dataclass(frozen=True)
class Traded:
    """Symbols with a daily bar between two dates, and those that have stopped by the archive's end."""

    present: frozenset[str]
    stopped: frozenset[str]

    @classmethod
    def of(cls, archive: Archive, first: dt.date, last: dt.date) -> Traded:
        """From the daily bars: their dates where a year is in part between, else the symbols alone."""
        dates = archive.sessions("1d")
        alive = dates[-SILENT] if len(dates) >= SILENT else dt.date.min
        stopped = set(archive.symbols()) - with_bars(archive, alive, dt.date.max)
        return cls(frozenset(with_bars(archive, first, last)), frozenset(stopped))


def with_bars(archive: Archive, first: dt.date, last: dt.date) -> set[str]:
    """The symbols that have a daily bar with first <= date <= last."""
    found: set[str] = set()
    for year, dates in groupby(archive.sessions("1d"), key=lambda date: date.year):
        inside = [first <= date <= last for date in dates]
        if all(inside):
            found.update(archive.daily_symbols(year))
        elif any(inside):
            bars = archive.read_daily_year(year, [])
            between = (bars.days >= day_number(first)) & (bars.days <= day_number(last))
            some = np.logical_or.reduceat(between, np.cumsum(bars.counts) - bars.counts)
            found.update(
                symbol for symbol, there in zip(bars.symbols, some.tolist(), strict=True) if there
            )
    return found


def survivorship(
    universe: Universe | None,
    hits: Mapping[str, int],
    traded: Traded,
    first: dt.date,
    last: dt.date,
) -> Survivorship:
    """Of a scanner's universe and its hits by symbol, in a run from `first` to `last`."""
    found = (
        sum(hits.values()),
        sum(count for symbol, count in hits.items() if symbol in traded.stopped),
    )
    if universe is None:
        return Survivorship(False, None, None, None, None, *found)
    named, left = set(universe.named(first, last)), universe.leavers(first, last)
    return Survivorship(
        universe.point_in_time,
        len(named),
        len(named - traded.present),
        None if left is None else len(left),
        len(named & traded.stopped),
        *found,
    )


def survivorship_rows(told: Mapping[str, Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """`survivorship` of summary.json as rows under HEADS."""
    return [
        (
            name,
            one["members"],
            one["without_data"],
            one["left_later"] if one["point_in_time"] else "not told",
            one["stopped"],
            f"{one['hits_stopped']:,} of {one['hits']:,}",
        )
        for name, one in told.items()
    ]
