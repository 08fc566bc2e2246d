"""Pure noise is told from an effect: 20 markets of shuffled days, and some in which a rise is followed by another."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.archive.archive import Archive
from tests.optimize.shuffled_market import shuffled

WHERE = "close > prev_close * (1 + {up}) and close < prev_close * (1 + {most})"
GRID = {"up": [-0.02, -0.01, 0.0, 0.01, 0.02], "most": [0.03, 0.05, 0.1]}


def test_of_noise_the_best_is_luck_in_19_of_20_sweeps(demo: Archive, tmp_path: Path) -> None:
    lucky = []
    for seed in range(20):
        market = shuffled(demo, tmp_path / f"noise{seed}", seed)
        found = market.optimize(WHERE, grid=GRID, ledger=None)
        assert found.luck is not None and found.luck.sharpe is not None
        lucky.append(found.luck.is_luck)
    assert sum(lucky) >= 19


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_planted_effect_is_no_luck(demo: Archive, tmp_path: Path, seed: int) -> None:
    market = shuffled(demo, tmp_path / "planted", seed, effect=0.02)
    found = market.optimize(WHERE, grid=GRID, ledger=tmp_path / "trials")
    assert found.luck is not None and not found.luck.is_luck
    assert found.luck.chance is not None and found.luck.chance < 0.05
    assert found.best["up"] == 0.02 and found.splits["out_of_sample"][0] > 0.0
    assert found.in_words()[0].startswith("more than luck")
