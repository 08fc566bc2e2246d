"""Bars begin and end at whole minutes: what becomes of timestamps that do not."""

from __future__ import annotations

import polars as pl

from engine.clock.interval import MICROS_A_MINUTE
from engine.errors import BarImportError

OFF_MINUTE = "timestamp off the minute"
LAST_SECOND = MICROS_A_MINUTE - 1_000_000  # ends are written as 09:30:59.999, or 09:30:59


def whole_minutes(labels: pl.Series, label: str) -> pl.Series:
    """Labels of intraday bars; those that name a bar's end just before the minute name the minute.
    Others are as they are.
    """
    rest = labels.to_physical() % MICROS_A_MINUTE
    if label == "open" or not (rest > 0).any():
        return labels
    ends = (rest >= LAST_SECOND).fill_null(False)
    return (
        labels.to_physical()
        + pl.select(pl.when(ends).then(MICROS_A_MINUTE - rest).otherwise(0)).to_series()
    ).cast(labels.dtype)


def off_minute() -> pl.Expr:
    """Whether a bar begins within a minute, as a row does that was written while its bar was not
    over.
    """
    return pl.col("timestamp").dt.epoch("us") % MICROS_A_MINUTE != 0


def refuse_seconds(labels: pl.Series, label: str, where: object) -> None:
    """BarImportError where most labels are off the minute: they are of another kind than what is
    declared.
    """
    rest = labels.drop_nulls().to_physical() % MICROS_A_MINUTE
    off = rest.filter(rest > 0)
    if 2 * len(off) <= len(rest):
        return
    shown = str(labels.drop_nulls().filter(rest > 0)[0].time())
    if label == "open" and 2 * int((off >= LAST_SECOND).sum()) > len(off):
        raise BarImportError(
            f"timestamps such as {shown} are the ends of bars",
            where=where,
            expected="bars' starts, as --label open says",
            fix="give --label close",
        )
    raise BarImportError(
        f"most timestamps are off the minute, such as {shown}",
        where=where,
        expected="bars of whole minutes",
        fix="make minute bars of them first, or round the timestamps",
    )
