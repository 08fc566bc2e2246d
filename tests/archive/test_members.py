"""Members of universes, against the same counted in plain Python over random intervals and bars."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.reference.universe import (
    DEFAULT_SESSIONS,
    FixedUniverse,
    MembershipUniverse,
    TopDollarVolume,
    Universe,
    _at_all_times,
    _clean,
    _top,
    is_membership,
)
from engine.errors import UniverseError
from engine.schema import MEMBERSHIP_SCHEMA

FIRST = dt.date(2018, 1, 29)
KNOWN = ("A", "B", "C")


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


days = st.integers(0, 9)
intervals = st.lists(
    st.tuples(st.sampled_from("ABCX"), days, st.one_of(st.none(), days)), max_size=7
)


@given(intervals, days, days, st.booleans())
def test_membership_is_from_the_start_to_before_the_end(
    rows: list[tuple[str, int, int | None]], start: int, end: int, point_in_time: bool
) -> None:
    frame = pl.DataFrame(
        [(name, day(a), None if b is None else day(b)) for name, a, b in rows],
        schema=MEMBERSHIP_SCHEMA,
        orient="row",
    )
    universe = MembershipUniverse(frame, KNOWN, point_in_time)
    there = [(n, a, b) for n, a, b in rows if a <= end and (b is None or b > start)]
    named = sorted({name for name, _, _ in there})
    assert universe.named(day(start), day(end)) == named
    assert universe.everyone(day(start), day(end)) == [n for n in named if n in KNOWN]
    on_it = {n for n, a, b in rows if a <= start and (b is None or b > start)}
    assert universe.members(day(start)) == sorted(on_it & set(KNOWN))
    assert universe.unknown == sorted({name for name, _, _ in rows} - set(KNOWN))
    gone = {
        name
        for name, _, b in there
        if b is not None
        and not any(n == name and x <= b and (y is None or y > b) for n, x, y in rows)
    }
    wanted = sorted(gone) if point_in_time else None
    assert universe.leavers(day(start), day(end)) == wanted
    assert universe.point_in_time == point_in_time


def test_a_fixed_list_knows_no_dates() -> None:
    one = FixedUniverse(["B", "X", "A", "B"], KNOWN)
    assert one.members(FIRST) == one.everyone(FIRST, FIRST) == ["A", "B"]
    assert one.named(FIRST, FIRST) == ["A", "B", "X"] and one.unknown == ["X"]
    assert one.leavers(FIRST, FIRST) is None and not one.point_in_time
    assert Universe.point_in_time and Universe.unknown == ()
    always = _at_all_times(["A", "B"])
    assert always.rows() == [("A", dt.date.min, None), ("B", dt.date.min, None)]


class Bars:
    """An archive of daily bars, as much of it as a universe reads; counts the readings."""

    def __init__(self, dates: list[dt.date], bars: pl.DataFrame):
        self._dates, self._bars, self.read = dates, bars, 0

    def sessions(self, interval: str) -> list[dt.date]:
        assert interval == "1d"
        return self._dates

    def read_daily(self, columns: list[str], start: dt.date, end: dt.date) -> pl.DataFrame:
        """Bars from `start` up to, not including, `end`, as Archive.read_daily."""
        self.read += 1
        return self._bars.filter(pl.col("date") >= start, pl.col("date") < end)


turnovers = st.dictionaries(
    st.tuples(st.integers(0, 9), st.sampled_from("ABCD")),
    st.tuples(st.sampled_from((1.0, 2.0, 4.0)), st.sampled_from((0.0, 1.0, 2.0))),
    max_size=40,
)


@settings(max_examples=60)
@given(turnovers, st.integers(1, 4), st.integers(1, 5))
def test_the_largest_by_dollar_volume_of_earlier_sessions(
    bars: dict[tuple[int, str], tuple[float, float]], count: int, sessions: int
) -> None:
    dates = [day(i) for i in range(10)]  # two months
    frame = pl.DataFrame(
        [(name, day(i), close, volume) for (i, name), (close, volume) in sorted(bars.items())],
        schema={"symbol": pl.String, "date": pl.Date, "close": pl.Float64, "volume": pl.Float64},
        orient="row",
    )
    archive: Any = Bars(dates, frame)
    universe = TopDollarVolume(archive, count, sessions)
    found = {date: universe.members(date) for date in dates}
    assert archive.read <= 2, "once a month"
    for i, date in enumerate(dates):
        total = {
            name: sum(
                close * volume
                for (at, symbol), (close, volume) in bars.items()
                if symbol == name and max(0, i - sessions) <= at < i
            )
            for name in "ABCD"
        }
        best = sorted((name for name in total if total[name] > 0), key=lambda n: (-total[n], n))
        assert found[date] == sorted(best[:count]), date
    span = slice(2, 6)
    assert universe.everyone(dates[2], dates[5]) == sorted(
        {name for date in dates[span] for name in found[date]}
    )
    weekend = dt.date(2018, 2, 20)
    assert len(universe.members(weekend)) <= count


@pytest.mark.parametrize(
    ("spec", "counts"),
    [
        ({"top_dollar_volume": 1}, (1, DEFAULT_SESSIONS)),
        ({"top_dollar_volume": 7, "sessions": 1}, (7, 1)),
        ({"top_dollar_volume": 0}, None),
        ({"top_dollar_volume": 1, "sessions": 0}, None),
        ({"top_dollar_volume": -1}, None),
        ({"top_dollar_volume": 2.0}, None),
        ({"top_dollar_volume": True}, None),
        ({"top_dollar_volume": 2, "sessions": True}, None),
        ({"sessions": 3}, None),
        ({"top_dollar_volume": 2, "session": 3}, None),
    ],
)
def test_how_many_and_over_how_many_sessions(
    spec: dict[str, Any], counts: tuple[int, int] | None
) -> None:
    archive: Any = Bars([], pl.DataFrame())
    if counts is None:
        with pytest.raises(UniverseError):
            _top(spec, archive)
        return
    made = _top(spec, archive)
    assert (made._count, made._sessions) == counts and DEFAULT_SESSIONS == 20


def test_lists_are_cleaned_and_a_csv_of_two_columns_is_membership(tmp_path: Path) -> None:
    assert _clean([" aapl", "MSFT ", "AAPL", "", "  ", 5], "x") == ["AAPL", "MSFT", "5"]
    with pytest.raises(UniverseError, match="names no symbols"):
        _clean(["", " "], "x")
    for name, text, wanted in (
        ("a.csv", "symbol,start_date\nA,2018-01-01\n", True),
        ("b.csv", "A\nB,C\n", False),
        ("c.csv", "", False),
        ("d.txt", "A,B\n", False),
        ("e.parquet", "", True),
    ):
        (tmp_path / name).write_text(text)
        assert is_membership(tmp_path / name) == wanted, name
