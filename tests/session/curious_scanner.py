"""Looks at everything SessionData offers and keeps what it saw."""

from __future__ import annotations

from typing import Any, ClassVar

from scanners.base import BaseScanner, ScanContext, ScanResult


class CuriousScanner(BaseScanner):
    """At noon it promotes NFLX and gives it an indicator nobody asked for before."""

    seen: ClassVar[list[dict[str, Any]]] = []

    def scan(self, context: ScanContext) -> ScanResult:
        data = context.session_data
        late = context.current_time.hour >= 12
        if late:
            data.add_symbol("NFLX")
            data.add_indicator("NFLX", "ema", {"period": 20, "interval": "5m"})
            data.lock_symbol("NFLX", "position")
        view = data.get_symbol_data("NFLX")
        self.seen.append(
            {
                "time": context.current_time,
                "active": data.get_active_symbols(),
                "locked": data.is_symbol_locked("NFLX"),
                "removed": data.remove_symbol_adhoc("NFLX"),
                "config_removed": data.remove_symbol_adhoc("AAPL"),
                "ema": data.get_indicator("NFLX", "ema_20_5m"),
                "sma": data.get_indicator("NFLX", "sma_20_5m"),
                "config_sma": data.get_indicator("AAPL", "sma_20_5m"),
                "bar": data.get_latest_bar("NFLX"),
                "five": data.get_latest_bar("NFLX", "5m"),
                "day": data.get_latest_bar("NFLX", "1d"),
                "bars": view.bars("5m"),
                "history": view.history(),
                "daily_history": view.history("1d"),
                "frame": context.frame,
                "unknown": data.get_symbol_data("NOPE"),
                "again": data.add_symbol("AAPL"),
            }
        )
        return ScanResult()
