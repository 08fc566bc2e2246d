"""What a scanner's scans came to: noted session by session, and in columns: a row a scan, a row a
hit, a row a timing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, groupby
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.clock.calendar import Session
from engine.panel.bars import Ints, joined
from engine.panel.symbol_table import SymbolTable
from engine.scan.scan_result import ColumnarResult, ScanResult
from engine.scan.session_hits import SessionHits
from engine.schema import HITS_SCHEMA, SCANS_SCHEMA, TIMESTAMP, TIMINGS_SCHEMA


@dataclass
class Scans:
    """The scans of a session in their order, a value of each in every list.

    time  microseconds
    tick  index in the cross-section
    """

    time: list[int] = field(default_factory=list)
    scan_type: list[str] = field(default_factory=list)
    tick: list[int] = field(default_factory=list)
    scanned: list[int] = field(default_factory=list)
    qualified: list[int] = field(default_factory=list)
    promoted: list[int] = field(default_factory=list)
    error: list[str | None] = field(default_factory=list)
    elapsed_us: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.time)

    def begin(self, time: int, scan_type: str, tick: int) -> None:
        """A scan begins."""
        self.add([time], scan_type, [tick], 0, [0], [0], 0.0)

    def end(self, scanned: int, qualified: int, promoted: int) -> None:
        """The scan that was begun last came to this."""
        self.scanned[-1], self.qualified[-1], self.promoted[-1] = scanned, qualified, promoted

    def add(
        self,
        time: list[int],
        scan_type: str,
        tick: list[int],
        scanned: int,
        qualified: list[int],
        promoted: list[int],
        elapsed_us: float,
    ) -> None:
        """Scans of one kind, each of which looked at so many symbols and took so long."""
        count = len(time)
        self.time += time
        self.scan_type += [scan_type] * count
        self.tick += tick
        self.scanned += [scanned] * count
        self.qualified += qualified
        self.promoted += promoted
        self.error += [None] * count
        self.elapsed_us += [elapsed_us] * count


@dataclass
class ColumnarHits:
    """Hits of a columnar pass: those of the ticks that were scanned.

    table, times  the symbols and the ticks (microseconds) that the pass's numbers are places in
    seen          places of the hits that were seen, scan by scan
    promoted      a flag for each
    """

    hits: SessionHits
    table: SymbolTable
    times: Ints
    seen: list[Ints] = field(default_factory=list)
    promoted: list[NDArray[np.bool_]] = field(default_factory=list)

    @cached_property
    def found(self) -> SessionHits:
        """The hits that were seen, in their order."""
        return self.hits.only(joined(self.seen))


@dataclass
class ScanRecord:
    """The scans of one scanner in a session, or in several that were played together."""

    scanner: str
    sessions: Sequence[Session]
    scans: Scans = field(default_factory=Scans)
    columnar: ColumnarHits | None = None
    symbol_hits: list[pl.DataFrame] = field(
        default_factory=list
    )  # of scans that were written symbol by symbol

    def numbers(self, times: Ints) -> Ints:
        """int64: which of the sessions each of some times (microseconds) is in."""
        if len(self.sessions) == 1:
            return np.zeros(len(times), np.int64)
        begins = np.array([session.extended_open for session in self.sessions])
        return np.searchsorted(begins, times, side="right") - 1

    def found_columnar(
        self, result: ColumnarResult, promoted: NDArray[np.bool_], table: SymbolTable, times: Ints
    ) -> None:
        """Take in the result of the scan that was started last; `promoted` is a flag a hit."""
        hits = result.hits
        self.scans.end(
            hits.scanned, int(hits.qualified(result.tick)), int(np.count_nonzero(promoted))
        )
        self.saw(hits, np.arange(result.rows.start, result.rows.stop), promoted, table, times)

    def saw(
        self,
        hits: SessionHits,
        rows: Ints,
        promoted: NDArray[np.bool_],
        table: SymbolTable,
        times: Ints,
    ) -> None:
        """Take in hits of the pass that scans have seen: those in `rows`, a flag each."""
        if self.columnar is None:
            self.columnar = ColumnarHits(hits, table, times)
        self.columnar.seen.append(rows)
        self.columnar.promoted.append(promoted)

    def found_symbols(self, result: ScanResult, promoted: Sequence[bool], scanned: int) -> None:
        """Record the result of one scan of a scanner that has a `scan()` of its own."""
        self.scans.end(scanned, len(result.symbols), sum(promoted))
        hits = _symbol_hits(self.scans.time[-1], result, promoted)
        self.symbol_hits.append(hits.with_columns(session=pl.lit(self.sessions[0].date, pl.Date)))


def scans_frame(records: Sequence[ScanRecord]) -> pl.DataFrame:
    """SCANS_SCHEMA of one scanner's sessions, and the funnel: a UInt32 column a clause."""
    frame = _a_row_a_scan(records, SCANS_SCHEMA)
    first = next((record.columnar for record in records if record.columnar), None)
    return frame.hstack([_funnel(records, name) for name in first.hits.funnel]) if first else frame


def _funnel(records: Sequence[ScanRecord], clause: str) -> pl.Series:
    """How many symbols were left after a clause; null where no scan of a session came to an end."""
    counts: list[int | None] = []
    for record in records:
        if record.columnar is None:
            counts += [None] * len(record.scans)
        else:
            counts += record.columnar.hits.funnel[clause][record.scans.tick].tolist()
    return pl.Series(clause, counts, dtype=pl.UInt32)


def hits_frame(records: Sequence[ScanRecord]) -> pl.DataFrame:
    """HITS_SCHEMA of one scanner's sessions, then the features."""
    frames = [
        frame.with_columns(scanner=pl.lit(record.scanner))
        for record in records
        for frame in record.symbol_hits
    ]
    by_table = [_columnar_hits(alike) for alike in _by_table(records)]
    if not frames and len(by_table) == 1:
        return by_table[0]  # in the schema's order and types
    together = pl.concat(
        [pl.DataFrame(schema=HITS_SCHEMA), *frames, *by_table], how="diagonal_relaxed"
    )
    together = together.sort("tick", maintain_order=True) if frames and by_table else together
    return together.cast(pl.Schema(HITS_SCHEMA))


def hits_by_symbol(records: Sequence[ScanRecord]) -> Counter[str]:
    """How many hits of one scanner's sessions each symbol has."""
    counts = Counter(
        symbol
        for record in records
        for frame in record.symbol_hits
        for symbol in frame["symbol"].to_list()
    )
    for alike in _by_table(records):
        of_each = np.bincount(joined([one.found.symbols for _, one in alike]))
        found, names = np.flatnonzero(of_each), alike[0][1].table.names
        counts.update(
            dict(zip([names[i] for i in found.tolist()], of_each[found].tolist(), strict=True))
        )
    return counts


def _by_table(records: Sequence[ScanRecord]) -> list[list[tuple[ScanRecord, ColumnarHits]]]:
    """The columnar passes, those together whose symbols are in one table."""
    passes = [(record, record.columnar) for record in records if record.columnar is not None]
    return [list(alike) for _, alike in groupby(passes, key=lambda one: one[1].table)]


def timings_frame(records: Sequence[ScanRecord]) -> pl.DataFrame:
    """TIMINGS_SCHEMA of one scanner's sessions."""
    return _a_row_a_scan(records, TIMINGS_SCHEMA)


def _a_row_a_scan(records: Sequence[ScanRecord], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """What a schema asks for of each scan."""
    known = {
        "session": _dates(
            records, [record.numbers(np.array(record.scans.time, np.int64)) for record in records]
        ),
        "tick": _times(list(chain.from_iterable(record.scans.time for record in records))),
        "scanner": _repeated(records[0].scanner, sum(len(record.scans) for record in records)),
    }

    def noted(name: str) -> pl.Series:
        return pl.Series(
            list(chain.from_iterable(getattr(record.scans, name) for record in records)),
            dtype=schema[name],
        )

    return pl.DataFrame({name: known[name] if name in known else noted(name) for name in schema})


def _repeated(name: str, count: int) -> pl.Series:
    return pl.Series([name]).new_from_index(0, count)  # pl.repeat collects a lazy frame


def _times(micros: Sequence[int] | Ints) -> pl.Series:
    return pl.Series(micros, dtype=pl.Int64).cast(TIMESTAMP)


def _dates(records: Sequence[ScanRecord], numbers: Sequence[Ints]) -> pl.Series:
    """The dates of which these are the numbers in each record."""
    before = np.cumsum([0, *(len(record.sessions) for record in records)])
    days = np.array(
        [session.date for record in records for session in record.sessions], "datetime64[D]"
    ).astype(np.int32)
    return pl.Series(
        days[joined([own + first for own, first in zip(numbers, before[:-1], strict=True)])]
    ).cast(pl.Date)


def _columnar_hits(passes: list[tuple[ScanRecord, ColumnarHits]]) -> pl.DataFrame:
    """The hits of sessions whose symbols are in one table."""
    records, table = [record for record, _ in passes], passes[0][1].table
    found = [one.found for _, one in passes]
    times = [one.times[hits.ticks] for (_, one), hits in zip(passes, found, strict=True)]
    logged = pl.DataFrame(
        {
            "session": _dates(
                records, [record.numbers(own) for record, own in zip(records, times, strict=True)]
            ),
            "tick": _times(joined(times)),
            "scanner": _repeated(records[0].scanner, sum(len(hits.ticks) for hits in found)),
            "symbol": table.series[joined([hits.symbols for hits in found])],
            "rank": np.concatenate([hits.ranks for hits in found]),
            "promoted": np.concatenate([flags for _, one in passes for flags in one.promoted]),
        }
    )
    return (
        logged.hstack(pl.concat([hits.own_features for hits in found], rechunk=True))
        if found[0].features.width
        else logged
    )


def _symbol_hits(
    time: int, result: ScanResult, promoted: Sequence[bool] | NDArray[np.bool_]
) -> pl.DataFrame:
    """The hits of a scan that was written symbol by symbol.

    Scalars of its metadata are the features.
    """
    features = [_scalars(result.metadata.get(symbol)) for symbol in result.symbols]
    rows = {
        "tick": _times([time] * len(result.symbols)),
        "symbol": result.symbols,
        "rank": range(1, len(result.symbols) + 1),
        "promoted": list(promoted),
    }
    names = dict.fromkeys(
        name for feature in features for name in feature if name not in HITS_SCHEMA
    )
    return pl.DataFrame(
        {**rows, **{name: [feature.get(name) for feature in features] for name in names}},
        strict=False,
        schema_overrides={"symbol": pl.String, "rank": pl.Int64, "promoted": pl.Boolean},
    )


def _scalars(metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, Mapping):
        return {}
    plain = {
        str(name): value.item() if isinstance(value, np.generic) else value
        for name, value in metadata.items()
    }
    return {
        name: value for name, value in plain.items() if isinstance(value, (bool, int, float, str))
    }
