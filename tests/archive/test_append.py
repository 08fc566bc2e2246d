"""Imports that go on: `--append`, imports that were interrupted, and archives held against each other."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.ingest import probe, session_writer, staging
from engine.archive.ingest import read_source as reading
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.import_summary import ImportSummary
from engine.archive.ingest.importer import import_bars
from engine.archive.quality.archive_diff import diff_archives
from engine.archive.vendor_files.source_columns import FILE_NAME
from engine.archive.vendor_files.source_options import SourceOptions
from engine.errors import BarImportError
from engine.schema import BAR_SCHEMA

DATES = [dt.date(2018, 3, 1), dt.date(2018, 3, 2), dt.date(2018, 12, 31), dt.date(2019, 1, 2)]
READING = SourceOptions(symbol_pattern=FILE_NAME)


def session(date: dt.date, symbol: str, close: float = 10.5, minutes: int = 3) -> pl.DataFrame:
    opens = dt.datetime.combine(date, dt.time(14, 30), dt.UTC)
    rows = [
        (symbol, opens + dt.timedelta(minutes=m), 10.0, 11.0, 9.0, close, 100.0)
        for m in range(minutes)
    ]
    return pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row")


def put(
    folder: Path, symbol: str, dates: list[dt.date], close: float = 10.5, minutes: int = 3
) -> Path:
    """A file of one symbol's bars."""
    path = folder / f"{symbol}.parquet"
    folder.mkdir(exist_ok=True)
    pl.concat([session(date, symbol, close, minutes) for date in dates]).drop(
        "symbol"
    ).write_parquet(path)
    return path


def run(
    source: Path, archive: Path, append: bool = True, interval: str | None = None
) -> ImportSummary:
    return import_bars(
        [source],
        archive,
        ImportOptions(label="open", append=append, interval=interval, reading=READING),
    )


def bars(path: Path) -> dict[str, str]:
    return {
        str(f.relative_to(path)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(path.glob("bars/*/*/bars.parquet"))
    }


def test_only_new_files_are_read_and_the_archive_is_the_whole(tmp_path: Path) -> None:
    put(tmp_path / "in", "AAA", DATES[:2])
    first = run(tmp_path / "in", tmp_path / "grown")
    assert (first.files, first.files_known, first.sessions_added) == (1, 0, 2)
    put(tmp_path / "in", "BBB", DATES[2:])
    second = run(tmp_path / "in", tmp_path / "grown")
    assert (second.files, second.files_known, second.sessions_added, second.rows_read) == (
        1,
        1,
        2,
        6,
    )
    run(tmp_path / "in", tmp_path / "whole", append=False)
    assert bars(tmp_path / "grown") == bars(tmp_path / "whole")
    third = run(tmp_path / "in", tmp_path / "grown")
    assert (third.files, third.files_known, third.sessions, third.interval) == (0, 2, 0, "1m")


def test_a_new_file_of_a_session_brings_the_sessions_other_files_back(tmp_path: Path) -> None:
    put(tmp_path / "in", "AAA", DATES)
    run(tmp_path / "in", tmp_path / "grown")
    put(tmp_path / "in", "BBB", DATES[1:2])
    summary = run(tmp_path / "in", tmp_path / "grown")
    assert (summary.files, summary.sessions_replaced, summary.rows_read, summary.rows_written) == (
        2,
        1,
        6,
        6,
    )
    assert Archive.open(tmp_path / "grown").read_session(DATES[1], ["symbol"])[
        "symbol"
    ].unique().sort().to_list() == ["AAA", "BBB"]
    run(tmp_path / "in", tmp_path / "whole", append=False)
    assert bars(tmp_path / "grown") == bars(tmp_path / "whole")


@pytest.mark.parametrize("interval", ["1m", "1d"])
def test_sessions_that_are_the_same_are_left_and_changed_ones_replaced(
    interval: str, tmp_path: Path
) -> None:
    def write(closes: list[float]) -> None:
        frames = [
            session(date, symbol, close, 1)
            for date, close in zip(DATES, closes, strict=True)
            for symbol in ("AAA", "BBB")
        ]
        pl.concat(frames).write_parquet(tmp_path / "in.parquet")

    options = ImportOptions(label="open", append=True, interval=interval)
    write([10.5] * 4)
    import_bars([tmp_path / "in.parquet"], tmp_path / "archive", options)
    files = sorted((tmp_path / "archive/bars").rglob("*.parquet"))
    before = {file: file.stat().st_mtime_ns for file in files}
    write([10.5, 10.75, 10.5, 10.5])
    summary = import_bars([tmp_path / "in.parquet"], tmp_path / "archive", options)
    assert (
        summary.sessions_unchanged,
        summary.sessions_replaced,
        summary.rows_unchanged,
        summary.rows_written,
    ) == (3, 1, 6, 2)
    rewritten = {
        str(file.relative_to(tmp_path / "archive/bars").parent)
        for file in files
        if file.stat().st_mtime_ns != before[file]
    }
    assert rewritten == {"interval=1d/year=2018"} | (
        {"interval=1m/date=2018-03-02"} if interval == "1m" else set()
    )
    closes = (
        Archive.open(tmp_path / "archive")
        .read_daily(["close"], None, None)
        .filter(symbol="AAA")["close"]
        .to_list()
    )
    assert closes == [10.5, 10.75, 10.5, 10.5]


@pytest.mark.parametrize("interval", ["1m", "1d"])
def test_a_session_does_not_lose_symbols_by_append(interval: str, tmp_path: Path) -> None:
    minutes = 1 if interval == "1d" else 3
    put(tmp_path / "in", "AAA", DATES[:2], minutes=minutes)
    run(tmp_path / "in", tmp_path / "archive", interval=interval)
    before = bars(tmp_path / "archive")
    other = put(tmp_path / "other", "BBB", DATES[:2], minutes=minutes)
    with pytest.raises(BarImportError, match=r"2018-03-01 would lose 1 symbols .*AAA"):
        run(other, tmp_path / "archive", interval=interval)
    assert bars(tmp_path / "archive") == before
    assert run(other, tmp_path / "archive", append=False, interval=interval).sessions_replaced == 2
    assert Archive.open(tmp_path / "archive").symbols() == ["BBB"]


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABC"), st.sampled_from(DATES), st.integers(0, 2), st.integers(10, 11)
        ),
        min_size=1,
        max_size=12,
    )
)
def test_appending_step_by_step_is_importing_at_once(
    tmp_path_factory: pytest.TempPathFactory, files: list[tuple[str, dt.date, int, int]]
) -> None:
    """Files of any symbols and sessions come in any order, and some come again with other closes."""
    folder = tmp_path_factory.mktemp("steps")
    for step in range(3):
        for symbol, date, when, close in files:
            if when == step:
                put(folder / "in", f"{symbol}.{date}", [date], close)
        if (folder / "in").exists():
            run(folder / "in", folder / "grown", interval="1m")
    run(folder / "in", folder / "whole", append=False, interval="1m")
    assert bars(folder / "grown") == bars(folder / "whole")
    assert diff_archives(Archive.open(folder / "grown"), Archive.open(folder / "whole")) == []
    shutil.rmtree(folder)


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize("stop", range(1, 8))
def test_an_interrupted_import_does_not_do_again_what_is_done(
    append: bool, stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted at each of its four files and at each of its sessions, it ends with the bytes and the counts of one that was not."""
    monkeypatch.setattr(staging, "SMALLEST_UNIT", 1)
    monkeypatch.setattr(reading, "READERS", 1)
    for folder in ("broken", "whole"):
        put(tmp_path / "in", "AAA", DATES[:3], 10.25)
        run(tmp_path / "in", tmp_path / folder, append)
    for symbol in ("AAA", "BBB", "CCC", "DDD"):
        put(tmp_path / "in", symbol, DATES)
    whole = run(tmp_path / "in", tmp_path / "whole", append)
    steps: list[str] = []
    broken = True

    def counted(step: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            if broken and len(steps) > stop:  # the first reading finds the interval
                raise KeyboardInterrupt
            steps.append(step)
            return real(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(probe, "read_pieces", counted("read", probe.read_pieces))
        patch.setattr(reading, "read_pieces", counted("read", reading.read_pieces))
        patch.setattr(session_writer, "write_bars", counted("write", session_writer.write_bars))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "in", tmp_path / "broken", append)
        broken = False
        resumed = run(tmp_path / "in", tmp_path / "broken", append)
    assert resumed.resumed and dataclasses.replace(resumed, resumed=False) == whole
    assert bars(tmp_path / "broken") == bars(tmp_path / "whole")
    assert (steps.count("read"), steps.count("write")) == (2 + 4, 4)  # twice to find the interval
    assert not (tmp_path / "broken/.import").exists()


def two_archives(tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> list[Archive]:
    frame = pl.concat([session(date, symbol) for date in DATES[:2] for symbol in ("AAA", "BBB")])
    for name, source in (("a", frame), ("b", change(frame))):
        source.write_parquet(tmp_path / f"{name}.parquet")
        import_bars(
            [tmp_path / f"{name}.parquet"],
            tmp_path / name,
            ImportOptions(label="open", interval="1m"),
        )
    return [Archive.open(tmp_path / name) for name in ("a", "b")]


SECOND = pl.col("timestamp") == dt.datetime(2018, 3, 1, 14, 31, tzinfo=dt.UTC)
CHANGES: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], list[tuple[object, ...]]]] = {
    "nothing": (lambda f: f.sample(fraction=1.0, shuffle=True, seed=1), []),
    "a close": (
        lambda f: f.with_columns(
            pl.when(SECOND & (pl.col("symbol") == "BBB"))
            .then(10.75)
            .otherwise("close")
            .alias("close")
        ),
        [
            (
                "1m 2018-03-01",
                6,
                6,
                [],
                [],
                0,
                0,
                1,
                "BBB 2018-03-01 14:31 close 10.5 in A, 10.75 in B",
            )
        ],
    ),
    "a bar": (
        lambda f: f.filter(~(SECOND & (pl.col("symbol") == "AAA"))),
        [
            ("1m 2018-03-01", 6, 5, [], [], 1, 0, 0, "AAA 2018-03-01 14:31 only in A"),
            (
                "1d 2018-03-01",
                2,
                2,
                [],
                [],
                0,
                0,
                1,
                "AAA 2018-03-01 14:30 volume 300.0 in A, 200.0 in B",
            ),
        ],
    ),
    "a symbol and a session": (
        lambda f: f.filter(pl.col("timestamp").dt.date() == DATES[0]).with_columns(
            pl.col("symbol").replace("BBB", "CCC")
        ),
        [
            ("1m 2018-03-01", 6, 6, ["BBB"], ["CCC"], 3, 3, 0, "BBB 2018-03-01 14:30 only in A"),
            ("1m 2018-03-02", 6, 0, ["AAA", "BBB"], [], 6, 0, 0, "AAA 2018-03-02 14:30 only in A"),
            ("1d 2018-03-01", 2, 2, ["BBB"], ["CCC"], 1, 1, 0, "BBB 2018-03-01 14:30 only in A"),
            ("1d 2018-03-02", 2, 0, ["AAA", "BBB"], [], 2, 0, 0, "AAA 2018-03-02 14:30 only in A"),
        ],
    ),
    "a column": (
        lambda f: f.with_columns(vwap=pl.when(SECOND).then(10.0).otherwise(11.0)).filter(
            pl.col("timestamp").dt.date() == DATES[0]
        ),
        [
            (
                "1m 2018-03-01",
                6,
                6,
                [],
                [],
                0,
                0,
                6,
                "AAA 2018-03-01 14:30 vwap None in A, 11.0 in B",
            ),
            ("1m 2018-03-02", 6, 0, ["AAA", "BBB"], [], 6, 0, 0, "AAA 2018-03-02 14:30 only in A"),
            ("1d 2018-03-02", 2, 0, ["AAA", "BBB"], [], 2, 0, 0, "AAA 2018-03-02 14:30 only in A"),
        ],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_diff_tells_what_differs_and_where(change: str, tmp_path: Path) -> None:
    make, expected = CHANGES[change]
    a, b = two_archives(tmp_path, make)
    assert [dataclasses.astuple(difference) for difference in diff_archives(a, b)] == expected
    mirrored = {
        (d.where, d.rows_only_b, d.rows_only_a, d.rows_changed) for d in diff_archives(b, a)
    }
    assert mirrored == {
        (where, only_a, only_b, changed)
        for where, _, _, _, _, only_a, only_b, changed, _ in expected
    }


def test_diff_of_corporate_actions_and_tickers(tmp_path: Path) -> None:
    a, b = two_archives(tmp_path, lambda f: f)
    actions = pl.DataFrame(
        {"symbol": ["AAA"], "ex_date": DATES[:1], "split_ratio": [2.0], "cash_dividend": [0.0]}
    )
    actions.write_parquet(b.path / "corporate_actions.parquet")
    tickers = pl.DataFrame(
        {"symbol": ["AAA"], "ticker": ["OLD"], "start_date": DATES[:1], "end_date": DATES[1:2]}
    )
    tickers.write_parquet(b.path / "symbol_map.parquet")
    assert [(d.where, d.first) for d in diff_archives(a, b)] == [
        ("corporate actions", "0 in A, 1 in B"),
        ("tickers", "0 in A, 1 in B"),
    ]


def test_days_are_made_of_sessions_that_another_import_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between its sessions and their days, then run with one file more: the sessions are what they were, the days must follow."""
    put(tmp_path / "in", "AAA", DATES[:2])
    run(tmp_path / "in", tmp_path / "grown")
    put(tmp_path / "in", "AAA", DATES[:2], close=10.75)
    with monkeypatch.context() as killed:
        killed.setattr(
            session_writer,
            "update_daily",
            lambda root, days: (_ for _ in ()).throw(KeyboardInterrupt),
        )
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "in", tmp_path / "grown")
    put(tmp_path / "in", "BBB", DATES[2:])
    summary = run(tmp_path / "in", tmp_path / "grown")
    assert (summary.sessions_unchanged, summary.sessions_added) == (2, 2)
    run(tmp_path / "in", tmp_path / "whole", append=False)
    assert bars(tmp_path / "grown") == bars(tmp_path / "whole")


def test_an_import_that_is_refused_on_the_way_leaves_days_of_the_sessions_it_wrote(
    tmp_path: Path,
) -> None:
    put(tmp_path / "in", "AAA", DATES[:2])
    put(tmp_path / "in", "BBB", DATES[:2])
    run(tmp_path / "in", tmp_path / "archive")
    put(tmp_path / "in", "AAA", DATES[:2], close=10.75)
    put(tmp_path / "in", "BBB", DATES[:1])
    with pytest.raises(BarImportError, match=r"2018-03-02 would lose 1 symbols"):
        run(tmp_path / "in", tmp_path / "archive")
    daily = (
        Archive.open(tmp_path / "archive").read_daily(["close"], None, None).filter(symbol="AAA")
    )
    assert daily["close"].to_list() == [10.75, 10.5]
    assert not (tmp_path / "archive" / ".import").exists()
