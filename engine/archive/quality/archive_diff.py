"""Where the bars of two archives differ, session by session.

Files of the same bytes are not decoded.
"""

from __future__ import annotations

import datetime as dt
import filecmp
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.archive.archive import Archive
from engine.archive.disk.bar_files import read_bars, stored_columns
from engine.progress import Progress, silent
from engine.schema import BAR_SCHEMA

KEY = ("symbol", "timestamp")


@dataclass(frozen=True)
class Difference:
    """A difference in one session, or in the archives as a whole (exchange, corporate actions).

    rows_only_a, rows_only_b  bars of a symbol and time that only one archive has
    rows_changed              bars that both have, with other values
    first                     the first of these by symbol and time, in words
    """

    where: str
    rows_a: int
    rows_b: int
    symbols_only_a: list[str]
    symbols_only_b: list[str]
    rows_only_a: int
    rows_only_b: int
    rows_changed: int
    first: str


def diff_archives(a: Archive, b: Archive, progress: Progress = silent) -> list[Difference]:
    """All differences, in order of interval and session; an empty list where both hold the same.

    Bars are compared as they are filed, by ticker.
    """
    found: list[Difference] = []
    if a.exchange != b.exchange:
        found.append(_plain("exchange", f"{a.exchange} in A, {b.exchange} in B"))
    for interval in dict.fromkeys((*a.intervals, *b.intervals)):
        found += _daily(a, b, progress) if interval == "1d" else _intraday(a, b, interval, progress)
    actions = [archive.corporate_actions().sort("symbol", "ex_date") for archive in (a, b)]
    tickers = [archive.symbol_map.intervals for archive in (a, b)]
    for where, (mine, theirs) in (("corporate actions", actions), ("tickers", tickers)):
        if not mine.equals(theirs):
            found.append(_plain(where, f"{len(mine)} in A, {len(theirs)} in B"))
    return found


def _intraday(a: Archive, b: Archive, interval: str, progress: Progress) -> Iterator[Difference]:
    dates = sorted({*a.sessions(interval), *b.sessions(interval)})
    for number, date in enumerate(dates):
        files = [archive.files.paths(interval, date) for archive in (a, b)]
        if not all(len(own) == 1 for own in files) or not _same_bytes(*(own[0] for own in files)):
            yield from _compare(
                f"{interval} {date}", *(_session(archive, interval, date) for archive in (a, b))
            )
        progress(f"comparing {interval}", number + 1, len(dates))


def _daily(a: Archive, b: Archive, progress: Progress) -> Iterator[Difference]:
    years = sorted({*a.daily_years(), *b.daily_years()})
    for number, year in enumerate(years):
        files = [archive.daily_file(year) for archive in (a, b)]
        if not _same_bytes(*files):
            yield from _compare_days(_read(files[0]), _read(files[1]), a)
        progress("comparing 1d", number + 1, len(years))


def _compare_days(a: pl.DataFrame, b: pl.DataFrame, archive: Archive) -> Iterator[Difference]:
    dated = [frame.with_columns(archive.session_dates(frame["timestamp"])) for frame in (a, b)]
    days = [frame.partition_by("date", as_dict=True, include_key=False) for frame in dated]
    keys: list[tuple[dt.date]] = sorted({*days[0], *days[1]})
    for key in keys:
        yield from _compare(
            f"1d {key[0]}", days[0].get(key, a.clear()), days[1].get(key, b.clear())
        )


def _session(archive: Archive, interval: str, date: dt.date) -> pl.DataFrame:
    """A session's bars with all their columns; of files in place, what is seen of them."""
    paths = archive.files.paths(interval, date)
    if archive.manifest.in_place and paths:
        return archive.files.read(interval, date, list(BAR_SCHEMA))
    return _read(paths[0]) if paths else pl.DataFrame(schema=BAR_SCHEMA)


def _same_bytes(a: Path, b: Path) -> bool:
    return a.exists() and b.exists() and filecmp.cmp(a, b, shallow=False)


def _read(path: Path) -> pl.DataFrame:
    return (
        read_bars(path, stored_columns(path)) if path.exists() else pl.DataFrame(schema=BAR_SCHEMA)
    )


def _compare(where: str, a: pl.DataFrame, b: pl.DataFrame) -> Iterator[Difference]:
    """The session's difference, where there is one.

    A column that only one has differs in every row.
    """
    values = [name for name in dict.fromkeys((*a.columns, *b.columns)) if name not in KEY]
    a, b = (
        frame.with_columns(
            pl.lit(None, pl.Float64).alias(n) for n in values if n not in frame.columns
        )
        for frame in (a, b)
    )
    rows = (
        a.with_columns(in_a=True)
        .join(b.with_columns(in_b=True), on=KEY, how="full", coalesce=True, suffix="_b")
        .sort(*KEY)
    )
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_b")) for name in values)
    rows = rows.with_columns(
        only_a=pl.col("in_b").is_null(),
        only_b=pl.col("in_a").is_null(),
        changed=changed & pl.col("in_a") & pl.col("in_b"),
    )
    differing = rows.filter(pl.any_horizontal("only_a", "only_b", "changed"))
    if differing.is_empty():
        return
    counts = {
        name: int(differing[name].fill_null(False).sum())
        for name in ("only_a", "only_b", "changed")
    }
    yield Difference(
        where,
        len(a),
        len(b),
        _missing(a, b),
        _missing(b, a),
        counts["only_a"],
        counts["only_b"],
        counts["changed"],
        _in_words(differing.row(0, named=True), values),
    )


def _missing(a: pl.DataFrame, b: pl.DataFrame) -> list[str]:
    return sorted(set(a["symbol"].unique()) - set(b["symbol"].unique()))


def _in_words(row: dict[str, object], values: Sequence[str]) -> str:
    bar = f"{row['symbol']} {row['timestamp']:%Y-%m-%d %H:%M}"
    if row["only_a"] or row["only_b"]:
        return f"{bar} only in {'A' if row['only_a'] else 'B'}"
    name = next(name for name in values if row[name] != row[f"{name}_b"])
    return f"{bar} {name} {row[name]} in A, {row[f'{name}_b']} in B"


def _plain(where: str, text: str) -> Difference:
    return Difference(where, 0, 0, [], [], 0, 0, 0, text)
