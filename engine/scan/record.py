"""What a scanner's scans came to: noted session by session, and in columns: a row a scan, a row a hit, a row a timing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.panel.bars import Ints
from engine.panel.symbol_table import SymbolTable
from engine.scan.evaluation import SessionHits
from engine.scan.result import ColumnarResult, ScanResult
from engine.schema import HITS_SCHEMA, SCANS_SCHEMA, TIMESTAMP, TIMINGS_SCHEMA


@dataclass
class ScanRow:
    """One scan: when, of which kind, and its counts."""

    time: int  # microseconds
    scan_type: str
    tick: int  # index in the cross-section
    scanned: int = 0
    qualified: int = 0
    promoted: int = 0
    error: str | None = None
    elapsed_us: float = 0.0


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

    @property
    def rows(self) -> Ints:
        """Places of the hits that were seen, in their order."""
        return np.concatenate(self.seen)


@dataclass
class ScanRecord:
    """The scans of one scanner in one session."""

    scanner: str
    session: dt.date
    rows: list[ScanRow] = field(default_factory=list)
    columnar: ColumnarHits | None = None
    symbol_hits: list[pl.DataFrame] = field(default_factory=list)  # of scans that were written symbol by symbol

    def found_columnar(self, result: ColumnarResult, promoted: NDArray[np.bool_], table: SymbolTable, times: Ints) -> None:
        """Take in the result of the scan that was started last; `promoted` is a flag a hit."""
        row, hits = self.rows[-1], result.hits
        row.scanned, row.qualified, row.promoted = hits.scanned, int(hits.qualified(result.tick)), int(np.count_nonzero(promoted))
        self._saw(hits, np.arange(result.rows.start, result.rows.stop), promoted, table, times)

    def found_at_once(
        self, hits: SessionHits, rows: Ints, promoted: NDArray[np.bool_], ticks: Ints, times: Ints, elapsed_us: float,
        table: SymbolTable, every_time: Ints,
    ) -> None:  # fmt: skip
        """Take in scans that were done together: at `ticks`, at these times; of the hits those in `rows`, a flag each."""
        new = np.bincount(hits.ticks[rows[promoted]], minlength=len(every_time))[ticks]
        each = zip(times.tolist(), ticks.tolist(), hits.qualified(ticks).tolist(), new.tolist(), strict=True)
        self.rows += [
            ScanRow(time, "regular", tick, hits.scanned, qualified, fresh, None, elapsed_us / len(ticks))
            for time, tick, qualified, fresh in each
        ]
        self._saw(hits, rows, promoted, table, every_time)

    def _saw(self, hits: SessionHits, rows: Ints, promoted: NDArray[np.bool_], table: SymbolTable, times: Ints) -> None:
        if self.columnar is None:
            self.columnar = ColumnarHits(hits, table, times)
        self.columnar.seen.append(rows)
        self.columnar.promoted.append(promoted)

    def found_symbols(self, result: ScanResult, promoted: Sequence[bool], scanned: int) -> None:
        """Take in the result of a scan that was written symbol by symbol."""
        row = self.rows[-1]
        row.scanned, row.qualified, row.promoted = scanned, len(result.symbols), sum(promoted)
        self.symbol_hits.append(_symbol_hits(row.time, result, promoted).with_columns(session=pl.lit(self.session, pl.Date)))


def scans_frame(records: Sequence[ScanRecord]) -> pl.DataFrame:
    """SCANS_SCHEMA of one scanner's sessions, and the funnel: a UInt32 column a clause."""
    names = ("time", "scan_type", "scanned", "qualified", "promoted", "error")
    columns: dict[str, Any] = {name: [getattr(row, name) for record in records for row in record.rows] for name in names}
    columns["tick"] = columns.pop("time")
    frame = _labelled(columns, records, {"error": pl.String}).select(*SCANS_SCHEMA).cast(pl.Schema(SCANS_SCHEMA))
    first = next((record.columnar for record in records if record.columnar), None)
    if first is None:
        return frame
    return frame.with_columns(_funnel(records, name) for name in first.hits.funnel)


def _funnel(records: Sequence[ScanRecord], clause: str) -> pl.Series:
    """How many symbols were left after a clause; null where no scan of a session came to an end."""
    counts: list[int | None] = []
    for record in records:
        if record.columnar is None:
            counts += [None] * len(record.rows)
        else:
            counts += record.columnar.hits.funnel[clause][[row.tick for row in record.rows]].tolist()
    return pl.Series(clause, counts, dtype=pl.UInt32)


def hits_frame(records: Sequence[ScanRecord]) -> pl.DataFrame:
    """HITS_SCHEMA of one scanner's sessions, then the features."""
    frames = [frame.with_columns(scanner=pl.lit(record.scanner)) for record in records for frame in record.symbol_hits]
    passes = [(record, record.columnar) for record in records if record.columnar is not None]
    by_table = [_columnar_hits(list(alike)) for _, alike in groupby(passes, key=lambda one: id(one[1].table))]
    if not frames and not by_table:
        return pl.DataFrame(schema=HITS_SCHEMA)
    together = pl.concat([*frames, *by_table], how="diagonal_relaxed")
    together = together.with_columns(pl.col("tick").cast(pl.Int64).cast(TIMESTAMP))
    together = together.sort("tick", maintain_order=True) if frames and by_table else together
    return together.select(*HITS_SCHEMA, pl.exclude(*HITS_SCHEMA)).cast(pl.Schema(HITS_SCHEMA))


def timings_frame(records: Sequence[ScanRecord]) -> pl.DataFrame:
    """TIMINGS_SCHEMA of one scanner's sessions."""
    rows = [row for record in records for row in record.rows]
    columns = {"tick": [row.time for row in rows], "elapsed_us": [row.elapsed_us for row in rows]}
    return _labelled(columns, records, {}).select(*TIMINGS_SCHEMA).cast(pl.Schema(TIMINGS_SCHEMA))


def _labelled(columns: dict[str, Any], records: Sequence[ScanRecord], dtypes: dict[str, Any]) -> pl.DataFrame:
    """A row a scan, with its session and scanner."""
    sessions = [record.session for record in records for _ in record.rows]
    frame = pl.DataFrame(columns | {"session": sessions}, schema_overrides={**dtypes, "tick": pl.Int64, "session": pl.Date})
    return frame.with_columns(pl.col("tick").cast(TIMESTAMP), scanner=pl.lit(records[0].scanner))


def _columnar_hits(passes: list[tuple[ScanRecord, ColumnarHits]]) -> pl.DataFrame:
    """The hits of sessions whose symbols are in one table."""
    rows = [one.rows for _, one in passes]
    lengths = [len(of_session) for of_session in rows]
    record, one = passes[0]

    def joined(values: Callable[[ColumnarHits, Ints], NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([values(one, at) for (_, one), at in zip(passes, rows, strict=True)])

    logged = pl.DataFrame(
        {
            "session": pl.Series([r.session for r, _ in passes], dtype=pl.Date).gather(np.repeat(np.arange(len(passes)), lengths)),
            "tick": joined(lambda one, at: one.times[one.hits.ticks[at]]),
            "scanner": pl.repeat(record.scanner, sum(lengths), eager=True),
            "symbol": one.table.series.gather(joined(lambda one, at: one.hits.symbols[at])),
            "rank": joined(lambda one, at: one.hits.ranks[at]),
            "promoted": joined(lambda one, at: np.concatenate(one.promoted)),
        }
    )
    if not one.hits.features.width:
        return logged
    return pl.concat([logged, pl.concat(_features(passes, rows))], how="horizontal")


def _features(passes: list[tuple[ScanRecord, ColumnarHits]], rows: list[Ints]) -> Iterator[pl.DataFrame]:
    """The features of the hits; sessions that were evaluated together have one frame."""
    for _, alike in groupby(zip(passes, rows, strict=True), key=lambda each: id(each[0][1].hits.features)):
        together = list(alike)
        features, at = together[0][0][1].hits.features, np.concatenate([own + one.hits.first for (_, one), own in together])
        yield features if len(at) == len(features) and (at == np.arange(len(at))).all() else features[at]


def _symbol_hits(time: int, result: ScanResult, promoted: Sequence[bool] | NDArray[np.bool_]) -> pl.DataFrame:
    """The hits of a scan that was written symbol by symbol; scalars of its metadata are the features."""
    features = [_scalars(result.metadata.get(symbol)) for symbol in result.symbols]
    rows = {
        "tick": [time] * len(result.symbols),
        "symbol": result.symbols,
        "rank": range(1, len(result.symbols) + 1),
        "promoted": list(promoted),
    }
    names = dict.fromkeys(name for feature in features for name in feature if name not in HITS_SCHEMA)
    return pl.DataFrame(
        {**rows, **{name: [feature.get(name) for feature in features] for name in names}}, strict=False,
        schema_overrides={"tick": pl.Int64, "symbol": pl.String, "rank": pl.Int64, "promoted": pl.Boolean},
    )  # fmt: skip


def _scalars(metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, Mapping):
        return {}
    plain = {str(name): value.item() if isinstance(value, np.generic) else value for name, value in metadata.items()}
    return {name: value for name, value in plain.items() if isinstance(value, (bool, int, float, str))}
