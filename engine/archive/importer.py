"""Import of bars: from files as people have them to one sorted file a session.

    1. `_stage`      source files are read in pieces, labels become starts, rows are put by session into a staging
                     folder inside the archive; nothing of the archive changes
    2. `_finish`     session by session: sort, drop exact copies, quarantine bad rows, write the session's file
    3. `_daily`      daily bars of the sessions, from their regular hours
    4. archive.json  names the new intervals; the staging folder goes

A killed import leaves sessions that are whole, old or new. Run again with the same source it goes on where it stopped
and ends with the same bytes. Memory holds a piece and a session, however long the source.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from engine.archive import layout
from engine.archive.atomic import atomic_path
from engine.archive.daily import daily_from_session, update_daily
from engine.archive.files import read_bars, write_bars
from engine.archive.source import SourceOptions, read_pieces, source_files
from engine.archive.validate import CONFLICTING, NOT_A_SESSION, reason, split_conflicts
from engine.clock.calendar import ExchangeCalendar
from engine.clock.interval import MICROS_A_MINUTE, Interval
from engine.errors import BarImportError
from engine.schema import BAR_SCHEMA

Progress = Callable[[str, int, int], None]  # what, done, of how many
STAGED, DONE = "staged.json", "done.txt"
ROWS_BEFORE_FLUSH = 4_000_000


@dataclass(frozen=True)
class ImportOptions:
    """How to import.

    label                  which end of a bar the source labels: open or close
    interval               of the bars; None finds it from their spacing
    merge_opening_auction  rows that end at the open hold the auction alone, and belong to the first bar
    """

    label: str | None = None
    exchange: str = "XNYS"
    interval: str | None = None
    source: str = ""
    merge_opening_auction: bool = False
    reading: SourceOptions = field(default_factory=SourceOptions)


@dataclass
class ImportSummary:
    """What an import came to."""

    interval: str = ""
    sessions: int = 0
    symbols: int = 0
    rows_read: int = 0
    rows_written: int = 0
    copies_dropped: int = 0
    auctions_merged: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    quarantine_file: str | None = None
    resumed: bool = False


def import_bars(
    paths: Sequence[Path], archive: Path, options: ImportOptions, progress: Progress = lambda what, done, total: None
) -> ImportSummary:
    """Import source files into an archive, which is made where there is none; raises BarImportError."""
    if options.label not in ("open", "close"):
        raise BarImportError(
            "which end of a bar the source's timestamps label is not declared", where="--label",
            expected="open (the bar's start) or close (its end)",
            fix="look at the first bar of a session: 09:30 is an open label, 09:31 a close label of minute bars",
        )  # fmt: skip
    calendar = ExchangeCalendar.of(options.exchange)
    files = source_files(list(paths))
    manifest = _manifest(archive, options)
    with _only_one(archive):
        return _Import(archive, files, options, calendar, manifest, progress).run()


def _manifest(root: Path, options: ImportOptions) -> layout.ArchiveManifest:
    if not (root / layout.MANIFEST).exists():
        return layout.ArchiveManifest(exchange=options.exchange, source=options.source)
    manifest = layout.read_manifest(root)
    if manifest.exchange != options.exchange:
        raise BarImportError(
            f"the archive holds {manifest.exchange}, the import says {options.exchange}", where=root,
            expected="one exchange an archive", fix=f"give --exchange {manifest.exchange}, or another --archive",
        )  # fmt: skip
    return manifest


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    """Hold the archive's import lock: an flock, so that a killed import does not leave it behind."""
    import fcntl

    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = (root / ".import.lock").open("a")
    except OSError as error:
        raise BarImportError(f"cannot be written: {error.strerror}", where=root, expected="a folder to write to") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BarImportError("another import is running", where=root, fix="wait until it is done") from None
        yield


class _Import:
    """One import; see the module's text for the steps."""

    def __init__(
        self, root: Path, files: list[Path], options: ImportOptions, calendar: ExchangeCalendar,
        manifest: layout.ArchiveManifest, progress: Progress,
    ):  # fmt: skip
        self._root, self._files, self._options = root, files, options
        self._calendar, self._manifest, self._progress = calendar, manifest, progress
        self._staging = root / ".import"
        self._summary = ImportSummary()
        self._parts: Counter[dt.date] = Counter()

    def run(self) -> ImportSummary:
        try:
            staged = self._resume() or self._stage()
            interval = Interval.parse(staged["interval"])
            self._finish(interval, [dt.date.fromisoformat(date) for date in staged["dates"]])
        except OSError as error:
            raise BarImportError(f"cannot be written: {error.strerror or error}", where=self._root,
                                 fix="make room or rights, then run the import again: it goes on") from None  # fmt: skip
        self._write_quarantine()
        names = tuple(sorted({*self._manifest.intervals, interval.name, "1d"}, key=lambda n: Interval.parse(n).micros))
        source = self._manifest.source or self._options.source or ", ".join(file.name for file in self._files[:3])
        layout.write_manifest(self._root, self._manifest.model_copy(update={"intervals": names, "source": source}))
        shutil.rmtree(self._staging)
        return self._summary

    # -- 1. staging

    def _fingerprint(self) -> str:
        """Of the source and the options: a resumed import must be the same import."""
        stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in self._files]
        return hashlib.sha256(repr((stats, self._options)).encode()).hexdigest()

    def _resume(self) -> dict[str, Any] | None:
        path = self._staging / STAGED
        if not path.exists():
            return None
        staged: dict[str, Any] = json.loads(path.read_text())
        if staged["fingerprint"] != self._fingerprint():
            return None
        self._summary = ImportSummary(**staged["summary"] | {"quarantined": Counter(staged["summary"]["quarantined"])})
        self._summary.resumed = True
        return staged

    def _stage(self) -> dict[str, Any]:
        shutil.rmtree(self._staging, ignore_errors=True)
        self._staging.mkdir(parents=True)
        waiting: list[pl.DataFrame] = []
        interval = Interval.parse(self._options.interval) if self._options.interval else None
        for number, file in enumerate(self._files):
            for piece in read_pieces(file, self._options.reading):
                interval = interval or _spacing(piece, file)
                waiting.append(self._by_session(piece, interval))
                if sum(map(len, waiting)) >= ROWS_BEFORE_FLUSH:
                    self._flush(waiting)
            self._progress("reading", number + 1, len(self._files))
        self._flush(waiting)
        if interval is None or not self._parts:
            raise BarImportError("no bars of any session", where=self._files[0], expected=f"bars of {self._options.exchange}")
        self._summary.interval = interval.name
        staged = {"fingerprint": self._fingerprint(), "interval": interval.name,
                  "dates": [str(date) for date in sorted(self._parts)], "summary": vars(self._summary)}  # fmt: skip
        with atomic_path(self._staging / STAGED) as path:
            path.write_text(json.dumps(staged))
        return staged

    def _by_session(self, piece: pl.DataFrame, interval: Interval) -> pl.DataFrame:
        """The piece's good rows with their session; the others go to quarantine."""
        self._summary.rows_read += len(piece)
        bars = piece.with_columns(self._start(interval), reason())
        bars = bars.with_columns(self._session_date(interval))
        lost = pl.col("reason").is_null() & ~pl.col("date").is_in(self._session_dates(bars).implode())
        bars = bars.with_columns(pl.when(lost).then(pl.lit(NOT_A_SESSION)).otherwise("reason").alias("reason"))
        self._quarantine(bars.filter(pl.col("reason").is_not_null()).drop("date"), f"a-{self._summary.rows_read:012d}")
        return bars.filter(pl.col("reason").is_null()).drop("reason")

    def _start(self, interval: Interval) -> pl.Expr:
        if self._options.label == "open" or interval.is_daily:
            return pl.col("timestamp")
        return pl.col("timestamp") - pl.duration(microseconds=interval.micros)

    def _session_date(self, interval: Interval) -> pl.Expr:
        """The bar's session: its local date. A daily label at midnight UTC is a date already."""
        local = pl.col("timestamp").dt.convert_time_zone(str(self._calendar.tz)).dt.date()
        if not interval.is_daily:
            return local.alias("date")
        midnight_utc = pl.col("timestamp").dt.time() == dt.time(0)
        return pl.when(midnight_utc).then(pl.col("timestamp").dt.date()).otherwise(local).alias("date")

    def _session_dates(self, bars: pl.DataFrame) -> pl.Series:
        dates: list[dt.date] = bars["date"].drop_nulls().unique().sort().to_list()
        sessions = self._calendar.sessions(dates[0], dates[-1]) if dates else []
        return pl.Series([session.date for session in sessions], dtype=pl.Date)

    def _flush(self, waiting: list[pl.DataFrame]) -> None:
        if not waiting:
            return
        for (date,), bars in pl.concat(waiting, how="diagonal").partition_by("date", as_dict=True).items():
            folder = self._staging / str(date)
            folder.mkdir(exist_ok=True)
            bars.drop("date").write_ipc(folder / f"{self._parts[date]:06d}.arrow")
            self._parts[date] += 1
        waiting.clear()

    # -- 2. and 3. sessions

    def _finish(self, interval: Interval, dates: list[dt.date]) -> None:
        if interval.is_daily:
            self._finish_daily(dates)
            return
        done = self._done()
        daily: dict[dt.date, pl.DataFrame] = {}
        for number, date in enumerate(dates):
            path = layout.session_file(self._root, interval.name, date)
            if date in done:
                bars = read_bars(path, list(BAR_SCHEMA))
            else:
                bars, *done[date] = self._session_bars(date, interval)
                write_bars(path, bars)
                self._mark(date, done[date])
            self._summary.copies_dropped += done[date][0]
            self._summary.auctions_merged += done[date][1]
            daily[date] = daily_from_session(bars, self._calendar.session(date))
            self._count(bars)
            self._progress("writing sessions", number + 1, len(dates))
        update_daily(self._root, daily)

    def _finish_daily(self, dates: list[dt.date]) -> None:
        daily = {}
        for number, date in enumerate(dates):
            opens_at = pl.lit(self._calendar.session(date).open).cast(BAR_SCHEMA["timestamp"])
            staged = self._read_staged(date).with_columns(timestamp=opens_at)
            bars = staged.unique()
            self._summary.copies_dropped += len(staged) - len(bars)
            daily[date] = self._settle_conflicts(bars, date)
            self._count(daily[date])
            self._progress("writing days", number + 1, len(dates))
        update_daily(self._root, daily)

    def _session_bars(self, date: dt.date, interval: Interval) -> tuple[pl.DataFrame, int, int]:
        """The session's bars, and how many exact copies and auction rows went into them."""
        staged = self._read_staged(date)
        bars = staged.unique()
        merged = self._merge_auction(bars, date, interval) if self._options.merge_opening_auction else bars
        return self._settle_conflicts(merged, date), len(staged) - len(bars), len(bars) - len(merged)

    def _read_staged(self, date: dt.date) -> pl.DataFrame:
        parts = [pl.read_ipc(path) for path in sorted((self._staging / str(date)).glob("*.arrow"))]
        return pl.concat(parts, how="diagonal")

    def _settle_conflicts(self, bars: pl.DataFrame, date: dt.date) -> pl.DataFrame:
        """Sorted bars, one a symbol and time; what speaks against one of them goes to quarantine."""
        kept, conflicts = split_conflicts(bars)
        self._quarantine(conflicts.with_columns(reason=pl.lit(CONFLICTING)), f"b-{date}")
        return kept

    def _merge_auction(self, bars: pl.DataFrame, date: dt.date, interval: Interval) -> pl.DataFrame:
        """The opening auction's own row, which ends at the open, becomes part of the first bar."""
        opens_at = self._calendar.session(date).open
        start = pl.col("timestamp").dt.epoch("us")
        moved = bars.with_columns(
            pl.when(start == opens_at - interval.micros).then(start + interval.micros).otherwise(start)
            .cast(BAR_SCHEMA["timestamp"]).alias("timestamp"),
            auction=start == opens_at - interval.micros,
        )  # fmt: skip
        first = moved.filter(pl.col("timestamp").dt.epoch("us") == opens_at).sort("symbol", "auction", descending=[False, True])
        merged = first.group_by("symbol", "timestamp", maintain_order=True).agg(
            pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(), pl.col("volume").sum(),
            *(pl.col(name).last() for name in bars.columns if name not in BAR_SCHEMA),
        )  # fmt: skip
        others = moved.filter(pl.col("timestamp").dt.epoch("us") != opens_at)
        return pl.concat([merged.select(bars.columns), others.select(bars.columns)])

    def _count(self, bars: pl.DataFrame) -> None:
        self._summary.sessions += 1
        self._summary.rows_written += len(bars)
        self._summary.symbols = max(self._summary.symbols, bars["symbol"].n_unique())

    # -- what was left out, and what is done

    def _quarantine(self, rows: pl.DataFrame, name: str) -> None:
        """Put rows aside in the staging folder; a name that comes again, after a kill, holds the same rows."""
        folder = self._staging / "quarantine"
        folder.mkdir(exist_ok=True)
        if len(rows):
            rows.write_ipc(folder / f"{name}.arrow")

    def _write_quarantine(self) -> None:
        pieces = [pl.read_ipc(path) for path in sorted((self._staging / "quarantine").glob("*.arrow"))]
        if not pieces:
            return
        rows = pl.concat(pieces, how="diagonal")
        self._summary.quarantined = Counter(dict(rows["reason"].value_counts().iter_rows()))
        target = self._root / "quarantine" / f"{self._fingerprint()[:12]}.parquet"
        with atomic_path(target) as path:
            rows.write_parquet(path)
        self._summary.quarantine_file = str(target.relative_to(self._root))

    def _done(self) -> dict[dt.date, list[int]]:
        """The sessions that are written, with their counts; a line that a kill cut short is left out."""
        path = self._staging / DONE
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        whole = [line.split() for line in lines if line.endswith("\n")]
        return {dt.date.fromisoformat(date): [int(count) for count in counts] for date, *counts in whole}

    def _mark(self, date: dt.date, counts: list[int]) -> None:
        with (self._staging / DONE).open("a") as handle:
            handle.write(" ".join(map(str, [date, *counts])) + "\n")
            handle.flush()
            os.fsync(handle.fileno())


def _spacing(piece: pl.DataFrame, file: Path) -> Interval:
    """The most common distance between a symbol's bars."""
    apart = piece.sort("symbol", "timestamp").select(
        pl.col("timestamp").diff().over("symbol").dt.total_microseconds().alias("apart")
    )
    common = apart.filter(pl.col("apart") > 0)["apart"].mode().sort()
    if common.is_empty():
        raise BarImportError("the bars' interval cannot be told from so few", where=file, fix="give --interval")
    minutes = common[0] // MICROS_A_MINUTE
    return Interval.parse("1d" if minutes >= 1440 else f"{minutes}m", where=f"{file}, spacing of its bars")
