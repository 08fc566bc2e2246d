"""Import of bars: from files as people have them to one sorted file a session.

    1. `_stage`      threads read the source in pieces (reading.py), labels become starts, rows are put by session into a
                     staging folder inside the archive (staging.py); nothing of the archive changes
    2. `_finish`     session by session: sort, drop exact copies, quarantine bad rows, write the session's file, and each
                     year the daily bars of its sessions, from their regular hours
    3. archive.json  names the new intervals, sources.arrow the files; the staging folder goes

A killed import leaves sessions that are whole, old or new. Run again with the same source it goes on where it stopped
and ends with the same bytes. Memory holds a few pieces, a session and a year of daily bars, however long the source.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.atomic import atomic_path
from engine.archive.disk.bar_files import read_bars, stored_columns, write_bars
from engine.archive.disk.daily_files import daily_from_session, read_daily_sessions, update_daily
from engine.archive.disk.lock import write_lock
from engine.archive.ingest.import_options import ImportOptions, resolve
from engine.archive.ingest.probe import resolved, told_interval, told_order
from engine.archive.ingest.read_source import SourceReading, least, most
from engine.archive.ingest.staging import DONE, UNITS, Staging, plan_units
from engine.archive.vendor_files.label_doubt import OTHER, SHIFTED, doubt
from engine.archive.vendor_files.source_log import (
    SourceFile,
    is_known,
    read_sources,
    source_file,
    write_sources,
)
from engine.archive.vendor_files.source_paths import source_files
from engine.archive.vendor_files.spelling import SPELLED, two_series, two_spellings
from engine.archive.vendor_files.stamp_evidence import StampEvidence
from engine.archive.vendor_files.validate import CONFLICTING, drop_copies, split_conflicts
from engine.archive.vendor_files.vendors import COLUMNS
from engine.clock.calendar import ExchangeCalendar
from engine.clock.interval import Interval
from engine.errors import BarImportError
from engine.progress import Progress, silent
from engine.schema import BAR_SCHEMA

ADDED, REPLACED, UNCHANGED = "added", "replaced", "unchanged"


@dataclass
class ImportSummary:
    """What an import came to: rows_read = rows_written + rows_unchanged + copies_dropped + auctions_merged + quarantined.

    symbols  of the archive, now
    doubts   what speaks against something that was declared, in words
    """

    layout: str = COLUMNS
    label: str = ""
    interval: str = ""
    files: int = 0
    files_known: int = 0
    sessions: int = 0
    sessions_added: int = 0
    sessions_replaced: int = 0
    sessions_unchanged: int = 0
    symbols: int = 0
    rows_read: int = 0
    rows_written: int = 0
    rows_unchanged: int = 0
    copies_dropped: int = 0
    auctions_merged: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    quarantine_file: str | None = None
    doubts: list[str] = field(default_factory=list)
    resumed: bool = False


def import_bars(
    paths: Sequence[Path], archive: Path, options: ImportOptions, progress: Progress = silent
) -> ImportSummary:
    """Import source files into an archive, which is made where there is none; raises BarImportError."""
    files, options = resolve(source_files(list(paths)), archive, options)
    calendar = ExchangeCalendar.of(options.exchange or "")
    manifest = _manifest(archive, options)
    with write_lock(archive, BarImportError):
        return _Import(archive, files, options, calendar, manifest, progress).run()


def _manifest(root: Path, options: ImportOptions) -> layout.ArchiveManifest:
    if not (root / layout.MANIFEST).exists():
        return layout.ArchiveManifest(exchange=options.exchange or "", source=options.source)
    manifest = layout.read_manifest(root)
    if manifest.in_place:
        raise BarImportError(
            "the archive's files are read in place",
            where=root,
            expected="an archive of imported bars, or a new folder",
            fix="give another --archive",
        )
    if manifest.exchange != options.exchange:
        raise BarImportError(
            f"the archive holds {manifest.exchange}, the import says {options.exchange}",
            where=root,
            expected="one exchange an archive",
            fix=f"give --exchange {manifest.exchange}, or another --archive",
        )
    return manifest


class _Import:
    """One import; see the module's text for the steps."""

    def __init__(
        self,
        root: Path,
        files: list[Path],
        options: ImportOptions,
        calendar: ExchangeCalendar,
        manifest: layout.ArchiveManifest,
        progress: Progress,
    ):
        self._root, self._options = root, options
        self._calendar, self._manifest, self._progress = calendar, manifest, progress
        self._how = hashlib.sha256(repr(replace(options, append=False)).encode()).hexdigest()[:16]
        self._before = read_sources(root)
        known = {
            file for file in files if options.append and is_known(file, self._how, self._before)
        }
        self._files, self._known = [file for file in files if file not in known], sorted(known)
        self._reading = options.reading
        self._staging = Staging(root / ".import")
        self._day_conflicts: list[tuple[pl.DataFrame, pl.DataFrame]] | None = (
            None  # kept bars and the others, of a year of days
        )
        self._summary = ImportSummary(
            layout=options.layout or COLUMNS, label=options.label or "", files_known=len(known)
        )

    def run(self) -> ImportSummary:
        if not self._files:
            return self._nothing_new()
        try:
            if not self._staging.is_of(self._fingerprint()):
                self._finish_days()
            self._summary.resumed = self._staging.begin(self._fingerprint())
            interval = self._look()
            self._stage(interval)
            self._finish(interval, self._staging.dates())
            self._write_quarantine()
            self._write_manifest(interval)
            write_sources(self._root, self._before, self._imported())
            self._summary.symbols = len(Archive.open(self._root).symbols())
        except OSError as error:
            raise BarImportError(
                f"cannot be written: {error.strerror or error}",
                where=self._root,
                fix="make room or rights, then run the import again: it goes on",
            ) from None
        except BarImportError:  # another source or other options will be another import
            self._finish_days()
            self._staging.discard()
            raise
        self._staging.discard()
        return self._summary

    def _write_manifest(self, interval: Interval) -> None:
        names = tuple(
            sorted(
                {*self._manifest.intervals, interval.name, "1d"},
                key=lambda n: Interval.parse(n).micros,
            )
        )
        source = (
            self._manifest.source
            or self._options.source
            or ", ".join(file.name for file in self._files[:3])
        )
        layout.write_manifest(
            self._root, self._manifest.model_copy(update={"intervals": names, "source": source})
        )

    def _finish_days(self) -> None:
        """Daily bars of sessions that an import before this one had written when it ended on the way.

        This one may find them unchanged, or not have them.
        """
        marks = self._staging.marks(DONE)
        years = {mark["year"] for mark in marks if "year" in mark}
        begun = {
            dt.date.fromisoformat(mark["begun"]): Interval.parse(mark["interval"])
            for mark in marks
            if "begun" in mark
        }
        for _, dates in groupby(
            sorted(date for date in begun if date.year not in years), key=lambda date: date.year
        ):
            there = [
                date
                for date in dates
                if layout.session_file(self._root, begun[date].name, date).exists()
            ]
            update_daily(self._root, {date: self._daily_of(date, begun[date]) for date in there})

    def _nothing_new(self) -> ImportSummary:
        self._finish_days()
        self._staging.discard()
        self._summary.interval = self._options.interval or self._manifest.base.name
        self._summary.symbols = len(Archive.open(self._root).symbols())
        return self._summary

    def _fingerprint(self) -> str:
        """Of the source and the options: a resumed import must be the same import."""
        stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in self._files]
        return hashlib.sha256(repr((stats, self._options)).encode()).hexdigest()

    def _look(self) -> Interval:
        """The interval of the bars, and how to read their dates: what is declared, else what the source tells."""
        reading, label = self._options.reading, self._options.label or ""
        given = self._options.interval
        interval = Interval.parse(given, where=f"layout {self._options.layout}") if given else None
        order = self._order()
        reading = replace(reading, date_order=order, daily=interval.is_daily if interval else None)
        interval = interval or told_interval(self._files, reading, self._calendar, label)
        if interval is None:
            raise self._no_bars()
        self._reading = resolved(reading, order, interval, label, self._calendar)
        return interval

    def _order(self) -> str | None:
        """The order of the numbers in dates; files that were imported before help where the new ones alone do not tell."""
        reading, label = self._options.reading, self._options.label or ""
        try:
            return told_order(self._files, reading, self._calendar, label)
        except BarImportError:
            if not self._known:
                raise
            return told_order([*self._files, *self._known], reading, self._calendar, label)

    def _no_bars(self) -> BarImportError:
        put_aside, _ = self._quarantined()
        told = ", ".join(f"{count:,} {reason}" for reason, count in put_aside.most_common())
        return BarImportError(
            "no bars of any session" + (f"; rows put aside: {told}" if told else ""),
            where=self._files[0],
            expected=f"bars of {self._calendar.mic}",
            fix=self._advice(put_aside) if told else None,
        )

    def _advice(self, put_aside: Counter[str]) -> str:
        if set(put_aside) == {"missing volume"}:
            return "give --no-volume if the source records none"
        return "look at --layout, --timezone, --epoch-unit and --time-format"

    # -- 1. staging

    def _stage(self, interval: Interval) -> None:
        """New files, then those known files that share a session with them, of which only those sessions."""
        label = self._options.label or ""
        source = SourceReading(
            self._staging, self._reading, label, self._calendar, interval, self._progress
        )
        units = plan_units(self._files)
        source.stage(units)
        dates = self._staging.dates()
        if not dates and not self._known:
            raise self._no_bars()
        shared = [file for file in self._known if self._before[str(file.resolve())].touches(dates)]
        source.stage(plan_units(shared, first=len(units)), only=dates)
        self._summary.interval, self._summary.files = interval.name, len(self._files) + len(shared)
        self._summary.rows_read = sum(mark["rows"] for mark in self._staging.marks(UNITS))
        self._believe(StampEvidence.of_marks(self._staging.marks(UNITS)), interval)

    def _believe(self, told: StampEvidence, interval: Interval) -> None:
        """BarImportError where the bars themselves say that they are longer, or of another end, than is declared."""
        if longer := told.spacing.too_long(interval):
            raise BarImportError(
                f"{longer}: longer than {interval.name}, they would be seen before they are over",
                where=self._files[0],
                expected=f"bars of {interval.name}",
                fix="give the --interval they have, or bars of that interval; bars longer than a session cannot be replayed",
            )
        if (how := told.edges.is_shifted) and not self._options.trust_label:
            raise BarImportError(
                f"read as labelled by the {self._options.label}, {SHIFTED[how]}",
                where=self._files[0],
                expected=f"bars from the open to the close of {self._calendar.mic}",
                fix=f"give --label {OTHER[how]}; look at --timezone and --exchange; or give --trust-label where "
                "these bars are right",
            )
        if doubted := doubt(told.edges):
            self._summary.doubts.append(f"is --label {self._options.label} right? {doubted}")

    def _imported(self) -> Iterator[SourceFile]:
        """The new files with the days they hold."""
        spans: dict[str, tuple[str | None, str | None]] = {}
        for mark in self._staging.marks(UNITS):
            for path, first, last in mark["files"]:
                before = spans.get(path, (None, None))
                spans[path] = least(before[0], first), most(before[1], last)
        for file in self._files:
            first, last = (dt.date.fromisoformat(day) if day else None for day in spans[str(file)])
            yield source_file(file, self._how, first, last)

    # -- 2. sessions

    def _finish(self, interval: Interval, dates: list[dt.date]) -> None:
        """Year by year; a session that a killed import had written is not written again."""
        marks = self._staging.marks(DONE)
        done = {dt.date.fromisoformat(mark["date"]): mark for mark in marks if "date" in mark}
        years = {mark["year"] for mark in marks if "year" in mark}
        number = 0
        for year, of_year in groupby(dates, key=lambda date: date.year):
            daily: dict[dt.date, pl.DataFrame] = {}
            before = read_daily_sessions(self._root, year) if interval.is_daily else None
            self._day_conflicts = [] if interval.is_daily else None
            days = []
            for date in of_year:
                if date not in done and before is not None:
                    done[date] = self._day(date, before, daily)
                    days.append(done[date])
                elif date not in done:
                    done[date] = self._session(date, interval, daily)
                elif not interval.is_daily and year not in years:
                    daily[date] = self._daily_of(date, interval)
                self._count(done[date])
                number += 1
                self._progress("writing sessions", number, len(dates))
            if self._day_conflicts:
                kept, conflicts = (
                    pl.concat(frames) for frames in zip(*self._day_conflicts, strict=True)
                )
                self._refuse_mixture(kept, conflicts, str(year))
            update_daily(self._root, daily)
            for mark in [*days, {"year": year}]:
                self._staging.mark(DONE, mark)

    def _session(
        self, date: dt.date, interval: Interval, daily: dict[dt.date, pl.DataFrame]
    ) -> dict[str, Any]:
        """Write a session's file where it is new or another than the archive's."""
        path = layout.session_file(self._root, interval.name, date)
        bars, copies, merged = self._session_bars(date, interval)
        before = (
            read_bars(path, stored_columns(path))
            if self._options.append and path.exists()
            else None
        )
        kind = (
            self._kind(date, bars, before)
            if before is not None
            else REPLACED
            if path.exists()
            else ADDED
        )
        if kind != UNCHANGED:
            self._staging.mark(DONE, {"begun": str(date), "interval": interval.name})
            write_bars(path, bars)
        if (
            kind != UNCHANGED or self._summary.resumed
        ):  # it may have been written by an import killed before its year's days were
            daily[date] = daily_from_session(bars, self._calendar.session(date))
        mark = _mark(date, kind, bars, copies, merged)
        self._staging.mark(DONE, mark)
        return mark

    def _day(
        self, date: dt.date, before: dict[int, pl.DataFrame], daily: dict[dt.date, pl.DataFrame]
    ) -> dict[str, Any]:
        """The daily bars of a session, where they are new or others than the archive's; a year of them is written at once."""
        bars, copies = self._day_bars(date)
        was = before.get(self._calendar.session(date).open)
        kind = (
            ADDED
            if was is None
            else self._kind(date, bars, was)
            if self._options.append
            else REPLACED
        )
        if kind != UNCHANGED:
            daily[date] = bars
        return _mark(date, kind, bars, copies, 0)

    def _kind(self, date: dt.date, bars: pl.DataFrame, before: pl.DataFrame) -> str:
        """Whether an appended session is the archive's; BarImportError where it would lose symbols."""
        if bars.equals(before):
            return UNCHANGED
        lost = (
            before["symbol"]
            .unique()
            .filter(~before["symbol"].unique().is_in(bars["symbol"].unique().implode()))
            .sort()
        )
        if len(lost):
            raise BarImportError(
                f"session {date} would lose {len(lost)} symbols that the source does not have ({', '.join(lost.head(5))})",
                where=self._root,
                expected="all files of a session in one import: a changed session is replaced whole",
                fix="give them all, or leave --append out to replace the session all the same",
            )
        return REPLACED

    def _daily_of(self, date: dt.date, interval: Interval) -> pl.DataFrame:
        bars = read_bars(layout.session_file(self._root, interval.name, date), list(BAR_SCHEMA))
        return daily_from_session(bars, self._calendar.session(date))

    def _session_bars(self, date: dt.date, interval: Interval) -> tuple[pl.DataFrame, int, int]:
        """The session's bars, and how many exact copies and auction rows went into them."""
        bars, copies = drop_copies(self._staged(date))
        merged = (
            self._merge_auction(bars, date, interval)
            if self._options.merge_opening_auction
            else bars
        )
        return self._settle_conflicts(merged, date), copies, len(bars) - len(merged)

    def _day_bars(self, date: dt.date) -> tuple[pl.DataFrame, int]:
        opens_at = pl.lit(self._calendar.session(date).open).cast(BAR_SCHEMA["timestamp"])
        bars, copies = drop_copies(self._staged(date).with_columns(timestamp=opens_at))
        return self._settle_conflicts(bars, date).select(*BAR_SCHEMA), copies

    def _staged(self, date: dt.date) -> pl.DataFrame:
        """A session's rows; BarImportError where symbols that are written in two ways would become one."""
        bars = self._staging.read(date)
        told = two_spellings(bars)
        if told:
            raise BarImportError(
                f"{told} in session {date}",
                where=self._files[0].parent,
                expected="one way to write a symbol",
                fix="rename one of them, or import them into archives of their own",
            )
        return bars.drop(SPELLED, strict=False)

    def _settle_conflicts(self, bars: pl.DataFrame, date: dt.date) -> pl.DataFrame:
        """Sorted bars, one a symbol and time; what speaks against one of them goes to quarantine."""
        kept, conflicts = split_conflicts(bars)
        if self._day_conflicts is None:
            self._refuse_mixture(kept, conflicts, f"session {date}")
        else:  # a session has one bar of a symbol: a year of them tells
            self._day_conflicts.append(
                (kept.select("symbol", "timestamp"), conflicts.select("symbol", "timestamp"))
            )
        self._staging.quarantine_session(date, conflicts.with_columns(reason=pl.lit(CONFLICTING)))
        return kept

    def _refuse_mixture(self, kept: pl.DataFrame, conflicts: pl.DataFrame, when: str) -> None:
        """BarImportError where a symbol's bars are those of two series."""
        told = two_series(kept, conflicts)
        if told:
            raise BarImportError(
                f"{told} in {when}",
                where=self._files[0].parent,
                expected="one bar a symbol and time",
                fix="leave out the file that is of another market, feed or adjustment",
            )

    def _merge_auction(self, bars: pl.DataFrame, date: dt.date, interval: Interval) -> pl.DataFrame:
        """The opening auction's own row, which ends at the open, becomes part of the first bar."""
        opens_at = self._calendar.session(date).open
        start = pl.col("timestamp").dt.epoch("us")
        moved = bars.with_columns(
            pl.when(start == opens_at - interval.micros)
            .then(start + interval.micros)
            .otherwise(start)
            .cast(BAR_SCHEMA["timestamp"])
            .alias("timestamp"),
            auction=start == opens_at - interval.micros,
        )
        first = moved.filter(pl.col("timestamp").dt.epoch("us") == opens_at).sort(
            "symbol", "auction", descending=[False, True]
        )
        merged = first.group_by("symbol", "timestamp", maintain_order=True).agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
            *(pl.col(name).last() for name in bars.columns if name not in BAR_SCHEMA),
        )
        others = moved.filter(pl.col("timestamp").dt.epoch("us") != opens_at)
        return pl.concat([merged.select(bars.columns), others.select(bars.columns)])

    def _count(self, done: dict[str, Any]) -> None:
        summary, unchanged = self._summary, done["kind"] == UNCHANGED
        summary.sessions += 1
        setattr(
            summary, f"sessions_{done['kind']}", getattr(summary, f"sessions_{done['kind']}") + 1
        )
        summary.rows_unchanged += done["rows"] if unchanged else 0
        summary.rows_written += 0 if unchanged else done["rows"]
        summary.copies_dropped += done["copies"]
        summary.auctions_merged += done["merged"]

    def _write_quarantine(self) -> None:
        self._summary.quarantined, schema = self._quarantined()
        if not schema:
            return
        target = self._root / "quarantine" / f"{self._fingerprint()[:12]}.parquet"
        arrow = pl.DataFrame(schema=schema).to_arrow().schema
        with (
            atomic_path(target) as path,
            pq.ParquetWriter(path, arrow, compression="zstd") as writer,
        ):
            for rows in self._staging.quarantined():
                missing = [
                    pl.lit(None, dtype).alias(name)
                    for name, dtype in schema.items()
                    if name not in rows.columns
                ]
                writer.write_table(
                    rows.with_columns(missing).select(*schema).to_arrow().cast(arrow)
                )
        self._summary.quarantine_file = str(target.relative_to(self._root))

    def _quarantined(self) -> tuple[Counter[str], dict[str, pl.DataType]]:
        """How many rows were put aside by reason, and the columns of them all."""
        reasons: Counter[str] = Counter()
        schema: dict[str, pl.DataType] = {}
        for rows in self._staging.quarantined():
            reasons.update(dict(sorted(rows["reason"].value_counts().iter_rows())))
            schema |= rows.schema
        return reasons, schema


def _mark(date: dt.date, kind: str, bars: pl.DataFrame, copies: int, merged: int) -> dict[str, Any]:
    return {"date": str(date), "kind": kind, "rows": len(bars), "copies": copies, "merged": merged}
