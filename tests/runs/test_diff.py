"""Two runs held against each other, one of which was changed by hand or by its config."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.errors import RunError
from engine.progress import silent
from engine.runs.execute_run import execute_run
from engine.runs.run_diff import KEYS, TableDiff, _compare, compare_runs
from tests.running import EVERY_5_MINUTES, config, momentum

SPAN = {"start": "2017-11-28", "end": "2017-12-04"}


@pytest.fixture(scope="module")
def run(demo: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return execute_run(
        config([momentum(min_change=0.0)], **SPAN), demo, tmp_path_factory.mktemp("runs"), silent
    ).path


@pytest.fixture
def changed(
    run: Path, tmp_path: Path
) -> Callable[[str, Callable[[pl.DataFrame], pl.DataFrame]], Path]:
    """A copy of the run with one table changed."""

    def change(table: str, edit: Callable[[pl.DataFrame], pl.DataFrame]) -> Path:
        shutil.copytree(run, tmp_path / "changed")
        path = tmp_path / "changed" / f"{table}.parquet"
        edit(pl.read_parquet(path)).write_parquet(path)
        return tmp_path / "changed"

    return change


Change = Callable[[str, Callable[[pl.DataFrame], pl.DataFrame]], Path]


def test_a_run_is_the_same_as_itself(run: Path) -> None:
    found = compare_runs(run, run)
    assert (
        found.same
        and found.changes == []
        and found.explanation == []
        and all(table.same_bytes for table in found.tables)
    )


def test_other_bytes_of_the_same_rows_are_the_same(run: Path, changed: Change) -> None:
    found = compare_runs(run, changed("hits", lambda hits: hits))
    (table,) = [table for table in found.tables if table.name == "hits"]
    assert found.same and table.same and not table.same_bytes


def test_a_value_a_row_and_a_column(run: Path, changed: Change) -> None:
    def edit(hits: pl.DataFrame) -> pl.DataFrame:
        close = (
            pl.when(pl.int_range(pl.len()) == 7)
            .then(pl.col("close") + 0.25)
            .otherwise(pl.col("close"))
        )
        return hits.with_columns(close, extra=pl.lit(1)).filter(pl.int_range(pl.len()) != 9)

    hits = pl.read_parquet(run / "hits.parquet")
    found = compare_runs(run, changed("hits", edit))
    (table,) = [table for table in found.tables if not table.same]
    assert (table.name, table.only, table.changed, table.only_columns) == (
        "hits",
        [1, 0],
        1,
        ([], ["extra"]),
    )
    assert table.columns == {"close": (1, 0.25)} and table.rows == (len(hits), len(hits) - 1)
    key, close = hits.row(7, named=True), hits["close"][7]
    assert found.first is not None and found.first.only_in is None
    assert found.first.key == {name: key[name] for name in KEYS["hits"]} and found.first.values == {
        "close": (close, close + 0.25)
    }
    assert "is a hit" in found.explanation[-1]


def test_the_first_difference_is_explained_by_the_clauses(
    run: Path, demo: Archive, tmp_path: Path
) -> None:
    other = execute_run(config([momentum(min_change=0.002)], **SPAN), demo, tmp_path, silent).path
    found = compare_runs(run, other)
    assert found.changes == [
        "config.session_data_config.scanners.0.config.min_change: 0.0, now 0.002"
    ]
    assert found.first is not None and found.first.table == "scans"
    a, b = (pl.read_parquet(path / "scans.parquet") for path in (run, other))
    assert found.first.key["tick"] == a.filter(a["up_on_the_day"] != b["up_on_the_day"])["tick"][0]
    parts, one, two = found.explanation
    assert parts.startswith("the scan's counts part at up_on_the_day: ")
    assert " is a hit" in one and " is no hit, fails up_on_the_day: " in two and "0.002" in two


def test_sessions_that_one_run_has(run: Path, demo: Archive, tmp_path: Path) -> None:
    later = execute_run(
        config([momentum(min_change=0.0)], start="2017-11-29", end="2017-12-04"),
        demo,
        tmp_path,
        silent,
    ).path
    found = compare_runs(run, later)
    assert (
        found.first is not None
        and found.first.key["session"] == dt.date(2017, 11, 28)
        and found.first.only_in == 0
    )
    assert found.explanation == [f"{later.name}: has no session 2017-11-28"]


def test_a_scan_that_failed(demo: Archive, tmp_path: Path) -> None:
    failing: dict[str, Any] = {
        "module": "tests.session.failing_scanners:ScanRaises",
        "regular_session": EVERY_5_MINUTES,
        "name": "it",
    }
    runs = [
        execute_run(config([one], end="2017-11-02"), demo, tmp_path, silent).path
        for one in (failing, failing | {"module": "tests.session.rude_scanners:Scans"})
    ]
    found = compare_runs(*runs)
    assert any(
        "the scan failed: ZeroDivisionError: third time unlucky" in line
        for line in found.explanation
    )


def test_what_is_no_finished_run_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run directory"):
        compare_runs(run, tmp_path)


ROWS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 3),
        st.sampled_from("AB"),
        st.sampled_from([None, 0.0, 1.5, float("nan")]),
    ),
    max_size=12,
)


@given(ROWS, ROWS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_counts_are_those_of_a_slow_comparison(one: list[Any], other: list[Any]) -> None:
    """Rows by name and number, values by ==, where NaN is NaN and nothing is nothing."""

    def frame(rows: list[Any]) -> pl.DataFrame:
        columns = {
            "session": [dt.date(2018, 1, 2 + row[0]) for row in rows],
            "tick": [row[1] for row in rows],
            "scanner": ["s"] * len(rows),
            "symbol": [row[2] for row in rows],
            "x": [row[3] for row in rows],
        }
        return pl.DataFrame(
            columns,
            schema={
                "session": pl.Date,
                "tick": pl.Int64,
                "scanner": pl.String,
                "symbol": pl.String,
                "x": pl.Float64,
            },
        )

    def named(rows: list[Any]) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        found = {}
        for *key, value in rows:
            number = seen[tuple(key)] = seen.get(tuple(key), -1) + 1
            found[(*key, number)] = repr(value)
        return found

    found = TableDiff("hits", (len(one), len(other)))
    _compare(found, frame(one), frame(other))
    a, b = named(one), named(other)
    different = [key for key in a.keys() & b.keys() if a[key] != b[key]]
    assert found.only == [len(a.keys() - b.keys()), len(b.keys() - a.keys())]
    assert found.changed == len(different) == found.columns.get("x", (0, None))[0]
    assert found.same == (a == b)
