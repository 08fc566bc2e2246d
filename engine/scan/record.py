"""What a scanner's scans came to: noted session by session, and in columns: a row a scan, a row a hit, a row a timing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
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
        self, time: list[int], scan_type: str, tick: list[int], scanned: int, qualified: list[int], promoted: list[int],
        elapsed_us: float,
    ) -> None:  # fmt: skip
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

    @property
    def rows(self) -> Ints:
        """Places of the hits that were seen, in their order."""
        return np.concatenate(self.seen)


@dataclass
class ScanRecord:
    """The scans of one scanner in one session."""

    scanner: str
    session: dt.date
    scans: Scans = field(default_factory=Scans)
    columnar: ColumnarHits | None = None
    symbol_hits: list[pl.DataFrame] = field(default_factory=list)  # of scans that were written symbol by symbol

    def found_columnar(self, result: ColumnarResult, promoted: NDArray[np.bool_], table: SymbolTable, times: Ints) -> None:
        """Take in the result of the scan that was started last; `promoted` is a flag a hit."""
        hits = result.hits
        self.scans.end(hits.scanned, int(hits.qualified(result.tick)), int(np.count_nonzero(promoted)))
        self.saw(hits, np.arange(result.rows.start, result.rows.stop), promoted, table, times)

    def saw(self, hits: SessionHits, rows: Ints, promoted: NDArray[np.bool_], table: SymbolTable, times: Ints) -> None:
        """Take in hits of the pass that scans have seen: those in `rows`, a flag each."""
        if self.columnar is None:
            self.columnar = ColumnarHits(hits, table, times)
        self.columnar.seen.append(rows)
        self.columnar.promoted.append(promoted)

    def found_symbols(self, result: ScanResult, promoted: Sequence[bool], scanned: int) -> None:
        """Take in the result of a scan that was written symbol by symbol."""
        self.scans.end(scanned, len(result.symbols), sum(promoted))
        self.symbol_hits.append(
            _symbol_hits(self.scans.time[-1], result, promoted).with_columns(session=pl.lit(self.session, pl.Date))
        )


def scans_frame(records: Sequence[ScanRecord]) -> pl.DataFrame:
    """SCANS_SCHEMA of one scanner's sessions, and the funnel: a UInt32 column a clause."""
    names = ("scan_type", "scanned", "qualified", "promoted", "error")
    frame = _a_row_a_scan(records, {name: SCANS_SCHEMA[name] for name in names}).select(*SCANS_SCHEMA)
    first = next((record.columnar for record in records if record.columnar), None)
    if first is None:
        return frame
    return frame.with_columns(_funnel(records, name) for name in first.hits.funnel)


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
    return _a_row_a_scan(records, {"elapsed_us": TIMINGS_SCHEMA["elapsed_us"]}).select(*TIMINGS_SCHEMA)


def _a_row_a_scan(records: Sequence[ScanRecord], dtypes: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The session, tick and scanner of each scan, and what else is noted of it."""
    dates = pl.Series([record.session for record in records], dtype=pl.Date)
    noted = {name: list(chain.from_iterable(getattr(record.scans, name) for record in records)) for name in ("time", *dtypes)}
    columns = {
        "session": dates.gather(np.repeat(np.arange(len(records)), [len(record.scans) for record in records])),
        "tick": pl.Series(noted.pop("time"), dtype=pl.Int64).cast(TIMESTAMP),
        **{name: pl.Series(values, dtype=dtypes[name]) for name, values in noted.items()},
    }
    return pl.DataFrame(columns).with_columns(scanner=pl.lit(records[0].scanner))


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
