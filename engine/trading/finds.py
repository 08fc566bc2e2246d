"""First hits in a session per scanner and symbol, and from when a strategy may trade a symbol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from engine.session.trader import Found
from engine.trading.signal_plan import Finder
from engine.trading.strategy_runtime import StrategyRuntime

CONFIG = "config"  # in place of a scanner's name, for symbols of the config
NEVER = int(np.iinfo(np.int64).max)


class Finds:
    """The first hit of each symbol by each scanner in a session.

    Hits of columnar scans are known when the session begins and used from their time on only. Hits
    of other scans are added as they come.

    found        scanner -> symbol -> (time in microseconds, rank) of its first hit
    active_from  symbol -> the time from which the symbol is active, microseconds
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
        known = set(known)
        self.active_from = {symbol: time for symbol, time in begins.items() if symbol in known}

    def eligible_from(self, slot: StrategyRuntime, symbol: str) -> int:
        """The time (microseconds) from which a strategy may enter a symbol; NEVER: it may not."""
        active = self.active_from.get(symbol, NEVER)
        if slot.scanners is None or (CONFIG in slot.scanners and symbol in self.configured):
            return active
        found = self.first(slot, symbol)[1]
        return NEVER if found < 0 else max(active, found)

    def first(self, slot: StrategyRuntime, symbol: str) -> tuple[str, int, int]:
        """(scanner, time, rank) of the symbol's first hit by a scanner that the strategy trades.

        Time in microseconds; ("config", -1, 0) without a hit.
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
        """Row of the close-up -> (scanner number, time, rank) of the symbol's first hit."""
        finds = (self.first(slot, symbol) for symbol in names)
        return {row: (codes.of(name), time, rank) for row, (name, time, rank) in enumerate(finds)}


class ScannerCodes:
    """The numbers of scanners in trades, in order of first use; 0 is the config."""

    def __init__(self) -> None:
        self.names: list[str] = [CONFIG]

    def of(self, name: str) -> int:
        """A scanner's number."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


def note_found(found: Found, scanner: str, symbols: Sequence[str], now: int) -> None:
    """Add a scan's hits at the time `now` (microseconds); `symbols` best first."""
    of_scanner = found.setdefault(scanner, {})
    for rank, symbol in enumerate(symbols, 1):
        of_scanner.setdefault(symbol, (now, rank))
