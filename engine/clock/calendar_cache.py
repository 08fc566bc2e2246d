"""A cache on disk of exchanges' sessions: building a calendar is slower than scanning a session."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

# date (ordinal), open, close, is early close, break start, break end; times in microseconds UTC
KeptSession = tuple[int, int, int, bool, int, int]
FORM = 2  # version of the cache file's format
FOLDER = "BARSWEEP_CACHE"  # the environment variable that names another folder; empty for none


@dataclass(frozen=True)
class KeptCalendar:
    """tz, and of each session from `low` to `high`: date (ordinal), open and close (microseconds,
    UTC), whether it closes early, and the start and end of its lunch break, 0 without one.
    """

    tz: str
    low: dt.date
    high: dt.date
    sessions: list[KeptSession]


def load(mic: str) -> KeptCalendar | None:
    """The sessions that an earlier process has cached, or None.

    Only what the installed version of exchange_calendars has built is used.
    """
    path = _path(mic)
    try:
        content = json.loads(path.read_text(encoding="ascii")) if path else None
        if content is None:
            return None
        low, high = (dt.date.fromisoformat(content[name]) for name in ("low", "high"))
        return KeptCalendar(
            content["tz"], low, high, [_kept(*session) for session in content["sessions"]]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(mic: str, calendar: KeptCalendar) -> None:
    """Write a calendar's sessions to the cache; nothing happens where that is not possible."""
    path = _path(mic)
    if path is None:
        return
    text = json.dumps(
        {
            "tz": calendar.tz,
            "low": str(calendar.low),
            "high": str(calendar.high),
            "sessions": calendar.sessions,
        }
    )
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="ascii")
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)


def cache_folder() -> Path | None:
    """The user's cache folder of this project; None where BARSWEEP_CACHE is empty."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        home = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
        folder = str(
            Path(os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or home)
            / "barsweep"
        )
    return Path(folder) if folder else None


def _kept(
    date: int, opens: int, closes: int, early: bool, break_start: int, break_end: int
) -> KeptSession:
    return date, opens, closes, early, break_start, break_end


def _path(mic: str) -> Path | None:
    folder = cache_folder()
    return (
        folder
        and folder / f"calendar-{mic.replace('/', '_')}-{version('exchange_calendars')}-{FORM}.json"
    )
