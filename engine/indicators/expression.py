"""The catalogue on any Polars frame, in a notebook.

    frame.with_columns(indicator("rsi", period=14).over("symbol"))
    frame.with_columns(indicator("macd").over("symbol")).unnest("macd_12_26_9")

The frame's rows are bars in order of time, for each group of `.over`; a null counts as NaN, and
what is not warm is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from engine.errors import IndicatorError
from engine.indicators.indicator import Indicator
from engine.indicators.key import IndicatorKey


def indicator(name: str, inputs: Sequence[str | pl.Expr] | None = None, **params: Any) -> pl.Expr:
    """The indicator's values as an expression, computed in one call a group.

    inputs  columns or expressions instead of the indicator's own (`open`, `high`, `low`, `close`,
            `volume`)
    params  the indicator's parameters; the others take their defaults

    Several outputs come as a struct. Raises IndicatorError for an unknown name or parameter, a
    wrong number of inputs, and for what has a value at every tick of a run rather than at every bar
    (rvol).
    """
    key = IndicatorKey.make(name, params)
    kind = key.indicator
    if kind.rows != "bars":
        raise IndicatorError(
            f"{name} has no value a bar",
            expected="an indicator over bars",
            fix="use it in a scanner",
        )
    columns = kind.inputs if inputs is None else tuple(inputs)
    if len(columns) != len(kind.inputs):
        raise IndicatorError(
            f"{len(columns)} inputs", where=f"indicator {name}", expected=", ".join(kind.inputs)
        )
    dtype = (
        pl.Float64()
        if len(kind.outputs) == 1
        else pl.Struct(dict.fromkeys(kind.outputs, pl.Float64()))
    )
    arrays = [
        (pl.col(column) if isinstance(column, str) else column).cast(pl.Float64)
        for column in columns
    ]
    label = key.name.removesuffix(f"_{key.interval.name}")
    return pl.map_batches(
        arrays, lambda series: _compute(kind, key.params, series), return_dtype=dtype
    ).alias(label)


def _compute(
    kind: Indicator, params: tuple[int | float, ...], series: Sequence[pl.Series]
) -> pl.Series:
    inputs = [np.ascontiguousarray(one.fill_null(float("nan")).to_numpy()) for one in series]
    state = np.zeros(max(1, kind.state_size(*params)))
    outs = [np.empty(len(inputs[0])) for _ in kind.outputs]
    kind.kernel.over_rows(tuple(inputs), params, state, tuple(outs))
    columns = [
        pl.Series(name, values, nan_to_null=True)
        for name, values in zip(kind.outputs, outs, strict=True)
    ]
    return columns[0] if len(columns) == 1 else pl.DataFrame(columns).to_struct()
