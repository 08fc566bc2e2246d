"""What an error says."""

from __future__ import annotations

import pickle

from engine.errors import BarsweepError, ConfigError


def test_it_says_what_and_where_and_what_to_do() -> None:
    error = ConfigError("mode = 'live'", where="c.json", expected="'backtest'", fix="change it")
    assert str(error) == "c.json: mode = 'live'; expected 'backtest'; change it"


def test_a_value_of_a_million_characters_is_shortened_in_the_message_alone() -> None:
    error = ConfigError(
        f"name = {'x' * 1_000_000}", where="c.json", expected="a name\non two lines"
    )
    assert len(str(error)) < 2_000 and str(error).startswith("c.json: name = xxx")
    assert str(error).endswith("; expected a name\non two lines")
    assert len(error.what) > 1_000_000


def test_it_comes_back_from_another_process_as_it_was() -> None:
    error = ConfigError("wrong", where="here", expected="right", fix="do")
    back = pickle.loads(pickle.dumps(error))
    assert isinstance(back, ConfigError) and isinstance(back, BarsweepError)
    assert (str(back), back.what, back.where) == (str(error), "wrong", "here")
