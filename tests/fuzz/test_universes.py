"""Universes: whatever a config may say, whatever a file may hold."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.reference.universe import Universe, load_universe
from engine.config.load import resolve_path
from engine.errors import BarsweepError
from tests.fuzz.cases import JSON, TEXTS, answer, cases

DATES = [dt.date(2017, 11, 1), dt.date(2017, 11, 6), dt.date.min, dt.date.max]
SYMBOLS = st.sampled_from(["AAPL", "MSFT", "aapl ", "AAPL # apple", "#", ""]) | TEXTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("universes")


def load(spec: Any, archive: Archive, folder: Path) -> None:
    universe = answer("universe", lambda: _members(spec, archive, folder))
    if not isinstance(universe, BarsweepError):
        assert isinstance(universe, Universe)


def _members(spec: Any, archive: Archive, folder: Path) -> Universe:
    universe = load_universe(
        spec, archive, lambda value: resolve_path(value, folder / "config.json")
    )
    known = set(archive.symbols())
    for date in DATES:
        members = universe.members(date)
        assert members == sorted(members) and set(members) <= known
    assert set(universe.everyone(DATES[0], DATES[1])) >= set(universe.members(DATES[0]))
    return universe


@cases(100, 8_000)
@given(
    JSON
    | st.lists(SYMBOLS)
    | st.fixed_dictionaries(
        {}, optional={"top_dollar_volume": JSON, "sessions": st.integers() | JSON}
    )
)
def test_what_a_config_says(small: Archive, folder: Path, spec: Any) -> None:
    load(spec, small, folder)


@cases(60, 6_000)
@given(
    st.lists(SYMBOLS).map("\n".join).map(lambda t: t.encode("utf-8", "surrogatepass"))
    | st.binary(max_size=100)
)
def test_a_text_file(small: Archive, folder: Path, content: bytes) -> None:
    (folder / "u.txt").write_bytes(content)
    load("u.txt", small, folder)


@cases(30, 2_000)
@given(st.binary(max_size=100) | st.tuples(st.integers(0, 2000), st.integers(0, 255)))
def test_a_damaged_membership_file(
    small: Archive, folder: Path, damage: bytes | tuple[int, int]
) -> None:
    path = folder / "damaged.parquet"
    pl.DataFrame({"symbol": ["AAPL"], "start_date": [DATES[0]], "end_date": [None]}).write_parquet(
        path
    )
    if isinstance(damage, tuple):
        content = bytearray(path.read_bytes())
        content[damage[0] % len(content)] = damage[1]
        damage = bytes(content)
    path.write_bytes(damage)
    load(path.name, small, folder)


COLUMN = (
    st.lists(st.none() | st.dates(), min_size=3, max_size=3)
    | st.lists(st.none() | SYMBOLS, min_size=3, max_size=3)
    | st.lists(st.none() | st.integers(-(2**40), 2**40), min_size=3, max_size=3)
    | st.lists(st.none() | st.floats(), min_size=3, max_size=3)
    | st.lists(st.datetimes(), min_size=3, max_size=3)
)


@cases(40, 4_000)
@given(
    st.fixed_dictionaries(
        {}, optional={"symbol": COLUMN, "start_date": COLUMN, "end_date": COLUMN, "x": COLUMN}
    )
)
def test_a_membership_of_other_columns(
    small: Archive, folder: Path, columns: dict[str, list[Any]]
) -> None:
    pl.DataFrame(columns, strict=False).write_parquet(folder / "m.parquet")
    load("m.parquet", small, folder)
