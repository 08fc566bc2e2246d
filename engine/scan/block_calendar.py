"""Which sessions of an archive each warm-up block of a run walks."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine.features.feature_node import DAILY, TICKS, FeatureNode
from engine.features.warm_up_block import block_of
from engine.scan.columns import SESSION_VOLUME

Nodes = Collection[FeatureNode]


@dataclass(frozen=True)
class BlockCalendar:
    """The warm-up blocks of a run, and the sessions before them.

    dates        sessions of the archive with bars of the replayed interval, increasing
    daily_dates  sessions of the archive with daily bars, increasing
    run          sessions of the run, increasing
    by_day       whether the replayed bars are daily: a block is then a year, else a month
    looks_back   whether columns of the session before a block's first one are read (`previous`)
    """

    dates: Sequence[dt.date]
    daily_dates: Sequence[dt.date]
    run: Sequence[dt.date]
    by_day: bool
    looks_back: bool

    def blocks(self) -> list[list[dt.date]]:
        """The sessions of each block, from the block's first to the run's last one in it.

        With `looks_back` the session before the block stands first. A block begins before the run
        does, for its values must not depend on the run's start.
        """
        last = {block_of(date, self.by_day): date for date in self.run}
        sessions: dict[tuple[int, int], list[dt.date]] = {block: [] for block in sorted(last)}
        for date in self.dates:
            if date <= last.get(block_of(date, self.by_day), dt.date.min):
                sessions[block_of(date, self.by_day)].append(date)
        return [self._with_eve(block) for block in sessions.values()]

    def _with_eve(self, block: list[dt.date]) -> list[dt.date]:
        place = bisect_left(self.dates, block[0])
        return [self.dates[place - 1], *block] if self.looks_back and place else block

    def first_shown(self, block: Sequence[dt.date]) -> tuple[dt.date, dt.date | None]:
        """The first session of a block that the run scans, and the session before it.

        The second is None where nothing of it is read.
        """
        of_block = block_of(block[-1], self.by_day)
        own = next(date for date in block if block_of(date, self.by_day) == of_block)
        first = max(own, self.run[0])
        place = bisect_left(self.dates, first)
        return first, self.dates[place - 1] if self.looks_back and place else None

    def walked(self, block: Sequence[dt.date], nodes: Nodes) -> Sequence[dt.date]:
        """The sessions that intraday nodes walk for a block: its warm-up, then its own."""
        first = bisect_left(self.dates, self.first_walked(block, nodes))
        return self.dates[first : bisect_right(self.dates, block[-1])]

    def first_walked(self, block: Sequence[dt.date], nodes: Nodes) -> dt.date:
        """The first session that intraday nodes walk for a block."""
        intraday = [node for node in nodes if node.rows != DAILY]
        return min([block[0], *self.starts(block, intraday).values()])

    def starts(self, block: Sequence[dt.date], nodes: Nodes) -> dict[str, dt.date]:
        """Name of a node -> the first session that it walks for a block."""
        starts = {node.name: self._start(block[0], node) for node in nodes}
        by_tick = [starts[node.name] for node in nodes if node.rows == TICKS]
        if by_tick:  # nodes over ticks read the volume so far at each tick
            starts[SESSION_VOLUME.name] = min(by_tick)
        return starts

    def _start(self, first: dt.date, node: FeatureNode) -> dt.date:
        if not node.warmup_sessions:
            return first
        dates = self.daily_dates if node.rows == DAILY else self.dates
        before = bisect_left(dates, first)
        return dates[max(0, before - node.warmup_sessions)] if before else first
