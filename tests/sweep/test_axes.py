"""Axes and variants, of texts and of values."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from engine.errors import ConfigError
from engine.sweep.axes import Axis, axes_of, text_of
from engine.sweep.sobol import MOST_AXES, sobol
from engine.sweep.variants import distinct_rows, drawn, grid_of, spread


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("x=0.01:0.05:0.01", (0.01, 0.02, 0.03, 0.04, 0.05)),
        ("x=1:4:2", (1, 3)),
        ("x=3:1:-1", (3, 2, 1)),
        ("x=50,60.5,70", (50, 60.5, 70)),
        ("x=true,null,up", (True, None, "up")),
        ("x=[1,2],[3]", ([1, 2], [3])),
        ("x=09:35-15:55/5m,close", ("09:35-15:55/5m", "close")),
        ("x=5", (5,)),
    ],
)
def test_values_of_a_text(text: str, values: tuple[object, ...]) -> None:
    (axis,) = axes_of([text])
    assert (axis.name, axis.values) == ("x", values)


@given(first=st.integers(-1000, 1000), count=st.integers(1, 50), step=st.integers(1, 400))
def test_steps_are_exact_decimals(first: int, count: int, step: int) -> None:
    low, by = Decimal(first) / 1000, Decimal(step) / 1000
    last = low + by * (count - 1)
    (axis,) = axes_of([f"x={low:f}:{last:f}:{by:.3f}"])
    assert axis.values == tuple(float(low + by * n) for n in range(count))


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_from_an_expression(value: float) -> None:
    assert float(text_of(value).strip("()")) == value


@pytest.mark.parametrize(
    "grid",
    [
        ["x"],
        ["x="],
        ["=1"],
        ["x=1", "x=2"],
        ["x=1,1"],
        ["x=1:2:0"],
        ["x=2:1:1"],
        ["x=2:1"],
        ["x=0:1:0.0000001"],
        {"x": []},
        {"x": [float("nan")]},
        {"x": 5},
        {"x": [object()]},
    ],
)
def test_what_is_no_axis_is_refused(grid: object) -> None:
    with pytest.raises(ConfigError):
        axes_of(grid)  # type: ignore[arg-type]


def test_a_grid_is_every_combination_the_last_axis_fastest() -> None:
    variants = grid_of(axes_of({"a": [1, 2], "b": ["x", "y", "z"]}))
    assert variants.frame().rows() == [
        (0, 1, "x"), (1, 1, "y"), (2, 1, "z"), (3, 2, "x"), (4, 2, "y"), (5, 2, "z")
    ]  # fmt: skip
    assert variants.values(4) == {"a": 2, "b": "y"}
    with pytest.raises(ConfigError, match="no variant 6"):
        variants.values(6)
    with pytest.raises(ConfigError, match="has no step"):
        grid_of(axes_of(["x=0:1"]))


@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    count=st.integers(1, 60),
    seed=st.integers(0, 5),
)
def test_drawn_variants_differ_and_are_the_same_again(
    sizes: list[int], count: int, seed: int
) -> None:
    axes = [Axis(f"p{n}", tuple(range(size))) for n, size in enumerate(sizes)]
    for choose in (drawn, spread):
        variants = choose(axes, count, seed)
        assert len(variants) == min(count, int(np.prod(sizes)))
        assert len(np.unique(variants.codes, axis=0)) == len(variants)
        assert (choose(axes, count, seed).codes == variants.codes).all()
        places = list(range(len(axes)))
        first, rows = distinct_rows(variants, places)
        assert (variants.codes[first][rows] == variants.codes).all()


def test_values_between_two_bounds_are_drawn() -> None:
    variants = drawn(axes_of(["x=0.5:2", "y=1,2"]), 200, 1)
    values = variants.frame()["x"]
    assert 0.5 <= values.min() < 0.6 and 1.9 < values.max() <= 2.0 and values.n_unique() == 200


def test_sobol_points_are_those_of_scipy() -> None:
    points = sobol(MOST_AXES, 0)(0, 1024)
    assert (points == qmc.Sobol(MOST_AXES, scramble=False, bits=32).random_base2(10)).all()
    with pytest.raises(ConfigError, match="at most"):
        spread([Axis(f"p{n}", (1, 2)) for n in range(MOST_AXES + 1)], 5, 0)
