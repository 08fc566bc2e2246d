"""The pace of a run, and the seconds that worker processes would save."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from engine.runtime.cores import cores

LEAST_SECONDS = 0.2  # of measuring before a pace is told


@dataclass(frozen=True)
class Pace:
    """Sessions a second of a process (`rate`), and cores that it keeps busy (`busy`)."""

    rate: float
    busy: float

    def saved(self, sessions: int, workers: int) -> float:
        """Seconds that `workers` processes would save over `sessions` sessions.

        Only idle cores count: busy ones are shared.
        """
        return sessions / self.rate * (1 - self.busy / min(float(cores()), workers * self.busy))

    @property
    def enough(self) -> int:
        """Processes that would keep all cores busy."""
        return math.ceil(cores() / self.busy)


class PaceClock:
    """Measures the pace from the moment when `done` sessions are complete."""

    def __init__(self, done: int):
        self._done, self._wall, self._cpu = done, time.perf_counter(), time.process_time()

    def pace(self, done: int) -> Pace | None:
        """The pace until now, when `done` sessions are complete; None within LEAST_SECONDS."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return (
            Pace((done - self._done) / wall, cpu / wall)
            if wall > LEAST_SECONDS and done > self._done
            else None
        )
