"""Which bars are fit, against the rules written out in Python, over every combination of what can be wrong."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from engine.archive.vendor_files.validate import CROSSED, drop_copies, reason, split_conflicts

TYPES = {
    "symbol": pl.String,
    "timestamp": pl.Datetime("us"),
    **dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64),
}
NOON = dt.datetime(2018, 3, 12, 12)
PRICES = (None, math.nan, math.inf, -1.0, 0.0, 1.0, 2.0, 2.5)
Bar = tuple[Any, ...]

odd = st.sampled_from(PRICES)
sound = st.sampled_from((1.0, 2.0, 2.5))
bars = st.tuples(
    st.sampled_from(("A", "A", "A", " B ", "", " ", None)),
    st.sampled_from((NOON, NOON, None)),
    *[st.one_of(sound, sound, odd)] * 5,
)


def why_not(bar: Bar) -> str | None:  # noqa: PLR0911  one rule after the other
    """The rules as docs tell them: the first that a bar breaks."""
    symbol, timestamp, *prices, volume = bar
    if symbol is None or not symbol.strip():
        return "no symbol"
    if timestamp is None:
        return "unparsable timestamp"
    if any(price is None or not math.isfinite(price) for price in prices):
        return "missing price"
    if volume is None or not math.isfinite(volume):
        return "missing volume"
    if min(prices) <= 0:
        return "price not positive"
    if volume < 0:
        return "negative volume"
    open_, high, low, close = prices
    if high < max(open_, low, close):
        return "high below another price"
    return "low above another price" if low > min(open_, close) else None


def frame(rows: list[Bar]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TYPES, orient="row")


@given(st.lists(bars, min_size=1, max_size=20))
def test_the_first_rule_that_a_bar_breaks_is_told(rows: list[Bar]) -> None:
    assert frame(rows).select(reason()).to_series().to_list() == [why_not(row) for row in rows]


def test_every_order_of_prices_is_told_apart() -> None:
    rows = [
        ("A", NOON, *prices, volume)
        for prices in itertools.product((1.0, 2.0, 3.0), repeat=4)
        for volume in (0.0, -0.5)
    ]
    told = frame(rows).select(reason(), CROSSED.alias("crossed"))
    assert told["reason"].to_list() == [why_not(row) for row in rows]
    assert told["crossed"].to_list() == [
        row[3] < max(row[2:6]) or row[4] > min(row[2:6]) for row in rows
    ]


few = st.tuples(
    st.sampled_from("AB"),
    st.integers(0, 2).map(lambda i: NOON + dt.timedelta(minutes=i)),
    *[st.sampled_from((1.0, 2.0))] * 5,
)


@given(st.lists(few, max_size=12))
def test_copies_go_and_of_what_conflicts_the_first_stays(rows: list[Bar]) -> None:
    kept, copies = drop_copies(frame(rows))
    distinct = set(rows)
    assert set(kept.rows()) == distinct and len(kept) == len(distinct)
    assert copies == len(rows) - len(distinct)
    keys = [row[:2] for row in kept.rows()]
    assert keys == sorted(keys)
    first, others = split_conflicts(kept)
    smallest = {key: min(row for row in distinct if row[:2] == key) for key in set(keys)}
    assert first.rows() == [smallest[key] for key in sorted(smallest)]
    assert others.rows() == sorted(distinct - set(first.rows()))
