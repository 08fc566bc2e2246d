"""Telling how far a run is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator

from engine.session.record import SessionRecord

Progress = Callable[[int, int, dt.date], None]  # sessions done, of how many, the last one


def told(records: Iterable[SessionRecord], total: int, progress: Progress) -> Iterator[SessionRecord]:
    """The records, each of which is told of as it comes."""
    for done, record in enumerate(records, 1):
        progress(done, total, record.date)
        yield record
