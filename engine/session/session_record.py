"""The results of sessions: a record per session, and the tables of the run directory.

Making a frame costs about the same for one row as for a thousand, so frames are made for all
sessions of a block together.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
import polars as pl

from engine.clock.interval import MICROS_A_MINUTE
from engine.compute.bar_coverage import NEVER
from engine.panel.bars import Ints
from engine.panel.session_coverage import Coverage
from engine.panel.symbol_table import SymbolTable
from engine.scan.scan_record import (
    ScanRecord,
    hits_by_symbol,
    hits_frame,
    scans_frame,
    timings_frame,
)
from engine.schema import HITS_SCHEMA, QUALITY_SCHEMA, SCANS_SCHEMA, TIMESTAMP, TIMINGS_SCHEMA
from engine.session.events import Event, events_frame
from engine.session.trader import TableRows


@dataclass(frozen=True)
class SessionRecord:
    """The results of a session, or of several that were played together.

    block     (year, month) of the sessions' warm-up block; (year, 0) where bars are daily
    table     the symbols that were replayed
    bars      number of regular-hours bars that were read
    coverage  one per session; empty where quality is not recorded
    trading   table name -> orders, fills, trades or equity as records; empty without a trader
    """

    dates: Sequence[dt.date]
    block: tuple[int, int]
    table: SymbolTable
    bars: int
    coverage: Sequence[Coverage]
    scans: Sequence[ScanRecord]
    events: Sequence[Event]
    trading: Mapping[str, TableRows]

    @property
    def date(self) -> dt.date:
        """The last session."""
        return self.dates[-1]


@dataclass(frozen=True)
class SessionTables:
    """The sessions' rows of each table of the run directory.

    In order of time; rows of one tick in the order of the scanners.
    """

    records: Sequence[SessionRecord]

    @property
    def dates(self) -> list[dt.date]:
        """The sessions."""
        return [date for record in self.records for date in record.dates]

    @property
    def bars(self) -> int:
        """Number of regular-hours bars that were read."""
        return sum(record.bars for record in self.records)

    @cached_property
    def scans(self) -> pl.DataFrame:
        """SCANS_SCHEMA, then one UInt32 column per clause."""
        return _together(
            [scans_frame(of_scanner) for of_scanner in self._by_scanner],
            pl.DataFrame(schema=SCANS_SCHEMA),
        )

    @cached_property
    def hits(self) -> pl.DataFrame:
        """HITS_SCHEMA, then one column per feature."""
        return _together(
            [hits_frame(of_scanner) for of_scanner in self._by_scanner],
            pl.DataFrame(schema=HITS_SCHEMA),
        )

    @cached_property
    def found(self) -> Mapping[str, Mapping[str, int]]:
        """Scanner -> symbol -> number of hits."""
        return {
            of_scanner[0].scanner: hits_by_symbol(of_scanner) for of_scanner in self._by_scanner
        }

    @cached_property
    def timings(self) -> pl.DataFrame:
        """TIMINGS_SCHEMA."""
        return _together(
            [timings_frame(of_scanner) for of_scanner in self._by_scanner],
            pl.DataFrame(schema=TIMINGS_SCHEMA),
        )

    @cached_property
    def symbols(self) -> pl.DataFrame:
        """SYMBOL_EVENTS_SCHEMA."""
        return events_frame([event for record in self.records for event in record.events])

    @cached_property
    def quality(self) -> pl.DataFrame:
        """QUALITY_SCHEMA: present and expected regular-hours bars, per session and symbol."""
        covered = [
            (date, record.table, coverage)
            for record in self.records
            if record.coverage
            for date, coverage in zip(record.dates, record.coverage, strict=True)
        ]
        lengths = [len(table) for _, table, _ in covered]
        if not covered:
            return pl.DataFrame(schema=QUALITY_SCHEMA)
        present, first, last, longest = (
            np.concatenate([getattr(coverage, name) for *_, coverage in covered])
            for name in ("present", "first", "last", "longest")
        )
        expected = np.repeat([coverage.expected for *_, coverage in covered], lengths)
        dates = pl.Series([date for date, *_ in covered], dtype=pl.Date)
        columns = {
            "session": dates.gather(np.repeat(np.arange(len(lengths)), lengths)),
            "symbol": pl.concat([table.series for _, table, _ in covered]),
            "expected": expected.astype(np.uint32),
            "present": present.astype(np.uint32),
            "quality_percent": np.round(100.0 * present / np.maximum(1, expected), 4),
            "longest_gap": longest / MICROS_A_MINUTE,
            "first_bar": _times(first),
            "last_bar": _times(last),
        }
        return pl.DataFrame(columns, schema=QUALITY_SCHEMA)

    def trading(self, name: str) -> list[pl.DataFrame]:
        """The rows of a trading table in one frame; an empty list without a trader."""
        rows = [record.trading[name] for record in self.records if name in record.trading]
        if not rows:
            return []
        dates = [table.date for table in rows for _ in range(len(table.records))]
        return [rows[-1].frame(dates, np.concatenate([table.records for table in rows]))]

    @property
    def _by_scanner(self) -> list[list[ScanRecord]]:
        """The scan records of each scanner, session by session."""
        return [
            list(of_scanner)
            for of_scanner in zip(*(record.scans for record in self.records), strict=True)
        ]


def in_blocks(records: Iterable[SessionRecord]) -> Iterator[SessionTables]:
    """The sessions of each warm-up block together, as the records arrive."""
    for _, block in groupby(records, key=lambda record: record.block):
        yield SessionTables(list(block))


def _times(micros: Ints) -> pl.Series:
    """int64 microseconds as timestamps; null where there is no bar (NEVER)."""
    return pl.select(
        pl.when(pl.lit(pl.Series(micros != NEVER))).then(pl.lit(pl.Series(micros))).cast(TIMESTAMP)
    ).to_series()


def _together(frames: list[pl.DataFrame], empty: pl.DataFrame) -> pl.DataFrame:
    """The rows of all scanners in order of time; each frame is in that order already."""
    if len(frames) == 1:
        return frames[0]
    rows = pl.concat([empty, *frames], how="diagonal_relaxed").rechunk()
    return rows[
        np.argsort(rows["tick"].to_physical().to_numpy(), kind="stable")
    ]  # a stable sort merges sorted runs quickly
