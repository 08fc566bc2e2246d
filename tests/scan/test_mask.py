"""Boolean columns as arrays."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from engine.scan.clause_evaluation import mask_of


@given(st.lists(st.booleans(), max_size=70), st.integers(0, 9))
def test_a_mask_is_the_column(values: list[bool], offset: int) -> None:
    assert mask_of(pl.Series(values, dtype=pl.Boolean)[offset:]).tolist() == values[offset:]
