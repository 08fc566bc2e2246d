"""Indicator keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import IndicatorError
from engine.indicators.catalogue import CATALOGUE
from engine.indicators.indicator import Indicator
from engine.indicators.key import IndicatorKey, parse_column

INTERVALS = ("1m", "5m", "15m", "30m", "1h", "1d")


@st.composite
def keys(draw: st.DrawFn) -> IndicatorKey:
    indicator: Indicator = draw(st.sampled_from(list(CATALOGUE.values())))
    params = {
        p.name: draw(
            st.integers(p.minimum, 200)
            if p.kind is int
            else st.floats(p.minimum, min(200.0, p.maximum)).map(lambda x: round(x, 3))
        )
        for p in indicator.params
    }
    return IndicatorKey.make(indicator.name, params, draw(st.sampled_from(INTERVALS)))


@given(keys())
def test_a_key_is_read_back_from_its_name(key: IndicatorKey) -> None:
    assert IndicatorKey.parse(key.name) == key
    for column in key.columns:
        assert parse_column(column) == (key, column)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sma_20_1d", "sma_20_1d"),
        ("rvol_20", "rvol_20_1m"),
        ("macd", "macd_12_26_9_1m"),
        ("volume_sma_10_1d", "volume_sma_10_1d"),
        ("rolling_max_20_60m", "rolling_max_20_1h"),
        ("bollinger_bands_20_2.5_5m", "bollinger_bands_20_2.5_5m"),
    ],
)
def test_short_forms(text: str, name: str) -> None:
    assert IndicatorKey.parse(text).name == name


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("smaa_20_1d", "did you mean 'sma'"),
        ("sma_x_1d", "a number"),
        ("sma_20_30_1d", "at most 1"),
        ("sma_0_1d", "from 1 to"),
        ("sma_20.5_1d", "whole number"),
        ("macd.sgnal", "did you mean 'signal'"),
        ("sma_20_1d.value", "a single one"),
        ("sma_20_99d", "unknown interval"),
    ],
)
def test_a_wrong_key_says_what_is_wrong(text: str, hint: str) -> None:
    with pytest.raises(IndicatorError, match=hint):
        IndicatorKey.parse(text)


def test_a_wrong_parameter_names_the_right_one() -> None:
    with pytest.raises(IndicatorError, match="did you mean 'period'"):
        IndicatorKey.make("sma", {"perid": 20})
