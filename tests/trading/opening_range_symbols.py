"""scanners.opening_range_scanner with a scan() of its own, so that nobody can foresee what it finds."""

from __future__ import annotations

from engine.scan.scan_context import ScanContext
from engine.scan.scan_result import ScanResult
from scanners.opening_range_scanner import OpeningRangeScanner


class OpeningRangeSymbols(OpeningRangeScanner):
    def scan(self, context: ScanContext) -> ScanResult:
        hits = context.session_hits()
        found = [
            context.session_data.table.names[symbol]
            for symbol in hits.symbols[hits.at(context.tick)].tolist()
        ]
        for symbol in found:
            context.session_data.add_symbol(symbol)
        return ScanResult(symbols=found, metadata={})
