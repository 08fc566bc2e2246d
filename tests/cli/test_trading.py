"""Runs that trade, from the command line: what they leave, the report, strategies, and what becomes of mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine import api
from engine.archive.archive import Archive
from tests.cli.barsweep import Barsweep
from tests.data import PROJECT

CONFIG = PROJECT / "session_configs/vwap_pullback.json"
SPAN = ("--start", "2017-12-04", "--end", "2017-12-15")
CHANGES = [
    "session_data_config.scanners.0.config.min_change=0.004",
    "session_data_config.scanners.0.config.min_rsi=50",
    "strategies.0.config.min_change=0.004",
]
EASY = [part for change in CHANGES for part in ("--set", change)]


@pytest.fixture(scope="module")
def runs(demo: Archive, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three run directories with their reports: one config twice, and with more money."""
    folder = tmp_path_factory.mktemp("runs")
    found = []
    for more in ([], [], ["account.starting_cash=500000"]):
        run = api.run(
            CONFIG,
            archive=demo.path,
            start=SPAN[1],
            end=SPAN[3],
            overrides=[*CHANGES, *more],
            out=folder,
            report=True,
        )
        found.append(run.path)
    return found


def test_a_run_that_trades_leaves_its_tables_and_a_summary(runs: list[Path]) -> None:
    tables = {
        name: pl.read_parquet(runs[0] / f"{name}.parquet")
        for name in ("orders", "fills", "trades", "equity")
    }
    summary = json.loads((runs[0] / "summary.json").read_text())
    trades, equity = tables["trades"], tables["equity"]
    assert len(trades) > 20
    assert summary["trading"]["trades"]["count"] == len(trades)
    assert summary["trading"]["final_equity"] == equity["equity"][-1]
    assert summary["trading"]["metrics"]["cum_returns_final"] == pytest.approx(
        equity["equity"][-1] / 100_000 - 1
    )
    deepest = equity["drawdown"].min()  # at bars, against peaks at bars
    assert (
        isinstance(deepest, float)
        and deepest - 1e-9 <= summary["trading"]["metrics"]["max_drawdown"] < 0
    )
    for group, values in summary["trading"]["by"].items():
        assert sum(one["count"] for one in values.values()) == len(trades), group
        assert sum(one["pnl"] for one in values.values()) == pytest.approx(trades["pnl"].sum()), (
            group
        )
    assert set(summary["trading"]["by"]["scanner"]) == {"scanners.momentum_scanner"}
    assert summary["strategies"] == {
        "engine.strategies.vwap_pullback": {"errors": 0, "first_errors": []}
    }


def test_two_runs_are_the_same_bytes(runs: list[Path]) -> None:
    for name in ("orders", "fills", "trades", "equity", "symbols", "hits", "scans"):
        assert (runs[0] / f"{name}.parquet").read_bytes() == (
            runs[1] / f"{name}.parquet"
        ).read_bytes(), name


def test_the_report_holds_all_it_needs(runs: list[Path]) -> None:
    page = (runs[0] / "report.html").read_text()
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?https?:", page)
    best = pl.read_parquet(runs[0] / "trades.parquet").sort("pnl", descending=True)
    assert all(symbol in page for symbol in best["symbol"].head(5))
    for part in (
        "Equity",
        "return by month",
        "trades by return",
        "excursions",
        "symbols left after each clause",
        "hits by time of day",
        "survivorship",
    ):
        assert part in page
    links = set(re.findall(r"href=#(\w+)", page))
    assert {"equity", "trades", "scans", "best", "trade0", "trade9"} <= links
    assert all(f"id={name}" in page for name in links)
    assert page.count("<h1>") == 1


def test_report_makes_the_page_again_and_compares_runs(
    barsweep: Barsweep, runs: list[Path], tmp_path: Path
) -> None:
    (runs[0] / "report.html").unlink()
    assert barsweep("report", runs[0]).out.strip() == str(runs[0] / "report.html")
    assert (runs[0] / "report.html").exists()
    assert barsweep("report", runs[0], runs[2], "--out", tmp_path / "both.html").status == 0
    page = (tmp_path / "both.html").read_text()
    assert "account.starting_cash" in page
    assert "max drawdown" in page
    missing = barsweep("report", tmp_path)
    assert missing.status == 2 and "no run directory" in missing.err
    shown = barsweep("report", runs[0], "--archive", tmp_path)
    assert shown.status == 2


def test_a_run_that_does_not_trade_has_a_report_too(
    barsweep: Barsweep, demo: Archive, tmp_path: Path
) -> None:
    done = barsweep(
        "run",
        PROJECT / "session_configs/minimal.json",
        "--archive",
        demo.path,
        "--out",
        tmp_path,
        *SPAN,
        "--report",
        "--format",
        "json",
        "--quiet",
    )
    folder = Path(json.loads(done.out)["run"])
    assert (folder / "report.html").exists() and not (folder / "equity.parquet").exists()
    refused = barsweep("report", folder, folder)
    assert refused.status == 2 and "did not trade" in refused.err


def test_the_summary_is_printed(barsweep: Barsweep, demo: Archive, tmp_path: Path) -> None:
    done = barsweep(
        "run",
        CONFIG,
        "--archive",
        demo.path,
        "--out",
        tmp_path,
        *SPAN,
        *EASY,
        "--quiet",
        "--no-report",
    )
    assert done.status == 0
    for word in (
        "equity",
        "sharpe_ratio",
        "benchmark",
        "profit_factor",
        "engine.strategies.vwap_pullback",
    ):
        assert word in done.out
    assert not list(tmp_path.rglob("report.html"))


def test_a_failing_strategy_shows_in_status_and_summary(
    barsweep: Barsweep, demo: Archive, tmp_path: Path
) -> None:
    config: dict[str, Any] = {
        "mode": "backtest",
        "session_data_config": {"symbols": ["AAPL"]},
        "strategies": [{"module": "tests.trading.by_hand:Failing"}],
    }
    (tmp_path / "failing.json").write_text(json.dumps(config))
    done = barsweep(
        "run",
        tmp_path / "failing.json",
        "--archive",
        demo.path,
        "--out",
        tmp_path,
        *SPAN,
        "--quiet",
    )
    assert done.status == 1
    assert "failed in 10 sessions" in done.err and "ValueError: no idea" in done.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "strategies.0.module=engine.strategies.vwap_pulback",
            "did you mean 'engine.strategies.vwap_pullback'",
        ),
        ("strategies.0.config.stop=1", "unknown key 'stop'"),
        ('strategies.0.scanners=["scanners.gap"]', "is no scanner of this config"),
        ("account.leverage=0", "account.leverage = 0"),
        ("account.max_open_position=3", "did you mean 'max_open_positions'"),
        ("costs.slippage_spread=2", "costs.slippage_spread = 2"),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    barsweep: Barsweep, change: str, message: str, demo: Archive, tmp_path: Path
) -> None:
    checked = barsweep("config", "check", CONFIG, "--set", change)
    ran = barsweep(
        "run", CONFIG, "--archive", demo.path, "--out", tmp_path / "runs", "--set", change
    )
    for done in (checked, ran):
        assert done.status == 2
        assert message in done.err
        assert "Traceback" not in done.err
    assert not (tmp_path / "runs").exists()


def test_strategies_are_listed_and_shown(barsweep: Barsweep, tmp_path: Path) -> None:
    listed = json.loads(barsweep("strategies", "list", "--format", "json").out)
    assert {one["module"] for one in listed} >= {
        "engine.strategies.buy_and_hold",
        "engine.strategies.opening_range_breakout",
    }
    assert all(one["summary"] for one in listed)
    shown = barsweep("strategies", "show", "engine.strategies.opening_range_breakout").out
    assert "stop_atr" in shown and "range_closed_up" in shown and "opening_range_5_1m" in shown
    assert "bar by bar" in barsweep("strategies", "show", "tests.trading.by_hand:Adding").out
    assert barsweep("strategies", "new", "mine", "--folder", tmp_path).status == 0
    assert {path.name for path in tmp_path.iterdir()} == {"mine.py", "mine.json", "test_mine.py"}
    again = barsweep("strategies", "new", "mine", "--folder", tmp_path)
    assert again.status == 2 and "already there" in again.err
