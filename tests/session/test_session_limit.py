"""The cap on a session's symbols."""

from __future__ import annotations

import polars as pl

from engine.archive.archive import Archive
from tests.running import EVERY_5_MINUTES, config, hits


def test_the_first_symbols_of_a_session_are_kept_each_once(us2018: Archive) -> None:
    def found(per_session: int | None) -> pl.DataFrame:
        settings = {"min_price": 5, "min_break": 0.003, "per_session": per_session}
        scanner = {
            "module": "scanners.breakout_scanner",
            "regular_session": EVERY_5_MINUTES,
            "config": settings,
        }
        return hits(config([scanner], start="2018-03-20", end="2018-03-28"), us2018)

    everyone, capped = found(None), found(4)
    first = everyone.unique(["session", "symbol"], keep="first", maintain_order=True)
    expected = first.group_by("session", maintain_order=True).head(4)
    assert capped.drop("promoted").equals(expected.select(capped.columns).drop("promoted"))
    assert capped.group_by("session").len()["len"].to_list() == [4] * 7


def test_a_scanner_without_features_may_have_one(demo: Archive) -> None:
    scanner = {
        "module": "tests.session.columnar_failures:FewOfASession",
        "regular_session": EVERY_5_MINUTES,
    }
    found = hits(config([scanner], start="2017-11-20", end="2017-11-22"), demo)
    assert found.group_by("session").len()["len"].to_list() == [4] * 3
    assert not found.select("session", "symbol").is_duplicated().any()
