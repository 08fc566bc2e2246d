"""Metadata that somebody else wrote into bar files, and archives that are moved away while they are read."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.bar_files import read_index, read_times
from engine.archive.ingest.demo import make_demo
from engine.errors import BarsweepError
from tests.cli.barsweep import Barsweep
from tests.running import config, hits, momentum, tables

DEEP = "[" * 100_000
NOTES = {
    "deep": DEEP,
    "deep inside": '{"symbols": ' + DEEP,
    "deep and closed": '{"symbols": ' + "[" * 50_000 + "]" * 50_000 + ', "counts": []}',
    "no counts": '{"symbols": ["A"]}',
    "no symbols": '{"counts": [1]}',
    "a list": "[1, 2]",
    "null": "null",
    "a number": "1e999",
    "empty": "",
    "no JSON": "{",
    "counts of text": '{"symbols": ["A"], "counts": ["1"]}',
    "counts as text": '{"symbols": ["A"], "counts": "1"}',
    "a count": '{"symbols": ["A"], "counts": 1}',
    "null counts": '{"symbols": ["A"], "counts": [null]}',
    "fractions": '{"symbols": ["A"], "counts": [1.0]}',
    "too large": '{"symbols": ["A"], "counts": [1' + "0" * 400 + "]}",
    "digits": '{"symbols": ["A"], "counts": [' + "9" * 5_000 + "]}",
    "negative": '{"symbols": ["A", "B"], "counts": [-1, 2]}',
    "symbols in symbols": '{"symbols": [["A"]], "counts": [1]}',
    "numbers": '{"symbols": [1], "counts": [1]}',
    "twice": '{"symbols": ["A", "A"], "counts": [1, 1]}',
    "of another length": '{"symbols": ["A"], "counts": [1, 2]}',
    "an object": '{"symbols": {"A": 1}, "counts": {"A": 1}}',
    "true": '{"symbols": ["A"], "counts": [true]}',
    "times of text": '{"symbols": ["A"], "counts": [1], "times": ["x"]}',
    "times as text": '{"symbols": ["A"], "counts": [1], "times": "x"}',
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archives") / "small"
    make_demo(path, symbols=8, sessions=3)
    return path


def annotated(source: Path, target: Path, note: str | bytes, checked: bool) -> None:
    """The archive with another note in every file, with a checksum that fits or without one."""
    shutil.copytree(source, target)
    text = note if isinstance(note, bytes) else note.encode()
    more = {layout.CHECKSUM_KEY: f"{zlib.crc32(text):08x}"} if checked else {}
    for path in target.glob("bars/*/*/bars.parquet"):
        pq.write_table(
            pq.read_table(path).replace_schema_metadata({layout.SYMBOLS_KEY: text, **more}), path
        )


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize("name", NOTES)
def test_a_note_that_cannot_be_true_is_not_believed(
    name: str, checked: bool, small: Path, barsweep: Barsweep, tmp_path: Path
) -> None:
    annotated(small, tmp_path / "noted", NOTES[name], checked)
    archive, usual = Archive.open(tmp_path / "noted"), Archive.open(small)
    for path in archive.path.glob("bars/*/*/bars.parquet"):
        assert read_index(path) is None and read_times(path) is None
    loaded = config([momentum(min_change=0.0, min_rsi=0.0)])
    assert hits(loaded, archive).equals(hits(loaded, usual))
    assert archive.symbols() == usual.symbols() and archive.sessions("1d") == usual.sessions("1d")
    called = barsweep("archive", "check", "--archive", archive.path)
    assert called.status in (0, 1) and "Traceback" not in called.err


READS = (
    "sessions",
    "symbols",
    "read_session",
    "read_session_index",
    "read_daily",
    "read_daily_year",
    "daily_years",
    "daily_symbols",
    "corporate_actions",
    "_read_table",
    "digest",
)


def moved_at(
    folder: Path, number: int, run: Callable[[Archive], object]
) -> tuple[int, Exception | None]:
    """How often the archive was asked for something, where it was moved away at one of these moments; and what was raised."""
    asked, archive = 0, Archive.open(folder)
    moved = folder.with_name("moved")
    patched = pytest.MonkeyPatch()

    def watched(method: Any) -> Any:
        def called(self: Archive, *arguments: Any, **options: Any) -> Any:
            nonlocal asked
            if asked == number:
                folder.rename(moved)
            asked += 1
            return method(self, *arguments, **options)

        return called

    try:
        for name in READS:
            patched.setattr(Archive, name, watched(getattr(Archive, name)))
        run(archive)
        return asked, None
    except Exception as error:
        return asked, error
    finally:
        patched.undo()
        if moved.exists():
            moved.rename(folder)


@pytest.mark.parametrize("interval", ["1m", "1d"])
def test_an_archive_that_is_moved_away_is_one_error_at_any_moment(
    interval: str, small: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    shutil.copytree(small, folder)
    at = [{"at": "close"}]
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": at,
        "config": {
            "criteria": {"x": "close > prev_close_ex and sma_2_1d > 0"},
            "universe": {"top_dollar_volume": 3},
        },
    }

    def run(archive: Archive) -> object:
        return tables(config([scanner], interval=interval), archive), archive.digest()

    moments, error = moved_at(folder, -1, run)
    assert error is None and moments > 10
    raised = [moved_at(folder, number, run)[1] for number in range(moments)]
    for number, one in enumerate(raised):
        assert isinstance(one, BarsweepError), (number, repr(one))
        assert str(folder) in str(one), one


def test_a_command_over_an_archive_that_is_moved_away(
    small: Path, barsweep: Barsweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the midst of a scan: exit status 2 and one message."""
    folder = tmp_path / "archive"
    shutil.copytree(small, folder)
    usual, left = Archive.corporate_actions, [1]

    def moving(self: Archive) -> Any:
        if left and folder.exists():
            folder.rename(tmp_path / "moved")
        return usual(self)

    monkeypatch.setattr(Archive, "corporate_actions", moving)
    called = barsweep("scan", "--where", "close > 0", "--archive", folder, "--quiet")
    assert called.status == 2 and "Traceback" not in called.err
    assert (
        f"{folder}: is no longer there; expected the archive to stay where it is while it is read"
        in called.err
    )
