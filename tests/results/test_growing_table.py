"""Tables that grow, against the same rows at once."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from engine.results.tables import GrowingTable

SCHEMA: dict[str, pl.DataType] = {"tick": pl.Int64(), "symbol": pl.String()}
BLOCKS = [
    pl.DataFrame({"tick": [1, 2], "symbol": ["A", "B"]}),
    pl.DataFrame({"tick": [3], "symbol": ["A"], "rsi": [70.5], "odd": [None]}),
    pl.DataFrame(schema=SCHEMA),
    pl.DataFrame({"tick": [4, 5], "symbol": ["C", "D"], "odd": ["x", None]}),
]


def grown(folder: Path, blocks: list[pl.DataFrame]) -> bytes:
    folder.mkdir()
    table = GrowingTable(folder, "hits", SCHEMA)
    for block in blocks:
        table.add(block)
    table.finish()
    assert [file.name for file in folder.iterdir()] == ["hits.parquet"]
    return (folder / "hits.parquet").read_bytes()


def test_columns_that_join_are_null_in_earlier_rows(tmp_path: Path) -> None:
    grown(tmp_path / "own", BLOCKS)
    expected = pl.concat(BLOCKS, how="diagonal_relaxed")
    assert pl.read_parquet(tmp_path / "own/hits.parquet").equals(expected)


def test_when_a_column_joins_leaves_no_trace(tmp_path: Path) -> None:
    """As if every column had been there from the beginning."""
    whole = pl.concat(BLOCKS, how="diagonal_relaxed").schema
    full = [pl.concat([pl.DataFrame(schema=whole), block], how="diagonal_relaxed") for block in BLOCKS]
    assert grown(tmp_path / "late", BLOCKS) == grown(tmp_path / "full", full)


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    grown(tmp_path / "own", [])
    assert pl.read_parquet(tmp_path / "own/hits.parquet").schema == SCHEMA
