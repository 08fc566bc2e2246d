"""Bars of files that somebody else has laid out, one or several a session, read where they are.

    1. `dates`      the listing: a template such as "date={date}/*.parquet" says which file is of which session
    2. `Catalogue`  one pass over the files that are new or changed: whether their bars are in order and all fit for an
                    archive, and their daily bars; kept in the user's cache folder, nothing is written beside the files
    3. `read`       decodes a session's columns, turns them into ours, and sorts where that is needed

What is read is what an import would have written: the same rows are left out, copies once, of conflicting rows the first.
Bars of another session than the file's date are not seen. Where sessions open the evening before, files may be by session or by the
date on the wall: a session is read from the files of its date and of the day before.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import polars as pl

from engine.archive.disk.bar_files import in_order
from engine.archive.disk.layout import ArchiveManifest, InPlace
from engine.archive.disk.session_catalogue import Catalogue, SessionFacts
from engine.archive.vendor_files.read_columns import read_columns
from engine.archive.vendor_files.session_dates import refuse_shifted_days, session_dates
from engine.archive.vendor_files.source_options import SourceOptions
from engine.archive.vendor_files.spelling import SPELLED, two_series, two_spellings
from engine.archive.vendor_files.template import Template
from engine.archive.vendor_files.text_pieces import TextOptions
from engine.archive.vendor_files.validate import CONFLICTING, NOT_A_SESSION, reason, split_conflicts
from engine.archive.vendor_files.whole_minutes import OFF_MINUTE, off_minute, whole_minutes
from engine.clock.calendar import ExchangeCalendar
from engine.clock.interval import Interval
from engine.errors import ArchiveError, BarImportError
from engine.progress import Progress, silent
from engine.schema import BAR_SCHEMA, OPTIONAL_BAR_SCHEMA

KEYS = ("symbol", "timestamp")
EVERYTHING = (*BAR_SCHEMA, *OPTIONAL_BAR_SCHEMA)
DAY = dt.timedelta(days=1)
STAGES = ("decode", "convert", "sort")


def source_options(spec: InPlace, daily: bool) -> SourceOptions:
    """How files in place are read; `daily` where their bars are of days."""
    text = TextOptions(spec.header, spec.skip_lines, spec.encoding, spec.strip, spec.decimal_comma)
    return SourceOptions(
        spec.columns,
        spec.timezone,
        spec.epoch_unit,
        spec.time_format,
        text=text,
        repeated_hour=spec.repeated_hour,
        no_volume=spec.no_volume,
        daily=daily,
    )


class ForeignFiles:
    """The files of an archive that is read in place; as `OwnFiles`.

    seconds  spent on reading by stage: decode, convert, sort
    """

    def __init__(self, root: Path, manifest: ArchiveManifest):
        assert manifest.in_place is not None
        self._manifest, self._spec = manifest, manifest.in_place
        self.root = (root / self._spec.root).resolve()
        self._interval = Interval.parse(manifest.intervals[0])
        self._calendar = ExchangeCalendar.of(manifest.exchange)
        self._options = source_options(self._spec, self._interval.is_daily)
        self._template = Template(self._spec.files, f"{root}/archive.json, in_place.files")
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._catalogue: Catalogue | None = None

    @property
    def template(self) -> str:
        """Which files are whose session's."""
        return self._spec.files

    @property
    def daily_root(self) -> Path:
        return self.catalogue().root

    def all_paths(self) -> list[Path]:
        return sorted({path for files in self._listing.values() for path, _ in files})

    def intervals(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self._interval.name, "1d")))

    def dates(self, interval: str) -> list[dt.date]:
        return sorted(self._listing) if interval == self._interval.name else []

    def paths(self, interval: str, date: dt.date) -> list[Path]:
        return [path for path, _ in self._listing.get(date, ())]

    def span(self, interval: str, date: dt.date) -> tuple[int, int] | None:
        facts = self.catalogue().facts(date)
        return (facts.first, facts.last) if facts.rows else None

    def index(self, interval: str, date: dt.date) -> None:
        """None: whose files have it is read as ours."""

    def read(self, interval: str, date: dt.date, columns: Sequence[str]) -> pl.DataFrame:
        facts = self.catalogue().facts(date)
        if not facts.clean:
            return self._fit(self._rows(date, EVERYTHING), date)[0].select(columns)
        bars = self._rows(date, dict.fromkeys((*KEYS, *columns)))
        nulls = [name for name in bars.columns if bars[name].null_count()]
        if nulls:
            raise ArchiveError(
                f"column {nulls[0]!r} has nulls now",
                where=self._of(date),
                fix="run the command again",
            )
        return (bars if facts.in_order else self._sorted(bars)).select(columns)

    def read_raw(self, interval: str, date: dt.date) -> pl.DataFrame:
        return self._rows(date, BAR_SCHEMA)

    def other_dates(self, bars: pl.DataFrame, date: dt.date) -> pl.DataFrame:
        """The rows of the session's files that are of another session, or of none."""
        return bars.filter(self._is_other(bars, date))

    def catalogue(self, progress: Progress = silent) -> Catalogue:
        """The facts of all sessions, brought up to date when first asked for."""
        if self._catalogue is None:
            catalogue = Catalogue(
                f"{self.root} {self._manifest.model_dump_json()}", self._calendar, self._interval
            )
            catalogue.update(
                {date: self._stamp(date) for date in sorted(self._listing)}, self._examine, progress
            )
            self._catalogue = catalogue
        return self._catalogue

    @cached_property
    def _listing(self) -> dict[dt.date, list[tuple[Path, str | None]]]:
        """The files of each session of the exchange, with the symbol where the path names it."""
        found: dict[dt.date, list[tuple[Path, str | None]]] = defaultdict(list)
        for path in sorted(self.root.glob(self._template.glob)):
            match = self._template.match(path.relative_to(self.root).as_posix())
            if match and path.is_file():
                found[match[0]].append((path, match[1]))
        if not found:
            raise ArchiveError(
                "no such files",
                where=self.root / self._spec.files,
                expected="files of sessions",
                fix="look at in_place.files in archive.json, or run `barsweep archive init` again",
            )
        if self._opens_before(min(found), max(found)):
            own = dict(found)
            for date, files in own.items():  # each session's files, and those of the evening before
                found[date] = own.get(date - DAY, []) + files
        sessions = {session.date for session in self._calendar.sessions(min(found), max(found))}
        return {date: files for date, files in found.items() if date in sessions}

    def _opens_before(self, first: dt.date, last: dt.date) -> bool:
        """Whether sessions open the evening before, so that files by date on the wall hold two sessions' bars."""
        return not self._interval.is_daily and self._calendar.is_overnight(first, last)

    def _stamp(self, date: dt.date) -> str:
        """Changes when a file of the session does, as far as the file system tells."""
        try:
            stats = [(path.name, path.stat()) for path, _ in self._listing[date]]
        except OSError as error:
            raise self._gone(date, error) from None
        return " ".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in stats)

    def _examine(self, date: dt.date) -> tuple[SessionFacts, pl.DataFrame]:
        rows = self._rows(date, (*EVERYTHING, SPELLED))
        told = two_spellings(rows)
        if told:
            raise ArchiveError(
                told,
                where=self._of(date),
                expected="one way to write a symbol",
                fix="rename one of them",
            )
        rows = rows.drop(SPELLED, strict=False)
        bars, left_out = self._fit(rows, date)
        clean = not left_out and len(bars) == len(rows)
        times = bars["timestamp"].to_physical()
        span = (int(times.min()), int(times.max())) if len(times) else (0, 0)  # type: ignore[arg-type]
        return SessionFacts(
            len(bars), clean, clean and in_order(rows), left_out, *span
        ), bars.select(*BAR_SCHEMA)

    def _rows(self, date: dt.date, names: Iterable[str]) -> pl.DataFrame:
        """All rows of a session's files, timestamps as starts."""
        parts = [
            self._part(path, symbol, date, tuple(names)) for path, symbol in self._listing[date]
        ]
        started = time.perf_counter()
        rows = parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal")
        rows = self._at_starts(rows, date)
        self.seconds["convert"] += time.perf_counter() - started
        return rows.rechunk()

    def _at_starts(self, rows: pl.DataFrame, date: dt.date) -> pl.DataFrame:
        """Rows with starts in place of labels, without those of sessions beside it that open the evening before."""
        if self._interval.is_daily:
            refuse_shifted_days(
                rows["timestamp"], self._spec.label, self._calendar, self._of(date), ArchiveError
            )
            opens = self._calendar.session(date).open
            return rows.with_columns(timestamp=pl.lit(opens).cast(BAR_SCHEMA["timestamp"]))
        labels = whole_minutes(rows["timestamp"], self._spec.label)
        length = self._interval.micros if self._spec.label == "close" else 0
        rows = rows.with_columns(labels - dt.timedelta(microseconds=length))
        if not self._opens_before(date, date):
            return rows
        day = session_dates(self._calendar, rows["timestamp"])
        return rows.filter(day.is_null() | (day == date))

    def _part(
        self, path: Path, symbol: str | None, date: dt.date, names: Sequence[str]
    ) -> pl.DataFrame:
        try:
            part, decoding, converting = read_columns(
                path, replace(self._options, near=date), names, symbol
            )
        except FileNotFoundError as error:
            raise self._gone(date, error) from None
        except BarImportError as error:
            fix = error.fix and error.fix.replace(
                "give ", "run `barsweep archive init` again with "
            ).replace("name it: ", "add ")
            raise ArchiveError(
                error.what, where=error.where, expected=error.expected, fix=fix
            ) from None
        self.seconds["decode"] += decoding
        self.seconds["convert"] += converting
        return part

    def _fit(self, rows: pl.DataFrame, date: dt.date) -> tuple[pl.DataFrame, Counter[str]]:
        """The session's bars as an import would write them, and how many rows were left out and why."""
        started = time.perf_counter()
        other = pl.lit(self._is_other(rows, date))
        off = pl.lit(not self._interval.is_daily) & off_minute()
        reasons = (
            reason(),
            pl.when(off).then(pl.lit(OFF_MINUTE)),
            pl.when(other).then(pl.lit(NOT_A_SESSION)),
        )
        told = rows.with_columns(pl.coalesce(*reasons).alias("reason"))
        good = told.filter(pl.col("reason").is_null()).drop("reason").unique()
        bars, conflicts = split_conflicts(good)
        told_of = two_series(bars, conflicts)
        if told_of:
            raise ArchiveError(
                told_of,
                where=self._of(date),
                expected="one bar a symbol and time",
                fix="take away the file that is of another market, feed or adjustment",
            )
        left_out = Counter(dict(sorted(told["reason"].drop_nulls().value_counts().iter_rows())))
        if len(conflicts):
            left_out[CONFLICTING] = len(conflicts)
        self.seconds["sort"] += time.perf_counter() - started
        return bars, left_out

    def _is_other(self, rows: pl.DataFrame, date: dt.date) -> pl.Series:
        """Which rows are of another session, or of none; those without a time are not."""
        if self._interval.is_daily:
            return pl.Series([False]).new_from_index(0, len(rows))
        return (session_dates(self._calendar, rows["timestamp"]) != date).fill_null(False)

    def _sorted(self, bars: pl.DataFrame) -> pl.DataFrame:
        started = time.perf_counter()
        ordered = bars.sort(*KEYS)
        self.seconds["sort"] += time.perf_counter() - started
        return ordered

    def _of(self, date: dt.date) -> str:
        return ", ".join(str(path) for path, _ in self._listing[date][:3])

    def _gone(self, date: dt.date, error: OSError) -> ArchiveError:
        return ArchiveError(
            f"cannot be read: {error.strerror}",
            where=error.filename or self._of(date),
            expected="the files that were there when the command began",
            fix="run the command again",
        )
