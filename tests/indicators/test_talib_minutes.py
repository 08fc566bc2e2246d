"""All of TA-Lib's indicators on the minutes of the real data, symbol by symbol over its 44 sessions, default parameters.

`make test` has every eighth symbol, 600,000 rows; `make fuzz` has each of 4.8 million. What TA-Lib answers otherwise on purpose
(an RSI of 0 and a Williams %R of 0 where nothing moved, which are 50 and no value here) does not occur in them.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import settings

from bench.kernels import TALIB
from engine.indicators.catalogue import CATALOGUE
from tests.data import real_data
from tests.indicators.series import Floats, compute

EVERY_NTH = 1 if settings.get_current_profile_name() == "nightly" else 8
CLOSE_ENOUGH = 1e-9  # of the symbol's largest value: TA-Lib's running sums have lost some bits by the end of its 17,000 rows


@pytest.fixture(scope="module")
def symbols() -> list[dict[str, Floats]]:
    """Columns of each symbol; its benchmark is the symbol before it, bar by bar."""
    frame = pl.read_parquet(real_data("us_1min_2018.parquet")).sort("symbol", "timestamp")
    assert frame.height == 4_793_323
    columns = {
        name: frame[name].cast(pl.Float64).to_numpy()
        for name in ("open", "high", "low", "close", "volume")
    }
    cuts = [
        0,
        *np.cumsum(frame.group_by("symbol", maintain_order=True).len()["len"].to_numpy()).tolist(),
    ]
    made = [
        {name: np.ascontiguousarray(v[a:b]) for name, v in columns.items()}
        for a, b in pairwise(cuts)
    ]
    for number, one in enumerate(made):
        one["benchmark"] = np.resize(made[number - 1]["close"], len(one["close"]))
    return made[::EVERY_NTH]


@pytest.mark.parametrize("name", TALIB)
def test_every_minute_equals_talibs(name: str, symbols: list[dict[str, Floats]]) -> None:
    indicator = CATALOGUE[name]
    for number, columns in enumerate(symbols):
        answers = TALIB[name](columns)
        found = compute(indicator, columns)
        for output, answer in zip(
            found, answers if isinstance(answers, list | tuple) else [answers], strict=False
        ):
            expected = np.concatenate(
                [np.full(len(output) - len(answer), np.nan), answer.astype(float)]
            )
            if indicator.group == "candles":
                expected[: indicator.warmup()] = output[
                    : indicator.warmup()
                ]  # TA-Lib says 0 where it has too few rows
                assert np.array_equal(output, expected, equal_nan=True), number
                continue
            if name in (
                "beta",
                "correlation",
            ):  # no value where a side is flat, for which TA-Lib says 0
                expected[np.isnan(output)] = np.nan
            assert np.array_equal(np.isnan(output), np.isnan(expected)), number
            apart, scale = np.nanmax(np.abs(output - expected)), np.nanmax(np.abs(expected))
            assert apart <= CLOSE_ENOUGH * scale, (
                number,
                np.nanargmax(np.abs(output - expected)),
                apart,
                scale,
            )
