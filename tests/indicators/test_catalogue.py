"""Every indicator of the catalogue, so that nothing can be added untested."""

from __future__ import annotations

import numpy as np
import pytest

from engine.indicators.catalogue import CATALOGUE
from engine.indicators.indicator import Indicator
from tests.indicators.oracles import CUMULATIVE, ORACLES, PARAMS, PRICE_DEGREE
from tests.indicators.series import (
    SESSION_ROWS,
    SLOTS,
    bars,
    compute,
    fresh_state,
    inputs,
    parameters,
)

ROWS = 600
STEPS = (1, 2, 3, 4, 5, 7, 13, 100)
EVERY = pytest.mark.parametrize("indicator", CATALOGUE.values(), ids=list(CATALOGUE))
CASES = [(i, p) for i in CATALOGUE.values() for p in [i.defaults, *PARAMS.get(i.name, [])]]
EVERY_CASE = pytest.mark.parametrize(
    ("indicator", "params"), CASES, ids=lambda v: getattr(v, "name", str(v))
)


def test_nothing_is_catalogued_without_an_oracle() -> None:
    own = {
        name
        for name, indicator in CATALOGUE.items()
        if indicator.kernel.py_func.__module__.startswith("engine.")
    }
    assert (
        set(ORACLES) == own == set(PRICE_DEGREE)
    )  # tests of plug-ins may have registered others meanwhile


@EVERY_CASE
def test_equals_its_oracle(indicator: Indicator, params: tuple[float, ...]) -> None:
    columns = bars(ROWS)
    expected = ORACLES[indicator.name](columns, *params)
    found = compute(indicator, columns, params)
    for output, values in zip(
        found, expected if isinstance(expected, list) else [expected], strict=True
    ):
        assert np.array_equal(np.isnan(output), np.isnan(values))
        np.testing.assert_allclose(output, values, rtol=1e-9, atol=1e-9 * np.nanmax(np.abs(values)))


@EVERY
@pytest.mark.parametrize("step", STEPS)
def test_pieces_equal_the_whole_bit_for_bit(indicator: Indicator, step: int) -> None:
    columns = bars(ROWS)
    assert np.array_equal(
        compute(indicator, columns), compute(indicator, columns, step=step), equal_nan=True
    )


@EVERY
def test_what_is_known_does_not_change_when_the_future_does(indicator: Indicator) -> None:
    columns, cut = bars(ROWS), 333
    changed = {name: np.where(np.arange(ROWS) < cut, v, v[::-1] * 3) for name, v in columns.items()}
    changed |= {name: columns[name] for name in ("session", "slot", "regular", "minute")}
    whole, prefix = (
        compute(indicator, columns),
        compute(indicator, {n: v[:cut] for n, v in columns.items()}),
    )
    assert np.array_equal(whole[:, :cut], prefix, equal_nan=True)
    assert np.array_equal(compute(indicator, changed)[:, :cut], prefix, equal_nan=True)


@EVERY_CASE
def test_the_first_value_comes_after_the_declared_warm_up(
    indicator: Indicator, params: tuple[float, ...]
) -> None:
    columns = bars(ROWS) | {
        "regular": np.ones(ROWS),
        "minute": np.arange(ROWS) % SESSION_ROWS - (indicator.name == "premarket"),
    }
    first = np.flatnonzero(~np.isnan(compute(indicator, columns, params)).any(axis=0))[0]
    sessions = indicator.session_window(*params)
    if sessions:
        assert first // (SLOTS if indicator.rows == "ticks" else SESSION_ROWS) == sessions
    else:
        assert first == indicator.warmup(*params) - 1


@EVERY
def test_too_short_and_empty_inputs_have_no_value(indicator: Indicator) -> None:
    assert compute(indicator, bars(0)).shape == (len(indicator.outputs), 0)
    warmup = indicator.warmup(*indicator.defaults)
    if warmup > 1:
        assert np.isnan(compute(indicator, bars(warmup - 1))).any(axis=0).all()


@EVERY
def test_a_bad_row_does_not_poison_what_comes_after(indicator: Indicator) -> None:
    recovered = 151 + max(indicator.settle(*indicator.defaults), 120)
    columns = bars(recovered + 100)
    broken = {name: values.copy() for name, values in columns.items()}
    for name in ("open", "high", "low", "close", "volume", "session_volume"):
        broken[name][150] = np.nan
    clean, hurt = compute(indicator, columns), compute(indicator, broken)
    assert np.isnan(hurt[:, 150]).all()
    if indicator.name in CUMULATIVE:
        clean, hurt = np.diff(clean, axis=1), np.diff(hurt, axis=1)
    assert not np.isnan(hurt[0, recovered:]).all()
    assert np.array_equal(np.isnan(hurt[:, recovered:]), np.isnan(clean[:, recovered:]))


@EVERY
def test_what_was_before_is_forgotten_after_settle_rows(indicator: Indicator) -> None:
    settle = indicator.settle(*indicator.defaults) * (SLOTS if indicator.rows == "ticks" else 1)
    settle += indicator.session_window(*indicator.defaults) * SESSION_ROWS
    tail = bars(settle + 50, seed=9)
    histories = [bars(100, seed=s) for s in (1, 2)]
    scale = {
        "open": 3.0,
        "high": 3.0,
        "low": 3.0,
        "close": 3.0,
        "volume": 50.0,
        "session_volume": 50.0,
    }
    histories[1] = {name: values * scale.get(name, 1.0) for name, values in histories[1].items()}
    ends = [
        compute(
            indicator,
            {
                n: np.concatenate([h[n], tail[n] + (1000.0 if n == "session" else 0.0)])
                for n in tail
            },
        )
        for h in histories
    ]
    after = 100 + settle
    if indicator.name in CUMULATIVE:
        ends = [np.diff(end, axis=1) for end in ends]
    np.testing.assert_allclose(
        ends[0][:, after:], ends[1][:, after:], rtol=1e-7, atol=1e-8 * np.nanmax(np.abs(ends[0]))
    )


@EVERY_CASE
@pytest.mark.parametrize("holes", [False, True])
def test_a_window_is_an_exact_function_of_its_rows(
    indicator: Indicator, params: tuple[float, ...], holes: bool
) -> None:
    window, columns = indicator.window(*params), bars(ROWS)
    if not window:
        return  # its module has `settle` instead
    if holes:
        columns = {
            name: np.where(np.arange(ROWS) % 97 == len(name), np.nan, values)
            for name, values in columns.items()
        }
    whole = compute(indicator, columns, params)
    for start in range(0, ROWS - window, 41):
        late = compute(
            indicator, {name: values[start:] for name, values in columns.items()}, params
        )
        assert np.array_equal(late[:, window - 1 :], whole[:, start + window - 1 :], equal_nan=True)


def test_most_indicators_are_windows() -> None:
    windows = {
        name for name, indicator in CATALOGUE.items() if indicator.window(*indicator.defaults)
    }
    assert {"sma", "stddev", "williams_r", "roc", "engulfing"} <= windows
    assert windows.isdisjoint(
        {"ema", "rsi", "atr", "obv", "wma", "consecutive_bars", "vwap", "rvol", "opening_range"}
    )


@EVERY
def test_prices_in_another_scale_scale_the_outputs(indicator: Indicator) -> None:
    columns = bars(ROWS)
    scaled = {
        n: v * 4.0 if n in ("open", "high", "low", "close") else v for n, v in columns.items()
    }
    scaled |= {n: columns[n] / 4.0 for n in ("volume", "session_volume")}
    before, after = compute(indicator, columns), compute(indicator, scaled)
    for degree, old, new in zip(PRICE_DEGREE[indicator.name], before, after, strict=True):
        np.testing.assert_allclose(new, old * 4.0**degree, rtol=1e-12)


@EVERY
def test_over_symbols_equals_one_by_one_and_symbols_never_leak(indicator: Indicator) -> None:
    lengths = (300, 0, 1, 40, 200)
    series = [bars(length, seed=i) for i, length in enumerate(lengths)]
    ends = np.cumsum(lengths).astype(np.int64)
    starts = ends - np.array(lengths)
    arrays = [inputs(indicator, one) for one in series]
    together = tuple(
        np.concatenate([one[k] for one in arrays]) for k in range(len(indicator.inputs))
    )
    states = np.zeros((5, len(fresh_state(indicator))))
    rows = np.stack(
        [np.minimum(starts - 1 + np.array(lengths) * q // 4, ends - 1) for q in range(5)], axis=1
    )
    carried = np.full((len(indicator.outputs), 5), -7.0)
    outs = tuple(np.zeros((5, 5)) for _ in indicator.outputs)
    scratch = tuple(np.empty(300) for _ in indicator.outputs)
    indicator.kernel.over_symbols(
        0, 5, starts, ends, together, parameters(indicator), states, rows, scratch, carried, outs
    )
    for symbol, one in enumerate(series):
        alone = compute(indicator, one)
        for output in range(len(indicator.outputs)):
            for tick in range(5):
                row = rows[symbol, tick] - starts[symbol]
                expected = alone[output, row] if row >= 0 else -7.0
                assert np.array_equal(outs[output][tick, symbol], expected, equal_nan=True)


@EVERY
def test_its_docstring_answers_the_odd_cases(indicator: Indicator) -> None:
    doc = indicator.doc
    assert "NaN" in doc
    assert "Flat" in doc or indicator.name == "rvol"
    assert "short" in doc or "NaN." in doc
