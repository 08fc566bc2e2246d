"""A user's own indicator is a full citizen."""

from __future__ import annotations

from types import FunctionType

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.errors import IndicatorError
from engine.indicators.catalogue import CATALOGUE
from engine.indicators.key import IndicatorKey
from engine.indicators.register import register
from tests.running import config, hits


@pytest.fixture(autouse=True)
def catalogue_as_it_was():
    before = set(CATALOGUE)
    yield
    for name in set(CATALOGUE) - before:
        CATALOGUE.remove(name)


def test_it_runs_in_a_scan_by_its_key(demo: Archive) -> None:
    scanner = {
        "module": "tests.indicators.own_indicator_scanner",
        "config": {"universe": ["AAPL"]},
        "regular_session": [{"start": "10:00", "end": "15:00", "interval": "1h"}],
    }
    found = hits(config([scanner], start="2017-11-01", end="2017-11-02"), demo)
    bars = pl.concat(
        [demo.read_session(day, ["symbol", "timestamp"]) for day in demo.sessions()[:2]]
    )
    session = {
        day.date: day for day in demo.calendar.sessions(demo.sessions()[0], demo.sessions()[1])
    }
    own = bars.filter(pl.col("symbol") == "AAPL")["timestamp"].dt.epoch("us")
    regular = [t for t in own if any(s.open <= t < s.close for s in session.values())]
    for tick, seen in found.select(pl.col("tick").dt.epoch("us"), "seen").iter_rows():
        buckets = {
            t // 300_000_000 for t in regular if (t // 300_000_000 + 1) * 300_000_000 <= tick
        }
        assert seen == len(buckets)
    assert len(found) == 12


def test_its_key_reads_like_any_other() -> None:
    import importlib

    import tests.indicators.own_indicator_scanner as module

    importlib.reload(module)
    assert IndicatorKey.parse("bars_since_start_7_1d").params == (7,)


@pytest.mark.parametrize(
    "name", ["sma", "ema", "macd", "rvol", "opening_range", "vwap", "gap_percent"]
)
def test_it_can_do_all_that_a_built_in_can(name: str, demo: Archive) -> None:
    """A built-in's kernel, registered by a user with what stands beside it, gives the built-in's values."""
    own, function = CATALOGUE[name], CATALOGUE[name].kernel.py_func
    copied = FunctionType(function.__code__, function.__globals__, f"own_{name}")
    copied.__module__, copied.__doc__ = __name__, function.__doc__
    register(
        inputs=own.inputs,
        params=own.params,
        outputs=own.outputs,
        state_size=own.state_size,
        warmup=own.warmup,
        settle=own.settle,
        window=own.window if own.window(*own.defaults) else None,
        session_window=own.session_window,
        known_after=own.known_after,
        rows=own.rows,
        of_session=own.of_session,
    )(copied)
    keys = [IndicatorKey.make(one, {}, "1m") for one in (name, f"own_{name}")]
    features = {
        f"{prefix}_{n}": column
        for prefix, key in zip("ab", keys, strict=True)
        for n, column in enumerate(key.columns)
    }
    scanner = {
        "module": "scanners.criteria_scanner",
        "config": {"criteria": {"up": "close > prev_close"}, "features": features},
        "regular_session": [{"start": "09:35", "end": "15:55", "interval": "20m"}],
    }
    found = hits(config([scanner], start="2017-12-18", end="2017-12-22"), demo)
    assert len(found) > 100
    for n in range(len(own.outputs)):
        assert found[f"a_{n}"].equals(found[f"b_{n}"], null_equal=True) and found[
            f"a_{n}"
        ].null_count() < len(found)


def test_rows_that_there_are_not_are_refused() -> None:
    with pytest.raises(IndicatorError, match="rows = 'days'"):
        register(inputs=("close",), state_size=lambda: 1, warmup=lambda: 1, rows="days")
    with pytest.raises(IndicatorError, match="unknown input 'close'"):
        register(inputs=("close",), state_size=lambda: 1, warmup=lambda: 1, rows="ticks")(
            lambda: None
        )


def test_a_taken_name_and_an_unknown_input_are_refused() -> None:
    def sma(close, state, out):
        pass

    with pytest.raises(IndicatorError, match="'sma' is taken"):
        register(inputs=("close",), state_size=lambda: 1, warmup=lambda: 1)(sma)
    with pytest.raises(IndicatorError, match="unknown input 'price'"):
        register(inputs=("price",), state_size=lambda: 1, warmup=lambda: 1)(sma)
