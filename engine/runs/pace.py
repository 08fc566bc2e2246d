"""How a run goes, and what other processes would save it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from engine.runtime.cores import cores

MEASURED = 0.2  # seconds that tell of the rest


@dataclass(frozen=True)
class Pace:
    """Of a process: sessions a second, and how many cores it keeps busy."""

    rate: float
    busy: float

    def saved(self, sessions: int, workers: int) -> float:
        """Seconds that so many processes would save it, by the cores that it leaves idle alone."""
        return sessions / self.rate * (1 - self.busy / min(float(cores()), workers * self.busy))

    @property
    def enough(self) -> int:
        """Processes that keep all cores busy."""
        return math.ceil(cores() / self.busy)


class PaceClock:
    """Runs from when the first `done` sessions are over."""

    def __init__(self, done: int):
        self._done, self._wall, self._cpu = done, time.perf_counter(), time.process_time()

    def pace(self, done: int) -> Pace | None:
        """None as long as it cannot be told."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return (
            Pace((done - self._done) / wall, cpu / wall)
            if wall > MEASURED and done > self._done
            else None
        )
