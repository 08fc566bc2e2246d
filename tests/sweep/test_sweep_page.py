"""sweep.html in a browser: it draws without errors, tooltips name a variant's parameters, and it stays small."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

pytest.importorskip("plotly")
from plotly.offline import get_plotlyjs

from engine.sweep.axes import Axis, axes_of
from engine.sweep.run_sweep import Sweep, SweepResult
from engine.sweep.strategy_variants import TradingFigures
from engine.sweep.sweep_data import SweepData, around
from engine.sweep.sweep_page import sweep_page
from engine.sweep.template import Template
from engine.sweep.variants import Variants, grid_of, listed
from tests.sweep.browser import opened

CHARTS = {"heat", "line", "parallel", "stability", "equity"}
NAME = "strategies.<b>gap</b>.target_r"  # a name is shown as it is
DAYS = [dt.date(2018, 3, day) for day in range(1, 21)]


def result(axes: tuple[Axis, ...], seed: int = 0) -> SweepResult:
    """A sweep of a whole grid with figures drawn by chance, some of them not defined."""
    variants, rng = grid_of(axes), np.random.default_rng(seed)
    count = len(variants)
    returns = rng.normal(0, 0.01, (min(count, 2000), len(DAYS)))
    values = rng.normal(0, 1, count)
    values[:: max(2, count // 7)] = np.nan
    figures = pl.DataFrame(
        {"hits": rng.integers(0, 900, count), "sharpe_ratio": pl.Series(values, nan_to_null=True)}
    )
    trading = TradingFigures(figures, returns, DAYS, "together") if count <= 2000 else None
    sweep = Sweep(Template({}, Path(), {}, {}), variants)
    return SweepResult(sweep, figures, {"gap": "as boxes of a grid"}, 1.0, count, trading=trading)


def written(folder: Path, made: SweepResult) -> Path:
    page = folder / "sweep.html"
    page.write_text(sweep_page(made), encoding="utf-8")
    return page


def test_it_draws_and_its_tooltips_name_the_parameters_of_a_variant(tmp_path: Path) -> None:
    axes = axes_of({NAME: [0.5, 1.0, 2.0], "size": [1, 2], "sides": ["both", "long"]})
    steps = """document.getElementById('heat_across').value='2';
document.getElementById('heat_across').dispatchEvent(new Event('change'));
found.across=document.getElementById('heat').layout.xaxis.title.text;
found.selects=[...document.querySelectorAll('#heat_controls select')].length;"""
    found = opened(written(tmp_path, result(axes)), steps)
    assert found["wrong"] == []
    assert set(found["charts"]) == CHARTS
    assert all(chart["traces"] and chart["svg"] for chart in found["charts"].values())
    for chart in CHARTS - {"line"}:
        told = found["hover"][chart]
        assert "variant " in told and f"{NAME}=" in told and "size=" in told and "sides=" in told
    assert f"{NAME}=" in found["hover"]["line"]
    assert found["across"] == "sides"
    assert found["selects"] == 5  # two parameters, figure, best or mean, and the one that is left


@pytest.mark.parametrize(
    "grid", [{"size": [1]}, {"size": [1, 2, 3]}, {"sides": ["a", "b"], "x": [1]}]
)
def test_sweeps_of_one_parameter_or_of_one_value_are_drawn(grid: Any, tmp_path: Path) -> None:
    found = opened(written(tmp_path, result(axes_of(grid))))
    assert found["wrong"] == []
    assert found["charts"]["heat"]["svg"] and found["charts"]["parallel"]["svg"]


def test_of_a_million_variants_sums_are_sent_and_it_is_told(tmp_path: Path) -> None:
    axes = axes_of({"a": "1:100:1", "b": "1:100:1", "c": "1:100:1"})
    page = written(tmp_path, result(axes))
    text = page.read_text(encoding="utf-8")
    assert "Of 1,000,000 variants the page holds means and best values" in text
    assert len(text) - len(get_plotlyjs()) < 6_000_000
    found = opened(page)
    assert found["wrong"] == []
    assert "a=1" in found["hover"]["heat"] and "the best is variant" in found["hover"]["heat"]


def test_sums_are_those_of_the_variants() -> None:
    axes = axes_of({"a": "1:30:1", "b": "1:30:1", "c": "1:30:1"})
    made = result(axes)
    content = SweepData.of(made.sweep.variants, made.figures).content()
    frame = made.variants.with_columns(pl.col("sharpe_ratio").round_sig_figs(6))
    cell = frame.filter(pl.col("a") == 3, pl.col("c") == 7)
    pair = content["pairs"]["0,2"]["sharpe_ratio"]
    assert pair["best"][2 * 30 + 6] == cell["sharpe_ratio"].max()
    assert frame["sharpe_ratio"][pair["number"][2 * 30 + 6]] == cell["sharpe_ratio"].max()
    mean = frame.filter(pl.col("b") == 5)["sharpe_ratio"].mean()
    assert content["lines"][1]["sharpe_ratio"]["mean"][4] == pytest.approx(mean, rel=1e-4)


def test_neighbours_are_one_step_away_on_one_axis() -> None:
    axes = axes_of({"a": [1, 2, 3], "b": [1.0, 2.0], "c": ["x", "y"]})
    rows = [
        dict(zip("abc", values, strict=True))
        for values in itertools.product((1, 2, 3), (1.0, 2.0), "xy")
    ]
    some = [row for number, row in enumerate(rows) if number not in (4, 9)]
    rng = np.random.default_rng(1)
    rng.shuffle(some)
    variants: Variants = listed(axes, some)
    values = rng.normal(size=len(some))
    values[2] = np.nan
    expected = []
    for row in some:
        near = [
            values[number]
            for number, other in enumerate(some)
            if other["c"] == row["c"]
            and abs(other["a"] - row["a"]) + abs(other["b"] - row["b"]) == 1
            and not np.isnan(values[number])
        ]
        expected.append(np.mean(near) if near else np.nan)
    np.testing.assert_allclose(around(variants, values), expected)
