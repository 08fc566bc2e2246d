"""The audit that a run takes along: it catches kernels that look ahead, says what it looked at, and changes no table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.runs.execute_run import FinishedRun, execute_run
from engine.scan.replay import MarketReplay
from tests.audit.test_look_ahead import leaky
from tests.running import config, momentum

FAST = {
    "module": "scanners.hybrid_scanner",
    "regular_session": [{"start": "09:45", "end": "15:45", "interval": "15m"}],
    "config": {"min_gap": 0.002, "min_rvol": 0.5, "rvol_sessions": 3},
}


def run(loaded: LoadedConfig, archive: Archive, out: Path, **options: Any) -> FinishedRun:
    return execute_run(loaded, archive, out, lambda done, total, date: None, **options)


@pytest.mark.parametrize("seed", range(4))
def test_honest_scanners_pass_wherever_it_looks(seed: int, demo: Archive, tmp_path: Path) -> None:
    scanners = [momentum(min_change=0.002, min_rsi=50.0), {**FAST, "pre_session": True}]
    indicators = [
        {"name": "beta", "params": {"period": 20}},
        {"name": "atr", "interval": "1d"},
        {"name": "ema", "interval": "15m"},
    ]
    loaded = config(
        scanners, extended_hours=bool(seed % 2), benchmark="AAPL", indicators=indicators
    )
    audit = run(loaded, demo, tmp_path, audit_seed=seed).audit
    assert audit is not None and audit.left_out is None
    assert (len(audit.ticks), audit.differences) == (2, [])
    assert "none found at 2 random ticks" in audit.told


@pytest.mark.parametrize(
    ("name", "column"),
    [("NegativeShift", "negative_shift_1_1m"), ("BackwardFill", "filled_backward_90_1m")],
)
def test_a_kernel_that_looks_ahead_is_caught(
    name: str, column: str, demo: Archive, tmp_path: Path
) -> None:
    early = [{"start": "09:35", "end": "10:30", "interval": "5m"}]
    finished = run(config([leaky(name) | {"regular_session": early}]), demo, tmp_path, audit_seed=1)
    assert finished.audit is not None
    found = {(one.what, one.owner, one.name) for one in finished.audit.differences}
    assert found == {("column", None, column), ("hit", name, "there")}
    assert all(
        one.symbol and one.time <= max(finished.audit.ticks) for one in finished.audit.differences
    )
    manifest = json.loads((finished.path / "manifest.json").read_text())
    assert len(manifest["audit"]["differences"]) == 2
    assert manifest["seeds"] == {"audit": 1}


def test_tables_are_the_same_with_it_and_without(demo: Archive, tmp_path: Path) -> None:
    loaded = config([momentum(min_change=0.002, min_rsi=50.0), FAST])
    paths = [run(loaded, demo, tmp_path / str(audit), audit=audit).path for audit in (True, False)]
    for name in ("scans", "hits", "symbols", "quality"):
        assert (paths[0] / f"{name}.parquet").read_bytes() == (
            paths[1] / f"{name}.parquet"
        ).read_bytes()
    audits = [json.loads((path / "manifest.json").read_text())["audit"] for path in paths]
    assert audits[1] is None
    again = run(loaded, demo, tmp_path / "again").audit
    assert again is not None and json.loads(json.dumps(again.as_dict(), default=str)) == audits[0]
    assert len(pl.read_parquet(paths[0] / "hits.parquet")) > 500


@pytest.mark.usefixtures("shared_at_once")
@pytest.mark.parametrize(
    ("data", "options", "cause"),
    [
        ({"start": "2017-11-01", "end": "2017-11-10"}, {}, "too short"),
        ({"interval": "1d"}, {}, "daily"),
        ({"start": "2017-11-01"}, {"workers": 2, "audit_seed": 3}, "own walk"),
    ],
)
def test_what_it_leaves_out_is_said(
    data: dict[str, Any], options: dict[str, Any], cause: str, demo: Archive, tmp_path: Path
) -> None:
    close = {
        **leaky("criteria", criteria={"any": "close > 1"}),
        "module": "scanners.criteria_scanner",
    }
    close |= {"regular_session": [{"at": "close"}]} if "interval" in data else {}
    audit = run(config([close], **data), demo, tmp_path, **options).audit
    assert audit is not None and audit.ticks == []
    assert cause in audit.told and "barsweep audit" in audit.told


def test_what_reads_by_itself_is_named_as_not_seen(demo: Archive, tmp_path: Path) -> None:
    audit = run(config([momentum(), leaky("LaterHits")]), demo, tmp_path).audit
    assert audit is not None and audit.not_seen == ["LaterHits"]
    assert "LaterHits" in audit.told


def test_a_run_goes_on_when_its_audit_cannot(
    demo: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("nothing left")

    monkeypatch.setattr(MarketReplay, "recompute", broken)
    finished = run(config([momentum(min_change=0.002, min_rsi=50.0)]), demo, tmp_path)
    assert finished.audit is not None and "ZeroDivisionError: nothing left" in finished.audit.told
    assert finished.failures == 0 and finished.summary.sessions == 45


def test_much_state_makes_for_fewer_ticks(demo: Archive, tmp_path: Path) -> None:
    light = run(config([momentum()]), demo, tmp_path, audit_seed=1).audit
    heavy = run(
        config([momentum()], indicators=[{"name": "rvol", "params": {"period": 200}}]),
        demo,
        tmp_path,
        audit_seed=1,
    ).audit
    assert light is not None and heavy is not None
    assert (len(light.ticks), len(heavy.ticks), heavy.left_out is not None) == (2, 0, True)
