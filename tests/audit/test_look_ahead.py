"""Everything that looks ahead is caught and named; what comes with the project passes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.ingest.recognise import InPlaceOptions, init_in_place
from engine.audit.future import FUTURES, in_our_layout
from engine.audit.look_ahead import BEGUN_THERE, AuditOptions, LookAheadAudit, audit_look_ahead
from engine.clock.calendar import Session
from engine.compute.latest_rows import latest_rows
from engine.config.load import LoadedConfig, load_config
from engine.config.models import BacktestConfig, SessionConfig
from engine.panel.bars import Bars, Ints
from engine.panel.daily_panel import DailyBars
from engine.progress import silent
from engine.runs.execute_run import execute_run
from engine.runtime.buffers import Buffers
from engine.schema import BAR_SCHEMA, MEMBERSHIP_SCHEMA
from tests.data import PROJECT
from tests.running import EVERY_5_MINUTES

CONFIGS = sorted((PROJECT / "session_configs").glob("*.json"))
NOW_AND_THEN = [{"start": "09:45", "end": "15:45", "interval": "20m"}]
SPAN = {"start_date": "2017-12-04", "end_date": "2017-12-20"}
OPTIONS = AuditOptions(ticks=2, sessions=1, before=1, seed=3)
READERS = [
    "JoinOnTheClose",
    "TodaysDailyBar",
    "BarInProgress",
    "StaleBarEnteredAgain",
    "Remembers",
    "RemembersElsewhere",
]


def loaded(
    scanners: list[dict[str, Any]], strategies: list[dict[str, Any]] | None = None, **data: Any
) -> LoadedConfig:
    content = {
        "mode": "backtest",
        "backtest_config": SPAN,
        "session_data_config": {"scanners": scanners, **data},
        "strategies": strategies or [],
    }
    return LoadedConfig(SessionConfig(**content), Path.cwd() / "test.json")


def leaky(name: str, **settings: Any) -> dict[str, Any]:
    return {
        "module": f"tests.audit.leaks:{name}",
        "name": name,
        "regular_session": NOW_AND_THEN,
        "config": settings,
    }


def audited(
    config: LoadedConfig, archive: Archive, options: AuditOptions = OPTIONS
) -> LookAheadAudit:
    return audit_look_ahead(config, archive, options, silent)


def found(audit: LookAheadAudit) -> set[tuple[str, str | None, str]]:
    """What each difference is of. All are of the audited session or before it, up to the tick, and say where."""
    for replay, one in audit.differences:
        assert one.time <= replay.tick
        assert one.symbol or one.what in ("scan", "equity", "failure")
        assert one.whole != one.other
    return {(one.what, one.owner, one.name) for _, one in audit.differences}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_what_is_built_in_passes(path: Path, demo: Archive) -> None:
    dates = [f"backtest_config.{key}={value}" for key, value in SPAN.items()]
    audit = audited(
        load_config(path, dates), demo, AuditOptions(ticks=1, before=2, seed=len(path.stem))
    )
    assert audit.differences == []
    assert len(audit.replays) == (2 if audit.replays[-1].future in FUTURES else 3)


@pytest.mark.parametrize("name", ["daily_screen", "rebalance_top_n", "rsi_reversion"])
def test_what_is_built_in_passes_on_daily_bars(name: str, days: Archive) -> None:
    dates = [f"backtest_config.{key}={value}" for key, value in SPAN.items()]
    audit = audited(
        load_config(PROJECT / f"session_configs/{name}.json", dates),
        days,
        AuditOptions(ticks=2, before=4, seed=1),
    )
    assert audit.differences == [] and audit.failures == []
    assert sum(replay.future in FUTURES for replay in audit.replays) in (2, 4)


def test_a_negative_shift_is_caught_in_its_column_and_all_that_reads_it(demo: Archive) -> None:
    names = found(audited(loaded([leaky("NegativeShift")]), demo))
    own = {
        ("clause", "NegativeShift", "will_rise"),
        ("hit", "NegativeShift", "there"),
        ("scan", "NegativeShift", "qualified"),
    }
    assert own | {("column", None, "negative_shift_1_1m")} <= names


def test_a_backward_fill_is_caught(demo: Archive) -> None:
    early = leaky("BackwardFill") | {
        "regular_session": [{"start": "09:35", "end": "10:15", "interval": "5m"}]
    }
    assert ("column", None, "filled_backward_90_1m") in found(audited(loaded([early]), demo))


def test_a_full_sample_normalization_is_caught_in_its_clause(demo: Archive) -> None:
    names = found(audited(loaded([leaky("FullSampleNormalization", archive=str(demo.path))]), demo))
    assert ("clause", "FullSampleNormalization", "cheap") in names
    assert not any(what == "column" for what, _, _ in names)


@pytest.mark.parametrize("name", READERS)
def test_a_scanner_that_reads_later_bars_is_caught_in_its_hits(name: str, demo: Archive) -> None:
    names = found(
        audited(loaded([leaky(name, archive=str(demo.path))]), demo, AuditOptions(2, 1, 0, seed=1))
    )
    assert ("hit", name, "there") in names
    assert all(owner == name for _, owner, _ in names)


def test_an_archive_in_place_is_audited(demo: Archive, tmp_path: Path) -> None:
    """Its files are as they were."""
    files = tmp_path / "files"
    for date in [date for date in demo.sessions() if date <= dt.date(2017, 12, 22)]:
        bars = demo.read_session(date, list(BAR_SCHEMA)).with_columns(
            pl.col("timestamp") + dt.timedelta(minutes=1), vwap="close"
        )
        (files / f"date={date}").mkdir(parents=True)
        bars.write_parquet(files / f"date={date}" / "bars.parquet")
    before = sorted(files.rglob("*"))
    archive = init_in_place(files, tmp_path / "archive", InPlaceOptions(label="close"))
    honest = {
        "module": "scanners.momentum_scanner",
        "regular_session": EVERY_5_MINUTES,
        "config": {"min_rsi": 40},
    }
    audit = audited(loaded([honest]), archive)
    assert (audit.differences, audit.failures, len(audit.replays)) == ([], [], 5)
    names = found(
        audited(
            loaded([leaky("JoinOnTheClose", archive=str(archive.path))]),
            archive,
            AuditOptions(1, 1, 0, seed=1),
        )
    )
    assert ("hit", "JoinOnTheClose", "there") in names
    copy = in_our_layout(archive, tmp_path / "copy").read_session(date, [*BAR_SCHEMA, "vwap"])
    assert copy.equals(demo.read_session(date, list(BAR_SCHEMA)).with_columns(vwap="close"))
    assert sorted(files.rglob("*")) == before


def test_later_hits_of_its_own_pass_are_caught(demo: Archive) -> None:
    assert ("hit", "LaterHits", "there") in found(audited(loaded([leaky("LaterHits")]), demo))


@pytest.mark.parametrize(("before", "what"), [(0, "failure"), (1, "scan")])
def test_a_scanner_that_works_only_where_the_future_is_there_is_caught(
    before: int, what: str, demo: Archive
) -> None:
    audit = audited(
        loaded([leaky("FileThere", archive=str(demo.path))]),
        demo,
        AuditOptions(1, 1, before, seed=3),
    )
    assert (what, "FileThere") in {(one, owner) for one, owner, _ in found(audit)}


def test_honest_code_of_ones_own_passes(demo: Archive) -> None:
    scanner = {
        "module": "tests.scan.symbol_scanner:MyScanner",
        "regular_session": NOW_AND_THEN,
        "config": {"universe": "all"},
    }
    ranges = {
        "module": "scanners.opening_range_scanner",
        "regular_session": EVERY_5_MINUTES,
        "config": {"sessions": 3, "min_average_volume": 1000.0, "min_atr": 0.01, "min_rvol": 0.5},
    }
    strategy = {
        "module": "tests.trading.opening_range_by_hand",
        "config": {"size": 0.2, "size_unit": "risk", "stop_atr": 0.2},
    }
    audit = audited(
        loaded([scanner, ranges], [strategy], symbols=["AAPL", "MSFT"]),
        demo,
        AuditOptions(2, 1, 3, seed=2),
    )
    assert (audit.differences, audit.failures) == ([], [])


def test_what_is_remembered_of_sessions_before_the_run_is_caught(demo: Archive) -> None:
    audit = audited(loaded([leaky("HighOfTheRun")]), demo)
    assert ("hit", "HighOfTheRun", "there") in found(audit)
    assert [replay.future for replay in audit.replays if replay.differences] == [BEGUN_THERE]


def membership(path: Path, archive: Archive) -> Path:
    """Half of the symbols leave after the span; the other half joins in the middle of it. A .csv has other names."""
    symbols, middle, later = archive.symbols(), dt.date(2017, 12, 12), dt.date(2018, 1, 2)
    half = len(symbols) // 2
    rows = [(s, dt.date(2017, 1, 1), later) for s in symbols[:half]] + [
        (s, middle, None) for s in symbols[half:]
    ]
    frame = pl.DataFrame(rows, schema=MEMBERSHIP_SCHEMA, orient="row")
    frame.rename({"symbol": "ticker", "start_date": "from"}).write_csv(
        path
    ) if path.suffix == ".csv" else frame.write_parquet(path)
    return path


@pytest.mark.parametrize("name", ["members.parquet", "members.csv"])
def test_current_membership_is_caught_and_membership_in_time_is_not(
    name: str, demo: Archive, tmp_path: Path
) -> None:
    universe = str(membership(tmp_path / name, demo))
    assert ("universe", "CurrentMembership", "member") in found(
        audited(loaded([leaky("CurrentMembership", universe=universe)]), demo)
    )
    honest = {
        "module": "scanners.momentum_scanner",
        "regular_session": EVERY_5_MINUTES,
        "config": {"universe": universe, "min_rsi": 40},
    }
    for seed in range(3):
        assert audited(loaded([honest]), demo, AuditOptions(1, 1, 0, seed)).differences == []


def test_strategies_that_look_ahead_are_caught(demo: Archive) -> None:
    columns = {"module": "tests.audit.leaks:BuysWhatWillRise", "name": "rises"}
    reads = {
        "module": "tests.audit.leaks:BuysTheDaysGainers",
        "name": "gains",
        "regular_session": NOW_AND_THEN,
        "config": {"archive": str(demo.path)},
    }
    names = found(
        audited(loaded([], [columns, reads], symbols=["AAPL", "MSFT", "AMZN", "NFLX"]), demo)
    )
    assert {("column", None, "negative_shift_1_1m"), ("order", "rises", "there")} <= names
    assert any(owner == "gains" and what == "order" for what, owner, _ in names)
    assert any(what == "equity" for what, _, _ in names)


def test_an_audit_is_the_same_with_the_same_seed_and_another_with_another(demo: Archive) -> None:
    config = loaded([leaky("NegativeShift")])
    first, again, other = (audited(config, demo, AuditOptions(2, 1, 0, seed)) for seed in (5, 5, 6))
    assert first.replays == again.replays
    assert [(r.session, r.tick) for r in first.replays] != [
        (r.session, r.tick) for r in other.replays
    ]


def bars_in_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show a bar when it begins."""

    def find_rows(self: Bars, first: int, last: int, ticks: Ints, rows: Ints) -> None:
        latest_rows(first, last, self.starts, self.ends, self.known_at, 0, ticks, rows)

    monkeypatch.setattr(Bars, "find_rows", find_rows)


def days_from_their_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show a session's daily bar from its open on."""
    of = DailyBars.of

    def early(self: DailyBars, sessions: tuple[Session, ...], buffers: Buffers) -> Bars:
        bars = of(self, sessions, buffers)
        return replace(bars, known_at=np.full(len(bars.known_at), sessions[0].open))

    monkeypatch.setattr(DailyBars, "of", early)


@pytest.mark.parametrize(
    ("spoil", "column"), [(bars_in_progress, "close"), (days_from_their_open, "sma_5_1d")]
)
def test_an_engine_that_looks_ahead_is_caught(
    spoil: Callable[[pytest.MonkeyPatch], None],
    column: str,
    demo: Archive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spoil(monkeypatch)
    criteria = {"trend": "close > sma_5_1d"}
    config = loaded([{**leaky("trend", criteria=criteria), "module": "scanners.criteria_scanner"}])
    names = found(audited(config, demo))
    assert {("column", None, column), ("clause", "trend", "trend")} <= names
    longer = LoadedConfig(
        config.config.model_copy(update={"backtest_config": BacktestConfig()}), config.path
    )
    in_run = execute_run(longer, demo, tmp_path, lambda done, total, date: None, audit_seed=1).audit
    assert in_run is not None and column in {one.name for one in in_run.differences}
