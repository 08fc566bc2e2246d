"""Bars for kernel tests, and how a kernel is called on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.indicators.indicator import Indicator

SLOTS = 5
CANDLE = ("open", "high", "low", "close")  # what patterns of candles read
SESSION_ROWS = 20
Floats = NDArray[np.float64]


def bars(rows: int, seed: int = 3) -> dict[str, Floats]:
    """Random bars: every column that an indicator may read, sessions of 20 rows of which 15 are regular."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, rows)))
    opened = np.concatenate([[100.0], close[:-1]])[:rows]
    row = np.arange(rows)
    return {
        "open": opened,
        "high": np.maximum(opened, close) * (1 + rng.uniform(0, 0.005, rows)),
        "low": np.minimum(opened, close) * (1 - rng.uniform(0, 0.005, rows)),
        "close": close,
        "volume": np.floor(rng.lognormal(6, 1, rows)),
        "session": 736_000.0 + row // SESSION_ROWS,
        "regular": ((row % SESSION_ROWS >= 2) & (row % SESSION_ROWS < 17)).astype(float),
        "minute": row % SESSION_ROWS - 2.0,
        "benchmark": 50.0
        * np.exp(np.cumsum(np.random.default_rng(seed + 1000).normal(0.0, 0.01, rows))),
        "session_volume": np.floor(rng.lognormal(8, 1, rows)),
        "slot": (row % SLOTS).astype(float),
    }


def inputs(indicator: Indicator, columns: dict[str, Floats]) -> tuple[Floats, ...]:
    """The indicator's inputs; where rows are ticks a session has as many as there are slots."""
    if indicator.rows == "ticks":
        columns = columns | {"session": 736_000.0 + np.arange(len(columns["slot"])) // SLOTS}
    return tuple(np.ascontiguousarray(columns[name]) for name in indicator.inputs)


def parameters(indicator: Indicator, params: tuple[Any, ...] | None = None) -> tuple[Any, ...]:
    """What the kernel takes for parameters."""
    chosen = indicator.defaults if params is None else params
    return (*chosen, SLOTS) if indicator.rows == "ticks" else chosen


def fresh_state(indicator: Indicator, params: tuple[Any, ...] | None = None) -> Floats:
    """A state before the first row."""
    return np.zeros(max(1, indicator.state_size(*parameters(indicator, params))))


def compute(
    indicator: Indicator,
    columns: dict[str, Floats],
    params: tuple[Any, ...] | None = None,
    step: int = 0,
) -> Floats:
    """float64[outputs, rows], in one call or in pieces of `step` rows."""
    arrays, state = inputs(indicator, columns), fresh_state(indicator, params)
    rows = len(arrays[0])
    out = np.full((len(indicator.outputs), rows), -1.0)
    for start in range(0, rows, step or max(1, rows)):
        piece = slice(start, start + (step or rows))
        cut = tuple(array[piece] for array in arrays), tuple(row[piece] for row in out)
        indicator.kernel.over_rows(cut[0], parameters(indicator, params), state, cut[1])
    return out
