"""How source files are read: columns, times, symbols, text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from engine.archive.vendor_files.text_blocks import USUAL, TextOptions


@dataclass(frozen=True)
class Part:
    """What one call of a reader reads: a file, or a Parquet file's row groups first to last - 1."""

    path: Path
    first: int = 0
    last: int | None = None


Reader = Callable[["Part", "SourceOptions"], Iterator[pl.DataFrame]]


@dataclass(frozen=True)
class SourceOptions:
    """How to read source files.

    columns         our name -> the source's
    timezone        of timestamps that carry none
    epoch_unit      s, ms, us or ns of timestamps that are whole numbers
    time_format     of timestamps that are text, as strftime writes it; found where it is None
    date_order      of the numbers in dates that are text, of time_text.MONTH_FIRST and the others,
                    where it can be more than one
    near            the date that the texts are of, which says in which order they are to be read
    daily           whether bars are of days, and their midnights dates; None where it is not known
                    yet
    on_the_wall     whether the clock's own time is wanted, as if all zones were UTC
    day_ends        whether moments label the ends of days that begin at midnight UTC, where the
                    next one begins
    symbol_pattern  the symbol is its first group, found in the file's name
    symbol_rules    patterns in a symbol and what they become, one after the other
    price_divisor   what prices are divided by
    header          columns of a vendor's text files, where they have no header of their own
    text            how text files are written
    repeated_hour   which of the two hours it is that a clock tells twice: earlier, later, or order,
                    as the rows follow one another
    no_volume       whether a volume that is not there is 0, for the source records none
    query           what to ask a DuckDB file
    reader          reads the files; None for files whose columns are named (readers.read_columnar)
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    timezone: str | None = None
    epoch_unit: str | None = None
    time_format: str | None = None
    symbol_pattern: str | None = None
    symbol_rules: tuple[tuple[str, str], ...] = ()
    price_divisor: float = 1
    header: tuple[str, ...] = ()
    text: TextOptions = USUAL
    repeated_hour: str | None = None
    no_volume: bool = False
    query: str | None = None
    reader: Reader | None = field(default=None, repr=False)  # a repr differs by process
    date_order: str | None = None
    near: dt.date | None = None
    daily: bool | None = None
    day_ends: bool = False
    on_the_wall: bool = False
