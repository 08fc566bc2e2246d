"""Stock splits by ex-date, for adjusting earlier prices to the session at hand."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right

import numpy as np
import polars as pl

from engine.panel.bars import Ints
from engine.panel.symbol_table import SymbolTable


class Splits:
    """The splits of an archive's corporate actions, in order of ex-date and symbol."""

    def __init__(self, actions: pl.DataFrame):
        ratio = pl.col("split_ratio")
        splits = actions.filter(ratio.is_not_null(), ratio != 1.0).sort("ex_date", "symbol")
        self._rows: list[tuple[dt.date, str, float]] = splits.select(
            "ex_date", "symbol", "split_ratio"
        ).rows()
        self._dates = [ex_date for ex_date, _, _ in self._rows]

    def between(
        self, table: SymbolTable, after: dt.date, upto: dt.date
    ) -> list[tuple[dt.date, int, float]]:
        """(ex_date, symbol id, ratio) with after < ex_date <= upto, for the symbols of a table."""
        return [
            (ex_date, symbol_id, ratio)
            for ex_date, symbol, ratio in self._rows[
                bisect_right(self._dates, after) : bisect_right(self._dates, upto)
            ]
            if (symbol_id := table.id(symbol)) is not None
        ]

    def ids(self, table: SymbolTable, after: dt.date, upto: dt.date) -> Ints:
        """The sorted ids of the symbols that split in after < ex_date <= upto."""
        return np.array(
            sorted({symbol for _, symbol, _ in self.between(table, after, upto)}), np.int64
        )
