"""A scanner written symbol by symbol, as a user of other engines would write it, and its columnar twin."""

from __future__ import annotations

import polars as pl

from scanners.base import BaseScanner, ColumnarScanner, ScanContext, ScannerParams, ScanResult


class MyScanner(BaseScanner):
    MIN_VOLUME = 1_000_000
    MIN_PRICE = 10.0

    def setup(self, context: ScanContext) -> bool:
        self._universe = self._load_universe_from_file(self.config.get("universe"))
        for symbol in self._universe:
            context.session_data.add_indicator(symbol, "sma", {"period": 20, "interval": "1d"})
        return True

    def scan(self, context: ScanContext) -> ScanResult:
        results = []
        for symbol in self._universe:
            data = context.session_data.get_symbol_data(symbol)
            if not data or data.metrics.volume < self.MIN_VOLUME:
                continue
            bar = data.get_latest_bar("1m")
            sma = context.session_data.get_indicator(symbol, "sma_20_1d")
            if bar and bar.close >= self.MIN_PRICE and sma.valid and bar.close > sma.current_value:
                context.session_data.add_symbol(symbol)
                results.append(symbol)
        return ScanResult(symbols=results, metadata={"total_scanned": len(self._universe)})

    def teardown(self, context: ScanContext):
        config_symbols = context.session_data.get_config_symbols()
        for symbol in self._universe:
            if symbol not in config_symbols and not context.session_data.is_symbol_locked(symbol):
                context.session_data.remove_symbol_adhoc(symbol)


class Twin(ColumnarScanner):
    Params = ScannerParams

    def criteria(self) -> dict[str, pl.Expr]:
        return {
            "volume": pl.col("session_volume") >= MyScanner.MIN_VOLUME,
            "price": pl.col("close") >= MyScanner.MIN_PRICE,
            "trend": pl.col("close") > pl.col("sma_20_1d"),
        }
