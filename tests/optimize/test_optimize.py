"""What is chosen, where it is judged, and what is kept of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import barsweep as bs
from barsweep import Market, Optimization
from engine.archive.archive import Archive
from engine.errors import ConfigError
from tests.statistics.oracles import oracle

WHERE = "close > prev_close * (1 + {up}) and rsi_14_5m > {rsi}"
GRID = {"up": [0.0, 0.01, 0.02], "rsi": [50, 60]}
OPTIONS: dict[str, Any] = {"grid": GRID, "schedule": "10:00-15:00/60m", "ledger": None}


@pytest.fixture(scope="module")
def market(demo: Archive) -> Market:
    return bs.open_archive(demo.path)


def swept_alone(market: Market, figure: str, first: Any, last: Any) -> pl.Series:
    """A figure of all variants by a sweep of these sessions alone."""
    options = {name: value for name, value in OPTIONS.items() if name != "ledger"}
    swept = bs.sweep(WHERE, archive=market, start=str(first), end=str(last), **options)
    return swept.variants[figure]


@pytest.mark.parametrize(
    "objective",
    ["excess_close", "mean_m30", "win_rate_m60", "t_close", "hits", "count_day5", "hits_a_session"],
)
def test_the_choice_is_that_of_a_sweep_of_the_same_sessions(market: Market, objective: str) -> None:
    found = market.optimize(WHERE, objective=objective, **OPTIONS)
    split = found.splits.row(0, named=True)
    inside = swept_alone(market, objective, split["train_first"], split["train_last"])
    outside = swept_alone(market, objective, split["test_first"], split["test_last"])
    np.testing.assert_allclose(
        found.variants[objective].cast(pl.Float64).to_numpy(),
        inside.cast(pl.Float64).to_numpy(),
        rtol=1e-9,
    )
    assert split["variant"] == found.variant == inside.arg_max()
    assert split["in_sample"] == found.figure == pytest.approx(inside.max())
    if outside[found.variant] is None:
        assert split["out_of_sample"] is None
    else:
        assert split["out_of_sample"] == pytest.approx(outside[found.variant])


def test_the_smallest_where_that_is_asked_for(market: Market) -> None:
    found = market.optimize(WHERE, objective="excess_close", minimize=True, **OPTIONS)
    assert found.figure == found.variants["excess_close"].min()


@pytest.mark.parametrize(
    ("validate", "options", "splits", "paths"),
    [
        ("split", {"share": 0.25}, 1, 1),
        ("rolling", {"train": 20, "test": 10}, 3, 1),
        ("anchored", {"train": 20, "test": 10}, 3, 1),
        ("folds", {"folds": 5, "embargo": 1}, 5, 1),
        ("combinatorial", {"folds": 5, "test_folds": 2}, 10, 4),
    ],
)
def test_out_of_sample_sessions_are_stitched(
    market: Market, demo: Archive, validate: str, options: dict[str, Any], splits: int, paths: int
) -> None:
    """Each path has each session that judges once, in order, with the return of its split's choice and its hits."""
    found = market.optimize(WHERE, validate=validate, objective="mean_close", **OPTIONS, **options)
    days, chosen = demo.sessions(), dict(found.splits.select("split", "variant").iter_rows())
    assert len(found.splits) == splits and found.out_of_sample["path"].n_unique() == paths
    judged = (
        days
        if validate in ("folds", "combinatorial")
        else days[-found.out_of_sample["session"].n_unique() :]
    )
    for _, path in found.out_of_sample.group_by("path"):
        assert path["session"].to_list() == judged
        assert path["variant"].to_list() == [chosen[split] for split in path["split"]]
        np.testing.assert_allclose(
            path["equity"].to_numpy(), np.cumprod(1 + path["return"].to_numpy())
        )
    assert found.hits is not None
    counted = found.hits.group_by("split", "variant").len().select("split", "variant")
    assert {(s, v) for s, v in counted.iter_rows()} <= set(chosen.items())
    returns = found.out_of_sample.filter(pl.col("return") != 0)
    hits = found.hits.select("split", "session").unique()
    assert len(returns.join(hits, on=["split", "session"], how="anti")) == 0


@pytest.mark.parametrize("validate", ["split", "rolling", "folds", "combinatorial"])
def test_labels_of_five_sessions_are_purged(market: Market, demo: Archive, validate: str) -> None:
    """The last session that chooses is so far before each test that its label exits before it."""
    found = market.optimize(
        WHERE,
        validate=validate,
        objective="mean_day5",
        folds=4,
        test_folds=1,
        train=20,
        test=15,
        **OPTIONS,
    )
    days = demo.sessions()
    for split in found.splits.iter_rows(named=True):
        if split["train_last"] < split["test_first"]:
            assert days.index(split["test_first"]) - days.index(split["train_last"]) == 6
        elif split["train_first"] > split["test_last"]:
            assert days.index(split["train_first"]) - days.index(split["test_last"]) == 6
    assert found.luck is not None and found.luck.independent == found.luck.sessions // 6


def test_halving_stops_what_is_worse_and_counts_it(market: Market, tmp_path: Path) -> None:
    options = {**OPTIONS, "ledger": tmp_path / "trials"}
    found = market.optimize(WHERE, search="halving", objective="hits", share=0.1, **options)
    everyone = market.optimize(WHERE, objective="hits", share=0.1, **OPTIONS)
    assert found.best == everyone.best  # more hits in a month is more hits in three here
    assert found.variants["stopped"].sum() == 3 and len(found.variants) == 6
    assert found.found.trials.count == 6


def test_optuna_suggests_variants_of_the_grid(market: Market) -> None:
    oracle("optuna")
    found = market.optimize(WHERE, search="optuna", trials=20, objective="hits", **OPTIONS)
    again = market.optimize(WHERE, search="optuna", trials=20, objective="hits", **OPTIONS)
    everyone = market.optimize(WHERE, objective="hits", **OPTIONS)
    assert found.best == everyone.best and found.variants.equals(again.variants)


def test_every_trial_counts_once_whenever_it_was_made(market: Market, tmp_path: Path) -> None:
    def tried(**changed: Any) -> Optimization:
        return market.optimize(WHERE, **{**OPTIONS, "ledger": tmp_path / "trials", **changed})

    assert tried().found.trials.count == 6
    assert tried(objective="t_close", start="2017-11-10").found.trials.count == 6
    more = tried(grid={"up": [0.03, 0.0], "rsi": [60, 50]})
    assert more.found.trials.count == 8
    assert more.luck is not None and more.luck.trials == 8 and more.luck.variants == 4
    assert "4 of them in other sweeps or stopped" in more.in_words()[1]
    assert len([*(tmp_path / "trials").glob("*.parquet")]) == 3


def test_a_ledger_that_cannot_be_read_is_named(market: Market, tmp_path: Path) -> None:
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials/x.parquet").write_text("no parquet")
    with pytest.raises(bs.BarsweepError, match=r"x\.parquet"):
        market.optimize(WHERE, **{**OPTIONS, "ledger": tmp_path / "trials"})


def test_what_is_written(market: Market, tmp_path: Path) -> None:
    found = market.optimize(WHERE, out=tmp_path / "out", **OPTIONS)
    for name, table in (
        ("splits", found.splits),
        ("out_of_sample", found.out_of_sample),
        ("variants", found.variants),
        ("out_of_sample_hits", found.hits),
    ):
        assert pl.read_parquet(tmp_path / f"out/{name}.parquet").equals(table)
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["best"]["parameters"] == found.best
    assert manifest["luck"]["sentences"] == found.in_words()
    assert manifest["config"] == found.config().model_dump(mode="json")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"objective": "excess_clse"}, "did you mean 'excess_close'"),
        ({"objective": "win_rate_mfe"}, "no objective"),
        ({"objective": "symbols"}, "no objective"),
        ({"objective": "sharpe_ratio"}, "without strategies"),
        ({"validate": "rollin"}, "did you mean 'rolling'"),
        ({"search": "annealing"}, "search annealing"),
        ({"share": 1.5}, "1.5 of the sessions"),
        ({"validate": "rolling", "train": 400}, "400 sessions to train on"),
        ({"validate": "folds", "folds": 2, "embargo": 60, "objective": "mean_day5"}, "leave none"),
        ({"objective": "t_close", "share": 0.9}, "no variant has t_close"),
    ],
)
def test_what_cannot_be_is_refused(market: Market, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        market.optimize(WHERE, **OPTIONS, **options)


def test_strategies_are_optimized_by_their_daily_returns(demo: Archive, tmp_path: Path) -> None:
    """In sample each variant's figure is that of its run of these sessions alone."""
    config = {
        "mode": "backtest",
        "backtest_config": {"start_date": "2017-11-20", "end_date": "2017-12-20"},
        "session_data_config": {"symbols": ["AAPL", "KO", "MSFT"]},
        "strategies": [{"module": "engine.strategies.opening_range_breakout"}],
    }
    grid = {"strategies.0.config.minutes": [5, 15]}
    found = bs.optimize(
        config,
        archive=demo.path,
        grid=grid,
        objective="cum_returns_final",
        ledger=tmp_path / "trials",
    )
    split = found.splits.row(0, named=True)
    best = found.config()
    for key, first, last in (
        ("in_sample", split["train_first"], split["train_last"]),
        ("out_of_sample", split["test_first"], split["test_last"]),
    ):
        span = best.backtest_config.model_copy(update={"start_date": first, "end_date": last})
        run = bs.run(
            best.model_copy(update={"backtest_config": span}), archive=demo.path, out=tmp_path / key
        )
        assert split[key] == pytest.approx(run.metrics["cum_returns_final"])
    assert found.out_of_sample["equity"][-1] == pytest.approx(1 + split["out_of_sample"])
    assert found.luck is not None and found.hits is None


def test_a_sweep_says_how_much_of_its_best_figure_is_luck(market: Market, tmp_path: Path) -> None:
    options = {name: value for name, value in OPTIONS.items() if name != "ledger"}
    swept = bs.sweep(WHERE, archive=market, out=tmp_path / "out", **options)
    best = int(swept.variants["t_close"].arg_max() or 0)
    told = json.loads((tmp_path / "out/manifest.json").read_text())["luck"]["t_close"]
    assert told["best"] == best and told["trials"] == 6 and 0.0 <= told["chance"] <= 1.0
    assert "of 6 variants of pure noise" in swept.in_words()[1]
