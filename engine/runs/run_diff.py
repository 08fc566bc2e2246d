"""Two runs held against each other: which tables, rows and columns differ, and the first difference explained.

1. `compare_runs`  every table that both have, a month at a time; tables with the same bytes are not opened
2. `_compare`      rows are matched by what names them (a hit: session, tick, scanner, symbol), columns by their values
3. `_explanation`  the first difference in time: what each run's scan log says of it, and each run's clauses
"""

from __future__ import annotations

import datetime as dt
import filecmp
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from engine.analysis.explain import Explanation, explain
from engine.archive.ingest.read_source import most
from engine.audit.difference import same
from engine.errors import BarsweepError
from engine.runs.provenance import changes, loaded_of
from engine.runs.run_tables import RunTables
from engine.schema import SCANS_SCHEMA

# table -> the columns that name a row; in the order in which one difference brings about the next
KEYS = {
    "quality": ("session", "symbol"),
    "scans": ("session", "tick", "scanner", "scan_type"),
    "hits": ("session", "tick", "scanner", "symbol"),
    "symbols": ("session", "time", "symbol", "event", "source"),
    "orders": ("session", "placed", "strategy", "symbol", "side", "kind"),
    "fills": ("session", "time", "strategy", "symbol", "side"),
    "trades": ("session", "entry_time", "strategy", "symbol", "side"),
    "equity": ("session", "timestamp"),
}
TIMES = ("tick", "time", "placed", "entry_time", "timestamp")
NUMBER, OTHER = (
    "#",
    "other ",
)  # columns of ours: which of several rows of one name; the other run's values


@dataclass(frozen=True)
class Difference:
    """One row that differs.

    key      what names the row
    only_in  0 or 1 where one run alone has it, None where both have
    values   column -> the two runs' values, where both have the row
    """

    table: str
    key: dict[str, Any]
    only_in: int | None
    values: dict[str, tuple[Any, Any]]

    @property
    def moment(self) -> tuple[str, str, int]:
        """What it is sorted by: session, time, and the table's place."""
        time = next((self.key[name] for name in TIMES if name in self.key), "")
        return str(self.key["session"]), str(time), list(KEYS).index(self.table)


@dataclass
class TableDiff:
    """How a table differs.

    rows          of each run
    only          rows that one run alone has, of each
    changed       rows of both with other values
    columns       column -> rows in which it differs, and by how much at most where it is a number
    only_columns  columns that one run alone has, of each
    """

    name: str
    rows: tuple[int, int]
    same_bytes: bool = False
    only: list[int] = field(default_factory=lambda: [0, 0])
    changed: int = 0
    columns: dict[str, tuple[int, float | None]] = field(default_factory=dict)
    only_columns: tuple[list[str], list[str]] = ([], [])
    first: Difference | None = None

    @property
    def same(self) -> bool:
        """Whether the rows are the same, whatever the bytes."""
        return self.first is None and not any(self.only_columns)


@dataclass(frozen=True)
class RunsDiff:
    """changes: what the runs depend on and is not the same. explanation: of the first difference, a line each."""

    changes: list[str]
    tables: list[TableDiff]
    first: Difference | None
    explanation: list[str]

    @property
    def same(self) -> bool:
        """Whether all tables have the same rows and columns."""
        return all(table.same for table in self.tables)


def compare_runs(one: Path, other: Path) -> RunsDiff:
    """Compare two run directories; raises RunError where there is none, or one that is unfinished."""
    runs = RunTables(one), RunTables(other)
    found = changes(runs[0].manifest, runs[1].manifest)
    a, b = ([name for name in KEYS if (run.folder / f"{name}.parquet").exists()] for run in runs)
    if a != b:
        traded = runs[0] if len(a) > len(b) else runs[1]
        found.append(f"{traded.folder.name} alone traded: {', '.join(sorted(set(a) ^ set(b)))}")
    tables = [_compare_table(name, runs) for name in a if name in b]
    first = min(
        (table.first for table in tables if table.first), key=lambda one: one.moment, default=None
    )
    hit = next((table.first for table in tables if table.name == "hits"), None)
    return RunsDiff(found, tables, first, list(_explanation(first, hit, runs)) if first else [])


def _compare_table(name: str, runs: tuple[RunTables, RunTables]) -> TableDiff:
    files = [run.folder / f"{name}.parquet" for run in runs]
    scans = [pl.scan_parquet(file) for file in files]
    rows = [int(scan.select(pl.len()).collect().item()) for scan in scans]
    found = TableDiff(name, (rows[0], rows[1]), filecmp.cmp(files[0], files[1], shallow=False))
    if found.same_bytes:
        return found
    names = [scan.collect_schema().names() for scan in scans]
    found.only_columns = (
        [c for c in names[0] if c not in names[1]],
        [c for c in names[1] if c not in names[0]],
    )
    for first, last in _months(scans):
        within = pl.col("session").is_between(first, last)
        a, b = (scan.filter(within).collect() for scan in scans)
        _compare(found, a, b)
    return found


def _months(scans: Sequence[pl.LazyFrame]) -> Iterator[tuple[dt.date, dt.date]]:
    """The first and the last session of each month that either table has."""
    dates = (
        pl.concat([scan.select(pl.col("session").unique()).collect() for scan in scans])["session"]
        .unique()
        .sort()
    )
    for _, month in groupby(dates.to_list(), key=lambda date: (date.year, date.month)):
        sessions = list(month)
        yield sessions[0], sessions[-1]


def _compare(found: TableDiff, one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Take in how two frames differ; they are of months that follow one another."""
    key = list(KEYS[found.name])
    a, b = (
        rows.with_columns(pl.int_range(pl.len()).over(key).alias(NUMBER)) for rows in (one, other)
    )
    named = [*key, NUMBER]
    alone = [
        x.join(y, on=named, how="anti", nulls_equal=True, maintain_order="left")
        for x, y in ((a, b), (b, a))
    ]
    both = a.join(b, on=named, nulls_equal=True, suffix=OTHER, maintain_order="left")
    compared = [name for name in one.columns if name in other.columns and name not in key]
    differs = both.select(_differs(both, name).alias(name) for name in compared)
    changed = (
        both.filter(differs.select(pl.any_horizontal(pl.all())).to_series())
        if compared
        else both.clear()
    )
    for side in (0, 1):
        found.only[side] += len(alone[side])
    found.changed += len(changed)
    for name in compared:
        count = int(differs[name].sum())
        if count:
            rows, largest = found.columns.get(name, (0, None))
            found.columns[name] = rows + count, most(largest, _largest(both, name))
    if found.first is None:
        found.first = _first(found.name, key, compared, alone, changed)


def _differs(both: pl.DataFrame, name: str) -> pl.Expr:
    one, other = pl.col(name), pl.col(name + OTHER)
    if both.schema[name] != both.schema[name + OTHER] and not (
        both.schema[name].is_numeric() and both.schema[name + OTHER].is_numeric()
    ):
        one, other = one.cast(pl.String), other.cast(pl.String)
    return one.ne_missing(other)


def _largest(both: pl.DataFrame, name: str) -> float | None:
    """How far a column's values are apart at most; None where it holds no numbers."""
    if not (both.schema[name].is_numeric() and both.schema[name + OTHER].is_numeric()):
        return None
    apart = (
        (both[name].cast(pl.Float64) - both[name + OTHER].cast(pl.Float64))
        .abs()
        .fill_nan(None)
        .max()
    )
    return None if apart is None else float(apart)  # type: ignore[arg-type]


def _first(
    table: str,
    key: list[str],
    compared: list[str],
    alone: list[pl.DataFrame],
    changed: pl.DataFrame,
) -> Difference | None:
    found = []
    for side, rows in ((0, alone[0]), (1, alone[1]), (None, changed)):
        if len(rows):
            row = rows.sort(key, maintain_order=True, nulls_last=True).row(0, named=True)
            pairs = (
                {}
                if side is not None
                else {name: (row[name], row[name + OTHER]) for name in compared}
            )
            values = {name: pair for name, pair in pairs.items() if not same(*pair)}
            found.append(Difference(table, {name: row[name] for name in key}, side, values))
    return min(found, key=lambda one: one.moment, default=None)


def _explanation(
    first: Difference, hit: Difference | None, runs: tuple[RunTables, RunTables]
) -> Iterator[str]:
    """What the runs' own tables, configs and archives say of a difference, a line each; `hit` is the first hit that differs."""
    for run, other in (runs, runs[::-1]):
        sessions = pl.scan_parquet(run.folder / "quality.parquet").filter(
            pl.col("session") == first.key["session"]
        )
        if sessions.head(1).collect().is_empty():
            skipped = run.manifest.get("skipped_sessions", {}).get(str(first.key["session"]))
            yield f"{run.folder.name}: has no session {first.key['session']}" + (
                f", which was skipped: {skipped}" if skipped else ""
            )
            return
        if first.table == "quality" and first.only_in is not None and runs[first.only_in] is other:
            yield f"{run.folder.name}: does not replay {first.key['symbol']} on {first.key['session']}"
    if first.table in ("scans", "hits"):
        yield from _scan_logs(first, runs)
    if hit is not None and first.table in ("scans", "hits"):
        yield from (f"{run.folder.name}: {line}" for run in runs for line in _clauses(hit, run))


def _scan_logs(first: Difference, runs: tuple[RunTables, RunTables]) -> Iterator[str]:
    """What became of the scan in each run: that there was none, its error, or where the funnels part."""
    at = [pl.col(name) == first.key[name] for name in ("session", "tick", "scanner")]
    scans = [
        pl.scan_parquet(run.folder / "scans.parquet").filter(at).collect().rows(named=True)
        for run in runs
    ]
    for run, rows in zip(runs, scans, strict=True):
        if not rows:
            yield f"{run.folder.name}: {first.key['scanner']} did not scan at {first.key['tick']}"
        elif rows[0]["error"]:
            yield f"{run.folder.name}: the scan failed: {rows[0]['error']}"
    if scans[0] and scans[1]:
        a, b = scans[0][0], scans[1][0]
        counts = [
            "scanned",
            *(name for name in a if name not in SCANS_SCHEMA and name in b),
            "qualified",
            "promoted",
        ]
        parted = next((name for name in counts if a[name] != b[name]), None)
        if parted:
            yield f"the scan's counts part at {parted}: {_shown(a[parted])} and {_shown(b[parted])}"


def _clauses(first: Difference, run: RunTables) -> Iterator[str]:
    """What the run's scanner answers for the symbol, where its archive is still there and it has clauses."""
    if run.archive is None:
        return
    tick = first.key["tick"].astimezone(run.archive.calendar.tz).replace(tzinfo=None)
    try:
        answer = explain(
            loaded_of(run.manifest, run.folder),
            run.archive,
            first.key["scanner"],
            first.key["symbol"],
            tick,
        )
    except BarsweepError as error:
        yield f"cannot be explained: {error}"
        return
    yield (
        f"{first.key['symbol']} at {tick:%Y-%m-%d %H:%M} "
        + ("is a hit" if answer.hit else "is no hit")
        + _why(answer)
    )


def _why(answer: Explanation) -> str:
    if not answer.in_universe:
        return ": not in the universe"
    sides = [
        f"{side.text} ({_shown(side.left)} and {_shown(side.right)})"
        for clause in answer.clauses
        for side in clause.sides
        if clause.holds == answer.passed and side.holds == answer.passed
    ]
    failed = [clause.name for clause in answer.clauses if not clause.holds]
    what = (
        f", fails {', '.join(failed)}"
        if failed
        else f", rank {answer.rank} of at most {answer.limit or 'any'}"
    )
    return what + (f": {'; '.join(sides)}" if sides else "")


def _shown(value: Any) -> str:
    return (
        "no value"
        if value is None
        else f"{value:,.10g}"
        if isinstance(value, float)
        else str(value)
    )
