"""What one scanner's scans of one session came to, in columns: a row a scan, a row a hit, a row a timing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.scan.cross_section import CrossSection
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
class ScanRecord:
    """The scans of one scanner in one session."""

    scanner: str
    rows: list[ScanRow] = field(default_factory=list)
    _columnar: SessionHits | None = None
    _promoted: NDArray[np.bool_] | None = None  # a flag a columnar hit
    _seen: list[slice] = field(default_factory=list)  # the columnar hits of the ticks that were scanned
    _symbol_hits: list[pl.DataFrame] = field(default_factory=list)

    def found(self, result: ScanResult, promoted: NDArray[np.bool_], scanned: int) -> None:
        """Take in the result of the scan that was started last; `promoted` is a flag a hit."""
        row = self.rows[-1]
        row.promoted = int(promoted.sum())
        if isinstance(result, ColumnarResult):
            hits = result.hits
            row.scanned, row.qualified = hits.scanned, hits.qualified(result.tick)
            if self._promoted is None:
                self._columnar, self._promoted = hits, np.zeros(len(hits.ticks), np.bool_)
            self._promoted[result.rows] = promoted
            self._seen.append(result.rows)
        else:
            row.scanned, row.qualified = scanned, len(result.symbols)
            self._symbol_hits.append(_symbol_hits(row.time, result, promoted))

    def scans(self, session: Any) -> pl.DataFrame:
        """SCANS_SCHEMA, and the funnel: a UInt32 column a clause."""
        names = ("time", "scan_type", "scanned", "qualified", "promoted", "error")
        columns = {name: [getattr(row, name) for row in self.rows] for name in names}
        frame = pl.DataFrame(columns, schema_overrides={"error": pl.String}).rename({"time": "tick"})
        frame = self._labelled(frame, session).select(*SCANS_SCHEMA).cast(pl.Schema(SCANS_SCHEMA))
        if self._columnar is None:
            return frame
        ticks = np.array([row.tick for row in self.rows], np.int64)
        return frame.with_columns(pl.Series(name, count[ticks]) for name, count in self._columnar.funnel.items())

    def hits(self, session: Any, cross: CrossSection) -> pl.DataFrame:
        """HITS_SCHEMA, then the features."""
        frames = [self._labelled(frame, session) for frame in self._symbol_hits]
        if self._columnar is not None and self._promoted is not None:
            frames.append(self._labelled(self._columnar_hits(cross), session))
        if not frames:
            return pl.DataFrame(schema=HITS_SCHEMA)
        together = pl.concat(frames, how="diagonal_relaxed")
        return together.select(*HITS_SCHEMA, pl.exclude(*HITS_SCHEMA)).cast(pl.Schema(HITS_SCHEMA))

    def timings(self, session: Any) -> pl.DataFrame:
        """TIMINGS_SCHEMA."""
        columns = {"tick": [row.time for row in self.rows], "elapsed_us": [row.elapsed_us for row in self.rows]}
        return self._labelled(pl.DataFrame(columns), session).select(*TIMINGS_SCHEMA).cast(pl.Schema(TIMINGS_SCHEMA))

    def _columnar_hits(self, cross: CrossSection) -> pl.DataFrame:
        hits, promoted = self._columnar, self._promoted
        assert hits is not None and promoted is not None
        which = np.concatenate([np.arange(s.start, s.stop) for s in self._seen] or [np.empty(0, np.int64)])
        logged = pl.DataFrame(
            {
                "tick": cross.ticks[hits.ticks[which]],
                "symbol": cross.table.series.gather(hits.symbols[which]),
                "rank": hits.ranks[which],
                "promoted": promoted[which],
            }
        )
        return pl.concat([logged, hits.features[which]], how="horizontal") if hits.features.width else logged

    def _labelled(self, frame: pl.DataFrame, session: Any) -> pl.DataFrame:
        tick = pl.col("tick").cast(pl.Int64).cast(TIMESTAMP)
        return frame.with_columns(tick, session=pl.lit(session, pl.Date), scanner=pl.lit(self.scanner))


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
    return {str(name): value for name, value in metadata.items() if isinstance(value, (bool, int, float, str))}
