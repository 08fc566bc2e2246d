"""Where the time of a scan goes: the engine's own functions, timed from outside, so that runs carry
no clocks.

A function's time is its own: what it spends in others that are timed is theirs. Decoding and the
look-up of a session's symbols run on a thread beside the scan, so phases may add up to more than
the scan took.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, wraps
from typing import Any

from engine.archive.archive import Archive
from engine.features.feature_state import FeatureState
from engine.features.lazy_columns import LazyColumns
from engine.panel.daily_history import DailyHistory
from engine.panel.session_panel import SessionPanel
from engine.runs.growing_tables import GrowingTable
from engine.runs.summary import RunSummary
from engine.scan import scanner_runtime as slot
from engine.scan.cross_section import CrossSection
from engine.scan.manager import ScannerManager
from engine.session.session_record import SessionTables

PHASES: dict[str, list[tuple[Any, str]]] = {
    "decode": [(Archive, "read_session"), (Archive, "read_session_index"), (Archive, "read_daily")],
    "panel": [
        (SessionPanel, "read"),
        (SessionPanel, "bars"),
        (SessionPanel, "realign"),
        (DailyHistory, "block"),
    ],
    "kernels": [(FeatureState, "run"), (FeatureState, "walk"), (LazyColumns, "fill")],
    "cross-section": [
        (CrossSection, name)
        for name in ("__init__", "of_sessions", "values", "some", "prepare", "frame", "grid")
    ],
    "criteria": [(slot, "evaluate")],
    "lifecycle": [
        (ScannerManager, name)
        for name in ("begin", "set_up", "attach", "scan_pre", "reveal", "scan_due", "tear_down")
    ],
    "log": [
        (SessionTables, "hits"),
        (SessionTables, "scans"),
        (SessionTables, "timings"),
        (GrowingTable, "_append"),
        (GrowingTable, "finish"),
        (RunSummary, "add"),
    ],
}


class Stopwatch:
    """Own time of each phase, over all threads."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._running = threading.local()

    def timed(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        @wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Any:
            stack = self._running.__dict__.setdefault("stack", [])
            stack.append(0.0)  # what is spent in other timed functions
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent = time.perf_counter() - started
                self.seconds[phase] += spent - stack.pop()
                if stack:
                    stack[-1] += spent

        return measured


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Time the phases of whatever runs in the block."""
    watch, before = Stopwatch(), []
    for phase, places in PHASES.items():
        for owner, name in places:
            original = owner.__dict__[name]
            before.append((owner, name, original))
            setattr(owner, name, _replaced(original, phase, name, owner, watch))
    try:
        yield watch
    finally:
        for owner, name, original in before:
            setattr(owner, name, original)


def _replaced(original: Any, phase: str, name: str, owner: Any, watch: Stopwatch) -> Any:
    if isinstance(original, classmethod):
        return classmethod(watch.timed(phase, original.__func__))
    if isinstance(original, cached_property):
        made = cached_property(watch.timed(phase, original.func))
        made.__set_name__(owner, name)
        return made
    return watch.timed(phase, original)
