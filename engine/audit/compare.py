"""Compares what two replays show up to a tick.

1. `_columns`   cross-sections at every tick and symbol; what columnar strategies read
2. `_universes` the members of each scanner's universe
3. `_parts`     each scanner's clauses, features and rank, at every tick and member
4. `_tables`    rows known by the tick: scans, hits, events, orders, fills, trades, equity
5. `_failures`  strategies that failed in only one of the two replays
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from engine.audit.audited_session import AuditedSession
from engine.audit.difference import Difference, same
from engine.panel.bars import Floats, Ints
from engine.scan.cross_section import CrossSection
from engine.scan.scanner_runtime import ScannerRuntime
from engine.schema import TIMESTAMP

NO_VALUES = ("symbol", "tick")
PLACED = (
    "order",
    "placed",
    "strategy",
    "symbol",
    "side",
    "kind",
    "size",
    "reason",
)  # of an order, from the start on
# reason of the broker's own orders, whose rows carry the time at which the position was opened
AT_THE_CLOSE = "flat_at_close"
EVENTS_OF_BARS = ("locked", "unlocked")  # events that fills cause


@dataclass(frozen=True)
class Table:
    """How the rows of a table are compared.

    what      what a differing row is called, e.g. "order"
    keys      columns that identify a row
    time      the column with the time at which the row was known, or with the start of its bar
    owner     the column with the name of a scanner or a strategy
    left_out  columns that are not compared
    """

    what: str
    keys: tuple[str, ...]
    time: str
    owner: str | None
    left_out: tuple[str, ...] = ()


TABLES = {
    "scans": Table(
        "scan", ("tick", "scanner", "scan_type"), "tick", "scanner", ("session", "error")
    ),
    "hits": Table("hit", ("tick", "scanner", "symbol"), "tick", "scanner", ("session",)),
    "symbols": Table(
        "event", ("time", "symbol", "event", "source"), "time", "source", ("session",)
    ),
    "placed": Table("order", ("order",), "placed", "strategy"),
    "orders": Table("order", ("order",), "ended", "strategy", ("session",)),
    "fills": Table(
        "fill",
        ("time", "strategy", "symbol", "side", "order", "reason", "n"),
        "time",
        "strategy",
        ("session",),
    ),
    "trades": Table(
        "trade",
        ("strategy", "symbol", "entry_time", "exit_time", "n"),
        "exit_time",
        "strategy",
        ("session",),
    ),
    "equity": Table("equity", ("timestamp",), "timestamp", None, ("session",)),
}


@dataclass(frozen=True)
class Comparison:
    """Compares what two replays know at a tick.

    whole  the replay over the archive as it is
    other  the replay over an archive with another future
    tick   microseconds UTC
    since  the first session whose rows are compared
    """

    whole: AuditedSession
    other: AuditedSession
    tick: int
    since: dt.date = dt.date.min

    def differences(self) -> Iterator[Difference]:
        """All differences, causes before their effects."""
        yield from self._columns(self.whole.cross, self.other.cross)
        if self.whole.view and self.other.view:
            yield from self._columns(self.whole.view, self.other.view)
        for whole, other in zip(self.whole.slots, self.other.slots, strict=True):
            yield from self._universes(whole, other)
            yield from self._parts(whole, other)
        yield from self._tables()
        yield from _counted(self._failures())

    # -- cross-sections

    def _columns(self, whole: CrossSection, other: CrossSection) -> Iterator[Difference]:
        """Columns whose values differ at a tick up to the audited one."""
        until = int(np.searchsorted(whole.ticks, self.tick, side="right"))
        if not until:
            return
        both, ids, others = _common(whole, other)
        for name in whole.names:
            if name not in NO_VALUES:
                a = whole.values(name)[:until][:, ids]
                b = (
                    other.values(name)[:until][:, others]
                    if name in other.names
                    else np.full_like(a, np.nan)
                )
                yield from first_difference(name, both, whole.ticks, a, b, self._tz)

    # -- scanners

    def _universes(self, whole: ScannerRuntime, other: ScannerRuntime) -> Iterator[Difference]:
        """Scanners whose universes have other members."""
        a, b = (
            {replayed.cross.table.names[i] for i in slot.members(replayed.cross)}
            for replayed, slot in ((self.whole, whole), (self.other, other))
        )
        if a != b:
            symbol, opens = min(a ^ b), self._local(self.whole.cross.session.open)
            yield Difference(
                "universe",
                whole.name,
                "member",
                symbol,
                opens,
                symbol in a,
                symbol in b,
                len(a ^ b),
            )

    def _parts(self, whole: ScannerRuntime, other: ScannerRuntime) -> Iterator[Difference]:
        """Clauses, features and ranks whose values differ.

        A part that exists in only one of the two is a difference of the scanner.
        """
        if whole.plan is None or other.plan is None:
            return
        clauses, features = len(whole.plan.clauses), len(whole.plan.features)
        kinds = (
            ["clause"] * clauses
            + ["feature"] * features
            + ["rank"] * (whole.plan.rank_by is not None)
        )
        if [part.name for part in whole.plan.parts] != [part.name for part in other.plan.parts]:
            opens = self._local(self.whole.cross.session.open)
            yield Difference(
                "clause", whole.name, "names", None, opens, _names(whole), _names(other)
            )
            return
        for number, (kind, part) in enumerate(zip(kinds, whole.plan.parts, strict=True)):
            yield from self._values(whole, other, number, kind, part.name)

    def _values(
        self, whole: ScannerRuntime, other: ScannerRuntime, number: int, kind: str, name: str
    ) -> Iterator[Difference]:
        """The first difference of one part's values, if any."""
        (ticks, members), (_, others) = self.whole.grid(whole), self.other.grid(other)
        until = int(np.searchsorted(self.whole.cross.ticks[ticks], self.tick, side="right"))
        names, theirs = (
            self.whole.cross.table.names,
            {self.other.cross.table.names[i]: n for n, i in enumerate(others)},
        )
        mine = [n for n, i in enumerate(members) if names[i] in theirs]
        at = [theirs[names[members[n]]] for n in mine]
        if not until or not mine:
            return
        rows = (np.arange(until)[:, None] * len(members) + np.array(mine)).reshape(-1)
        their_rows = (np.arange(until)[:, None] * len(others) + np.array(at)).reshape(-1)
        a, b = (
            self.whole.values(whole, number).gather(rows),
            self.other.values(other, number).gather(their_rows),
        )
        differ = (~a.eq_missing(b)).arg_true()
        if len(differ):
            tick, symbol = divmod(int(differ[0]), len(mine))
            time = self._local(self.whole.cross.ticks[ticks[tick]])
            yield Difference(
                kind,
                whole.name,
                name,
                names[members[mine[symbol]]],
                time,
                a[differ[0]],
                b[differ[0]],
                len(differ),
            )

    # -- tables

    def _tables(self) -> Iterator[Difference]:
        """Rows that differ, table by table."""
        for name, table in TABLES.items():
            source = "orders" if name == "placed" else name
            if source in self.whole.tables:
                since = pl.col("session") >= self.since
                a, b = (
                    self._known(name, replayed.tables[source].filter(since))
                    for replayed in (self.whole, self.other)
                )
                yield from _counted(self._rows(table, a, b))

    def _known(self, name: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of the table `name` that are known at the tick."""
        session = self.whole.cross.session
        base = self.whole.coordinator.scope.base
        lag = session.close - session.open if base.is_daily else base.micros
        time, tick = pl.col(TABLES[name].time), pl.lit(self.tick).cast(pl.Int64).cast(TIMESTAMP)
        over = (
            pl.lit(self.tick >= session.close)
            & (pl.col("session") <= session.date)
            & time.is_not_null()
        )
        of_bar = over | (time + pl.duration(microseconds=lag) <= tick)
        if name == "symbols":
            return frame.filter(
                pl.when(pl.col("event").is_in(EVENTS_OF_BARS)).then(of_bar).otherwise(time <= tick)
            )
        if name == "placed":
            own, entry = pl.col("reason").ne_missing(AT_THE_CLOSE), pl.col("parent").is_null()
            placed = frame.filter(own, pl.when(entry).then(time <= tick).otherwise(of_bar))
            return placed.with_columns(size=pl.when(entry).then("quantity")).select(
                PLACED
            )  # protection grows with what is filled
        if name == "scans":
            return frame.filter(time <= tick).with_columns(failed=pl.col("error").is_not_null())
        if name in ("hits", "equity"):
            return frame.filter(time <= tick)
        known = frame.filter(of_bar)
        return (
            known.with_columns(n=pl.int_range(pl.len()).over(TABLES[name].keys[:-1]))
            if name != "orders"
            else known
        )

    def _rows(self, table: Table, a: pl.DataFrame, b: pl.DataFrame) -> Iterator[Difference]:
        """Rows that only one replay has, then fields that differ in rows of both."""
        a, b = (frame.drop(table.left_out, strict=False) for frame in (a, b))
        values = [
            name for name in dict.fromkeys([*a.columns, *b.columns]) if name not in table.keys
        ]
        a, b = (
            frame.with_columns(pl.lit(None).alias(n) for n in values if n not in frame.columns)
            for frame in (a, b)
        )
        a, b = (frame.select(*table.keys, *values, here=True) for frame in (a, b))
        both = a.join(
            b,
            on=table.keys,
            how="full",
            nulls_equal=True,
            coalesce=True,
            suffix="_other",
            maintain_order="left_right",
        )
        ordered = both.sort(
            table.time if table.time in table.keys else table.keys[0], maintain_order=True
        )
        for row in ordered.iter_rows(named=True):
            mine, theirs = row["here"] is not None, row["here_other"] is not None
            if mine and theirs:
                field = next((n for n in values if not same(row[n], row[f"{n}_other"])), None)
                if field:
                    yield self._difference(table, row, field, row[field], row[f"{field}_other"])
            else:
                given = row if mine else {name: row.get(f"{name}_other", row[name]) for name in row}
                yield self._difference(table, given, "there", mine, theirs)

    def _difference(
        self, table: Table, row: dict[str, Any], field: str, whole: object, other: object
    ) -> Difference:
        """A difference of one row's field."""
        what = (
            {"promoted": "promotion", "rank": "rank"}.get(field, table.what)
            if table.what == "hit"
            else table.what
        )
        owner = row[table.owner] if table.owner else None
        return Difference(
            what,
            owner,
            field,
            row.get("symbol"),
            row[table.time].astimezone(self._tz),
            whole,
            other,
        )

    def _failures(self) -> Iterator[Difference]:
        """Failures of strategies in only one of the two replays."""
        a, b = (
            {one[:2]: one[2] for one in replayed.failures if one[1] <= self.tick}
            for replayed in (self.whole, self.other)
        )
        for name, time in sorted(a.keys() ^ b.keys()):
            yield Difference(
                "failure",
                name,
                "failed",
                None,
                self._local(time),
                a.get((name, time)),
                b.get((name, time)),
            )

    @property
    def _tz(self) -> ZoneInfo:
        return self.whole.archive.calendar.tz

    def _local(self, micros: int) -> dt.datetime:
        """Microseconds UTC as exchange-local time."""
        return dt.datetime.fromtimestamp(int(micros) / 1e6, self._tz)


def first_difference(
    name: str, symbols: Sequence[str], ticks: Ints, whole: Floats, other: Floats, tz: dt.tzinfo
) -> Iterator[Difference]:
    """The first value that differs in a column, with the count of all; nothing where none does.

    ticks         int64 [ticks], microseconds UTC
    whole, other  float64 [ticks, symbols]
    """
    if np.array_equal(whole, other, equal_nan=True):
        return
    differ = ~((whole == other) | (np.isnan(whole) & np.isnan(other)))
    tick, symbol = (int(i) for i in np.unravel_index(np.argmax(differ), differ.shape))
    time, count = (
        dt.datetime.fromtimestamp(int(ticks[tick]) / 1e6, tz),
        int(np.count_nonzero(differ)),
    )
    yield Difference(
        "column",
        None,
        name,
        symbols[symbol],
        time,
        _told(whole[tick, symbol]),
        _told(other[tick, symbol]),
        count,
    )


def _common(whole: CrossSection, other: CrossSection) -> tuple[Sequence[str], Ints, Ints]:
    """The symbols of both cross-sections, and their ids in each."""
    both = [name for name in whole.table.names if name in other.table]
    return both, whole.table.ids(both), other.table.ids(both)


def _names(slot: ScannerRuntime) -> str:
    return ", ".join(part.name for part in slot.plan.parts) if slot.plan else ""


def _counted(differences: Iterable[Difference]) -> Iterator[Difference]:
    """The first difference of each kind, owner and name, with the number of such differences."""
    found: dict[tuple[str, str | None, str], list[Difference]] = {}
    for one in differences:
        found.setdefault((one.what, one.owner, one.name), []).append(one)
    yield from (replace(alike[0], count=len(alike)) for alike in found.values())


def _told(value: float) -> object:
    return None if np.isnan(value) else float(value)
