"""As-of rows against a search bar by bar, for ticks on a grid and off it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compute.latest_rows import MOST_PLACES, latest_rows

STEPS = st.sampled_from([1, 7, 60_000_000, 300_000_000, 86_400_000_000])


@settings(max_examples=300, deadline=None)
@given(
    step=STEPS,
    ticks=st.lists(st.integers(0, 3 * MOST_PLACES), min_size=1, max_size=40, unique=True),
    symbols=st.lists(
        st.lists(st.integers(-20, 3 * MOST_PLACES + 20), unique=True, max_size=30),
        min_size=1,
        max_size=5,
    ),
    near=st.sampled_from([-1, 0, 1]),
    lag=st.sampled_from([0, 1, 60_000_000]),
)
def test_every_tick_sees_the_last_bar_that_is_known(
    step: int, ticks: list[int], symbols: list[list[int]], near: int, lag: int
) -> None:
    """Bars become known at ticks to the microsecond, one before, and one after."""
    at = 1_510_000_000_000_000 + np.sort(np.array(ticks, np.int64)) * step
    known_at = [
        1_510_000_000_000_000 + np.sort(np.array(bars, np.int64)) * step - lag + near
        for bars in symbols
    ]
    ends = np.cumsum([len(bars) for bars in known_at])
    starts = ends - [len(bars) for bars in known_at]
    rows = np.empty((len(symbols), len(at)), np.int64)
    latest_rows(
        0, len(symbols), starts, ends, np.concatenate(known_at).astype(np.int64), lag, at, rows
    )
    for symbol, bars in enumerate(known_at):
        assert (
            rows[symbol] == starts[symbol] + np.searchsorted(bars + lag, at, side="right") - 1
        ).all()
