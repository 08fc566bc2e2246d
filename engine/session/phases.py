"""Wall time by phase of a run."""

from __future__ import annotations

import time


class PhaseClock:
    """Measures wall time; one phase at a time. seconds: phase -> its total so far."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._phase, self._since = "", time.perf_counter()

    def enter(self, phase: str) -> None:
        """End the phase at hand and begin another; "" for none."""
        now = time.perf_counter()
        if self._phase:
            self.seconds[self._phase] = self.seconds.get(self._phase, 0.0) + now - self._since
        self._phase, self._since = phase, now
