"""The running sums of an evaluation, against the same figures of all returns at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.analysis.evaluate import RANKS, _in_order
from engine.analysis.exact_sums import LEAST_SESSIONS
from engine.analysis.tally import RESAMPLES, SEED, Tally, deflated

returns = st.lists(
    st.lists(st.integers(-30_000, 30_000).map(lambda x: x / 20_000), max_size=4),
    max_size=LEAST_SESSIONS + 3,
)


@given(returns, st.booleans(), st.booleans())
def test_figures_of_the_sums_are_those_of_the_returns(
    sessions: list[list[float]], whole: bool, of_wins: bool
) -> None:
    tally = Tally(whole, of_wins)
    for one in sessions:
        tally.add(np.array(one))
    every = np.array([value for one in sessions for value in one])
    figures = tally.figures()
    if not len(every):
        assert figures == {"count": 0}
        return
    mean = every.mean()
    assert figures["count"] == len(every) and figures["mean"] == pytest.approx(mean, abs=1e-12)
    assert figures["win_rate"] == ((every > 0).mean() if of_wins else None)
    assert set(figures) == {"count", "win_rate", "mean", "t"} | (
        {"median", "low", "high"} if whole else set()
    )
    some = [np.array(one) for one in sessions if one]
    spread = sum(float((one - mean).sum()) ** 2 for one in some)
    if len(some) < LEAST_SESSIONS or spread < 1e-9:
        assert figures["t"] is None or (len(some) >= LEAST_SESSIONS and spread > 1e-13)
    else:
        error = math.sqrt(spread * len(some) / (len(some) - 1)) / len(every)
        assert figures["t"] == pytest.approx(mean / error, rel=1e-6)
    if whole:
        cut = np.rint(np.clip(every, -1.0, 1.0) * 10_000) / 10_000
        assert figures["median"] == pytest.approx(float(np.median(cut)), abs=1e-12)
        assert (figures["low"] is None) == (figures["high"] is None) == (len(some) < LEAST_SESSIONS)


def test_the_interval_is_of_the_means_of_resampled_sessions() -> None:
    draw, tally = np.random.default_rng(5), Tally(True)
    sessions = [draw.normal(0.01, 0.05, int(draw.integers(1, 9))) for _ in range(60)]
    for one in sessions:
        tally.add(one)
    figures = tally.figures()
    again = np.random.default_rng(SEED)
    means = []
    for _ in range(RESAMPLES):
        chosen = [sessions[i] for i in again.integers(0, 60, 60)]
        means.append(np.concatenate(chosen).mean())
    assert (figures["low"], figures["high"]) == pytest.approx(
        tuple(np.quantile(means, (0.025, 0.975)))
    )
    assert (RESAMPLES, LEAST_SESSIONS) == (1_000, 10)


@pytest.mark.parametrize("sessions", [LEAST_SESSIONS - 1, LEAST_SESSIONS])
def test_of_few_sessions_or_without_a_spread_nothing_is_said(sessions: int) -> None:
    tally, flat = Tally(True), Tally(False)
    for i in range(sessions):
        tally.add(np.array([0.01, 0.02 * i]))
        flat.add(np.array([0.1, 0.1]))
    figures = tally.figures()
    assert (figures["t"] is None) == (figures["low"] is None) == (sessions < LEAST_SESSIONS)
    assert flat.figures()["t"] is None


def test_sums_of_a_group_are_those_of_its_returns() -> None:
    one, other = Tally(False), Tally(False)
    for i in range(LEAST_SESSIONS):
        values = np.array([0.01 * i, -0.02, 0.0])
        one.add(values)
        other.add_sums(3, float(values.sum()), int(i > 0))
    assert one.figures() == pytest.approx(other.figures())


@given(st.floats(0.01, 9), st.integers(2, 1000))
def test_more_variants_take_more_off_a_statistic(t: float, tried: int) -> None:
    less, more = deflated(t, tried), deflated(t, tried + 1)
    assert less is not None and more is not None and t > less > more
    assert deflated(t, 1) == t and deflated(-t, tried) == -t and deflated(None, tried) is None
    assert deflated(0.0, tried) == 0.0
    assert t - less < math.sqrt(2 * math.log(tried)) + 1e-9, "the largest of N normals is less"


@pytest.mark.parametrize(
    ("tried", "largest"), [(2, 0.564), (10, 1.539), (100, 2.508), (1000, 3.241)]
)
def test_what_the_best_of_so_many_normals_comes_to(tried: int, largest: float) -> None:
    """Expected maxima of N standard normals (Harter 1961); the formula is near them."""
    off = 5.0 - (deflated(5.0, tried) or 0.0)
    assert off == pytest.approx(largest, rel=0.08)


def test_groups_are_in_the_order_of_what_they_are() -> None:
    tally = Tally(False)
    ranks = [name for _, name in RANKS]
    keys = [
        *[("time of day", "m5", group) for group in ("09:35", "10:00")],
        *[("year", "m5", group) for group in ("2017", "2018")],
        *[("rank", "m5", group) for group in ranks],
        *[("a", "m5", group) for group in ("quintile 1", "quintile 2", "quintile 5", "none")],
        *[("b", "m5", group) for group in ("quintile 1", "none")],
    ]
    shuffled = [keys[i] for i in np.random.default_rng(1).permutation(len(keys))]
    assert [key for key, _ in sorted(((key, tally) for key in shuffled), key=_in_order)] == keys
    assert ranks == ["1", "2-3", "4-10", "11+"]
