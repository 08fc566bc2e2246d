"""Import of bars: from source files in a vendor's layout to one sorted file a session.

    1. `_stage`       threads read the source in pieces (read_source.py), labels become starts, and
                      rows are put by session into a staging folder inside the archive (staging.py);
                      the archive itself does not change
    2. SessionWriter  session by session: sort, drop exact copies, quarantine bad rows, write the
                      session's file, and for each year the daily bars (session_writer.py)
    3. archive.json   gets the new intervals, sources.arrow the files; the staging folder is removed

A killed import leaves every session whole, as it was before or as it is after. The same import run
again continues where it stopped and ends with the same bytes. Memory holds a few pieces, a session
and a year of daily bars, however long the source is.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.lock import write_lock
from engine.archive.ingest.import_options import ImportOptions, resolve
from engine.archive.ingest.import_summary import ImportSummary
from engine.archive.ingest.probe import find_date_order, find_interval, with_order_and_interval
from engine.archive.ingest.quarantine import quarantine_reasons, write_quarantine
from engine.archive.ingest.read_source import SourceReading, least, most
from engine.archive.ingest.session_writer import SessionWriter, complete_daily_bars
from engine.archive.ingest.staged_sessions import StagedSessions
from engine.archive.ingest.staging import UNITS, Staging, plan_units
from engine.archive.vendor_files.label_doubt import OTHER, SHIFTED, doubt
from engine.archive.vendor_files.source_log import (
    SourceFile,
    is_known,
    read_sources,
    source_file,
    write_sources,
)
from engine.archive.vendor_files.source_paths import source_files
from engine.archive.vendor_files.stamp_evidence import StampEvidence
from engine.archive.vendor_files.vendors import COLUMNS
from engine.clock.calendar import ExchangeCalendar
from engine.clock.interval import Interval
from engine.errors import BarImportError
from engine.progress import Progress, silent


def import_bars(
    paths: Sequence[Path], archive: Path, options: ImportOptions, progress: Progress = silent
) -> ImportSummary:
    """Import source files into an archive, which is created if needed; raises BarImportError."""
    files, options = resolve(source_files(list(paths)), archive, options)
    calendar = ExchangeCalendar.of(options.exchange or "")
    manifest = _manifest(archive, options)
    with write_lock(archive, BarImportError):
        return _Import(archive, files, options, calendar, manifest, progress).run()


def _manifest(root: Path, options: ImportOptions) -> layout.ArchiveManifest:
    """The archive's manifest, or a new one.

    BarImportError where the archive cannot take imports.
    """
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
    """One import; the module's docstring has the steps."""

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
        # A digest of the options: files that were imported with other options are read again.
        self._how = hashlib.sha256(repr(replace(options, append=False)).encode()).hexdigest()[:16]
        self._sources = read_sources(root)
        known = {
            file for file in files if options.append and is_known(file, self._how, self._sources)
        }
        self._files, self._known = [file for file in files if file not in known], sorted(known)
        self._reading = options.reading
        self._staging = Staging(root / ".import")
        self._summary = ImportSummary(
            layout=options.layout or COLUMNS, label=options.label or "", files_known=len(known)
        )

    def run(self) -> ImportSummary:
        """Import the new files; the summary counts what was done."""
        if not self._files:
            return self._nothing_new()
        try:
            if not self._staging.is_of(self._fingerprint()):
                self._complete_daily_bars()
            self._summary.resumed = self._staging.begin(self._fingerprint())
            interval = self._find_interval()
            self._stage(interval)
            self._write_sessions(interval)
            self._write_quarantine()
            self._write_manifest(interval)
            write_sources(self._root, self._sources, self._imported())
            self._summary.symbols = len(Archive.open(self._root).symbols())
        except OSError as error:
            raise BarImportError(
                f"cannot be written: {error.strerror or error}",
                where=self._root,
                fix="make room or rights, then run the import again: it goes on",
            ) from None
        except BarImportError:  # with another source or other options it will be another import
            self._complete_daily_bars()
            self._staging.discard()
            raise
        self._staging.discard()
        return self._summary

    def _nothing_new(self) -> ImportSummary:
        self._complete_daily_bars()
        self._staging.discard()
        self._summary.interval = self._options.interval or self._manifest.base.name
        self._summary.symbols = len(Archive.open(self._root).symbols())
        return self._summary

    def _complete_daily_bars(self) -> None:
        complete_daily_bars(self._root, self._staging, self._calendar)

    def _fingerprint(self) -> str:
        """A digest of the source files and the options: only the same import may be continued."""
        stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in self._files]
        return hashlib.sha256(repr((stats, self._options)).encode()).hexdigest()

    # -- before staging: interval and order of dates

    def _find_interval(self) -> Interval:
        """The interval of the bars, declared or found in the source; completes `self._reading`."""
        reading, label = self._options.reading, self._options.label or ""
        declared = self._options.interval
        interval = None
        if declared:
            interval = Interval.parse(declared, where=f"layout {self._options.layout}")
        order = self._find_date_order()
        reading = replace(reading, date_order=order, daily=interval.is_daily if interval else None)
        interval = interval or find_interval(self._files, reading, self._calendar, label)
        if interval is None:
            raise self._no_bars()
        self._reading = with_order_and_interval(reading, order, interval, label, self._calendar)
        return interval

    def _find_date_order(self) -> str | None:
        """The order of day, month and year in the source's dates, None where it is not ambiguous.

        Files that were imported before are looked at too where the new ones alone do not show it.
        """
        reading, label = self._options.reading, self._options.label or ""
        try:
            return find_date_order(self._files, reading, self._calendar, label)
        except BarImportError:
            if not self._known:
                raise
            return find_date_order([*self._files, *self._known], reading, self._calendar, label)

    def _no_bars(self) -> BarImportError:
        put_aside, _ = quarantine_reasons(self._staging)
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in put_aside.most_common())
        return BarImportError(
            "no bars of any session" + (f"; rows put aside: {reasons}" if reasons else ""),
            where=self._files[0],
            expected=f"bars of {self._calendar.mic}",
            fix=_advice(put_aside) if reasons else None,
        )

    # -- 1. staging

    def _stage(self, interval: Interval) -> None:
        """Stage new files; then, of known files, the sessions that new files have bars of, too."""
        label = self._options.label or ""
        source = SourceReading(
            self._staging, self._reading, label, self._calendar, interval, self._progress
        )
        units = plan_units(self._files)
        source.stage(units)
        dates = self._staging.dates()
        if not dates and not self._known:
            raise self._no_bars()
        shared = [file for file in self._known if self._sources[str(file.resolve())].touches(dates)]
        source.stage(plan_units(shared, first=len(units)), only=dates)
        self._summary.interval, self._summary.files = interval.name, len(self._files) + len(shared)
        self._summary.rows_read = sum(mark["rows"] for mark in self._staging.marks(UNITS))
        self._check_declared(StampEvidence.of_marks(self._staging.marks(UNITS)), interval)

    def _check_declared(self, evidence: StampEvidence, interval: Interval) -> None:
        """Raise BarImportError where the bars contradict the declared interval or label.

        A contradiction that is only likely is added to the summary's doubts.
        """
        if longer := evidence.spacing.too_long(interval):
            raise BarImportError(
                f"{longer}: longer than {interval.name}, they would be seen before they are over",
                where=self._files[0],
                expected=f"bars of {interval.name}",
                fix="give the --interval they have, or bars of that interval; "
                "bars longer than a session cannot be replayed",
            )
        if (shift := evidence.edges.is_shifted) and not self._options.trust_label:
            raise BarImportError(
                f"read as labelled by the {self._options.label}, {SHIFTED[shift]}",
                where=self._files[0],
                expected=f"bars from the open to the close of {self._calendar.mic}",
                fix=f"give --label {OTHER[shift]}; look at --timezone and --exchange; "
                "or give --trust-label where these bars are right",
            )
        if doubted := doubt(evidence.edges):
            self._summary.doubts.append(f"is --label {self._options.label} right? {doubted}")

    # -- 2. and 3. the archive's files

    def _write_sessions(self, interval: Interval) -> None:
        sessions = StagedSessions(
            self._staging,
            self._calendar,
            self._files[0].parent,
            self._options.merge_opening_auction,
        )
        writer = SessionWriter(
            self._root, sessions, interval, self._options.append, self._summary, self._progress
        )
        writer.write(self._staging.dates())

    def _write_quarantine(self) -> None:
        self._summary.quarantined, schema = quarantine_reasons(self._staging)
        if schema:
            target = self._root / "quarantine" / f"{self._fingerprint()[:12]}.parquet"
            write_quarantine(self._staging, target, schema)
            self._summary.quarantine_file = str(target.relative_to(self._root))

    def _write_manifest(self, interval: Interval) -> None:
        names = {*self._manifest.intervals, interval.name, "1d"}
        ordered = tuple(sorted(names, key=lambda name: Interval.parse(name).micros))
        first_files = ", ".join(file.name for file in self._files[:3])
        source = self._manifest.source or self._options.source or first_files
        layout.write_manifest(
            self._root, self._manifest.model_copy(update={"intervals": ordered, "source": source})
        )

    def _imported(self) -> Iterator[SourceFile]:
        """The new files, each with the first and last date of its bars, for sources.arrow."""
        spans: dict[str, tuple[str | None, str | None]] = {}
        for mark in self._staging.marks(UNITS):
            for path, first, last in mark["files"]:
                before = spans.get(path, (None, None))
                spans[path] = least(before[0], first), most(before[1], last)
        for file in self._files:
            first, last = (dt.date.fromisoformat(day) if day else None for day in spans[str(file)])
            yield source_file(file, self._how, first, last)


def _advice(put_aside: Counter[str]) -> str:
    """What to try where every row was put aside."""
    if set(put_aside) == {"missing volume"}:
        return "give --no-volume if the source records none"
    return "look at --layout, --timezone, --epoch-unit and --time-format"
