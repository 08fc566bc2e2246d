"""What a scan answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from engine.panel.symbol_table import SymbolTable
from engine.scan.session_hits import SessionHits


@dataclass
class ScanResult:
    """The symbols found, best first, and per symbol what is worth logging (scalars by name).

    `metadata` may also hold entries that are no symbols; they are not logged.
    """

    symbols: list[str] = field(default_factory=list)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    execution_time_ms: float = 0.0
    error: str | None = None


class ColumnarResult(ScanResult):
    """One tick of a session's columnar scan.

    Symbols and metadata are made only when somebody asks for them.
    """

    def __init__(self, hits: SessionHits, tick: int, table: SymbolTable):
        self.hits, self.tick = hits, tick
        self.rows = hits.at(tick)
        self._table = table
        self.execution_time_ms = 0.0
        self.error = None

    @cached_property
    def symbols(self) -> list[str]:  # type: ignore[override]
        """The symbols found, best first."""
        return [self._table.names[i] for i in self.hits.symbols[self.rows]]

    @cached_property
    def metadata(self) -> Mapping[str, Any]:  # type: ignore[override]
        """symbol -> {feature: value}."""
        if not self.hits.features.width:
            return {symbol: {} for symbol in self.symbols}
        first = self.hits.first
        rows = self.hits.features[first + self.rows.start : first + self.rows.stop].rows(named=True)
        return dict(zip(self.symbols, rows, strict=True))
