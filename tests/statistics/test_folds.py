"""Purged, embargoed, combinatorial folds: by definition, and by splits that skfolio makes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.statistics.combinatorial_folds import CombinatorialFolds
from engine.statistics.purged_folds import Purge, purged_folds, training_sessions

REACH = st.integers(0, 4)


@given(
    st.integers(2, 60), st.sets(st.integers(0, 59), min_size=1, max_size=20), REACH, REACH, REACH
)
def test_nothing_that_is_trained_on_knows_of_a_test(
    sessions: int, held: set[int], label: int, lookback: int, embargo: int
) -> None:
    """A session is kept where its label, and what its features see, are apart from every test."""
    tests = [(one, one + 1) for one in held if one < sessions]
    purge = Purge(label=label, lookback=lookback, embargo=embargo)
    expected = [
        s
        for s in range(sessions)
        if all(s + label < t or s - lookback - embargo > t + label for t, _ in tests)
    ]
    assert training_sessions(sessions, tests, purge).tolist() == expected


@given(st.integers(4, 80), st.integers(2, 8))
def test_folds_cover_every_session_once(sessions: int, folds: int) -> None:
    assume(folds <= sessions)
    tests = [test for _, test in purged_folds(sessions, folds)]
    assert np.concatenate(tests).tolist() == [*range(sessions)]
    assert max(map(len, tests)) - min(map(len, tests)) <= 1


def test_five_folds_of_which_two_are_tests_make_ten_splits_and_four_paths() -> None:
    folds = CombinatorialFolds(5, 2)
    assert (folds.splits, folds.paths) == (10, 4)
    assert len([*folds.of(50)]) == 10 and folds.path_splits().shape == (4, 5)


@pytest.mark.parametrize(("folds", "tests"), [(3, 2), (5, 2), (6, 2), (6, 3), (10, 8)])
def test_paths_take_every_test_once(folds: int, tests: int) -> None:
    made = CombinatorialFolds(folds, tests)
    splits = [*made.of(folds * 4)]
    taken = [(split, fold) for path in made.path_splits() for fold, split in enumerate(path)]
    assert len(taken) == len(set(taken)) == made.paths * folds
    assert set(taken) == {(n, fold) for n, one in enumerate(splits) for fold in one.tests}


def test_skfolios_splits_of_three_folds() -> None:
    """skfolio 1.12, CombinatorialPurgedCV(3, 2, purged_size=1, embargo_size=0) of 12 sessions."""
    made = [one.training.tolist() for one in CombinatorialFolds(3, 2, Purge(label=1)).of(12)]
    assert made == [[9, 10, 11], [5, 6], [0, 1, 2]]


def test_what_leaves_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="leave none of 10 sessions"):
        list(purged_folds(10, 2, Purge(label=5)))
    with pytest.raises(ConfigError, match="11 folds of 10 sessions"):
        list(purged_folds(10, 11))
    with pytest.raises(ConfigError, match="2 test folds of 2"):
        CombinatorialFolds(2, 2)
    with pytest.raises(ConfigError, match="take fewer folds"):
        CombinatorialFolds(40, 20)
    with pytest.raises(ConfigError, match="embargo -1"):
        Purge(embargo=-1)
