"""Evaluation of a scanner against a slow twin: each tick by itself, each clause over all members, in turn."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock.calendar import ExchangeCalendar
from engine.panel.symbol_table import SymbolTable
from engine.scan.clause_evaluation import SessionHits, evaluate, join_hits, mask_of, values_of
from engine.scan.cross_section import CrossSection
from engine.scan.expressions import universe_rank, universe_zscore
from engine.scan.scan_plan import ScanPlan

OPEN, HIGH, CLOSE = pl.col("open"), pl.col("high"), pl.col("close")
NAMES = ("open", "high", "close")
SYMBOLS, TICKS = 6, 4
SESSION = ExchangeCalendar.of("XNYS").session(dt.date(2018, 3, 1))
CLAUSES = (
    CLOSE > 1, CLOSE > OPEN, OPEN >= 2, HIGH - CLOSE < 3, ~(OPEN == 4), CLOSE.is_not_null(),  # the machine
    OPEN.cast(pl.Int64) % 2 == 0, HIGH.is_in([1.0, 2.0, 4.0]), pl.lit(True), pl.lit(False),  # Polars
    universe_rank(HIGH) <= 3, universe_rank(CLOSE) > 1, universe_zscore(CLOSE) > -0.5,  # among a tick's
    pl.col("symbol") != "C",
)  # fmt: skip
ACROSS = (CLOSE.shift(1) > 0, CLOSE.max() > CLOSE, HIGH.cum_sum() < 9)  # the rows of one tick
FEATURES = (
    CLOSE, OPEN * 2 - HIGH, pl.col("symbol"), CLOSE > OPEN, OPEN.cast(pl.Int64) % 2,
    universe_rank(HIGH), universe_zscore(CLOSE), pl.lit(3.0),
)  # fmt: skip
RANKS = (None, CLOSE, OPEN - HIGH, universe_rank(CLOSE), OPEN.cast(pl.Int64) % 2)
VALUES = st.sampled_from((math.nan, 0.0, 1.0, 2.0, 4.0, 8.0, -1.0, 3.0))


class Lazy:
    """Columns that are computed for the symbols that somebody reads; says which those were."""

    def __init__(self, columns: dict[str, np.ndarray]):
        self._columns = columns
        self.asked: dict[str, set[int]] = {name: set() for name in columns}
        self.filled: dict[str, set[int]] = {name: set() for name in columns}

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def is_whole(self, name: str) -> bool:
        return False

    def fill(self, names: Sequence[str], symbols: np.ndarray) -> None:
        for name in names:
            self.filled[name] |= set(symbols.tolist())

    def some(self, name: str, symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.asked[name] |= set(symbols.tolist())
        places = np.full(SYMBOLS, len(symbols))  # another's place is one with nonsense
        places[symbols] = np.arange(len(symbols))
        nonsense = np.full((TICKS, 1), 1e9)
        return np.hstack([self._columns[name][:, symbols], nonsense]), places


def twin(scan: dict[str, Any], cube: np.ndarray, ticks: list[int], members: list[int]) -> Any:
    """Hits as (tick, symbol, rank, features), and the funnel as counts of every tick by clause."""
    funnel = {f"c{i}": [0] * TICKS for i in range(len(scan["clauses"]))}
    hits: list[tuple[Any, ...]] = []
    for tick in ticks:
        columns = {name: cube[i, tick, members] for i, name in enumerate(NAMES)}
        rows = pl.DataFrame(
            {
                "tick": [tick] * len(members),
                "symbol": ["ABCDEF"[member] for member in members],
                **{name: pl.Series(values, nan_to_null=True) for name, values in columns.items()},
            },
            schema_overrides={"symbol": pl.String},
        )
        left = np.ones(len(members), bool)
        for i, clause in enumerate(scan["clauses"]):
            left &= rows.with_columns(x=clause)["x"].fill_null(False).to_numpy()
            funnel[f"c{i}"][tick] = int(left.sum())
        values = [rows.with_columns(x=feature)["x"].to_list() for feature in scan["features"]]
        if scan["rank_by"] is None:
            keys = [0.0] * len(members)
        else:
            sign = -1 if scan["descending"] else 1
            by = rows.with_columns(x=scan["rank_by"].cast(pl.Float64))["x"].to_list()
            keys = [math.inf if key is None or key != key else sign * key for key in by]
        order = sorted(np.flatnonzero(left).tolist(), key=lambda row: keys[row])
        hits += [
            (tick, members[row], rank, tuple(of[row] for of in values))
            for rank, row in enumerate(order[: scan["limit"]], 1)
        ]
    if scan["session_limit"] is not None:
        firsts = list({hit[1]: hit for hit in reversed(hits)}.values())
        hits = sorted(firsts, key=hits.index)[: scan["session_limit"]]
    return hits, funnel


def plan_of(scan: dict[str, Any]) -> ScanPlan:
    return ScanPlan.build(
        "x",
        {f"c{i}": clause for i, clause in enumerate(scan["clauses"])},
        {f"f{i}": feature for i, feature in enumerate(scan["features"])},
        scan["rank_by"],
        scan["descending"],
        scan["limit"],
        scan["session_limit"],
        (),
    )


def shown(hits: SessionHits) -> list[tuple[Any, ...]]:
    rows = zip(hits.ticks.tolist(), hits.symbols.tolist(), hits.ranks.tolist(), strict=True)
    features = hits.own_features.rows() if hits.features.width else [()] * len(hits.ticks)
    return [(*row, told) for row, told in zip(rows, features, strict=True)]


scans = st.fixed_dictionaries(
    {
        "clauses": st.lists(
            st.one_of(*[st.sampled_from(CLAUSES)] * 5, st.sampled_from(ACROSS)),
            min_size=1,
            max_size=4,
        ),
        "features": st.lists(st.sampled_from(FEATURES), max_size=3),
        "rank_by": st.sampled_from(RANKS),
        "descending": st.booleans(),
        "limit": st.sampled_from((None, None, 1, 2)),
        "session_limit": st.sampled_from((None, None, 0, 1, 2, 5)),
    }
)


@settings(max_examples=250, deadline=None)
@given(
    scan=scans,
    values=st.lists(
        VALUES, min_size=len(NAMES) * TICKS * SYMBOLS, max_size=len(NAMES) * TICKS * SYMBOLS
    ),
    ticks=st.sets(st.integers(0, TICKS - 1), min_size=1),
    members=st.sets(st.integers(0, SYMBOLS - 1)),
    lazy=st.sets(st.sampled_from(NAMES)),
)
def test_hits_and_funnel_are_those_of_the_twin(
    scan: dict[str, Any], values: list[float], ticks: set[int], members: set[int], lazy: set[str]
) -> None:
    cube = np.array(values).reshape(len(NAMES), TICKS, SYMBOLS)
    columns = {name: np.ascontiguousarray(cube[i]) for i, name in enumerate(NAMES)}
    waiting = Lazy({name: columns.pop(name) for name in lazy})
    cross = CrossSection(
        [SESSION],
        SymbolTable("ABCDEF"),
        [SESSION.open + np.arange(TICKS) * 60_000_000],
        columns,
        lags=[60_000_000],
        previous={},
        lazy=waiting,  # type: ignore[arg-type]
    )
    plan = plan_of(scan)
    some, who = sorted(ticks), sorted(members)
    hits = evaluate(plan, cross, np.array(some), np.array(who, np.int64))
    expected, funnel = twin(scan, cube, some, who)
    got = shown(hits)
    assert [hit[:3] for hit in got] == [hit[:3] for hit in expected]
    for mine, theirs in zip(got, expected, strict=True):
        assert mine[3] == pytest.approx(theirs[3], nan_ok=True)
    assert {name: counts.tolist() for name, counts in hits.funnel.items()} == funnel
    assert list(hits.funnel) == list(funnel) and hits.scanned == len(members)
    assert hits.ranks.dtype == np.uint32
    hold_views(hits, some)
    hold_laziness(plan, waiting, funnel, scan, cube, some, who)


def hold_views(hits: SessionHits, ticks: list[int]) -> None:
    """Parts of the hits: of ticks, of rows, and of one tick."""
    last = [counts.tolist() for counts in hits.funnel.values()][-1]
    whole = shown(hits)
    for tick in range(TICKS):
        assert whole[hits.at(tick)] == [hit for hit in whole if hit[0] == tick]
        assert hits.qualified(tick) == last[tick]
        for end in range(tick, TICKS + 1):
            part = hits.of_session(tick, end)
            assert shown(part) == [
                (hit[0] - tick, *hit[1:]) for hit in whole if tick <= hit[0] < end
            ]
            assert part.scanned == hits.scanned
            assert all(len(counts) == end - tick for counts in part.funnel.values())
            odd = np.arange(1, len(part.ticks), 2)
            assert shown(part.only(odd)) == shown(part)[1::2]
            again = part.only(np.arange(len(part.ticks)))
            assert again is part
            if len(part.ticks) > 1:
                assert shown(part.only(np.arange(len(part.ticks))[::-1])) == shown(part)[::-1]
    twice = join_hits([hits, hits], 9)
    assert shown(twice)[: len(whole)] == whole and twice.scanned == 9
    assert [counts.tolist() for counts in twice.funnel.values()] == [
        [2 * count for count in counts.tolist()] for counts in hits.funnel.values()
    ]


def hold_laziness(
    plan: ScanPlan,
    lazy: Lazy,
    funnel: dict[str, list[int]],
    scan: dict[str, Any],
    cube: np.ndarray,
    ticks: list[int],
    members: list[int],
) -> None:
    """A column that the first clause does not read is computed for symbols that pass it at some tick, at most."""
    if not plan.session_at_once or any(
        part.columns and not part.elementwise for part in plan.parts
    ):
        return
    first = {**scan, "clauses": scan["clauses"][:1], "limit": None, "session_limit": None}
    passed = {hit[1] for hit in twin(first, cube, ticks, members)[0]}
    for name, asked in lazy.asked.items():
        if name not in plan.clauses[0].columns and plan.clauses[0].steps:
            assert asked <= passed and lazy.filled[name] <= passed


def test_lazy_columns_are_computed_for_the_symbols_that_are_left() -> None:
    """Of the first clause of the symbols of all; of the next ones, and of features, of those that passed."""
    close = np.ones((TICKS, SYMBOLS))
    close[:, [1, 4]], close[2, 3] = 5.0, 5.0
    lazy = Lazy({name: np.full((TICKS, SYMBOLS), 3.0) for name in ("open", "high")})
    lazy._columns["open"][:, 3] = 1.0
    cross = CrossSection(
        [SESSION], SymbolTable("ABCDEF"), [SESSION.open + np.arange(TICKS) * 60_000_000],
        {"close": close}, lags=[0], previous={}, lazy=lazy,  # type: ignore[arg-type]
    )  # fmt: skip
    scan = {
        "clauses": [CLOSE > 1, OPEN >= 2], "features": [HIGH, pl.col("symbol")], "rank_by": None,
        "descending": True, "limit": None, "session_limit": None,
    }  # fmt: skip
    hits = evaluate(plan_of(scan), cross, np.arange(TICKS), np.arange(SYMBOLS))
    assert sorted(set(hits.symbols.tolist())) == [1, 4]
    assert lazy.asked["open"] <= {1, 3, 4} and lazy.filled["open"] == {1, 3, 4}
    assert lazy.asked["high"] <= {1, 3, 4} and lazy.filled["high"] <= {1, 3, 4}


def test_minutes_of_ticks_are_counted_from_the_open() -> None:
    cross = CrossSection(
        [SESSION], SymbolTable("AB"), [SESSION.open + np.array([-90, 0, 60, 389 * 60]) * 1_000_000],
        {}, lags=[0], previous={},
    )  # fmt: skip
    assert cross.values("minute").tolist() == [[m, m] for m in (-1.5, 0.0, 1.0, 389.0)]


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 9))
def test_a_mask_is_its_column(values: list[bool], offset: int) -> None:
    column = pl.Series(values, dtype=pl.Boolean)[offset:]
    assert mask_of(column).tolist() == values[offset:]


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_a_constant_has_a_value_in_each_row(rows: int) -> None:
    frame = pl.DataFrame({"a": [1.0] * rows})
    assert values_of(pl.lit(2), frame).to_list() == [2] * rows
    assert values_of(pl.col("a") / 3, frame).to_list() == [1.0 / 3] * rows
