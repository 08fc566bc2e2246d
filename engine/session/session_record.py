"""What sessions of a run came to: as it is noted session by session, and in the frames of the run directory.

Making frames costs the same for a row as for a thousand, so they are made for all sessions of a block together.
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
    """A session that is over, or several that were run together.

    block     the month or year of sessions that it is computed with
    table     the symbols that were replayed
    bars      how many regular bars were walked
    coverage  how they cover each session; empty where nobody asks
    trading   orders, fills, trades, equity as records; empty where nobody trades
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
    """Rows of sessions for each table of the run directory, in order of time; of one tick, in the scanners' order."""

    records: Sequence[SessionRecord]

    @property
    def dates(self) -> list[dt.date]:
        """The sessions."""
        return [date for record in self.records for date in record.dates]

    @property
    def bars(self) -> int:
        """How many bars were walked."""
        return sum(record.bars for record in self.records)

    @cached_property
    def scans(self) -> pl.DataFrame:
        """SCANS_SCHEMA, and a UInt32 column a clause."""
        return _together(
            [scans_frame(of_scanner) for of_scanner in self._by_scanner],
            pl.DataFrame(schema=SCANS_SCHEMA),
        )

    @cached_property
    def hits(self) -> pl.DataFrame:
        """HITS_SCHEMA, then the features."""
        return _together(
            [hits_frame(of_scanner) for of_scanner in self._by_scanner],
            pl.DataFrame(schema=HITS_SCHEMA),
        )

    @cached_property
    def found(self) -> Mapping[str, Mapping[str, int]]:
        """Scanner -> symbol -> hits."""
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
        """QUALITY_SCHEMA: regular bars present against those expected, for each symbol and session."""
        told = [
            (date, record.table, coverage)
            for record in self.records
            if record.coverage
            for date, coverage in zip(record.dates, record.coverage, strict=True)
        ]
        lengths = [len(table) for _, table, _ in told]
        if not told:
            return pl.DataFrame(schema=QUALITY_SCHEMA)
        present, first, last, longest = (
            np.concatenate([getattr(own, name) for *_, own in told])
            for name in ("present", "first", "last", "longest")
        )
        expected = np.repeat([own.expected for *_, own in told], lengths)
        dates = pl.Series([date for date, *_ in told], dtype=pl.Date)
        columns = {
            "session": dates.gather(np.repeat(np.arange(len(lengths)), lengths)),
            "symbol": pl.concat([table.series for _, table, _ in told]),
            "expected": expected.astype(np.uint32),
            "present": present.astype(np.uint32),
            "quality_percent": np.round(100.0 * present / np.maximum(1, expected), 4),
            "longest_gap": longest / MICROS_A_MINUTE,
            "first_bar": _times(first),
            "last_bar": _times(last),
        }
        return pl.DataFrame(columns, schema=QUALITY_SCHEMA)

    def trading(self, name: str) -> list[pl.DataFrame]:
        """The sessions' rows of a table of trading, in one frame; none where nobody trades."""
        rows = [record.trading[name] for record in self.records if name in record.trading]
        if not rows:
            return []
        dates = [one.date for one in rows for _ in range(len(one.records))]
        return [rows[-1].frame(dates, np.concatenate([one.records for one in rows]))]

    @property
    def _by_scanner(self) -> list[list[ScanRecord]]:
        return [
            list(of_scanner)
            for of_scanner in zip(*(record.scans for record in self.records), strict=True)
        ]


def in_blocks(records: Iterable[SessionRecord]) -> Iterator[SessionTables]:
    """The sessions of each block together, as they come."""
    for _, block in groupby(records, key=lambda record: record.block):
        yield SessionTables(list(block))


def _times(micros: Ints) -> pl.Series:
    """Times, null where there was no bar."""
    return pl.select(
        pl.when(pl.lit(pl.Series(micros != NEVER))).then(pl.lit(pl.Series(micros))).cast(TIMESTAMP)
    ).to_series()


def _together(frames: list[pl.DataFrame], empty: pl.DataFrame) -> pl.DataFrame:
    """Rows of all scanners in order of time; one scanner's are so already."""
    if len(frames) == 1:
        return frames[0]
    rows = pl.concat([empty, *frames], how="diagonal_relaxed").rechunk()
    return rows[
        np.argsort(rows["tick"].to_physical().to_numpy(), kind="stable")
    ]  # runs that are sorted are merged
