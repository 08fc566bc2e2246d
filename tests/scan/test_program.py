"""What the machine filters, held against Polars evaluating the same conditions."""

from __future__ import annotations

import math
import operator as op
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compute import filter_rows as machine
from engine.scan.expressions import universe_percentile, universe_rank
from engine.scan.filter_grid import Column, Grid, compute_rows, filter_rows, rank_rows
from engine.scan.filter_program import steps_of, value_steps_of
from engine.scan.missing import without_nan

COLUMNS = ("close", "high", "bars_today", "rsi_14_1m")
VALUES = st.sampled_from(
    [float("nan"), 0.0, -0.0, 1.0, -1.0, 0.1, 3.0, 7.7, 1e300, -1e300, 1e-300, float("inf")]
)

numbers = st.deferred(
    lambda: (
        st.sampled_from([pl.col(name) for name in COLUMNS])
        | st.sampled_from([pl.lit(value) for value in (0, 1, 3, -2, 0.1, 1.03, 1e300)])
        | st.builds(
            lambda f, a, b: f(a, b),
            st.sampled_from([pl.Expr.add, pl.Expr.sub, pl.Expr.mul, pl.Expr.truediv]),
            numbers,
            numbers,
        )
        | st.builds(lambda f, a: f(a), st.sampled_from([pl.Expr.abs, pl.Expr.neg]), numbers)
    )
)
conditions = st.deferred(
    lambda: (
        st.builds(
            lambda f, a, b: f(a, b),
            st.sampled_from(
                [pl.Expr.gt, pl.Expr.ge, pl.Expr.lt, pl.Expr.le, pl.Expr.eq, pl.Expr.ne]
            ),
            numbers,
            numbers,
        )
        | st.builds(
            lambda a, b, c, closed: a.is_between(b, c, closed),
            numbers,
            numbers,
            numbers,
            st.sampled_from(["both", "left", "right", "none"]),
        )
        | st.just(pl.col("bar_today"))
        | st.builds(
            lambda f, a: f(a), st.sampled_from([pl.Expr.is_null, pl.Expr.is_not_null]), numbers
        )
        | st.builds(
            lambda f, a, b: f(a, b),
            st.sampled_from([pl.Expr.and_, pl.Expr.or_]),
            conditions,
            conditions,
        )
        | conditions.map(pl.Expr.not_)
    )
)


class TestFilter:
    @settings(max_examples=300, deadline=None)
    @given(
        asked=st.lists(conditions, min_size=1, max_size=3),
        values=st.lists(st.tuples(*[VALUES] * 4), min_size=12, max_size=12),
        daily=st.booleans(),
        picked=st.booleans(),
    )
    def test_it_finds_what_polars_finds(self, asked, values, daily, picked):
        conditions_steps = [steps_of(condition) for condition in asked]
        if None in conditions_steps:
            return  # two literals make no condition of the machine's
        cube = np.array(values).reshape(3, 4, 4)
        cube[:, :, 2] = np.where(np.abs(cube[:, :, 2]) < 100, np.trunc(cube[:, :, 2]) + 0.0, np.nan)
        columns = {
            name: np.ascontiguousarray(cube[:, :, number]) for number, name in enumerate(COLUMNS)
        }
        columns["bar_today"] = (cube[:, :, 3] > 1).astype(np.float64)
        if daily:  # one value a symbol for all ticks; one a tick for all symbols
            columns["high"] = np.broadcast_to(columns["high"][0], (3, 4))
            columns["rsi_14_1m"] = np.broadcast_to(columns["rsi_14_1m"][:, :1], (3, 4))
        ticks, members = np.array([0, 2]), np.array([0, 1, 3])
        mask = np.array([True, False, True, True, False, False]) if picked else np.ones(6, bool)
        spans, rows = (
            (np.array([[0, 2], [2, 3]]), np.array([0, 3, 0]))
            if picked
            else (np.array([[0, 0], [3, 3]]), members)
        )

        at, who, counts = filter_rows(
            conditions_steps, Grid(ticks, spans, rows, lambda name: Column(columns[name]), 3)
        )

        places = [(tick, member) for tick in ticks for member in members]
        frame = pl.DataFrame(
            {
                name: pl.Series(np.array([array[place] for place in places]), nan_to_null=True)
                for name, array in columns.items()
            }
        ).with_columns(pl.col("bars_today").cast(pl.Int64), pl.col("bar_today").cast(pl.Boolean))
        left = mask.copy()
        for number, condition in enumerate(asked):
            # beside a column, so that a condition without one has a row for each
            left &= frame.with_columns(without_nan(condition).fill_null(False).alias("holds"))[
                "holds"
            ].to_numpy()
            expected = [np.count_nonzero(left[:3]), 0, np.count_nonzero(left[3:])]
            assert counts[number].tolist() == expected
        assert list(zip(at.tolist(), who.tolist(), strict=True)) == [
            place for place, one in zip(places, left, strict=True) if one
        ]

    def test_parts_of_which_some_have_no_rows(self):
        """As a first clause leaves them that holds from the second half of the ticks on."""
        close = np.random.default_rng(8).random((4, 60_000))
        everyone, nobody = close.shape[1], 0
        spans = np.array([[0, 0, 0, 0], [nobody, nobody, everyone, everyone]])
        condition = steps_of(pl.col("close") > 0.5)
        for _ in range(20):
            grid = Grid(np.arange(4), spans, np.arange(everyone), lambda _: Column(close), 4)
            at, who, counts = filter_rows([condition], grid)
            expected = np.nonzero(close[2:] > 0.5)
            assert np.array_equal(at, expected[0] + 2) and np.array_equal(who, expected[1])
            assert counts.tolist() == [[0, 0, *np.count_nonzero(close[2:] > 0.5, axis=1)]]
            values, again = compute_rows([((machine.LOAD, "close"),)] * 2, grid)
            assert np.array_equal(values, close[2:].ravel()) and np.array_equal(again, values)

    def test_stretches_of_many_rows(self):
        close = np.random.default_rng(7).random((2, 70_000))
        condition, everyone = steps_of(pl.col("close") > 0.5), np.arange(close.shape[1])
        spans = np.array([[0, 0], [len(everyone), len(everyone)]])
        at, who, counts = filter_rows(
            [condition], Grid(np.arange(2), spans, everyone, lambda _: Column(close), 2)
        )
        expected = np.nonzero(close > 0.5)
        assert np.array_equal(at, expected[0]) and np.array_equal(who, expected[1])
        assert counts.tolist() == [np.count_nonzero(close > 0.5, axis=1).tolist()]


class TestColumns:
    def test_a_column_of_some_symbols_from_some_tick_on(self):
        close = np.random.default_rng(5).random((4, 3000))
        members = np.array([2999, 7, 1200])  # in the order in which they were asked for
        places = np.full(3000, -1)
        places[members] = np.arange(3)
        late = Column(np.ascontiguousarray(close[2:, members]), places, first_tick=2)
        ticks, who = np.array([2, 3]), np.sort(members)
        grid = Grid(
            ticks,
            np.array([[0, 0], [3, 3]]),
            who,
            {"close": late, "open": Column(close)}.__getitem__,
            4,
        )
        found, _ = compute_rows(
            [steps for name in ("close", "open") if (steps := value_steps_of(pl.col(name)))], grid
        )
        assert np.array_equal(found.reshape(2, 3), close[np.ix_(ticks, who)])
        at, left, _ = filter_rows([steps_of(pl.col("close") > 0.5)], grid)
        assert [*zip(at, left, strict=True)] == [
            (tick, symbol) for tick in ticks for symbol in who if close[tick, symbol] > 0.5
        ]


class TestCompute:
    @settings(max_examples=300, deadline=None)
    @given(asked=numbers, values=st.lists(st.tuples(*[VALUES] * 4), min_size=12, max_size=12))
    def test_it_computes_what_polars_computes(self, asked, values):
        steps = value_steps_of(asked)
        if steps is None:
            return  # a constant, or whole numbers, which Polars computes as such
        cube = np.array(values).reshape(3, 4, 4)
        cube[:, :, 2] = np.where(np.abs(cube[:, :, 2]) < 100, np.trunc(cube[:, :, 2]) + 0.0, np.nan)
        columns = {
            name: np.ascontiguousarray(cube[:, :, number]) for number, name in enumerate(COLUMNS)
        }
        rows = Grid(
            np.array([0, 2]),
            np.array([[0, 2], [2, 3]]),
            np.array([0, 3, 0]),
            lambda name: Column(columns[name]),
            3,
        )
        first, second = compute_rows([((machine.LOAD, "close"),), steps], rows)
        assert np.array_equal(first, columns["close"][[0, 0, 2], [0, 3, 0]], equal_nan=True)
        found = pl.Series(second, nan_to_null=True)

        frame = pl.DataFrame(
            {
                name: pl.Series(array[[0, 0, 2], [0, 3, 0]], nan_to_null=True)
                for name, array in columns.items()
            }
        ).with_columns(pl.col("bars_today").cast(pl.Int64))
        expected = frame.with_columns(without_nan(asked).alias("value"))["value"]
        assert found.dtype == expected.dtype
        assert found.is_null().to_list() == expected.is_null().to_list()
        assert np.array_equal(
            found.drop_nulls().to_numpy(), expected.drop_nulls().to_numpy(), equal_nan=True
        )
        signs = (
            np.signbit(one.drop_nulls().drop_nans().to_numpy()).tolist()
            for one in (found, expected)
        )
        assert next(signs) == next(signs)  # 0 and -0

    @pytest.mark.parametrize(
        "expression",
        [
            pl.col("symbol"),
            pl.col("bars_today"),
            pl.col("bar_today"),
            pl.col("close") > 5,
            pl.lit(3.0),
            pl.col("close").round(2),
            pl.col("bars_today") * 2,
            pl.col("close").rank().over("tick"),
            pl.col("tick"),
        ],
    )
    def test_the_rest_is_left_to_polars(self, expression):
        assert value_steps_of(expression) is None


class TestSteps:
    @pytest.mark.parametrize(
        "condition",
        [
            pl.col("symbol") == "AAPL",
            pl.col("close").round(2) > 5,
            pl.col("close"),
            pl.col("bar_time") > pl.lit(0),
            pl.col("close").rank().over("tick") < 5,
            pl.lit(1) > pl.lit(0),
            pl.col("close").shift(-1) > 5,
            pl.col("close") > pl.lit(None),
            pl.col("bar_today") == True,  # noqa: E712
        ],
    )
    def test_the_rest_is_left_to_polars(self, condition):
        assert steps_of(condition) is None

    def test_a_condition_too_deep_for_the_machine_is_left_to_polars(self):
        deep = pl.col("close")
        for _ in range(20):
            deep = pl.col("close") - deep
        assert steps_of(deep > 0) is None
        assert steps_of(pl.col("close") - 1 - 1 - 1 - 1 - 1 - 1 - 1 - 1 - 1 > 0) is not None


class TestRank:
    @settings(max_examples=200, deadline=None)
    @given(
        values=st.lists(st.lists(VALUES, min_size=6, max_size=6), min_size=3, max_size=3),
        ranked=st.sampled_from(
            [universe_rank, partial(universe_rank, descending=False), universe_percentile]
        ),
        members=st.sets(st.integers(0, 5), min_size=1),
        ticks=st.sets(st.integers(0, 2), min_size=1),
    )
    def test_it_ranks_as_polars_does(self, values, ranked, members, ticks):
        expression = ranked(pl.col("close") / 3 - 1)
        expression = expression if ranked is universe_percentile else expression.cast(pl.Float64)
        close, ticks, members = np.array(values), np.array(sorted(ticks)), np.array(sorted(members))
        spans = np.repeat([[0], [len(members)]], len(ticks), axis=1)
        (_, rank), *_ = value_steps_of(expression)
        found = rank_rows(rank, Grid(ticks, spans, members, lambda _: Column(close), 3))

        at, who = np.repeat(ticks, len(members)), np.tile(members, len(ticks))
        frame = pl.DataFrame(
            {"tick": at, "close": pl.Series(close[at, who], nan_to_null=True), "other": at}
        )
        expected = (
            frame.with_columns(rank=without_nan(expression))["rank"].fill_null(np.nan).to_numpy()
        )
        places = who if found.places is None else found.places[who]
        assert np.array_equal(found.values[at - found.first_tick, places], expected, equal_nan=True)

    @settings(max_examples=200, deadline=None)
    @given(
        close=st.lists(VALUES, min_size=80, max_size=80),  # more than are sorted without digits
        ranked=st.sampled_from(
            [universe_rank, partial(universe_rank, descending=False), universe_percentile]
        ),
        compare=st.sampled_from([op.le, op.lt, op.ge, op.gt, op.eq, op.ne]),
        number=st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.5, 20.0, 79.0, 80.0, 200.0]),
    )
    def test_a_rank_that_is_compared_with_a_number(self, close, ranked, compare, number):
        """Ranks above the number are not looked for."""
        condition = compare(ranked(pl.col("close")), number)

        def column(name):
            return Column(np.array([close])) if name == "close" else rank_rows(name, grid)

        grid = Grid(np.arange(1), np.array([[0], [80]]), np.arange(80), column, 1)
        _, found, _ = filter_rows([steps_of(condition)], grid)
        frame = pl.DataFrame(
            {"tick": 0, "close": pl.Series(np.array(close), nan_to_null=True), "symbol": range(80)}
        )
        assert found.tolist() == frame.filter(condition)["symbol"].to_list()

    def test_many_members(self):
        close = (
            np.random.default_rng(3).normal(size=(2, 60_000)).round(3)
        )  # equal ones among them; so many that threads share them
        spans = np.array([[0, 0], [60_000, 60_000]])
        (_, first), _ = steps_of(universe_rank(pl.col("close")) <= 5)
        grid = Grid(np.arange(2), spans, np.arange(60_000), lambda _: Column(close), 2)
        ranks = np.array([pl.Series(-one).rank("min").to_numpy() for one in close])
        assert np.array_equal(rank_rows(replace(first, within=math.inf), grid).values, ranks)
        found = rank_rows(first, grid).values
        assert np.array_equal(
            np.where(found <= 5, found, np.inf), np.where(ranks <= 5, ranks, np.inf)
        )

    @pytest.mark.parametrize(
        "expression",
        [
            universe_rank(pl.col("close")),
            universe_rank(pl.lit(3.0)) <= 5,
            universe_rank(pl.col("close")) - 1 > 0,
            universe_rank(pl.col("bar_today")) <= 5,
            pl.col("close").rank("min").over("symbol") <= 5,
            pl.col("close").rank("min") <= 5,
            pl.col("close").rank("dense").over("tick") <= 5,
            universe_rank(pl.col("close").round(2)) <= 5,
            universe_rank(pl.col("close")).cast(pl.Int64) <= 5,
            universe_percentile(pl.lit(3.0)) > 0.5,
            (pl.col("close").rank("max") / pl.col("open").count()).over("tick") > 0.5,
        ],
    )
    def test_the_rest_is_left_to_polars(self, expression):
        assert steps_of(expression) is None and value_steps_of(expression) is None
