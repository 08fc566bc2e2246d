"""Cash dividends by ex-date: what a close before an ex-date is worth after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl

from engine.clock.calendar import Session
from engine.panel.bars import Floats, Ints
from engine.panel.symbol_table import SymbolTable

EPOCH = dt.date(1970, 1, 1)


class Dividends:
    """The dividends of an archive's corporate actions, and the splits that change what a share of theirs is."""

    def __init__(self, actions: pl.DataFrame):
        cash, ratio = pl.col("cash_dividend"), pl.col("split_ratio")
        self._paid = _by_day(actions.filter(cash.is_not_null(), cash != 0.0), "cash_dividend")
        self._splits = _by_day(actions.filter(ratio.is_not_null(), ratio != 1.0), "split_ratio")

    def since(self, table: SymbolTable, sessions: Sequence[Session], before: Ints) -> Floats:
        """float64[sessions, symbols]: cash a share with ex-dates after a day of each symbol, up to the session, in its scale.

        before  int64[sessions, symbols], days since 1970-01-01
        A dividend is of the shares before a split of its own date.
        """
        found = np.zeros(before.shape)
        symbols, days, cash = self._paid
        ids = table.ids(symbols)
        known = np.flatnonzero(ids >= 0)
        ids, days, cash = ids[known], days[known], cash[known]
        for number, session in enumerate(sessions):
            upto = (session.date - EPOCH).days
            some = np.flatnonzero((days <= upto) & (days > before[number, ids]))
            for row in some.tolist():
                shares = self._shares(str(symbols[int(known[row])]), int(days[row]), upto)
                found[number, ids[row]] += cash[row] / shares
        return found

    def _shares(self, symbol: str, first: int, last: int) -> float:
        """What a share before a day has become by the end of another."""
        symbols, days, ratios = self._splits
        own = np.flatnonzero((days >= first) & (days <= last))
        return float(
            np.prod([ratios[row] for row in own.tolist() if symbols[row] == symbol], initial=1.0)
        )


def _by_day(actions: pl.DataFrame, value: str) -> tuple[pl.Series, Ints, Floats]:
    """Symbols, days since 1970-01-01 and values, by day."""
    rows = actions.sort("ex_date", "symbol")
    return (
        rows["symbol"],
        rows["ex_date"].to_physical().cast(pl.Int64).to_numpy(),
        rows[value].cast(pl.Float64).to_numpy(),
    )
