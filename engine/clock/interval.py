"""Bar intervals by name: 1m, 5m, 15m, 30m, 1h, 1d and other whole minutes and hours below a day."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.errors import ConfigError

MICROS_A_MINUTE = 60_000_000
_UNITS = {"m": 1, "h": 60, "d": 1440}
_FORM = re.compile(r"([1-9][0-9]{0,3})([mhd])")


@dataclass(frozen=True)
class Interval:
    """name ("5m") and length in microseconds; "1d" is a session, whatever its length."""

    name: str
    micros: int

    @property
    def is_daily(self) -> bool:
        """Whether bars of this interval span a session."""
        return self.name == "1d"

    @property
    def minutes(self) -> int:
        """Length in minutes."""
        return self.micros // MICROS_A_MINUTE

    def bars_in(self, minutes: int) -> int:
        """How many bars a session of so many minutes can have.

        The last may be cut short. One of a day.
        """
        return 1 if self.is_daily else -(-minutes // self.minutes)

    @classmethod
    def parse(cls, text: str, where: str | None = None) -> Interval:
        """The interval named `text`; 60m is 1h. Raises ConfigError."""
        match = _FORM.fullmatch(text) if isinstance(text, str) else None
        minutes = int(match[1]) * _UNITS[match[2]] if match else 0
        if not match or minutes > 1440 or (minutes == 1440 and text != "1d"):
            raise ConfigError(
                f"unknown interval {text!r}",
                where=where,
                expected="whole minutes or hours below a day such as 1m, 5m, 15m, 30m, 1h, or 1d",
            )
        return cls(_name(minutes), minutes * MICROS_A_MINUTE)


def _name(minutes: int) -> str:
    if minutes == 1440:
        return "1d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
