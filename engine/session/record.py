"""What one session of a run came to, in the frames of the run directory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.indicators.block import Panel
from engine.scan.cross_section import CrossSection
from engine.scan.record import ScanRecord
from engine.schema import HITS_SCHEMA, QUALITY_SCHEMA, SCANS_SCHEMA, TIMINGS_SCHEMA


@dataclass(frozen=True)
class SessionRecord:
    """A session's rows of each table; `bars` were walked."""

    date: dt.date
    bars: int
    scans: pl.DataFrame
    hits: pl.DataFrame
    symbols: pl.DataFrame
    quality: pl.DataFrame
    timings: pl.DataFrame
    trading: Mapping[str, pl.DataFrame]  # orders, fills, trades, equity; empty where nobody trades


def make_record(
    panel: Panel, cross: CrossSection, scans: Sequence[ScanRecord], symbols: pl.DataFrame, trading: Mapping[str, pl.DataFrame]
) -> SessionRecord:  # fmt: skip
    """The record of a session that is over."""
    date = panel.session.date
    return SessionRecord(
        date,
        int(panel.present().sum()),
        _together([record.scans(date) for record in scans], pl.DataFrame(schema=SCANS_SCHEMA), ["tick"]),
        _together([record.hits(date, cross) for record in scans], pl.DataFrame(schema=HITS_SCHEMA), ["tick"]),
        symbols,
        _quality(panel),
        _together([record.timings(date) for record in scans], pl.DataFrame(schema=TIMINGS_SCHEMA), ["tick"]),
        trading,
    )


def _together(frames: list[pl.DataFrame], empty: pl.DataFrame, order: list[str]) -> pl.DataFrame:
    """Rows of all scanners in order of time; of one tick, in the scanners' order. One scanner's are in order of time."""
    if len(frames) == 1:
        return frames[0]
    return pl.concat([empty, *frames], how="diagonal_relaxed").sort(order, maintain_order=True)


def _quality(panel: Panel) -> pl.DataFrame:
    """Regular bars present against minutes expected, for each symbol of the table."""
    expected = 1 if panel.base.is_daily else panel.session.minutes // panel.base.minutes
    present = panel.present()
    frame = pl.DataFrame([panel.table.series, pl.Series("present", present)])
    return frame.with_columns(
        session=pl.lit(panel.session.date), expected=pl.lit(expected),
        quality_percent=pl.Series(np.round(100.0 * present / max(1, expected), 4)),
    ).select(*QUALITY_SCHEMA).cast(pl.Schema(QUALITY_SCHEMA))  # fmt: skip
