"""Variants that trade: each equals the run of its config, to the last bit, however many are judged together."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import barsweep as bs
from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.errors import ConfigError
from engine.progress import silent
from engine.sweep.strategy_variants import judge_trading

SPAN = {"start_date": "2017-11-20", "end_date": "2017-12-05"}  # an early close is among them
MOMENTUM = {
    "module": "scanners.momentum_scanner",
    "regular_session": [{"start": "09:45", "end": "15:45", "interval": "15m"}],
    "config": {"universe": "all", "min_change": 0.002, "min_rsi": 50},
}
GAP = {
    "module": "scanners.gap_scanner",
    "regular_session": [{"start": "09:31", "end": "09:31", "interval": "1m"}],
    "config": {"universe": "all", "min_gap": 0.001},
}


def content(
    strategies: list[dict[str, Any]], scanners: list[dict[str, Any]] | None = None, **account: Any
) -> dict[str, Any]:
    data = {"scanners": scanners or [], "symbols": [] if scanners else ["AAPL", "KO", "MSFT"]}
    return {
        "mode": "backtest",
        "backtest_config": SPAN,
        "session_data_config": data,
        "strategies": strategies,
        "account": account,
    }


# of each: a config, and what its variants differ in
SWEPT: dict[str, tuple[dict[str, Any], dict[str, list[Any]]]] = {
    "stops and targets, flat at the close": (
        content(
            [{"module": "engine.strategies.gap_and_go", "config": {"min_gap": 0.001}}],
            [GAP],
            flat_at_close=True,
            leverage=2.0,
        ),
        {
            "strategies.0.config.target_r": [0.5, 1.0, 2.5],
            "strategies.0.config.min_gap": [0.001, 0.004],
            "strategies.0.config.until": [30, 90],
            "account.max_open_positions": [None, 1, 3],
            "costs.slippage_bps": [0.0, 3.0],
        },
    ),
    "positions over night in what a scanner found": (
        content(
            [
                {
                    "module": "engine.strategies.vwap_pullback",
                    "scanners": ["scanners.momentum_scanner"],
                    "config": {"min_change": 0.001, "after": 15},
                }
            ],
            [MOMENTUM],
            leverage=2.0,
            margin_rate=5.0,
        ),
        {
            "strategies.0.config.stop_atr": [0.05, 0.5, 3.0],
            "strategies.0.config.target_r": [1.0, 4.0],
            "strategies.0.max_open_positions": [None, 2],
            "account.starting_cash": [20_000.0, 100_000.0],
            "account.max_participation": [None, 0.02],
        },
    ),
    "no limits on who is traded, over night": (
        content(
            [{"module": "engine.strategies.vwap_pullback", "config": {"min_change": 0.001}}],
            [MOMENTUM],
        ),
        {
            "strategies.0.config.size": [3.0, 10.0],
            "strategies.0.config.target_r": [1.0, 4.0],
            "costs.commission_per_share": [0.0, 0.01],
        },
    ),
    "edges of averages of the config's symbols": (
        content(
            [
                {
                    "module": "engine.strategies.moving_average_cross",
                    "config": {"interval": "5m", "size": 20},
                }
            ]
        ),
        {
            "strategies.0.config.fast": [3, 5],
            "strategies.0.config.slow": [8, 13],
            "strategies.0.config.sides": ["both", "long"],
            "account.shorting": [True, False],
        },
    ),
    "weights, beside another strategy": (
        content(
            [
                {
                    "module": "engine.strategies.rebalance_top_n",
                    "regular_session": [{"start": "10:00", "end": "15:00", "interval": "1h"}],
                },
                {"module": "engine.strategies.gap_fade", "config": {"min_gap": 0.001}},
            ]
        ),
        {
            "strategies.0.max_percent": [None, 50.0],
            "strategies.1.config.stop_r": [0.5, 2.0],
            "strategies.1.config.after": [5, 10],
            "account.daily_loss_limit_percent": [None, 0.5],
        },
    ),
}


def with_values(base: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(base)
    for key, value in values.items():
        place: Any = made
        *blocks, last = [int(part) if part.isdigit() else part for part in key.split(".")]
        for block in blocks:
            place = place[block] if isinstance(place, list) else place.setdefault(block, {})
        place[last] = value
    return made


def loaded(made: dict[str, Any]) -> LoadedConfig:
    return LoadedConfig(SessionConfig(**made), Path.cwd() / "test.json")


def held_against_run(
    config: dict[str, Any],
    market: bs.Market,
    figures: dict[str, Any],
    returns: np.ndarray,
    out: Path,
) -> None:
    """The figures and daily returns of a variant are those of the run of its config."""
    run = bs.run(config, archive=market, out=out, audit=False, report=False, on_progress=silent)
    trading = run.summary["trading"]
    told = {**trading["metrics"], **trading["trades"]}
    told["trades"] = told.pop("count")
    told |= {name: trading[name] for name in ("final_equity", "final_cash")}
    assert {name: figures[name] for name in told} == told
    ends = run.equity.group_by("session", maintain_order=True).agg(pl.col("equity").last())
    before = ends["equity"].shift(1, fill_value=trading["starting_cash"])
    assert (ends["equity"] / before - 1.0).to_numpy().tobytes() == returns.tobytes()


@pytest.mark.parametrize("name", SWEPT)
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_variant_equals_the_run_of_its_config(
    name: str, demo: Archive, data: st.DataObject, tmp_path: Path
) -> None:
    base, axes = SWEPT[name]
    several = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    chosen = data.draw(st.lists(st.sampled_from(several), min_size=2, max_size=8))
    one = data.draw(st.integers(0, len(chosen) - 1))
    configs = [with_values(base, values) for values in chosen]
    judged = judge_trading([loaded(made) for made in configs], demo, silent)
    assert judged.way.startswith("together")
    held_against_run(
        configs[one],
        bs.open_archive(demo.path),
        judged.figures.row(one, named=True),
        judged.returns[one],
        tmp_path,
    )


def test_variants_trade_at_all(demo: Archive) -> None:
    for name, (base, _) in SWEPT.items():
        judged = judge_trading([loaded(base)], demo, silent)
        assert judged.figures["trades"][0] > 0, name


def test_strategies_that_decide_bar_by_bar_run_one_by_one_and_it_is_told(demo: Archive) -> None:
    base = content([{"module": "tests.trading.by_hand:Orders"}])
    configs = [loaded(with_values(base, {"account.starting_cash": cash})) for cash in (1e4, 1e5)]
    judged = judge_trading(configs, demo, silent)
    assert "decides bar by bar" in judged.way
    assert judged.figures["final_equity"][0] != judged.figures["final_equity"][1]


def test_a_sweep_of_scanner_and_strategy_parameters_shows_configs_that_give_its_figures(
    demo: Archive, tmp_path: Path
) -> None:
    base, _ = SWEPT["stops and targets, flat at the close"]
    grid = {
        "scanners.gap_scanner.min_gap": [0.001, 0.003],
        "target_r": [0.5, 2.0],
        "costs.slippage_bps": [0, 2],
    }
    market = bs.open_archive(demo.path)
    swept = bs.sweep(base, archive=market, grid=grid, out=tmp_path / "sweep", on_progress=silent)
    assert len(swept.variants) == 8
    assert "over the signals of 2 scans" in swept.ways["trading"]
    daily = pl.read_parquet(tmp_path / "sweep" / "daily_returns.parquet")
    for number in (0, 3, 6):
        config = bs.variant_config(tmp_path / "sweep", number)
        held_against_run(
            config.model_dump(mode="json", exclude={"sweep"}),
            market,
            swept.variants.row(number, named=True),
            daily.filter(pl.col("number") == number)["return"].to_numpy(),
            tmp_path / "runs",
        )


def test_a_name_that_a_scanner_and_a_strategy_have_is_refused(demo: Archive) -> None:
    base, _ = SWEPT["stops and targets, flat at the close"]
    with pytest.raises(ConfigError, match="a parameter of a scanner and of a strategy"):
        bs.sweep(base, archive=demo.path, grid={"min_gap": [0.001, 0.003]}, on_progress=silent)
