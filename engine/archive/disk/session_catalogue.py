"""The catalogue of an archive in place: facts and daily bars of its sessions, cached between runs.

It lies in the user's cache folder (`BARSWEEP_CACHE` names another) and is updated by reading the
sessions whose files have changed. Daily bars are stored below its root in our own layout. Where no
folder can be written, a temporary one lasts as long as the process.
"""

from __future__ import annotations

import atexit
import datetime as dt
import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import polars as pl

from engine.archive.disk import layout
from engine.archive.disk.atomic import atomic_path
from engine.archive.disk.bar_files import read_bars, write_bars
from engine.archive.disk.daily_files import daily_from_session
from engine.clock.calendar import ExchangeCalendar
from engine.clock.calendar_cache import cache_folder
from engine.clock.interval import Interval
from engine.progress import Progress
from engine.schema import BAR_SCHEMA

FACTS = "facts.json"


@dataclass(frozen=True)
class SessionFacts:
    """What one pass over a session's files has found.

    rows         bars that a replay sees
    clean        whether every row of the files is such a bar
    in_order     whether the files are clean and sorted by symbol and time
    left_out     reason -> rows that a replay does not see
    first, last  start of the first and of the last bar, microseconds UTC; 0 without bars
    """

    rows: int
    clean: bool
    in_order: bool
    left_out: Mapping[str, int]
    first: int = 0
    last: int = 0


Examine = Callable[[dt.date], tuple[SessionFacts, pl.DataFrame]]


class Catalogue:
    """Facts and daily bars of the sessions of one archive in place.

    key  identifies the archive: its root and manifest
    """

    def __init__(self, key: str, calendar: ExchangeCalendar, interval: Interval):
        self.root = _root(hashlib.sha256(key.encode()).hexdigest()[:16])
        self._calendar, self._interval = calendar, interval
        self._stamps: dict[dt.date, str] = {}
        self._facts: dict[dt.date, SessionFacts] = {}
        self.read = 0  # sessions that had to be read
        self._load()

    def facts(self, date: dt.date) -> SessionFacts:
        """The facts of one session."""
        return self._facts[date]

    @property
    def rows(self) -> int:
        """Bars of all sessions."""
        return sum(facts.rows for facts in self._facts.values())

    @property
    def left_out(self) -> Counter[str]:
        """Rows that are not seen, by reason."""
        return sum((Counter(facts.left_out) for facts in self._facts.values()), Counter())

    @property
    def out_of_order(self) -> int:
        """How many sessions have to be filtered or sorted whenever they are read."""
        return sum(not facts.in_order for facts in self._facts.values())

    def update(self, stamps: Mapping[dt.date, str], examine: Examine, progress: Progress) -> None:
        """Read the sessions whose stamp has changed, forget those that are gone.

        stamps   session date -> text that changes when a file of the session does
        examine  reads a session: its facts and its bars

        The catalogue is saved after each year, so a kill loses one year's work at most.
        """
        changed = [date for date, stamp in stamps.items() if self._stamps.get(date) != stamp]
        gone = self._stamps.keys() - stamps.keys()
        for year, dates in groupby(sorted({*changed, *gone}), key=lambda date: date.year):
            fresh, stale = [], list(dates)
            for date in stale:
                self._facts.pop(date, None)
                self._stamps.pop(date, None)
                if date in stamps:
                    self._facts[date], bars = examine(date)
                    self.read += 1
                    fresh.append(
                        bars
                        if self._interval.is_daily
                        else daily_from_session(bars, self._calendar.session(date))
                    )
                    progress("reading files in place for the first time", self.read, len(changed))
            self._write_daily(year, stale, fresh)
            self._stamps |= {date: stamps[date] for date in stale if date in stamps}
            self._keep()

    def _write_daily(self, year: int, stale: list[dt.date], fresh: list[pl.DataFrame]) -> None:
        path = layout.daily_file(self.root, year)
        if path.exists():
            opens = pl.Series([self._calendar.session(date).open for date in stale])
            fresh.append(
                read_bars(path, list(BAR_SCHEMA)).filter(
                    ~pl.col("timestamp").dt.epoch("us").is_in(opens.implode())
                )
            )
        bars = pl.concat(fresh).sort("symbol", "timestamp")
        if len(bars):
            write_bars(path, bars)
        else:
            shutil.rmtree(path.parent, ignore_errors=True)

    def _load(self) -> None:
        try:
            content = json.loads((self.root / FACTS).read_text(encoding="utf-8"))
            for date, (stamp, *facts) in content.items():
                self._stamps[dt.date.fromisoformat(date)] = stamp
                self._facts[dt.date.fromisoformat(date)] = SessionFacts(*facts)
        except (OSError, ValueError, TypeError):
            self._stamps, self._facts = {}, {}
            shutil.rmtree(self.root / "bars", ignore_errors=True)

    def _keep(self) -> None:
        content = {
            str(date): [
                stamp,
                facts.rows,
                facts.clean,
                facts.in_order,
                dict(facts.left_out),
                facts.first,
                facts.last,
            ]
            for date, stamp in sorted(self._stamps.items())
            for facts in [self._facts[date]]
        }
        with atomic_path(self.root / FACTS) as path:
            path.write_text(json.dumps(content), encoding="utf-8")


def _root(key: str) -> Path:
    """The catalogue's folder: in the user's cache, else a temporary one of this process."""
    folder = cache_folder()
    if folder is not None:
        try:
            root = folder / "in-place" / key
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=root):
                return root
        except OSError:
            pass
    aside = Path(tempfile.mkdtemp(prefix="barsweep-in-place-"))
    atexit.register(shutil.rmtree, aside, ignore_errors=True)
    return aside
