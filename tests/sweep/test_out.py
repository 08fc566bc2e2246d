"""What a sweep leaves: the config of a variant, what a second one takes from it, what a killed one goes on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import barsweep as bs
from engine.archive.archive import Archive
from engine.sweep import one_pass
from tests.cli.barsweep import Barsweep
from tests.sweep.alone import alone

MOMENTUM = "scanners.momentum_scanner"
SPAN = {"start": "2017-11-01", "end": "2017-12-08"}


@pytest.fixture(scope="module")
def market(demo: Archive) -> bs.Market:
    return bs.open_archive(demo.path)


def test_a_variant_is_shown_and_gives_the_same_alone(market: bs.Market, tmp_path: Path) -> None:
    bs.sweep(
        MOMENTUM,
        archive=market,
        grid={"min_rsi": "50:70:10", "schedule": ["close", "10:00-15:00/1h"]},
        out=tmp_path,
        **SPAN,
    )
    variants = pl.read_parquet(tmp_path / "variants.parquet")
    assert variants.columns[:3] == ["number", "min_rsi", "schedule"]
    for number in (0, 5):
        (figures,) = alone(market, bs.variant_config(tmp_path, number)).values()
        row = variants.row(number, named=True)
        assert {name: row[name] for name in figures} == figures
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["ways"][MOMENTUM].startswith("one pass, boxes")
    assert manifest["sweep"]["axes"]["min_rsi"] == [50, 60, 70] and manifest["computed"] == 6
    with pytest.raises(bs.BarsweepError, match="no variant 6"):
        bs.variant_config(tmp_path, 6)
    with pytest.raises(bs.BarsweepError, match="no sweep"):
        bs.variant_config(tmp_path / "nowhere", 0)


def test_a_wider_grid_computes_what_is_new(market: bs.Market, tmp_path: Path) -> None:
    def swept(out: Path | None, **grid: Any) -> bs.Swept:
        return bs.sweep(MOMENTUM, archive=market, grid=grid, out=out, **SPAN)

    first = swept(tmp_path, min_rsi=[50, 60], min_change=[0.01, 0.02])
    again = swept(tmp_path, min_rsi=[50, 60], min_change=[0.01, 0.02])
    wider = swept(tmp_path, min_rsi=[50, 55, 60], min_change=[0.005, 0.01, 0.02])
    assert (first.computed, again.computed, wider.computed) == (4, 0, 5)
    assert again.variants.equals(first.variants)
    assert wider.variants.equals(
        swept(None, min_rsi=[50, 55, 60], min_change=[0.005, 0.01, 0.02]).variants
    )
    other = bs.sweep(
        MOMENTUM, archive=market, grid={"min_rsi": [50, 60], "min_change": [0.01]}, out=tmp_path
    )
    assert other.computed == 2  # of other dates


@pytest.mark.parametrize("grid", [{"min_rsi": [50, 60]}, {"min_rsi": [50, 60], "limit": [2]}])
def test_a_killed_sweep_goes_on(
    market: bs.Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grid: dict[str, Any]
) -> None:
    monkeypatch.setattr("engine.sweep.checkpoints.EVERY", 0.0)
    seen, stop = list[Any](), 30
    rows = one_pass.Ahead.rows

    def watched(self: Any, cross: Any, found: Any) -> Any:
        seen.append(cross.session.date)
        if len(seen) == stop:
            raise KeyboardInterrupt
        return rows(self, cross, found)

    monkeypatch.setattr(one_pass.Ahead, "rows", watched)
    with pytest.raises(KeyboardInterrupt):
        bs.sweep(MOMENTUM, archive=market, grid=grid, out=tmp_path)
    assert not (tmp_path / "variants.parquet").exists()
    stop, seen[:] = 0, []
    resumed = bs.sweep(MOMENTUM, archive=market, grid=grid, out=tmp_path)
    assert seen[0].day == 1 and 0 < len(seen) < 30  # from the month in which it was killed
    assert resumed.variants.equals(bs.sweep(MOMENTUM, archive=market, grid=grid).variants)
    assert not (tmp_path / ".unfinished").exists()


def test_the_command(barsweep: Barsweep, market: bs.Market, tmp_path: Path) -> None:
    out = tmp_path / "swept"
    told = barsweep(
        "sweep", "--archive", market.path, "--where", "close > {least} and rsi_14 > {rsi}",
        "--grid", "least=5,50", "--grid", "rsi=60:70:5", "--end", "2017-11-10", "--horizons", "m30,close", "--out", out,
    )  # fmt: skip
    assert told.status == 0, told.err
    assert "one pass, boxes" in told.out and pl.read_parquet(out / "variants.parquet").height == 6
    config = json.loads(barsweep("sweep", "--show", out, "--variant", "4").out)
    criteria = config["session_data_config"]["scanners"][0]["config"]["criteria"]
    assert list(criteria) == ["close > 50", "rsi_14 > 65"]


def test_a_config_says_what_is_swept(market: bs.Market, tmp_path: Path, barsweep: Barsweep) -> None:
    config = market.config(MOMENTUM, **SPAN).model_dump(mode="json")
    config["sweep"] = {
        "grid": {"min_rsi": "50:60:5", "scanners.momentum_scanner.min_change": [0.02]},
        "horizons": ["m5"],
    }
    swept = bs.sweep(config, archive=market)
    assert len(swept.variants) == 3 and "mean_m15" not in swept.variants.columns
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    assert "min_rsi" in barsweep("sweep", path, "--archive", market.path).out
    config["sweep"]["sobol"] = config["sweep"]["random"] = 2
    with pytest.raises(bs.BarsweepError, match="expected one of them"):
        bs.sweep(config, archive=market)


@pytest.mark.parametrize(
    ("scanners", "options", "told"),
    [
        ((MOMENTUM,), {"grid": {"min_ris": [1]}}, "min_rsi"),
        ((MOMENTUM,), {"grid": {"min_rsi": [50, 500]}}, "with min_rsi=500"),
        ((MOMENTUM,), {"grid": {"min_rsi": [50]}, "random": 2, "sobol": 3}, "one of them"),
        ((MOMENTUM,), {"grid": {"min_rsi": [50]}, "horizons": ["m7"]}, "no horizon"),
        ((), {"where": "close > {x}", "grid": {"y": [1]}}, "means nothing here"),
        ((), {"where": "close > {x}", "grid": {"x": ["abc"]}}, "unknown name"),
        ((), {}, "no scanner"),
    ],
)
def test_mistakes_are_told(market: bs.Market, scanners: Any, options: Any, told: str) -> None:
    with pytest.raises(bs.BarsweepError, match=told):
        bs.sweep(*scanners, archive=market, **options)


def test_nothing_found_is_told(market: bs.Market) -> None:
    swept = bs.sweep(MOMENTUM, archive=market, grid={"min_price": [1e9, 2e9]}, end="2017-11-03")
    assert "finds anything" in swept.warnings[-1] and swept.variants["hits"].to_list() == [0, 0]
    assert swept.variants["mean_m5"].null_count() == 2
