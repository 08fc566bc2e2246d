"""What the bench tells, and that its peers find what barsweep finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import measure as measuring
from bench import results
from bench.daily import daily_archive, daily_workload
from bench.fresh import fresh_scan
from bench.goals import Goal, momentum
from bench.peers import check
from bench.phases import PHASES, stopwatch
from bench.workload import Workload
from engine.api import open_archive
from engine.archive.archive import Archive
from engine.errors import ConfigError, RunError
from tests.cli.barsweep import Barsweep


@pytest.mark.parametrize("peer", check.PEERS)
def test_peers_find_the_same(peer: str, demo: Archive) -> None:
    """Daylight saving, an early close, splits, an IPO, symbols that hardly trade, three months each with its warm-up."""
    found = check.run_peer(peer, momentum(demo.path))
    assert found.ours > 1000 and abs(found.found - found.ours) <= found.rounding <= 3


@pytest.mark.parametrize("peer", check.PEERS)
def test_a_peer_that_finds_something_else_is_told_of(
    peer: str, demo: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Workload, "hits", lambda self, real=Workload.hits: real(self)[1:])
    with pytest.raises(ConfigError, match=f"{peer} and barsweep differ in 1 hits"):
        check.run_peer(peer, momentum(demo.path))


def test_peers_answer_the_default_question_only(demo: Archive) -> None:
    for options in ({"settings": {"min_rsi": 60}}, {"schedule": "10:00-11:00/5m"}):
        config = open_archive(demo.path).config(check.SCANNER, **options).model_dump(mode="json")  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=r"expected scanners\.momentum_scanner as it is"):
            check.run_peer("polars", Workload(demo.path, config))


def test_phases_are_timed_and_left_as_they_were(demo: Archive) -> None:
    before = {
        (owner, name): owner.__dict__[name] for places in PHASES.values() for owner, name in places
    }
    with stopwatch() as watch:
        seconds = momentum(demo.path).scan().seconds
    assert all(spent > 0 for spent in watch.seconds.values())
    assert sum(watch.seconds.values()) < 3 * seconds  # two threads at most at a time
    assert all(owner.__dict__[name] is original for (owner, name), original in before.items())


def test_a_fresh_process_scans(demo: Archive) -> None:
    workload = momentum(demo.path)
    fresh = fresh_scan(workload)
    assert 0 < fresh.first_session < fresh.whole and fresh.peak_mb > 100
    assert set(workload.columns) == {"timestamp", "high", "low", "close", "volume"}


def test_the_daily_workload(tmp_path: Path) -> None:
    path = daily_archive(tmp_path, 600, 90, 7)
    scan = daily_workload(path).scan()
    assert scan.bars == 600 * 90 and scan.ticks == 90
    assert scan.result.kept == 500 * (
        90 - 19
    )  # the average volume of 20 days is known from the 20th on
    assert daily_archive(tmp_path, 600, 90, 7) == path
    in_memory = daily_workload(path).scan_kept(open_archive(path))
    assert (in_memory.bars, in_memory.ticks, in_memory.result.kept) == (
        scan.bars,
        scan.ticks,
        scan.result.kept,
    )


def test_a_figure_without_a_limit_is_neither_met_nor_missed() -> None:
    figures = [Goal("a", 2.0, limit, "{:.1f} s").as_dict() for limit in (1.0, 3.0, None)]
    assert [(one["limit"], one["met"]) for one in figures] == [
        ("at most 1.0 s", False),
        ("at most 3.0 s", True),
        ("-", None),
    ]


def test_the_command(barsweep: Barsweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        measuring, "cold_scan", measuring.fresh_scan
    )  # compiling takes a quarter of a minute
    options = ("--root", tmp_path, "--symbols", 8, "--sessions", 2, "--repeats", 1, "--quiet")
    book = tmp_path / "RESULTS.md"
    for note in ("first", "second"):
        called = barsweep(
            "bench", *options, "--against", "polars", "--json", "--record", book, "--note", note
        )
        assert called.status == 0
    found = json.loads(called.out)
    assert (
        found["sessions"] == 2
        and found["ticks"] == 154
        and found["against"]["polars"]["hits"] == found["hits"]
    )
    assert set(PHASES) < set(found["phases"]) and found["scan"] > 0 < found["decode"]
    text = book.read_text()
    assert text.startswith(results.HEAD) and 0 < text.index(": second") < text.index(": first")
    assert "scan over decode" in barsweep("bench", "--where", "close > 10", *options).out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--against", "pandas"), "expected one of duckdb, polars"),
        (("--symbols", "3"), "8"),
        (("scanners.momentun_scanner",), "did you mean 'scanners.momentum_scanner'"),
        (("--archive", "nowhere"), "no such folder"),
    ],
)
def test_mistakes(
    options: tuple[str, ...], message: str, barsweep: Barsweep, tmp_path: Path
) -> None:
    called = barsweep("bench", "--root", tmp_path, "--symbols", "8", "--sessions", "1", *options)
    assert called.status == 2 and message in called.err


def test_results_go_into_a_file_of_results_only(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Something else\n")
    with pytest.raises(RunError, match="no file of results"):
        results.record(
            tmp_path / "other.md",
            "a note",
            {"cores": "2", "processor": "x"},
            [("a", "b")],
            ("figure", "measured"),
        )
