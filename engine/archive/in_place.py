"""Bars read in place from files in another layout, one or several files a session.

    1. `dates`      lists the files; a template such as "date={date}/*.parquet" gives each its date
    2. `Catalogue`  reads each new or changed session once: whether its rows are sorted and all fit
                    to be bars, and its daily bars. The catalogue lies in the user's cache folder;
                    nothing is written beside the files
    3. `read`       decodes a session's columns, renames and converts them, sorts them if necessary

A session reads as an import would have stored it: the same rows are left out, exact copies are read
once, of conflicting rows the first is kept. Bars of another session than the file's date are left
out. Where sessions open the evening before (futures), files may be cut by session or by calendar
date, so a session is read from the files of its date and of the day before.
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
from engine.archive.vendor_files.text_blocks import TextOptions
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
    """Reading options from archive.json's `in_place`; `daily` says that the bars are daily."""
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
    """The files of an archive that is read in place; implements `SessionFiles`.

    seconds  time spent reading, by stage: decode, convert, sort
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
        """The template of the files' paths, such as "date={date}/*.parquet"."""
        return self._spec.files

    @property
    def daily_root(self) -> Path:
        """The catalogue's folder, which holds the daily bars."""
        return self.catalogue().root

    def all_paths(self) -> list[Path]:
        """Every file that holds bars of a session, sorted."""
        return sorted({path for files in self._listing.values() for path, _ in files})

    def intervals(self) -> tuple[str, ...]:
        """The files' own interval, and 1d."""
        return tuple(dict.fromkeys((self._interval.name, "1d")))

    def dates(self, interval: str) -> list[dt.date]:
        """The sessions that have files, increasing."""
        return sorted(self._listing) if interval == self._interval.name else []

    def paths(self, interval: str, date: dt.date) -> list[Path]:
        """The files that a session is read from."""
        return [path for path, _ in self._listing.get(date, ())]

    def span(self, interval: str, date: dt.date) -> tuple[int, int] | None:
        """Start of a session's first and last bar, microseconds UTC; None where it has no bars."""
        facts = self.catalogue().facts(date)
        return (facts.first, facts.last) if facts.rows else None

    def index(self, interval: str, date: dt.date) -> None:
        """Always None: these files hold no symbol counts."""

    def read(self, interval: str, date: dt.date, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of a session's bars, sorted by symbol and time; raises ArchiveError."""
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
        """All rows of a session's files, unsorted and unchecked, for `archive check`."""
        return self._rows(date, BAR_SCHEMA)

    def other_dates(self, bars: pl.DataFrame, date: dt.date) -> pl.DataFrame:
        """The rows of a session's files that belong to another session or to none."""
        return bars.filter(self._is_other(bars, date))

    def catalogue(self, progress: Progress = silent) -> Catalogue:
        """The facts of all sessions; the first call reads new and changed files."""
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
        """Session date -> [(file, symbol that the path names or None)]."""
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
            by_date = dict(found)
            for date, files in by_date.items():  # each session also has bars of the evening before
                found[date] = by_date.get(date - DAY, []) + files
        sessions = {session.date for session in self._calendar.sessions(min(found), max(found))}
        return {date: files for date, files in found.items() if date in sessions}

    def _opens_before(self, first: dt.date, last: dt.date) -> bool:
        """Whether sessions open the evening before: files by date then hold two sessions."""
        return not self._interval.is_daily and self._calendar.is_overnight(first, last)

    def _stamp(self, date: dt.date) -> str:
        """Names, sizes and modification times of a session's files, to detect changes."""
        try:
            stats = [(path.name, path.stat()) for path, _ in self._listing[date]]
        except OSError as error:
            raise self._gone(date, error) from None
        return " ".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in stats)

    def _examine(self, date: dt.date) -> tuple[SessionFacts, pl.DataFrame]:
        rows = self._rows(date, (*EVERYTHING, SPELLED))
        problem = two_spellings(rows)
        if problem:
            raise ArchiveError(
                problem,
                where=self._of(date),
                expected="one way to write a symbol",
                fix="rename one of them",
            )
        rows = rows.drop(SPELLED, strict=False)
        bars, left_out = self._fit(rows, date)
        clean = not left_out and len(bars) == len(rows)
        times = bars["timestamp"].to_physical()
        span = (0, 0)
        if len(times):
            span = (int(times.min()), int(times.max()))  # type: ignore[arg-type]
        return SessionFacts(
            len(bars), clean, clean and in_order(rows), left_out, *span
        ), bars.select(*BAR_SCHEMA)

    def _rows(self, date: dt.date, names: Iterable[str]) -> pl.DataFrame:
        """All rows of a session's files, with the starts of bars as timestamps."""
        parts = [
            self._part(path, symbol, date, tuple(names)) for path, symbol in self._listing[date]
        ]
        started = time.perf_counter()
        rows = parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal")
        rows = self._at_starts(rows, date)
        self.seconds["convert"] += time.perf_counter() - started
        return rows.rechunk()

    def _at_starts(self, rows: pl.DataFrame, date: dt.date) -> pl.DataFrame:
        """Rows with the starts of bars in place of the files' labels.

        Where sessions open the evening before, rows of the neighbouring sessions are dropped.
        """
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
        """The session's bars as an import would store them, and reason -> rows left out."""
        started = time.perf_counter()
        other = pl.lit(self._is_other(rows, date))
        off = pl.lit(not self._interval.is_daily) & off_minute()
        reasons = (
            reason(),
            pl.when(off).then(pl.lit(OFF_MINUTE)),
            pl.when(other).then(pl.lit(NOT_A_SESSION)),
        )
        checked = rows.with_columns(pl.coalesce(*reasons).alias("reason"))
        good = checked.filter(pl.col("reason").is_null()).drop("reason").unique()
        bars, conflicts = split_conflicts(good)
        problem = two_series(bars, conflicts)
        if problem:
            raise ArchiveError(
                problem,
                where=self._of(date),
                expected="one bar a symbol and time",
                fix="take away the file that is of another market, feed or adjustment",
            )
        left_out = Counter(dict(sorted(checked["reason"].drop_nulls().value_counts().iter_rows())))
        if len(conflicts):
            left_out[CONFLICTING] = len(conflicts)
        self.seconds["sort"] += time.perf_counter() - started
        return bars, left_out

    def _is_other(self, rows: pl.DataFrame, date: dt.date) -> pl.Series:
        """Boolean[rows]: belongs to another session or to none; False where the time is null."""
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
