"""What is known at a tick does not change when the future does: the archive is cut off after random ticks."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.bar_files import write_bars
from engine.archive.disk.daily_files import daily_from_session
from engine.config.load import LoadedConfig
from engine.schema import BAR_SCHEMA
from tests.running import EVERY_5_MINUTES, config, hits, momentum

FIRST, LAST = dt.date(2017, 11, 6), dt.date(2017, 12, 6)


def loaded(end: dt.date) -> LoadedConfig:
    quarterly = [{"start": "09:31", "end": "15:46", "interval": "15m"}]
    return config(
        [
            momentum(min_change=0.005, min_rsi=55.0),
            {
                "module": "scanners.gap_scanner",
                "pre_session": True,
                "regular_session": quarterly,
                "config": {"min_gap": 0.005},
            },
            {
                "module": "scanners.hybrid_scanner",
                "regular_session": EVERY_5_MINUTES,
                "config": {
                    "min_gap": 0.005,
                    "min_rvol": 1.0,
                    "rvol_sessions": 3,
                    "universe": {"top_dollar_volume": 20, "sessions": 5},
                },
            },
        ],
        start=str(FIRST),
        end=str(end),
        extended_hours=True,
        indicators=[{"name": "ema", "params": {"period": 9}, "interval": "15m"}],
    )


def cut_off(archive: Archive, path: Path, tick: dt.datetime) -> Archive:
    """The archive as it was at `tick`: no later session, of its session only the bars that were complete."""
    date = tick.date()
    shutil.rmtree(path, ignore_errors=True)
    (path / "bars").mkdir(parents=True)
    for day in archive.sessions():
        if day < date:
            target = layout.session_file(path, "1m", day)
            target.parent.mkdir(parents=True)
            target.symlink_to(layout.session_file(archive.path, "1m", day))
    bars = archive.read_session(date, list(BAR_SCHEMA)).filter(
        pl.col("timestamp") + pl.duration(minutes=1) <= tick
    )
    write_bars(layout.session_file(path, "1m", date), bars)
    years = pl.concat(archive.read_daily([*BAR_SCHEMA][1:], None, date).partition_by("date")).drop(
        "date"
    )
    today = daily_from_session(bars, archive.calendar.session(date))
    write_bars(
        layout.daily_file(path, 2017),
        pl.concat([years.select(*BAR_SCHEMA), today]).sort("symbol", "timestamp"),
    )
    actions = archive.corporate_actions().filter(pl.col("ex_date") <= date)
    actions.write_parquet(path / layout.ACTIONS)
    layout.write_manifest(path, archive.manifest)
    return Archive.open(path)


@pytest.fixture(scope="module")
def whole(demo: Archive) -> pl.DataFrame:
    return hits(loaded(LAST), demo)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_hits_up_to_a_tick_do_not_depend_on_later_bars(
    data: st.DataObject, whole: pl.DataFrame, demo: Archive, tmp_path: Path
) -> None:
    assert len(whole) > 2000
    tick = data.draw(st.sampled_from(whole["tick"].unique().sort().to_list()))
    found = hits(loaded(tick.date()), cut_off(demo, tmp_path / "cut", tick)).filter(
        pl.col("tick") <= tick
    )
    expected = whole.filter(pl.col("tick") <= tick)
    assert found.equals(expected.select(found.columns))
