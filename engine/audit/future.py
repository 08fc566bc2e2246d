"""Archives that are the same up to a tick and differ after it.

What is known at the tick stays: complete bars, daily bars of closed sessions, corporate actions up
to the day. The rest depends on the kind:

CUT        everything later is left out
PERTURBED  later prices and volumes are scaled bar by bar, some bars and symbols are dropped, some
           splits are added

Files of earlier sessions are linked, those of the session and of later ones are written anew.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.bar_files import write_bars
from engine.archive.disk.daily_files import daily_from_session
from engine.archive.reference.universe import is_membership, read_membership
from engine.clock.calendar import Session
from engine.clock.interval import Interval
from engine.errors import UniverseError
from engine.schema import BAR_SCHEMA, CORPORATE_ACTIONS_SCHEMA, OPTIONAL_BAR_SCHEMA, PRICE_COLUMNS

CUT, PERTURBED = "future cut off", "future perturbed"
FUTURES = (CUT, PERTURBED)
DROPPED, DELETED, SPLIT = 0.3, 0.2, 0.1  # shares of bars, of symbols, of symbols
PRICE_SPREAD, VOLUME_SPREAD = 0.3, 1.0  # standard deviations of the logarithms of the factors
BARS = "bars"  # the folder of an archive's bars
LATER = "100y"


class _Changed(Archive):
    """An archive with the symbol list of the archive that it was made from.

    So the list alone shows nothing of the changed future. The archive may end before the first
    daily bar.
    """

    may_lack_parts = True

    def __init__(self, path: Path, manifest: layout.ArchiveManifest, symbols: Sequence[str]):
        super().__init__(path, manifest)
        self._names = symbols

    def symbols(self) -> list[str]:
        """All symbols, sorted."""
        return list(self._names)


def in_our_layout(archive: Archive, folder: Path) -> Archive:
    """The archive with its files in the layout of engine/archive/disk/layout.py.

    An archive whose files are read in place is copied into `folder`, which must not exist yet.
    """
    if archive.manifest.in_place is None:
        return archive
    base = archive.manifest.base.name
    for date in archive.sessions(base) if base != "1d" else ():
        write_bars(layout.session_file(folder, base, date), _all_columns(archive, base, date))
    for year in archive.daily_years():
        _link(archive.daily_file(year).parent, layout.daily_file(folder, year).parent)
    for name in (layout.ACTIONS, layout.SYMBOL_MAP):
        if (archive.path / name).exists():
            shutil.copy(archive.path / name, folder / name)
    manifest = archive.manifest.model_copy(
        update={"in_place": None, "intervals": archive.intervals}
    )
    layout.write_manifest(folder, manifest)
    return Archive(folder, manifest)


def _all_columns(archive: Archive, interval: str, date: dt.date) -> pl.DataFrame:
    """A session's bars with the optional columns that its files have; symbols as in the files."""
    first, second = OPTIONAL_BAR_SCHEMA
    for optional in ((first, second), (first,), (second,)):
        try:
            return archive.files.read(interval, date, [*BAR_SCHEMA, *optional])
        except pl.exceptions.ColumnNotFoundError:
            continue
    return archive.files.read(interval, date, list(BAR_SCHEMA))


@dataclass
class Future:
    """An archive with another future after a tick of a session.

    archive  in our layout
    session  the audited session
    tick     microseconds UTC
    kind     CUT or PERTURBED
    later    sessions after the audited one that a perturbed future keeps
    rng      the source of all random draws
    """

    archive: Archive
    session: Session
    tick: int
    kind: str
    later: Sequence[dt.date]
    rng: np.random.Generator

    def write(self, path: Path) -> Archive:
        """Write the changed archive into `path`, a folder that must not exist yet."""
        symbols = self.archive.symbols()
        self._deleted = set(
            self.rng.choice(symbols, int(DELETED * len(symbols)), replace=False).tolist()
        )
        for name in self.archive.intervals:
            if name != "1d":
                self._write_intraday(path, Interval.parse(name))
        self._write_daily(path)
        self._actions(symbols).write_parquet(path / layout.ACTIONS)
        if (self.archive.path / layout.SYMBOL_MAP).exists():
            self.symbol_map(self.archive.symbol_map.intervals).write_parquet(
                path / layout.SYMBOL_MAP
            )
        layout.write_manifest(path, self.archive.manifest)
        self._write_others(path)
        return _Changed(path, self.archive.manifest, symbols)

    def symbol_map(self, intervals: pl.DataFrame) -> pl.DataFrame:
        """Intervals of SYMBOL_MAP_SCHEMA as known on the session's date.

        Later changes are moved a century ahead. So every symbol stays in the map; a symbol outside
        the map would count as traded at all times.
        """
        later = {name: pl.col(name).dt.offset_by(LATER) for name in ("start_date", "end_date")}
        return intervals.with_columns(
            pl.when(pl.col(name) > self.session.date).then(then).otherwise(pl.col(name)).alias(name)
            for name, then in later.items()
        )

    def membership(self, intervals: pl.DataFrame) -> pl.DataFrame:
        """Intervals of MEMBERSHIP_SCHEMA as known on the session's date.

        In a perturbed future other symbols leave and join after it.
        """
        date, tomorrow = self.session.date, self.session.date + dt.timedelta(days=1)
        begun = intervals.filter(pl.col("start_date") <= date)
        known = begun.with_columns(
            end_date=pl.when(pl.col("end_date") <= date).then(pl.col("end_date"))
        )
        if self.kind == CUT:
            return known
        leave = pl.Series(self.rng.random(len(known)) < 0.5) & known["end_date"].is_null()
        left = known.with_columns(
            end_date=pl.when(leave).then(pl.lit(tomorrow)).otherwise(pl.col("end_date"))
        )
        names = intervals["symbol"].unique().sort()
        joined = names.filter(pl.Series(self.rng.random(len(names)) < 0.5))
        none = pl.lit(None, pl.Date)
        return pl.concat(
            [
                left,
                pl.DataFrame({"symbol": joined}).with_columns(
                    start_date=pl.lit(tomorrow), end_date=none
                ),
            ]
        )

    def _write_others(self, path: Path) -> None:
        """Copy membership files as known on the date; link all other files."""
        for entry in self.archive.path.iterdir():
            target = path / entry.name
            if target.exists() or entry.name == BARS:
                continue
            intervals = membership_of(entry)
            if intervals is None:
                target.symlink_to(entry.resolve())
            elif entry.suffix == ".csv":
                self.membership(intervals).write_csv(target)
            else:
                self.membership(intervals).write_parquet(target)

    def _write_intraday(self, path: Path, interval: Interval) -> None:
        """Link earlier sessions' files of an interval; write the session's and later ones."""
        date, root = self.session.date, self.archive.path
        for day in self.archive.sessions(interval.name):
            source, target = (
                layout.session_file(folder, interval.name, day) for folder in (root, path)
            )
            if day < date:
                _link(source.parent, target.parent)
            elif day == date or (day in self.later and self.kind == PERTURBED):
                write_bars(
                    target,
                    self._changed(
                        pl.read_parquet(source, hive_partitioning=False), interval.micros
                    ),
                )

    def _write_daily(self, path: Path) -> None:
        """Link earlier years' files of daily bars; write the session's year and later ones."""
        date = self.session.date
        years = [
            year for year in self.archive.daily_years() if year <= max([date, *self.later]).year
        ]
        for year in years:
            source, target = (
                layout.daily_file(folder, year) for folder in (self.archive.path, path)
            )
            if year < date.year:
                _link(source.parent, target.parent)
                continue
            # symbols as the files have them
            bars = pl.read_parquet(source, hive_partitioning=False)
            dates = self.archive.session_dates(bars["timestamp"])
            parts = [bars.filter(dates < date), self._today(bars.filter(dates == date), path)]
            if self.kind == PERTURBED:
                parts.append(
                    self._perturbed(
                        bars.filter(dates.is_in(pl.Series(self.later, dtype=pl.Date).implode()))
                    )
                )
            frames = [part.select(bars.columns) for part in parts if len(part)]
            if frames:
                write_bars(target, pl.concat(frames).sort("symbol", "timestamp"))

    def _today(self, stored: pl.DataFrame, path: Path) -> pl.DataFrame:
        """The session's own daily bars.

        As stored where the tick is at the close or later; before, made of the changed minute bars.
        """
        base = self.archive.manifest.base
        bars = layout.session_file(path, base.name, self.session.date)
        if self.tick >= self.session.close or not len(stored):
            return stored
        if base.is_daily or not bars.exists():
            return self._changed(stored, self.session.close - self.session.open)
        made = daily_from_session(pl.read_parquet(bars, hive_partitioning=False), self.session)
        return made.with_columns(
            pl.lit(1.0).alias(name) for name in OPTIONAL_BAR_SCHEMA if name in stored.columns
        )

    def _changed(self, bars: pl.DataFrame, lag: int) -> pl.DataFrame:
        """The bars with those changed that are not complete at the tick.

        lag  the length of a bar, microseconds
        """
        complete = bars["timestamp"].to_physical() + lag <= self.tick
        known, future = bars.filter(complete), bars.filter(~complete)
        if self.kind == PERTURBED:
            known = pl.concat([known, self._perturbed(future)])
        regular = (
            pl.col("timestamp")
            .to_physical()
            .is_between(self.session.open, self.session.close, closed="left")
        )
        if not len(known.filter(regular)):  # without a bar the session would not exist
            known = pl.concat([known, self._scaled(future.filter(regular).head(1))])
        return known.sort("symbol", "timestamp")

    def _perturbed(self, bars: pl.DataFrame) -> pl.DataFrame:
        """The bars without the dropped ones, the others scaled."""
        kept = pl.Series(self.rng.random(len(bars)) >= DROPPED) & ~bars["symbol"].is_in(
            pl.Series(sorted(self._deleted)).implode()
        )
        return self._scaled(bars.filter(kept))

    def _scaled(self, bars: pl.DataFrame) -> pl.DataFrame:
        """The bars with random factors on prices and volume."""
        price, volume = (
            pl.Series(np.exp(self.rng.normal(0.0, spread, len(bars))))
            for spread in (PRICE_SPREAD, VOLUME_SPREAD)
        )
        factors = {
            **dict.fromkeys((*PRICE_COLUMNS, "vwap"), price),
            **dict.fromkeys(("volume", "trade_count"), volume),
        }
        return bars.with_columns(
            pl.col(name) * factor for name, factor in factors.items() if name in bars.columns
        )

    def _actions(self, symbols: Sequence[str]) -> pl.DataFrame:
        """The corporate actions up to the date; in a perturbed future random later splits too."""
        known = self.archive.corporate_actions().filter(pl.col("ex_date") <= self.session.date)
        if self.kind == CUT or not self.later:
            return known
        some = self.rng.choice(symbols, int(SPLIT * len(symbols)), replace=False).tolist()
        made = {
            "symbol": sorted(some),
            "ex_date": [self.later[0]] * len(some),
            "split_ratio": [3.0] * len(some),
            "cash_dividend": [0.5] * len(some),
        }
        return pl.concat([known, pl.DataFrame(made, schema=CORPORATE_ACTIONS_SCHEMA)])


def membership_of(path: Path) -> pl.DataFrame | None:
    """The intervals of a membership file; None for any other file."""
    try:
        return read_membership(path) if path.is_file() and is_membership(path) else None
    except UniverseError:
        return None


def _link(source: Path, target: Path) -> None:
    """Make the folder `target` with links to the files in the folder `source`.

    Links to files, because searches for files do not follow links to folders.
    """
    target.mkdir(parents=True)
    for file in source.resolve().iterdir():
        (target / file.name).symlink_to(file)
