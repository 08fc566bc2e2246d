"""Tables that grow, against the same rows at once."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path

import polars as pl
import pytest

from engine.errors import WriteError
from engine.runs.growing_tables import GrowingTable, whole_table, writing

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
    full = [
        pl.concat([pl.DataFrame(schema=whole), block], how="diagonal_relaxed") for block in BLOCKS
    ]
    assert grown(tmp_path / "late", BLOCKS) == grown(tmp_path / "full", full)


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    grown(tmp_path / "own", [])
    assert pl.read_parquet(tmp_path / "own/hits.parquet").schema == SCHEMA


def test_an_interrupt_while_rows_are_written_does_not_let_go_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing waits for them, so that the folder can go."""
    begun, go_on, table = (
        threading.Event(),
        threading.Event(),
        GrowingTable(tmp_path, "hits", SCHEMA),
    )
    write = table._append

    def slow(rows: pl.DataFrame) -> None:
        begun.set()
        go_on.wait(10)
        write(rows)

    def interrupted(self: Future[None], timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(table, "_append", slow)
    table.add(BLOCKS[0])
    assert begun.wait(10)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Future, "result", interrupted)
        table.add(BLOCKS[1])
    threading.Timer(0.2, go_on.set).start()
    table.close()
    assert pl.read_parquet(tmp_path / "hits.parquet").equals(BLOCKS[0])


def test_what_fails_to_be_written_is_told_by_the_next_call(tmp_path: Path) -> None:
    table = GrowingTable(tmp_path / "none", "hits", SCHEMA)
    table.add(BLOCKS[0])
    with pytest.raises(WriteError, match="cannot be written"), writing(tmp_path):
        table.add(BLOCKS[1])
    table.close()


@pytest.mark.parametrize("out", [Path("folder"), Path("file") / "rows.parquet"])
def test_a_table_that_cannot_be_put_in_place_says_so(out: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(WriteError), whole_table(tmp_path / out, SCHEMA) as table:
        table.add(BLOCKS[0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert not list((tmp_path / "folder").iterdir())
