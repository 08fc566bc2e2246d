"""Archives that were changed by hand or damaged: they are read, or refused, and never lead outside their folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import open_archive
from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.quality.check_bars import check_archive
from tests.fuzz.cases import JSON, TEXTS, answer, cases


@pytest.fixture(scope="module")
def folder(small: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("copies") / "archive"
    shutil.copytree(small.path, path)
    return path


def _scan(archive: Archive) -> int:
    return (
        open_archive(archive.path, keep=0)
        .scan(where="close > sma_2_1d", schedule="10:00-15:00/1h", keep_hits=False)
        .kept
    )


# Every way in which an archive is read.
READINGS: tuple[Callable[[Archive], Any], ...] = (
    _scan,
    check_archive,
    Archive.symbols,
    Archive.corporate_actions,
    Archive.digest,
)
reading = st.sampled_from(READINGS)


def read(path: Path, how: Callable[[Archive], Any]) -> None:
    answer("archive", lambda: how(Archive.open(path)))
    assert {file.name for file in path.parent.iterdir()} == {"archive"}, (
        "something was written outside of the archive"
    )


NAMES = st.sampled_from(["1m", "5m", "1d", "../..", "1m/../../..", "/etc", "60m", "1m "]) | TEXTS


@cases(30, 1_000)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "format": st.just(1) | JSON,
            "exchange": st.just("XNYS") | TEXTS | JSON,
            "source": JSON,
            "label": st.just("open") | JSON,
            "intervals": st.lists(NAMES, max_size=3) | JSON,
            "x": JSON,
        },
    )
    | JSON,
    reading,
)
def test_any_manifest(folder: Path, content: Any, how: Callable[[Archive], Any]) -> None:
    path = folder / layout.MANIFEST
    whole = path.read_text()
    path.write_text(json.dumps(content))
    try:
        read(folder, how)
    finally:
        path.write_text(whole)
    assert {path.name for path in folder.parent.iterdir()} == {"archive"}, (
        "something was written outside of the archive"
    )


@cases(25, 500)
@given(
    TEXTS.filter(
        lambda text: (
            text not in (".", "..") and not set(text) & set("/\x00") and len(text.encode()) < 200
        )
    ),
    st.sampled_from(["1m", "1d"]),
    reading,
)
def test_folders_of_any_name(
    folder: Path, name: str, interval: str, how: Callable[[Archive], Any]
) -> None:
    key = "year" if interval == "1d" else "date"
    odd = folder / "bars" / f"interval={interval}" / f"{key}={name}"
    odd.mkdir()
    (odd / "bars.parquet").write_bytes(b"")
    try:
        read(folder, how)
    finally:
        shutil.rmtree(odd)


FILES = st.sampled_from(
    [
        "bars/interval=1m/date=2017-11-02/bars.parquet",
        "bars/interval=1d/year=2017/bars.parquet",
        layout.ACTIONS,
    ]
)


@cases(30, 1_000)
@given(FILES, st.floats(0, 1) | st.just(1.0), st.binary(max_size=20), reading)
def test_files_cut_short_and_with_something_after(
    folder: Path, name: str, kept: float, noise: bytes, how: Callable[[Archive], Any]
) -> None:
    path = folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))] + noise)
    try:
        read(folder, how)
    finally:
        path.write_bytes(whole)


@cases(25, 500)
@given(
    FILES,
    st.fixed_dictionaries(
        {"symbols": JSON | st.lists(TEXTS), "counts": JSON | st.lists(st.integers(-(2**70), 2**70))}
    )
    | JSON,
    reading,
)
def test_any_index(folder: Path, name: str, index: Any, how: Callable[[Archive], Any]) -> None:
    """What a file's metadata says of its symbols may be anything."""
    path = folder / name
    whole = path.read_bytes()
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({layout.SYMBOLS_KEY: json.dumps(index)}), path)
    try:
        read(folder, how)
    finally:
        path.write_bytes(whole)
