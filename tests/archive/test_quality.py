"""Quality of bars: against loops over the bars, and without looking ahead; anomalies; repairs that are safe and written down."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.bar_files import in_order, read_bars, write_bars
from engine.archive.disk.daily_files import daily_from_session
from engine.archive.quality.anomalies import mark_anomalies
from engine.archive.quality.check_bars import check_archive
from engine.archive.quality.complete_enough import CompleteEnough
from engine.archive.quality.completeness import FLAGS, ArchiveQuality, QualityTotals
from engine.archive.quality.repair import fix_archive, repair
from engine.archive.quality.repair_log import FIXES, FIXES_SCHEMA
from engine.archive.reference.universe import FixedUniverse
from engine.archive.vendor_files.validate import reason
from engine.clock.calendar import Session
from engine.clock.interval import Interval
from engine.errors import ArchiveError
from engine.schema import BAR_SCHEMA, PRICE_COLUMNS
from tests.cli.barsweep import Barsweep
from tests.running import EVERY_5_MINUTES, config, momentum, tables

ALL, DATE = list(BAR_SCHEMA), dt.date(2017, 11, 8)
MINUTE = Interval.parse("1m")


@pytest.fixture
def copy(demo: Archive, tmp_path: Path) -> Archive:
    shutil.copytree(demo.path, tmp_path / "copy")
    return Archive.open(tmp_path / "copy")


def by_hand(
    bars: pl.DataFrame, symbol: str, session: Session
) -> tuple[int, float, dt.datetime | None, dt.datetime | None]:
    """present, longest_gap, first_bar, last_bar: a walk over the minutes."""
    starts = bars.filter(pl.col("symbol") == symbol)["timestamp"].to_list()
    own = {int(start.timestamp()) * 1_000_000: start for start in starts}
    minutes = list(range(session.open, session.close, MINUTE.micros))
    there = [minute for minute in minutes if minute in own]
    gap = longest = 0
    for minute in minutes:
        gap = 0 if minute in own else gap + 1
        longest = max(longest, gap)
    return (
        len(there),
        float(longest),
        own[there[0]] if there else None,
        own[there[-1]] if there else None,
    )


def test_quality_is_what_a_walk_over_the_minutes_finds(demo: Archive) -> None:
    """In the archive's table and in a run's, on an early close as well."""
    dates = [dt.date(2017, 11, 22), dt.date(2017, 11, 24), dt.date(2017, 11, 27)]
    told = pl.concat(list(ArchiveQuality(demo, dates[0], dates[-1])))
    run = tables(config([momentum()], start=str(dates[0]), end=str(dates[-1])), demo)["quality"]
    sessions = {date: demo.calendar.session(date) for date in dates}
    assert told["session"].unique().sort().to_list() == dates and sessions[dates[1]].is_early_close
    for table in (told, run):
        for row in table.filter(pl.col("session").is_in(dates)).iter_rows(named=True):
            session = sessions[row["session"]]
            bars = demo.read_session(row["session"], ["symbol", "timestamp"])
            expected = by_hand(bars, row["symbol"], session)
            assert (
                row["present"],
                row["longest_gap"],
                row["first_bar"],
                row["last_bar"],
            ) == expected
            assert row["expected"] == session.minutes
            assert row["quality_percent"] == pytest.approx(
                100 * expected[0] / session.minutes, abs=1e-4
            )


def test_a_symbol_is_expected_from_its_first_session_to_its_last(demo: Archive) -> None:
    """The demo market has an IPO and a delisting."""
    daily = demo.read_daily([], None, None)
    span = daily.group_by("symbol").agg(
        pl.col("date").min().alias("first"), pl.col("date").max().alias("last")
    )
    late = span.filter(
        (pl.col("first") > demo.sessions()[0]) | (pl.col("last") < demo.sessions()[-1])
    )
    assert len(late) >= 2
    quality = ArchiveQuality(demo, symbols=late["symbol"].to_list())
    totals = QualityTotals(quality, 60)
    frames = list(quality)
    for number, rows in enumerate(frames):
        totals.add(number, rows)
    told = (
        pl.concat(frames)
        .group_by("symbol")
        .agg(pl.col("session").min().alias("first"), pl.col("session").max().alias("last"))
    )
    assert told.sort("symbol").equals(late.sort("symbol"))
    table = totals.by_symbol
    again = (
        pl.concat(frames)
        .group_by("symbol")
        .agg(
            pl.len().cast(pl.Int64).alias("sessions"),
            pl.col("expected", "present").sum().cast(pl.Int64),
            pl.col("quality_percent").min().alias("worst_percent"),
            pl.col("longest_gap").max(),
            pl.col(*FLAGS).sum().cast(pl.Int64),
        )
        .sort("symbol")
    )
    assert table.sort("symbol").select(again.columns).equals(again)
    for row in table.iter_rows(named=True):
        worst = pl.concat(frames).filter(
            pl.col("symbol") == row["symbol"], pl.col("session") == row["worst_session"]
        )
        assert worst["quality_percent"].item() == row["worst_percent"]
    cells = totals.map(table["symbol"].to_list())
    assert (
        cells.shape == (len(table), 45)
        and np.isnan(cells).sum() == 45 * len(table) - table["sessions"].sum()
    )


def test_a_symbol_that_is_not_there(demo: Archive) -> None:
    with pytest.raises(ArchiveError, match=r"no symbol 'APPL'.*did you mean 'AAPL'"):
        ArchiveQuality(demo, symbols=["APPL"])
    with pytest.raises(ArchiveError, match="no sessions in these dates"):
        ArchiveQuality(demo, start=dt.date(2030, 1, 1))


def minutes_of(
    closes: list[float], volumes: list[float] | None = None, symbol: str = "AAA"
) -> pl.DataFrame:
    """Flat bars, a minute each."""
    open_ = dt.datetime(2017, 11, 8, 14, 30, tzinfo=dt.UTC)
    rows = [
        (
            symbol,
            open_ + dt.timedelta(minutes=m),
            c,
            c,
            c,
            c,
            float(volumes[m]) if volumes else 100.0 + m,
        )
        for m, c in enumerate(closes)
    ]
    return pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row")


def test_anomalies_are_found_where_they_were_put() -> None:
    walk = [100.0 + 0.05 * (-1) ** m for m in range(40)]
    spike = [*walk[:20], 150.0, *walk[21:]]
    step = [*walk[:20], *(price + 10 for price in walk[20:])]  # a jump that stays is none
    stale = walk[:10] + [100.0] * 20 + walk[30:]
    fills = minutes_of(
        walk[:10] + [walk[9]] * 5 + walk[15:], [100.0] * 10 + [0.0] * 5 + [100.0] * 25
    )
    assert mark_anomalies(minutes_of(spike))["spike"].arg_true().to_list() == [20]
    assert not mark_anomalies(minutes_of(step))["spike"].any()
    assert mark_anomalies(minutes_of(stale))["stale"].arg_true().to_list() == list(range(10, 30))
    assert not mark_anomalies(minutes_of([price / 25 for price in stale]))[
        "stale"
    ].any()  # a tick is too coarse there
    marked = mark_anomalies(fills)
    assert (
        marked["filled"].arg_true().to_list() == list(range(10, 15)) and not marked["stale"].any()
    )
    two = pl.concat(
        [minutes_of([100.0, 100.1, 150.0], symbol="AAA"), minutes_of([100.0, 100.1], symbol="BBB")]
    )
    assert not mark_anomalies(two)["spike"].any()  # the next bar is another symbol's
    within = minutes_of(walk).with_columns(
        low=pl.when(pl.int_range(pl.len()) == 7).then(60.0).otherwise("low")
    )
    assert mark_anomalies(within)["spike"].arg_true().to_list() == [7]


def test_real_bars_are_hardly_odd(us2018: Archive) -> None:
    """The limits' grounds: of 44 sessions of 284 symbols, six bars are spikes, none is stale."""
    total = pl.concat(list(ArchiveQuality(us2018))).select(pl.col(*FLAGS).sum()).row(0, named=True)
    assert total == {"stale": 0, "spike": 6, "filled": 0, "crossed": 0}


# -- min_quality and the column


def test_only_the_sessions_before_count_for_min_quality(demo: Archive, copy: Archive) -> None:
    """What is known before the open; the session's own bars, and later ones, change nothing."""
    dates = demo.sessions()
    path = layout.session_file(copy.path, "1m", dates[10])
    gone = (
        demo.read_session(dates[10], ["symbol"])["symbol"]
        .value_counts()
        .sort("count")["symbol"][-1]
    )
    write_bars(path, copy.read_session(dates[10], ALL).filter(pl.col("symbol") != gone))
    everyone = FixedUniverse(demo.symbols(), demo.symbols())
    whole, holed = (CompleteEnough(everyone, archive, MINUTE, 85.0, 5) for archive in (demo, copy))
    before = [whole.members(date) for date in dates]
    after = [holed.members(date) for date in dates]
    assert before[:11] == after[:11] and before[16:] == after[16:] and before != after
    assert before[0] == demo.symbols() and 0 < len(before[9]) < len(demo.symbols())
    counted = (
        pl.concat(list(ArchiveQuality(demo, dates[4], dates[8])))
        .group_by("symbol")
        .agg(pl.col("present", "expected").sum())
    )
    enough = (
        counted.filter(pl.col("present") >= 0.85 * pl.col("expected"))["symbol"].sort().to_list()
    )
    assert before[9] == enough


@pytest.mark.parametrize("start", ["2017-11-20", "2017-12-04"])
def test_min_quality_does_not_depend_on_where_the_run_starts(start: str, demo: Archive) -> None:
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": EVERY_5_MINUTES,
        "config": {
            "criteria": {"up": "close > open", "full": "quality >= 50"},
            "features": {"q": "quality"},
        },
    }
    whole = tables(config([scanner], min_quality=70.0, quality_sessions=3), demo)["hits"]
    part = tables(config([scanner], min_quality=70.0, quality_sessions=3, start=start), demo)[
        "hits"
    ]
    assert len(part) and part.equals(
        whole.filter(pl.col("session") >= dt.date.fromisoformat(start))
    )
    everything = tables(config([scanner], start=start), demo)["hits"]
    assert len(part) < len(everything)


def test_the_column_knows_what_has_arrived(demo: Archive) -> None:
    """Bars complete at the tick, against minutes since the open; nothing of the session's later bars."""
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": [{"start": "09:31", "end": "10:30", "interval": "1m"}],
        "config": {"criteria": {"any": "quality >= 0"}, "features": {"q": "quality"}},
    }
    found = tables(config([scanner], start=str(DATE), end=str(DATE)), demo)["hits"]
    session, bars = demo.calendar.session(DATE), demo.read_session(DATE, ["symbol", "timestamp"])
    start = bars["timestamp"].dt.epoch("us")
    for tick, symbol, quality in (
        found.sample(200, seed=3).select("tick", "symbol", "q").iter_rows()
    ):
        at = int(tick.timestamp()) * 1_000_000
        own = (bars["symbol"] == symbol) & (start >= session.open) & (start + MINUTE.micros <= at)
        assert quality == pytest.approx(100 * own.sum() / ((at - session.open) // MINUTE.micros))


# -- repairs


def damaged(bars: pl.DataFrame) -> pl.DataFrame:
    """A session's bars with one of each that can be repaired, and of each that cannot."""
    row = pl.int_range(pl.len())
    open_, close = pl.col("open"), pl.col("close")
    broken = bars.with_columns(
        pl.when(row == 5)
        .then(pl.min_horizontal(open_, close, "low") - 0.01)
        .when(row == 9)
        .then(pl.max_horizontal(open_, close) * 0.9995)
        .when(row == 13)
        .then(pl.max_horizontal(open_, close) * 0.8)
        .otherwise("high")
        .alias("high"),
        pl.when(row == 5)
        .then(pl.max_horizontal(open_, close, "high") + 0.01)
        .when(row == 11)
        .then(pl.min_horizontal(open_, close) * 1.0005)
        .otherwise("low")
        .alias("low"),
        pl.when(row == 17).then(-1.0).otherwise("volume").alias("volume"),
    )
    last = bars.filter(pl.col("symbol") == bars["symbol"][0]).tail(1)
    price = pl.col("close")
    fill = last.with_columns(
        pl.col("timestamp").dt.offset_by("1m"), open=price, high=price, low=price, volume=0.0
    )
    conflict = bars.slice(30, 1).with_columns(
        close=pl.col("close") * 1.001, high=pl.col("high") * 1.01
    )
    return pl.concat([broken, fill, broken.slice(20, 3), conflict]).sample(
        fraction=1.0, shuffle=True, seed=4
    )


def test_what_is_safe_is_repaired_and_the_rest_left(copy: Archive) -> None:
    """No conflict here: a run can read what was repaired."""
    path, bars = layout.session_file(copy.path, "1m", DATE), copy.read_session(DATE, ALL)
    row = pl.int_range(pl.len())
    rounded = bars.with_columns(
        high=pl.when(row == 9).then(pl.max_horizontal("open", "close") * 0.9995).otherwise("high")
    )
    pl.concat([rounded, rounded.slice(20, 3)]).reverse().write_parquet(path)
    before = {
        p: p.read_bytes()
        for p in copy.path.rglob("bars.parquet")
        if p != path and "1d" not in str(p)
    }
    assert fix_archive(copy) == {"sorted": 1, "copy dropped": 3, "high raised to open or close": 1}
    fixed = copy.read_session(DATE, ALL)
    expected = bars.with_columns(
        high=pl.when(row == 9).then(pl.max_horizontal("open", "close")).otherwise("high")
    )
    assert fixed.equals(expected) and copy.read_session_index(DATE) is not None
    assert check_archive(copy) == [] and fix_archive(copy) == {}
    assert {p: p.read_bytes() for p in before} == before
    tables(config([momentum()], start=str(DATE), end=str(DATE)), copy)
    log = pl.read_parquet(copy.path / FIXES / "**/*.parquet", hive_partitioning=False)
    assert log.schema == pl.Schema(FIXES_SCHEMA) and len(log) == 5
    raised = log.filter(pl.col("action") == "high raised to open or close").row(0, named=True)
    assert (raised["symbol"], raised["high_after"]) == (expected["symbol"][9], expected["high"][9])
    assert raised["high_before"] == rounded["high"][9] and raised["session"] == DATE


def test_what_is_not_safe_is_never_touched(copy: Archive) -> None:
    bars = copy.read_session(DATE, ALL)
    broken = damaged(bars)
    fixed, log = repair(broken, True)
    actions = dict(log["action"].value_counts().iter_rows())
    assert actions == {
        "sorted": 1,
        "copy dropped": 3,
        "high and low exchanged": 1,
        "high raised to open or close": 1,
        "low lowered to open or close": 1,
        "fill without volume dropped": 1,
    }
    kinds = fixed.select(reason().alias("reason"))["reason"].drop_nulls().sort().to_list()
    assert kinds == ["high below another price", "negative volume"]
    assert (
        fixed.filter(pl.struct("symbol", "timestamp").is_duplicated()).height == 2
    )  # the conflict
    told = log.filter(pl.col("symbol").is_not_null())
    for key in told.select("symbol", "timestamp").iter_rows():
        was = broken.filter(pl.col("symbol") == key[0], pl.col("timestamp") == key[1])
        assert len(was)
    untouched = broken.join(told, on=["symbol", "timestamp"], how="anti")
    assert untouched.join(fixed, on=ALL, how="semi").height == len(untouched)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_repair_done_again_changes_nothing_and_every_change_can_be_undone(
    data: st.DataObject,
) -> None:
    price = st.sampled_from([9.99, 10.0, 10.001, 10.01, 11.0])
    rows = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from("AB"),
                st.integers(0, 6),
                price,
                price,
                price,
                price,
                st.sampled_from([0.0, 5.0]),
            ),
            max_size=25,
        )
    )
    at = dt.datetime(2017, 11, 8, 14, 30, tzinfo=dt.UTC)
    bars = pl.DataFrame(
        [(s, at + dt.timedelta(minutes=m), *rest) for s, m, *rest in rows],
        schema=BAR_SCHEMA,
        orient="row",
    )
    fixed, log = repair(bars, True)
    again, nothing = repair(fixed, True)
    assert again.equals(fixed) and nothing.is_empty()
    assert fixed.is_empty() or fixed.select("symbol", "timestamp").equals(
        fixed.select("symbol", "timestamp").sort("symbol", "timestamp")
    )
    dropped = log.filter(pl.col("open_after").is_null() & pl.col("symbol").is_not_null())
    changed = log.filter(pl.col("open_after").is_not_null())
    assert len(fixed) + len(dropped) == len(bars)
    after = [
        *changed.select(
            "symbol", "timestamp", *(f"{name}_after" for name in (*PRICE_COLUMNS, "volume"))
        ).rows()
    ]
    now, was = fixed.rows(), [*dropped, *changed] and []
    for row, before in zip(
        after[::-1],
        changed.select(ALL[:2] + [f"{name}_before" for name in (*PRICE_COLUMNS, "volume")]).rows()[
            ::-1
        ],
        strict=True,
    ):
        if row in now:
            now[now.index(row)] = before
        else:  # it was dropped later
            was.append((row, before))
    gone = dropped.select(
        ALL[:2] + [f"{name}_before" for name in (*PRICE_COLUMNS, "volume")]
    ).rows()
    for row, before in was:
        gone[gone.index(row)] = before
    assert sorted(now + gone) == sorted(bars.rows())


def test_daily_bars_follow_a_repair_unless_they_are_from_a_better_source(copy: Archive) -> None:
    path, session = layout.session_file(copy.path, "1m", DATE), copy.calendar.session(DATE)
    bars = copy.read_session(DATE, ALL)
    regular = bars.filter(pl.col("timestamp").dt.hour() == 16)
    derived, better = regular["symbol"].unique().sort().to_list()[:2]
    one = (
        regular.filter(pl.col("symbol").is_in([derived, better]))
        .group_by("symbol", maintain_order=True)
        .first()
    )
    crossed = one.with_columns(
        low=pl.col("high") + 5.0, high=pl.min_horizontal("open", "close") - 0.01
    )
    write_bars(
        path, pl.concat([bars.join(one, on=ALL, how="anti"), crossed]).sort("symbol", "timestamp")
    )
    of_day = pl.col("timestamp").dt.epoch("us") == session.open
    year = copy.daily_file(2017)
    daily = read_bars(year, ALL).filter(~of_day)
    from_broken = daily_from_session(copy.read_session(DATE, ALL), session)
    other = from_broken.with_columns(
        close=pl.when(pl.col("symbol") == better).then(pl.col("close") - 0.01).otherwise("close")
    )
    write_bars(year, pl.concat([daily, other]).sort("symbol", "timestamp"))
    assert fix_archive(copy)["high and low exchanged"] == 2
    from_fixed = daily_from_session(copy.read_session(DATE, ALL), session)
    assert not from_fixed.filter(pl.col("symbol") == derived).equals(
        from_broken.filter(pl.col("symbol") == derived)
    )
    expected = pl.concat(
        [
            daily,
            from_fixed.filter(pl.col("symbol") != better),
            other.filter(pl.col("symbol") == better),
        ]
    )
    assert read_bars(year, ALL).equals(expected.sort("symbol", "timestamp"))


def test_a_repair_of_metadata_that_lies(copy: Archive) -> None:
    """Another tool has kept our metadata and changed the bars."""
    import pyarrow.parquet as pq

    path = layout.session_file(copy.path, "1m", DATE)
    table = pq.read_table(path, partitioning=None)
    metadata = pq.read_metadata(path).metadata
    swapped = table.set_column(
        0,
        "symbol",
        pl.Series(table["symbol"].to_pylist()).replace("AAPL", "AAPM").to_arrow().cast("string"),
    )
    pq.write_table(
        swapped.replace_schema_metadata(
            {k: v for k, v in metadata.items() if k.startswith(b"barsweep")}
        ),
        path,
    )
    assert any("metadata" in finding.kind for finding in check_archive(copy))
    assert fix_archive(copy) == {"symbol counts written anew": 1}
    assert in_order(copy.read_session(DATE, ALL))
    assert [(f.kind, f.example) for f in check_archive(copy)] == [
        ("bars without a daily bar", "AAPM")
    ]


def test_a_repair_waits_for_an_import(copy: Archive) -> None:
    import fcntl

    with (copy.path / ".import.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(ArchiveError, match="another import is running"):
            fix_archive(copy)


# -- the command line


def test_the_command_and_its_map(demo: Archive, barsweep: Barsweep, tmp_path: Path) -> None:
    page, rows = tmp_path / "map.html", tmp_path / "rows.parquet"
    called = barsweep(
        "archive",
        "quality",
        "--archive",
        demo.path,
        "--worst",
        "4",
        "--heatmap",
        page,
        "--out",
        rows,
        "--quiet",
    )
    assert called.status == 0 and called.err == ""
    table = pl.read_parquet(rows)
    assert table.equals(pl.concat(list(ArchiveQuality(demo))))
    lines = called.out.splitlines()
    assert lines[-5].startswith("all") and len(lines[-1].split()[-1]) == 45
    text = page.read_text(encoding="utf-8")
    assert "<script src=" not in text and all(symbol in text for symbol in demo.symbols())
    as_json = barsweep(
        "archive",
        "quality",
        "--archive",
        demo.path,
        "--symbol",
        "aapl",
        "--format",
        "json",
        "--quiet",
    )
    assert '"symbol": "AAPL"' in as_json.out and as_json.out.count('"symbol"') == 1


def test_check_fix_tells_what_it_did(copy: Archive, barsweep: Barsweep) -> None:
    path = layout.session_file(copy.path, "1m", DATE)
    copy.read_session(DATE, ALL).reverse().write_parquet(path)
    found = barsweep("archive", "check", "--archive", copy.path, "--quiet")
    assert found.status == 1 and "not sorted" in found.out
    fixed = barsweep("archive", "check", "--fix", "--archive", copy.path, "--quiet")
    assert fixed.status == 0 and "sorted\t1" in fixed.out and "clean" in fixed.out
