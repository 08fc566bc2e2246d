"""Repairs what is safe to repair in an imported archive, and logs every change.

A repair is safe where there is no doubt about the bar that was meant:

    order      bars sorted by symbol and time, the symbols' row counts in the metadata written anew
    copies     rows that are the same in every column, but the first
    exchanged  a high below the low, with open and close between them: the two change places
    rounding   a high or low that misses open or close by at most 0.1 %: widened to hold them
    fills      bars without volume at the price of the bar before: no trade, so no bar (intraday)

A symbol whose volume is never recorded has no fills, and of a symbol's bars in a session at most a
small share is removed as fills. Whatever else `check` tells is left as it is: which of two rows is
right, or what a price should have been, cannot be known here.

Each session is written down first, with the bar before and after (repair_log.py), then put in place
with the daily bars that were made from it; killed in between, the next repair does the same again.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.atomic import atomic_path
from engine.archive.disk.bar_files import in_order, index_fits, read_bars, write_bars
from engine.archive.disk.daily_files import daily_from_session
from engine.archive.disk.lock import write_lock
from engine.archive.quality.anomalies import mark_anomalies
from engine.archive.quality.repair_log import FIXES_SCHEMA, FixLog
from engine.errors import ArchiveError
from engine.progress import Progress, silent
from engine.schema import BAR_SCHEMA, BAR_VALUES

ROUNDING = 0.001
MOST_REMOVED = 5.0  # percent of a symbol's bars in a session
KEYS = ["symbol", "timestamp"]


def fix_archive(
    archive: Archive, progress: Progress = silent, most_removed: float = MOST_REMOVED
) -> Counter[str]:
    """How many changes there were of each kind; raises ArchiveError where nothing may be written.

    most_removed  percent of a symbol's bars in a session that may be removed as fills
    """
    if archive.manifest.in_place:
        raise ArchiveError(
            "files that are read in place are not changed",
            where=archive.path,
            expected="an imported archive",
            fix="`barsweep archive import` the files: what is not fit is put aside there",
        )
    changes: Counter[str] = Counter()
    try:
        with write_lock(archive.path):
            for interval in archive.intervals:
                if interval == "1d":
                    for year in archive.daily_years():
                        changes += _fix_file(
                            archive,
                            archive.daily_file(year),
                            interval,
                            dt.date(year, 1, 1),
                            most_removed,
                        )
                    continue
                dates = archive.sessions(interval)
                for number, date in enumerate(dates):
                    changes += _fix_file(
                        archive,
                        archive.files.paths(interval, date)[0],
                        interval,
                        date,
                        most_removed,
                    )
                    progress(f"repairing {interval}", number + 1, len(dates))
    except OSError as error:
        raise ArchiveError(
            f"cannot be written: {error.strerror or error}",
            where=archive.path,
            fix="make room or rights, then repair again",
        ) from None
    return changes


def repair(
    bars: pl.DataFrame, intraday: bool, most_removed: float = MOST_REMOVED
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A file's bars as they should be, and the changes: FIXES_SCHEMA without interval, session and
    fixed_at.

    Fills of a symbol that are more than `most_removed` percent of its bars stay.
    """
    log: list[pl.DataFrame] = []
    if not bars.select(pl.struct(KEYS)).to_series().is_sorted():
        log.append(pl.DataFrame({"action": ["sorted"]}))
        bars = bars.sort(KEYS, maintain_order=True)
    bars, copies = _without_copies(bars)
    bars, widened = _uncross(bars)
    bars, more = _without_copies(bars)  # which bars that were mended may have become
    log += [copies, *widened, more]
    if intraday:
        filled = _few_fills(bars, most_removed)
        log.append(_dropped(bars.filter(filled), "fill without volume dropped"))
        bars = bars.filter(~filled)
    schema = {
        name: dtype
        for name, dtype in FIXES_SCHEMA.items()
        if name not in ("interval", "session", "fixed_at")
    }
    return bars, pl.concat([pl.DataFrame(schema=schema), *log], how="diagonal").select(*schema)


def _few_fills(bars: pl.DataFrame, most: float) -> pl.Series:
    """Boolean[bars]: fills without volume, where they are at most `most` % of a symbol's bars."""
    few = 100.0 * pl.col("filled").sum() <= most * pl.len()
    return mark_anomalies(bars).select(pl.col("filled") & few.over("symbol")).to_series()


def _without_copies(bars: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    first = pl.struct(pl.all()).is_first_distinct()
    return bars.filter(first), _dropped(bars.filter(~first), "copy dropped")


def _uncross(bars: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    highest, lowest = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    high, low = pl.col("high"), pl.col("low")
    exchanged = (high < low) & (high <= lowest) & (low >= highest)
    steps = (
        ("high and low exchanged", exchanged, {"high": low, "low": high}),
        (
            "high raised to open or close",
            (high < highest) & (high >= highest * (1 - ROUNDING)) & (high >= low),
            {"high": highest},
        ),
        (
            "low lowered to open or close",
            (low > lowest) & (low <= lowest * (1 + ROUNDING)) & (high >= low),
            {"low": lowest},
        ),
    )
    log = []
    for action, where, change in steps:
        after = bars.with_columns(
            pl.when(where).then(value).otherwise(name).alias(name) for name, value in change.items()
        )
        mask = bars.select(where.fill_null(False).alias("found"))["found"]
        log.append(_changed(bars.filter(mask), after.filter(mask), action))
        bars = after
    return bars, log


def _dropped(rows: pl.DataFrame, action: str) -> pl.DataFrame:
    return rows.select(
        pl.lit(action).alias("action"),
        *KEYS,
        *(pl.col(name).alias(f"{name}_before") for name in BAR_VALUES),
    )


def _changed(before: pl.DataFrame, after: pl.DataFrame, action: str) -> pl.DataFrame:
    return _dropped(before, action).hstack(
        after.select(pl.col(name).alias(f"{name}_after") for name in BAR_VALUES)
    )


def _fix_file(
    archive: Archive, path: Path, interval: str, date: dt.date, most_removed: float
) -> Counter[str]:
    written = FixLog(archive.path, interval, date)
    try:
        written.settle(path)
        bars = read_bars(path, pq.read_schema(path).names)
    except (ArchiveError, OSError, ValueError):
        return Counter()  # `check` tells of it
    fixed, log = repair(bars, interval != "1d", most_removed)
    if not len(log) and _index_fits(path, fixed):
        return Counter()
    if not len(log):
        log = pl.concat(
            [log, pl.DataFrame({"action": ["symbol counts written anew"]})], how="diagonal"
        )
    with atomic_path(path) as mended:
        write_bars(mended, fixed)
        written.begin(log, mended)
        if interval != "1d":
            _fix_daily(archive, bars, fixed, date)
    written.settle(path)
    return Counter(dict(sorted(log["action"].value_counts().iter_rows())))


def _index_fits(path: Path, bars: pl.DataFrame) -> bool:
    """Whether the metadata tells the bars that are there, or cannot because they contradict each
    other.
    """
    fits = index_fits(path, bars)
    return not in_order(bars) if fits is None else fits


def _fix_daily(archive: Archive, before: pl.DataFrame, after: pl.DataFrame, date: dt.date) -> None:
    """Make the session's daily bars anew that were made from it.

    Others are from a better source, and stay.
    """
    path = layout.daily_file(archive.path, date.year)
    if not path.exists():
        return
    session = archive.calendar.session(date)
    old, new = (daily_from_session(bars.sort(KEYS), session) for bars in (before, after))
    daily = read_bars(path, list(BAR_SCHEMA))
    derived = daily.join(old, on=list(BAR_SCHEMA), how="semi").select(KEYS)
    changed = new.join(derived, on=KEYS, how="semi").join(daily, on=list(BAR_SCHEMA), how="anti")
    gone = derived.join(new, on=KEYS, how="anti")
    if len(changed) or len(gone):
        kept = daily.join(pl.concat([changed.select(KEYS), gone]), on=KEYS, how="anti")
        write_bars(path, pl.concat([kept, changed]).sort(KEYS))
