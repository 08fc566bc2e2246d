"""Who finds which symbol in a session, when, and at which rank.

And from when on a strategy may trade it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from engine.session.trader import Found
from engine.trading.signal_plan import Finder
from engine.trading.strategy_runtime import StrategyRuntime

CONFIG = "config"  # stands for a scanner where the config named the symbol
NEVER = int(np.iinfo(np.int64).max)


class Finds:
    """The finds of a session: those of columnar scans are known when it begins, others are added as they come.

    found        scanner -> symbol -> (time, rank) of its first find
    active_from  symbol -> from when on it is active, microseconds
    configured   symbols of the config
    """

    def __init__(
        self,
        found: Found,
        active: Sequence[str],
        configured: Iterable[str],
        opens: int,
        known: Iterable[str],
    ):
        self.found = found
        self.configured = frozenset(configured)
        begins = dict.fromkeys(active, opens)
        for symbols in found.values():
            for symbol, (time, _) in symbols.items():
                begins[symbol] = min(time, begins.get(symbol, NEVER))
        there = set(known)
        self.active_from = {symbol: time for symbol, time in begins.items() if symbol in there}

    def eligible_from(self, slot: StrategyRuntime, symbol: str) -> int:
        """From when on a strategy may enter a symbol, microseconds."""
        active = self.active_from.get(symbol, NEVER)
        if slot.scanners is None or (CONFIG in slot.scanners and symbol in self.configured):
            return active
        found = self.first(slot, symbol)[1]
        return NEVER if found < 0 else max(active, found)

    def first(self, slot: StrategyRuntime, symbol: str) -> tuple[str, int, int]:
        """The scanner that finds a symbol first in the session, of those the strategy looks at.

        When (-1: none), at which rank.
        """
        finds = [
            (*symbols[symbol], name)
            for name, symbols in self.found.items()
            if symbol in symbols and (slot.scanners is None or name in slot.scanners)
        ]
        time, rank, name = min(finds, default=(-1, 0, CONFIG))
        return name, time, rank

    def by_row(
        self, slot: StrategyRuntime, names: Sequence[str], codes: ScannerCodes
    ) -> dict[int, Finder]:
        """Row of a close-up -> who finds its symbol first, when, and at which rank."""
        finds = (self.first(slot, symbol) for symbol in names)
        return {row: (codes.of(name), time, rank) for row, (name, time, rank) in enumerate(finds)}


class ScannerCodes:
    """The numbers of scanners in trades, given out as they are asked for."""

    def __init__(self) -> None:
        self.names: list[str] = [CONFIG]

    def of(self, name: str) -> int:
        """A scanner's number."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


def note_found(found: Found, scanner: str, symbols: Sequence[str], now: int) -> None:
    """Add a scan's finds, best first."""
    own = found.setdefault(scanner, {})
    for rank, symbol in enumerate(symbols, 1):
        own.setdefault(symbol, (now, rank))
