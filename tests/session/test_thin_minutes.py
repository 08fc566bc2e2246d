"""Windows over minutes of symbols that trade seldom: what is known stays known over months' edges, wherever a run begins."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.indicators.catalogue import CATALOGUE
from engine.indicators.key import IndicatorKey
from tests.running import config, hits
from tests.session.thin_market import seldom_minutes

START, END = "2017-11-01", "2018-05-04"
EVERY = [1, 3, 7, 12, 20, 33, 45, 60]  # minutes from one bar of a symbol to its next
LONG = ["sma_200_1m", "rolling_max_390_1m", "sma_50_15m", "volume_sma_20_5m", "correlation_60_1m"]
SPLIT_DATE, RATIO = dt.date(2018, 3, 14), 4.0


@pytest.fixture(scope="module")
def minutes(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Symbols E01 .. E60 with a bar every so many minutes, beginning where the session before left off; E20 splits."""
    folder = tmp_path_factory.mktemp("seldom")
    archive = seldom_minutes(folder, {f"E{every:02}": every for every in EVERY}, START, END)
    actions = {"symbol": ["E20"], "ex_date": [SPLIT_DATE], "split_ratio": [RATIO]}
    pl.DataFrame(actions).with_columns(cash_dividend=pl.lit(0.0)).write_parquet(
        archive.path / "corporate_actions.parquet"
    )
    return Archive.open(archive.path)


def seen(
    archive: Archive, keys: list[str], start: str, end: str = END, walked: tuple[str, ...] = ()
) -> pl.DataFrame:
    """symbol, tick, a column a key; `walked` keys are in the first clause, so that their states are carried."""
    features = {f"v{number}": key for number, key in enumerate(keys)}
    known = " or ".join(["known(prev_close)", *(f"known({key})" for key in walked)])
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": [{"start": "09:30", "end": "16:00", "interval": "130m"}],
        "config": {"criteria": {"all": known}, "features": features},
    }
    found = hits(config([scanner], start=start, end=end, benchmark="E01"), archive)
    names = {old: key for old, key in features.items()}
    return found.select("symbol", "tick", *features).rename(names).sort("symbol", "tick")


def windows() -> list[str]:
    """Every indicator of the catalogue that is a window, over minutes and over wider bars."""
    found = []
    for name, one in CATALOGUE.items():
        key = IndicatorKey.make(name, {}, "1m")
        if one.rows == "bars" and not one.of_session and one.window(*key.params):
            found += [key.columns[0], IndicatorKey.make(name, {}, "15m").columns[0]]
    return found


def lost(values: pl.DataFrame, keys: list[str]) -> list[tuple[str, str, dt.date]]:
    """Symbol, key, date: what is known in a month's last session and not at every tick of the next."""
    found = []
    days = values.with_columns(date=pl.col("tick").dt.date())
    for (symbol,), own in days.group_by("symbol", maintain_order=True):
        by_day = own.group_by("date", maintain_order=True).agg(pl.col(keys).is_not_null().all())
        month = by_day["date"].dt.month().to_numpy()
        edges = np.flatnonzero(month[1:] != month[:-1])
        assert len(edges) >= 2
        for key in keys:
            known = by_day[key].to_numpy()
            gone = [
                by_day["date"][int(edge) + 1]
                for edge in edges
                if known[edge] and not known[edge + 1]
            ]
            found += [(str(symbol), key, date) for date in gone]
    return found


@pytest.mark.parametrize("walked", [(), tuple(LONG)], ids=["lazy", "walked"])
def test_what_is_known_stays_known_over_months_edges(
    walked: tuple[str, ...], minutes: Archive
) -> None:
    keys = [*LONG, *windows()]
    assert len(keys) > 80
    values = seen(minutes, keys, "2018-03-01", walked=walked)
    assert not lost(values, keys)
    every = values.filter(pl.col("symbol") == "E60")
    assert every.select(pl.col("sma_200_1m", "rolling_max_390_1m").is_not_null().all()).row(0) == (
        True,
        True,
    )


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    start=st.dates(dt.date(2018, 3, 1), dt.date(2018, 5, 4)),
    keys=st.lists(st.sampled_from(LONG + windows()), min_size=1, max_size=4, unique=True),
    walked=st.booleans(),
)
def test_values_do_not_depend_on_where_a_run_begins(
    start: dt.date, keys: list[str], walked: bool, minutes: Archive, whole: pl.DataFrame
) -> None:
    """Nor on which other windows are asked for, or which are in the first clause."""
    part = seen(minutes, keys, str(start), walked=tuple(keys) if walked else ())
    expected = whole.filter(pl.col("tick").dt.date() >= start).select(part.columns)
    assert part.equals(expected)


@pytest.fixture(scope="module")
def whole(minutes: Archive) -> pl.DataFrame:
    return seen(minutes, LONG + windows(), "2018-02-01")


def test_windows_are_those_of_all_bars_also_after_a_split(
    minutes: Archive, whole: pl.DataFrame
) -> None:
    """Against Polars over all of the archive's bars, in the scale of the session at hand."""
    oracles = {
        "sma_200_1m": pl.col("close").rolling_mean(200),
        "rolling_max_390_1m": pl.col("close").rolling_max(390),
    }
    frames = [
        minutes.read_session(date, ["symbol", "timestamp", "close"]).with_columns(date=pl.lit(date))
        for date in minutes.sessions()
    ]
    bars = pl.concat(frames).sort("symbol", "timestamp")
    splits = (pl.col("symbol") == "E20") & (pl.col("date") < SPLIT_DATE)
    for before in (True, False):
        scale = 1.0 if before else pl.when(splits).then(RATIO).otherwise(1.0)
        known = bars.with_columns(pl.col("close") / scale).with_columns(
            tick=pl.col("timestamp") + pl.duration(minutes=1),
            **{f"{key}_oracle": one.over("symbol") for key, one in oracles.items()},
        )
        part = whole.filter((pl.col("tick").dt.date() < SPLIT_DATE) == before)
        both = part.sort("tick").join_asof(
            known.sort("tick").drop("close", "timestamp", "date"),
            on="tick",
            by="symbol",
            check_sortedness=False,
        )
        for key in oracles:
            there = both.drop_nulls(key)
            assert there["symbol"].n_unique() == len(EVERY)
            close = pl.col(key).is_close(pl.col(f"{key}_oracle"), rel_tol=1e-9)
            assert there.select(close.all()).item(), key
    after = whole.filter(pl.col("symbol") == "E20", pl.col("tick").dt.date() >= SPLIT_DATE)
    assert after.select(pl.col(*oracles).is_not_null().all()).row(0) == (True, True)


def test_sessions_are_read_only_for_symbols_that_are_short_of_rows(
    minutes: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run over months reads each session once and a few of those before it, not a quarter of a year again each month."""
    read = list[dt.date]()
    own = Archive.read_session

    def noted(self: Archive, date: dt.date, *rest: object) -> pl.DataFrame:
        read.append(date)
        return own(self, date, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Archive, "read_session", noted)
    seen(minutes, ["sma_200_1m"], "2018-03-01")
    reach = math.ceil(3 * 0.25 * 80)
    of_run = [date for date in minutes.sessions() if date >= dt.date(2018, 3, 1)]
    assert len(read) <= len(of_run) + 3 + reach
    again = [date for date in set(read) if read.count(date) > 1]
    assert all(date < of_run[0] for date in again)
