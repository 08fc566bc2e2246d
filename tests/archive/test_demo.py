"""The demo market looks like one, and is the same every time."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.ingest.demo import make_demo
from engine.errors import ArchiveError
from engine.schema import BAR_SCHEMA


def minutes(archive: Archive) -> pl.DataFrame:
    return pl.concat(
        [
            archive.read_session(d, list(BAR_SCHEMA)).with_columns(date=pl.lit(d))
            for d in archive.sessions()
        ]
    )


def digest(path: Path) -> str:
    files = sorted(path.rglob("*.parquet"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def test_the_same_options_make_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        make_demo(tmp_path / name, symbols=10, sessions=4, seed=seed)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")
    assert make_demo(tmp_path / "a", symbols=10, sessions=4) is False
    with pytest.raises(ArchiveError, match="--force"):
        make_demo(tmp_path / "a", symbols=11, sessions=4)


def test_it_has_what_markets_have(demo: Archive) -> None:
    bars = minutes(demo)
    eastern = pl.col("timestamp").dt.convert_time_zone("America/New_York").dt.time()
    regular = bars.filter(eastern >= dt.time(9, 30), eastern < dt.time(16))
    early = bars.filter(pl.col("date") == dt.date(2017, 11, 24))
    assert early.select(eastern.max()).item() < dt.time(17)
    assert len(early.filter(eastern >= dt.time(13))) < 0.05 * len(early)
    opens = regular.group_by("date").agg(pl.col("timestamp").min().dt.hour().alias("hour"))
    assert set(opens.filter(pl.col("date") < dt.date(2017, 11, 5))["hour"]) == {13}
    assert set(opens.filter(pl.col("date") > dt.date(2017, 11, 5))["hour"]) == {14}
    assert (
        len(bars.filter(eastern < dt.time(9, 30))) > 100
        and len(bars.filter(eastern >= dt.time(16))) > 100
    )
    by_hour = (
        regular.filter(pl.col("date") != dt.date(2017, 11, 24))
        .group_by(eastern.dt.hour().alias("hour"))
        .agg(pl.col("volume").sum())
        .sort("hour")["volume"]
        .to_list()
    )
    assert (
        by_hour[0] > 0.5 * by_hour[1]
        and by_hour[1] > 1.2 * by_hour[3]
        and by_hour[-1] > 1.2 * by_hour[3]
    )
    presence = regular.group_by("symbol").len()["len"] / (45 * 390)
    assert presence.min() < 0.8 and presence.max() > 0.9


def test_daily_returns_have_fat_tails(demo: Archive) -> None:
    closes = demo.read_daily(["close"], None, None)
    returns = (
        closes.with_columns(r=pl.col("close").log().diff().over("symbol"))
        .filter(pl.col("r").abs() < 0.7)["r"]
        .drop_nulls()
    )
    assert 0.01 < returns.std() < 0.05
    assert returns.kurtosis() > 1.0


def test_its_corporate_actions_show_in_the_prices(demo: Archive) -> None:
    closes = demo.read_daily(["open", "close"], None, None)
    splits = demo.corporate_actions().filter(pl.col("split_ratio").is_not_null())
    assert sorted(splits["split_ratio"]) == [0.2, 4.0]
    for symbol, ex_date, ratio in splits.select("symbol", "ex_date", "split_ratio").iter_rows():
        own = closes.filter(pl.col("symbol") == symbol)
        jump = (
            own.filter(pl.col("date") == ex_date)["open"][0]
            / own.filter(pl.col("date") < ex_date)["close"][-1]
        )
        assert np.isclose(jump * ratio, 1.0, atol=0.3)
    spans = closes.group_by("symbol").agg(
        pl.col("date").min().alias("first"), pl.col("date").max().alias("last")
    )
    assert (spans["last"] < demo.sessions()[-3]).sum() == 1
    assert (spans["first"] > demo.sessions()[3]).sum() == 1
