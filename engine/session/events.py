"""Events of symbols (registered, promoted, locked, ...) in order, one symbol or many at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import polars as pl

from engine.panel.bars import Ints
from engine.panel.symbol_table import SymbolTable
from engine.schema import SYMBOL_EVENTS_SCHEMA, TIMESTAMP


class Event(NamedTuple):
    """The same event of one or more symbols.

    time     microseconds UTC: one for all symbols, or int64 [symbols]
    symbols  names, or ids of `table` where there is one
    """

    date: dt.date
    time: int | Ints  # microseconds, of all or of each
    event: str
    source: str
    symbols: Ints | list[str]
    table: SymbolTable | None = None


def events_frame(events: Sequence[Event]) -> pl.DataFrame:
    """The events as SYMBOL_EVENTS_SCHEMA: a row per event and symbol, in order."""
    lengths = [len(event.symbols) for event in events]

    def repeated(values: list[object], dtype: pl.DataType) -> pl.Series:
        rows = np.repeat(np.arange(len(events)), lengths)
        return pl.Series(values, dtype=dtype).gather(rows)

    columns = {
        "session": repeated([event.date for event in events], pl.Date()),
        "time": pl.Series(_times(events, lengths)).cast(TIMESTAMP),
        "symbol": pl.concat([pl.Series(dtype=pl.String), *_symbols(events)]),
        "event": repeated([event.event for event in events], pl.String()),
        "source": repeated([event.source for event in events], pl.String()),
    }
    return pl.DataFrame(columns, schema=SYMBOL_EVENTS_SCHEMA)


def _times(events: Sequence[Event], lengths: Sequence[int]) -> Ints:
    """int64 [rows]: each row's time."""
    each = (
        np.broadcast_to(event.time, length) for event, length in zip(events, lengths, strict=True)
    )
    return np.concatenate([np.empty(0, np.int64), *each])


def _symbols(events: Sequence[Event]) -> Iterator[pl.Series]:
    """The symbol names of the rows, in pieces; events of the same table are looked up together."""
    for table, group in groupby(events, key=lambda event: event.table):
        alike = list(group)
        if table is None:
            yield pl.Series([name for event in alike for name in event.symbols], dtype=pl.String)
        else:
            yield table.series.gather(np.concatenate([event.symbols for event in alike]))
