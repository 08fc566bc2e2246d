"""What is wrong with an archive's bars.

Every file is read completely. Findings are counted by kind and file, with the first example of
each. A fault is a bar that a replay must not see, or a file that cannot be read. Other findings are
worth knowing: bars outside the session, missing or half sessions, jumps that look like splits
(split_jumps.py), tickers that belong to no symbol or are used again, implausible prices
(anomalies.py). Of files in place, what a replay leaves out or sorts by itself is reported, and is
no fault.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import polars as pl

from engine.archive.archive import Archive
from engine.archive.disk.bar_files import index_fits, read_bars, verify
from engine.archive.in_place import ForeignFiles
from engine.archive.quality.anomalies import KINDS, mark_anomalies
from engine.archive.quality.daily_symbols import DailySymbols
from engine.archive.quality.long_gaps import long_gaps
from engine.archive.quality.split_jumps import split_jumps
from engine.archive.reference.tickers import stray_bars
from engine.archive.vendor_files.label_doubt import Edges, doubt
from engine.archive.vendor_files.spacing import Spacing
from engine.archive.vendor_files.stamp_evidence import StampEvidence
from engine.archive.vendor_files.validate import REASONS
from engine.archive.vendor_files.whole_minutes import off_minute
from engine.clock.calendar import Session
from engine.clock.interval import Interval
from engine.errors import ArchiveError
from engine.progress import Progress, silent
from engine.schema import BAR_SCHEMA

HALF = 0.5  # below this share of the usual rows, or of its minutes, a session is half a session


@dataclass(frozen=True)
class Finding:
    """One kind of finding in one place (a session, a symbol, an interval), with its first example.

    fault  whether a replay would go wrong
    """

    kind: str
    where: str
    count: int
    example: str
    fault: bool


def check_archive(archive: Archive, progress: Progress = silent) -> list[Finding]:
    """All findings, in order of interval and session; an empty list is a clean archive."""
    findings: list[Finding] = []
    for interval in archive.intervals:
        try:
            findings += (
                _check_daily(archive)
                if interval == "1d"
                else _check_intraday(archive, interval, progress)
            )
        except ArchiveError as error:
            findings.append(
                Finding(
                    "a part of the archive is missing", f"interval {interval}", 1, str(error), True
                )
            )
    return findings + list(_check_symbols(archive))


def _check_intraday(archive: Archive, interval: str, progress: Progress) -> list[Finding]:
    """Findings of an intraday interval: session by session, then of all sessions together."""
    dates = archive.sessions(interval)
    if not dates:
        return []
    sessions = {session.date: session for session in archive.calendar.sessions(dates[0], dates[-1])}
    findings = list(_missing_sessions(list(sessions), dates, interval))
    has_daily = "1d" in archive.intervals and not archive.manifest.in_place
    daily = DailySymbols(archive) if has_daily else None
    bars_a_minute: dict[dt.date, float] = {}
    evidence, length = StampEvidence(), Interval.parse(interval)
    for number, date in enumerate(dates):
        where = f"{interval} {date}"
        if date not in sessions:
            findings.append(Finding("not a session of the exchange", where, 1, "", True))
            continue
        try:
            bars = _read_verified(archive, interval, date)
        except ArchiveError as error:
            findings.append(Finding("unreadable file", where, 1, str(error), True))
            continue
        findings += _check_session(archive, bars, sessions[date], length, where)
        findings += _check_daily_bars(daily, bars, sessions[date], where) if daily else ()
        evidence.spacing += Spacing.of(bars, archive.calendar, daily=False)
        evidence.edges += Edges.of(bars.with_columns(date=pl.lit(date)), [sessions[date]], length)
        bars_a_minute[date] = len(bars) / sessions[date].trading_minutes
        progress(f"checking {interval}", number + 1, len(dates))
    findings += _check_length(evidence.spacing, length)
    if doubted := doubt(evidence.edges):
        kind = "timestamps that seem to label the other end of bars"
        findings.append(Finding(kind, f"interval {interval}", 1, doubted, True))
    return findings + list(_half_sessions(bars_a_minute, interval))


def _read_verified(archive: Archive, interval: str, date: dt.date) -> pl.DataFrame:
    """All rows of a session, after its checksums are verified; raises ArchiveError."""
    if not archive.manifest.in_place:
        # Before reading: damage can crash a reader that does not check.
        verify(archive.files.paths(interval, date)[0])
    return archive.files.read_raw(interval, date)


def _check_session(
    archive: Archive, bars: pl.DataFrame, session: Session, interval: Interval, where: str
) -> Iterator[Finding]:
    """Findings of one session's bars by themselves."""
    yield from _check_bars(bars, where, not archive.manifest.in_place)
    yield from _check_anomalies(bars, where)
    if isinstance(archive.files, ForeignFiles):
        others = archive.files.other_dates(bars, session.date)
        yield from _finding("of another date: not seen", where, others, False)
    else:
        path = archive.files.paths(interval.name, session.date)[0]
        yield from _check_index(bars, path, where)
    yield from _check_times(bars, session, where)
    yield from _check_spacing(bars, interval, where)


def _check_length(spacing: Spacing, interval: Interval) -> Iterator[Finding]:
    """Bars that are longer than their interval: a replay would see them before they are over."""
    if longer := spacing.too_long(interval):
        yield Finding(
            f"bars longer than {interval.name}", f"interval {interval.name}", 1, longer, True
        )


def _check_daily(archive: Archive) -> list[Finding]:
    findings: list[Finding] = []
    spacing = Spacing()
    for year in archive.daily_years():
        try:
            verify(archive.daily_file(year))
            bars = read_bars(archive.daily_file(year), list(BAR_SCHEMA))
        except ArchiveError as error:
            findings.append(Finding("unreadable file", f"1d {year}", 1, str(error), True))
            continue
        findings += _check_bars(bars, f"1d {year}", True)
        findings += _check_index(bars, archive.daily_file(year), f"1d {year}")
        spacing += Spacing.of(bars, archive.calendar, daily=True)
    if not any(finding.kind == "unreadable file" for finding in findings):
        findings += _missing_days(archive)
    return findings + (
        list(_check_length(spacing, Interval.parse("1d"))) if archive.manifest.base.is_daily else []
    )


def _missing_days(archive: Archive) -> Iterator[Finding]:
    """Sessions without daily bars.

    Sessions between the first and the last intraday session are left out: `_check_intraday` reports
    those.
    """
    dates = archive.sessions("1d")
    if not dates:
        return
    intraday = {
        date for name in archive.intervals if name != "1d" for date in archive.files.dates(name)
    }
    calendar = [session.date for session in archive.calendar.sessions(dates[0], dates[-1])]
    reported = {date for date in calendar if intraday and min(intraday) <= date <= max(intraday)}
    yield from _missing_sessions(calendar, {*dates, *reported}, "1d")


def _missing_sessions(
    calendar: list[dt.date], present: Collection[dt.date], interval: str
) -> Iterator[Finding]:
    """Sessions of the calendar that an archive lacks; consecutive ones are one finding."""
    dates = set(present)
    for is_missing, group in groupby(calendar, key=lambda date: date not in dates):
        run = list(group)
        if is_missing:
            span = f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[-1]}"
            yield Finding("missing session", f"{interval} {span}", len(run), "", False)


def _check_daily_bars(
    daily: DailySymbols, bars: pl.DataFrame, session: Session, where: str
) -> Iterator[Finding]:
    """Symbols with intraday bars and no daily bar: scans and daily indicators do not see them."""
    lacking = daily.lacking(bars, session)
    if lacking:
        yield Finding("bars without a daily bar", where, len(lacking), ", ".join(lacking[:5]), True)


def _check_symbols(archive: Archive) -> Iterator[Finding]:
    """Daily bars compared with the corporate actions and the symbol map."""
    try:
        for kind, symbol, date, what in split_jumps(archive):
            yield Finding(kind, f"1d {date} {symbol}", 1, what, False)
        for gap in long_gaps(archive):
            yield Finding(
                "no bars for long: a ticker used again?",
                f"1d {gap.date} {gap.symbol}",
                1,
                str(gap),
                False,
            )
        for ticker, count in stray_bars(archive).items():
            yield Finding(
                "daily bars that are no symbol's",
                f"1d {ticker}",
                count,
                "see `barsweep archive tickers`",
                False,
            )
    except ArchiveError as error:
        yield Finding("not to be held against its corporate actions", "1d", 1, str(error), True)


def _check_bars(bars: pl.DataFrame, where: str, fault: bool) -> Iterator[Finding]:
    for kind, condition in REASONS.items():
        yield from _finding(kind, where, bars.filter(condition), fault)
    symbol, start = pl.col("symbol"), pl.col("timestamp")
    disorder = (symbol < symbol.shift()) | ((symbol == symbol.shift()) & (start < start.shift()))
    yield from _finding("not sorted by symbol and time", where, bars.filter(disorder), fault)
    yield from _finding(
        "duplicate",
        where,
        bars.filter(~pl.struct("symbol", "timestamp").is_first_distinct()),
        fault,
    )


def _check_anomalies(bars: pl.DataFrame, where: str) -> Iterator[Finding]:
    ordered = bars.drop_nulls().sort("symbol", "timestamp")
    marked = mark_anomalies(ordered)
    for name, kind in KINDS.items():
        yield from _finding(kind, where, ordered.filter(marked[name]), False)


def _check_times(bars: pl.DataFrame, session: Session, where: str) -> Iterator[Finding]:
    start = pl.col("timestamp").dt.epoch("us")
    yield from _finding("off the minute", where, bars.filter(off_minute()), True)
    early, late = start < session.extended_open, start >= session.extended_close
    yield from _finding("outside the session", where, bars.filter(early | late), False)
    last = bars.filter(start < session.close)["timestamp"].max()
    middle = (session.open + session.close) // 2
    if isinstance(last, dt.datetime) and last.timestamp() * 1_000_000 < middle:
        yield Finding("half a session", where, 1, f"the last regular bar is {last}", False)


def _check_spacing(bars: pl.DataFrame, interval: Interval, where: str) -> Iterator[Finding]:
    """Bars of five minutes that start a minute apart overlap: they are not of that interval."""
    symbol, start = pl.col("symbol"), pl.col("timestamp").dt.epoch("us")
    ordered = bars.sort("symbol", "timestamp")
    apart = start - start.shift()
    close = ordered.filter(
        (symbol == symbol.shift()) & (apart > 0) & (2 * apart <= interval.micros)
    )
    yield from _finding(
        f"too close to the bar before for bars of {interval.name}", where, close, True
    )


def _check_index(bars: pl.DataFrame, path: Path, where: str) -> Iterator[Finding]:
    if index_fits(path, bars) is False:
        yield Finding(
            "symbol counts or times in the metadata are not the file's",
            where,
            1,
            "rewritten by another tool?",
            True,
        )


def _half_sessions(rows: dict[dt.date, float], interval: str) -> Iterator[Finding]:
    """Sessions with far fewer bars a minute than usual."""
    usual = pl.Series(list(rows.values()), dtype=pl.Float64).median() or 0.0
    for date, count in rows.items():
        if count < HALF * float(usual):  # type: ignore[arg-type]
            yield Finding(
                "half a session",
                f"{interval} {date}",
                1,
                f"{count / float(usual):.0%} of the usual bars",  # type: ignore[arg-type]
                False,
            )


def _finding(kind: str, where: str, rows: pl.DataFrame, fault: bool) -> Iterator[Finding]:
    if len(rows):
        first = rows.row(0, named=True)
        shown = ", ".join(f"{value}" for value in first.values())
        yield Finding(kind, where, len(rows), shown, fault)
