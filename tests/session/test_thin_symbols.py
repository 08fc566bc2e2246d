"""Symbols that trade seldom: what is known of them stays known, and is what all their bars say, wherever a block begins."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.indicators.catalogue import CATALOGUE
from engine.indicators.key import IndicatorKey
from tests.running import config, hits
from tests.session.thin_market import DAILY_SHARES, MINUTE_SHARES, thin_days, thin_minutes

ORACLES = {
    "sma_200_1d": pl.col("close").rolling_mean(200),
    "sma_20_1d": pl.col("close").rolling_mean(20),
    "rolling_max_60_1d": pl.col("close").rolling_max(60),
    "volume_sma_50_1d": pl.col("volume").rolling_mean(50),
    "roc_120_1d": 100 * (pl.col("close") / pl.col("close").shift(120) - 1),
}


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return thin_days(tmp_path_factory.mktemp("thin") / "days", DAILY_SHARES)


def logged(archive: Archive, keys: list[str], at: str = "close", **span: object) -> pl.DataFrame:
    """session, symbol, a column a key; daily bars scanned at every session's close, or before its open."""
    when = {"pre_session": True} if at == "open" else {"regular_session": [{"at": at}]}
    features = {f"v{number}": key for number, key in enumerate(keys)}
    scanner = {
        "module": "scanners.criteria_scanner",
        **when,
        "config": {"criteria": {"all": "known(prev_close) or known(close)"}, "features": features},
    }
    found = hits(config([scanner], interval="1d", **span), archive)
    names = {old: key for old, key in features.items()}
    return found.select("session", "symbol", *features).rename(names).sort("symbol", "session")


@pytest.mark.parametrize("at", ["open", "close"])
def test_daily_windows_are_those_of_all_bars(at: str, days: Archive) -> None:
    found = logged(days, list(ORACLES), at, start="2016-06-01")
    bars = days.read_daily(["close", "volume"], None, None).sort("symbol", "date")
    expected = bars.with_columns(
        **{key: expression.over("symbol") for key, expression in ORACLES.items()}
    )
    strict = {"allow_exact_matches": at == "close"}
    both = found.sort("session").join_asof(
        expected.select("symbol", "date", *ORACLES).sort("date"),
        left_on="session",
        right_on="date",
        by="symbol",
        suffix="_oracle",
        check_sortedness=False,
        **strict,
    )
    assert len(both) > 1000
    for key in ORACLES:
        wrong = both.filter(
            ~pl.col(key)
            .is_close(pl.col(f"{key}_oracle"), rel_tol=1e-9)
            .fill_null(pl.col(key).is_null() & pl.col(f"{key}_oracle").is_null())
        )
        assert wrong.is_empty(), (
            key,
            wrong.select("session", "symbol", key, f"{key}_oracle").head(),
        )
    known = found.group_by("symbol").agg(pl.col("sma_200_1d").is_not_null().sum()).sort("symbol")
    assert (
        known.rows()[0][1] > 400
        and dict(known.rows())["OFTEN"] > 400
        and dict(known.rows())["SELDOM"] > 100
    )


@pytest.mark.parametrize(
    "start", ["2016-12-20", "2017-01-03", "2017-09-05", "2018-01-02", "2018-03-01"]
)
def test_daily_values_do_not_depend_on_where_a_run_starts(start: str, days: Archive) -> None:
    keys = [
        "sma_200_1d",
        "ema_100_1d",
        "rsi_14_1d",
        "gap_percent_1d",
        "beta_60_1d",
        "macd_12_26_9_1d.signal",
        "correlation_60_1d",
    ]
    for benchmark in ("DENSE", "OFTEN"):
        whole = logged(days, keys, start="2015-07-01", benchmark=benchmark)
        part = logged(days, keys, start=start, benchmark=benchmark)
        assert part.equals(whole.filter(pl.col("session") >= dt.date.fromisoformat(start)))
        assert part["sma_200_1d"].null_count() < len(part) / 2


def all_keys() -> list[str]:
    keys = [
        IndicatorKey.make(name, {}, "1d") for name, one in CATALOGUE.items() if one.rows == "bars"
    ]
    return [key.columns[0] for key in keys]


def test_what_is_known_of_daily_bars_stays_known(days: Archive) -> None:
    """Of every indicator of the catalogue: over years' edges it has no gap that it does not have inside a year."""
    keys = all_keys()
    found = logged(days, keys, start="2015-07-01", benchmark="DENSE")
    traded = found.join(
        days.read_daily(["close"], None, None),
        left_on=["symbol", "session"],
        right_on=["symbol", "date"],
        how="semi",
    )
    assert len(keys) > 100
    lost = []
    for (symbol,), own in traded.sort("session").group_by("symbol", maintain_order=True):
        january = (own["session"].dt.year().diff() == 1).to_numpy()
        for key in keys:
            known = own[key].is_not_null().to_numpy()
            inside = np.flatnonzero(known[:-1] & ~known[1:] & ~january[1:])
            edges = np.flatnonzero(known[:-1] & ~known[1:] & january[1:])
            if len(edges) and not len(inside):
                lost.append((symbol, key, own["session"][int(edges[0]) + 1]))
    assert not lost


@pytest.fixture(scope="module")
def minutes(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return thin_minutes(
        tmp_path_factory.mktemp("thin") / "minutes", MINUTE_SHARES, "2018-01-22", "2018-03-09"
    )


def test_minute_values_are_those_of_all_bars_wherever_a_run_starts(minutes: Archive) -> None:
    """Of a thin symbol as well: what is known is what its last bars say, and is known in the same sessions in every run.

    With sessions of a bar in four minutes and more, a month begins with what the one before ended with.
    """
    oracles = {f"sma_{period}_1m": pl.col("close").rolling_mean(period) for period in (5, 50, 200)}
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": [{"start": "09:31", "end": "15:31", "interval": "1h"}],
        "config": {
            "criteria": {"all": "known(prev_close)"},
            "features": {f"v{number}": key for number, key in enumerate(oracles)},
        },
    }

    def seen(start: str) -> pl.DataFrame:
        found = hits(config([scanner], start=start), minutes)
        return found.select(
            "symbol",
            "tick",
            *(pl.col(f"v{number}").alias(key) for number, key in enumerate(oracles)),
        ).sort("symbol", "tick")

    whole = seen("2018-02-12")
    for start in ("2018-03-01", "2018-03-06"):
        later = whole.filter(pl.col("tick").dt.date() >= dt.date.fromisoformat(start))
        assert len(later) > 100 and seen(start).equals(later)
    bars = pl.concat(
        minutes.read_session(date, ["symbol", "timestamp", "close"]) for date in minutes.sessions()
    )
    known = bars.sort("symbol", "timestamp").with_columns(
        pl.col("timestamp") + pl.duration(minutes=1),
        **{key: expression.over("symbol") for key, expression in oracles.items()},
    )
    both = whole.sort("tick").join_asof(
        known.drop("close").sort("timestamp"),
        left_on="tick",
        right_on="timestamp",
        by="symbol",
        suffix="_oracle",
        check_sortedness=False,
    )
    for key in oracles:
        there = both.drop_nulls(key)
        assert (
            len(there) > 200
            and there.select(
                pl.col(key).is_close(pl.col(f"{key}_oracle"), rel_tol=1e-9).all()
            ).item()
        )
    dense = both.filter(pl.col("symbol") == "DENSE")
    assert dense.select(pl.all_horizontal(pl.col(*oracles).is_not_null()).all()).item()
