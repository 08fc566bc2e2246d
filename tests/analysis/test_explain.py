"""explain and scan must agree on every symbol and tick."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.analysis.explain import _Looking, explain, near_misses
from engine.archive.archive import Archive
from engine.errors import RunError
from tests.running import EVERY_5_MINUTES, config, hits, momentum

DAY = dt.date(2018, 3, 1)
RANKED = {
    "module": "scanners.criteria_scanner",
    "regular_session": EVERY_5_MINUTES,
    "config": {
        "criteria": {
            "up": "close > prev_close",
            "best": "rank(close / prev_close) <= 40",
            "rsi": "rsi_14 > 55 or rsi_14_5m > 60",
        },
        "features": {"change": "close / prev_close - 1"},
        "rank_by": "change",
        "limit": 7,
    },
}


@pytest.mark.parametrize(
    "scanner", [momentum(min_change=0.005, min_rsi=55.0), RANKED], ids=["momentum", "ranked"]
)
def test_explain_agrees_with_the_scan(scanner: dict[str, Any], us2018: Archive) -> None:
    loaded = config([scanner], start=str(DAY), end=str(DAY))
    found = hits(loaded, us2018).with_columns(
        pl.col("tick").dt.convert_time_zone("America/New_York")
    )
    rng, checked, passed = np.random.default_rng(2), 0, 0
    for minute in rng.choice(77, 4, replace=False):
        at = dt.datetime.combine(DAY, dt.time(9, 35)) + dt.timedelta(minutes=5 * int(minute))
        here = found.filter(pl.col("tick").dt.replace_time_zone(None) == at)
        ranks = dict(here.select("symbol", "rank").rows())
        with _Looking(loaded, us2018, None, at) as look:
            assert look.plan is not None
            for row in rng.choice(len(look.cross.table), 60, replace=False).tolist():
                symbol = look.cross.table.names[row]
                answer = look.explain(symbol, row)
                assert answer.hit == (symbol in ranks)
                assert answer.passed == all(clause.holds for clause in answer.clauses)
                if answer.hit:
                    assert answer.rank == ranks[symbol]
                    assert answer.nearest == answer.tick
                elif answer.passed:
                    assert (
                        answer.limit is not None
                        and answer.rank is not None
                        and answer.rank > answer.limit
                    )
                checked += 1
                passed += answer.passed
    assert checked == 240 and passed > 3


def test_both_sides_of_each_clause(us2018: Archive) -> None:
    loaded = config([momentum()], start=str(DAY), end=str(DAY))
    answer = explain(loaded, us2018, None, "TSLA", dt.datetime(2018, 3, 1, 9, 45))
    price, up, *_ = answer.clauses
    assert (price.holds, price.sides[0].sign, price.sides[0].right) == (True, ">", 5.0)
    assert price.sides[0].left == answer.columns["close"]
    assert up.sides[0].left == pytest.approx(
        answer.columns["close"] / answer.columns["prev_close"] - 1
    )
    assert not answer.hit and answer.nearest is None


def test_near_misses_fail_one_clause(us2018: Archive) -> None:
    loaded = config([momentum(min_change=0.01)], start=str(DAY), end=str(DAY))
    at = dt.datetime(2018, 3, 1, 10, 0)
    name, misses = near_misses(loaded, us2018, None, at)
    assert name == "scanners.momentum_scanner" and len(misses) > 3
    for miss in misses[:4]:
        answer = explain(loaded, us2018, None, miss.symbol, at)
        assert [clause.name for clause in answer.clauses if not clause.holds] == [miss.clause.name]


def test_what_cannot_be_explained_is_said(demo: Archive) -> None:
    loaded = config([momentum(universe=["MSFT"])], start="2017-11-09", end="2017-11-09")
    at = dt.datetime(2017, 11, 9, 10, 0)
    assert explain(loaded, demo, None, "AAPL", at).in_universe is False
    with pytest.raises(RunError, match="did you mean 'AAPL'"):
        explain(loaded, demo, None, "AAPPL", at)
    with pytest.raises(RunError, match="10:00 is the nearest"):
        explain(loaded, demo, None, "MSFT", dt.datetime(2017, 11, 9, 10, 1))
    with pytest.raises(RunError, match="no scanner 'other'"):
        explain(loaded, demo, "other", "MSFT", at)
    with pytest.raises(RunError, match="no sessions"):
        explain(loaded, demo, None, "MSFT", dt.datetime(2017, 11, 11, 10, 0))
