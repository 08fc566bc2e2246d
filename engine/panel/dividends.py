"""Cash dividends by ex-date, for returns that count dividends."""

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
    """The cash dividends of an archive's corporate actions.

    The splits are kept too: a split after a dividend changes the amount per share of today.
    """

    def __init__(self, actions: pl.DataFrame):
        cash, ratio = pl.col("cash_dividend"), pl.col("split_ratio")
        self._paid = _by_day(actions.filter(cash.is_not_null(), cash != 0.0), "cash_dividend")
        self._splits = _by_day(actions.filter(ratio.is_not_null(), ratio != 1.0), "split_ratio")

    def since(self, table: SymbolTable, sessions: Sequence[Session], before: Ints) -> Floats:
        """float64 [sessions, symbols]: cash per share paid since an earlier day of each symbol.

        before  int64 [sessions, symbols], days since 1970-01-01

        Dividends with before < ex-date <= the session's date count, per share as of the session. A
        dividend with the ex-date of a split is per share before the split.
        """
        total = np.zeros(before.shape)
        symbols, days, cash = self._paid
        ids = table.ids(symbols)
        known = np.flatnonzero(ids >= 0)
        ids, days, cash = ids[known], days[known], cash[known]
        for number, session in enumerate(sessions):
            upto = (session.date - EPOCH).days
            due = np.flatnonzero((days <= upto) & (days > before[number, ids]))
            for row in due.tolist():
                shares = self._shares(str(symbols[int(known[row])]), int(days[row]), upto)
                total[number, ids[row]] += cash[row] / shares
        return total

    def _shares(self, symbol: str, first: int, last: int) -> float:
        """How many shares one share before day `first` has become by the end of day `last`.

        The product of the symbol's split ratios with first <= ex-date <= last, days since
        1970-01-01.
        """
        symbols, days, ratios = self._splits
        between = np.flatnonzero((days >= first) & (days <= last))
        return float(
            np.prod(
                [ratios[row] for row in between.tolist() if symbols[row] == symbol], initial=1.0
            )
        )


def _by_day(actions: pl.DataFrame, value: str) -> tuple[pl.Series, Ints, Floats]:
    """Symbols, ex-dates (days since 1970-01-01) and values of the actions, by ex-date."""
    rows = actions.sort("ex_date", "symbol")
    return (
        rows["symbol"],
        rows["ex_date"].to_physical().cast(pl.Int64).to_numpy(),
        rows[value].cast(pl.Float64).to_numpy(),
    )
