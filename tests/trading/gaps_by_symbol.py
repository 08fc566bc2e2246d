"""A scanner of one's own that finds one symbol before the open."""

from __future__ import annotations

from engine.scan.base import BaseScanner
from engine.scan.scan_context import ScanContext
from engine.scan.scan_result import ScanResult


class GapsBySymbol(BaseScanner):
    def scan(self, context: ScanContext) -> ScanResult:
        context.session_data.add_symbol("KO")
        return ScanResult(symbols=["KO"])
