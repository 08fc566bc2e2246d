"""What a panel's bars and columns are, against the same rows picked and counted in plain Python."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.clock.interval import Interval
from engine.compute.bar_coverage import NEVER
from engine.errors import ArchiveError, SessionFileError
from engine.panel.bars import Bars, joined, rows_of
from engine.panel.session_panel import BAR_VALUES, DecodedRows, SessionPanel, rescale, slices_of
from engine.panel.symbol_table import SymbolTable
from engine.runtime.buffers import Buffers

MINUTE = Interval.parse("1m")
MICROS = 60_000_000
DATE = dt.date(2017, 11, 24)  # an early close, with bars before and after regular hours
SOME = 6  # symbols that are looked at


def read(archive: Archive, extended: bool = True, date: dt.date = DATE) -> SessionPanel:
    session = archive.calendar.session(date)
    return SessionPanel.read(
        archive, session, SymbolTable(archive.symbols()), MINUTE, BAR_VALUES, extended
    )


@pytest.fixture(scope="module")
def bars(demo: Archive) -> pl.DataFrame:
    """Every bar of the date, its start in microseconds as `start`."""
    return demo.read_session(DATE, ["symbol", "timestamp", *BAR_VALUES]).with_columns(
        start=pl.col("timestamp").dt.epoch("us")
    )


def own(bars: pl.DataFrame, symbol: str, low: int, high: int) -> pl.DataFrame:
    return bars.filter(pl.col("symbol") == symbol, pl.col("start") >= low, pl.col("start") < high)


def rows(bars: Bars, symbol: int, name: str) -> list[float]:
    return bars.column(name)[bars.starts[symbol] : bars.ends[symbol]].tolist()


@pytest.mark.parametrize("extended", [False, True])
def test_columns_of_the_clock(extended: bool, demo: Archive, bars: pl.DataFrame) -> None:
    panel = read(demo, extended)
    session = panel.session
    assert session.is_early_close
    spans = {
        "regular": (session.open, session.close),
        "visible": (session.extended_open, session.extended_close)
        if extended
        else (session.open, session.close),
    }
    for symbol, name in enumerate(panel.table.names[:SOME]):
        for kind, (low, high) in spans.items():
            expected = own(bars, name, low, high)["start"].to_list()
            of = getattr(panel, kind)
            assert rows(of, symbol, "timestamp") == expected
            assert rows(of, symbol, "minute") == [(at - session.open) / 6e7 for at in expected]
            assert rows(of, symbol, "session") == [DATE.toordinal()] * len(expected)
            assert rows(of, symbol, "regular") == [
                float(session.open <= at < session.close) for at in expected
            ]
    edges = np.array([-1, 0, session.minutes - 1, session.minutes]) * MICROS + session.open
    of_edges = SessionPanel(
        session,
        SymbolTable(["A"]),
        MINUTE,
        DecodedRows(
            timestamps=edges,
            columns={"close": np.arange(4.0)},
            slices=(np.array([0]), np.array([4])),
        ),
        True,
    )
    assert rows(of_edges.visible, 0, "regular") == [0.0, 1.0, 1.0, 0.0]
    assert rows(of_edges.regular, 0, "minute") == [0.0, session.minutes - 1.0]
    assert panel.sessions == (session,) and panel.of_session(0) is panel
    assert panel.opens_of(np.zeros(3, np.int64)).tolist() == [session.open] * 3
    derived = panel.bars(Interval.parse("15m"))
    assert rows(derived, 0, "minute")[:1] == [
        (rows(derived, 0, "timestamp")[0] - session.open) / 6e7
    ]
    assert panel.bars(Interval.parse("15m")) is derived and panel.bars(MINUTE) is panel.visible


def test_present_and_coverage(demo: Archive, bars: pl.DataFrame) -> None:
    panel = read(demo)
    session, found = panel.session, panel.coverage()
    assert found.expected == session.minutes == 210
    for symbol, name in enumerate(panel.table.names):
        starts = own(bars, name, session.open, session.close)["start"].to_list()
        assert panel.present()[symbol] == found.present[symbol] == len(starts)
        ends = [session.open, *(at + MICROS for at in starts)]
        gaps = [at - end for at, end in zip([*starts, session.close], ends, strict=True)]
        assert found.longest[symbol] == max(gaps)
        told = (found.first[symbol], found.last[symbol])
        assert told == ((starts[0], starts[-1]) if starts else (NEVER, NEVER))


def test_the_longest_gap_leaves_out_the_break() -> None:
    from engine.clock.calendar import ExchangeCalendar

    session = ExchangeCalendar.of("XHKG").session(dt.date(2018, 3, 12))
    minutes = np.array(
        [0, 1, 140, 215, 225]
    )  # from the open, at 9:30; the break is from 150 to 210
    panel = SessionPanel(
        session,
        SymbolTable("AB"),
        MINUTE,
        DecodedRows(
            timestamps=session.open + minutes * MICROS,
            columns={},
            slices=(np.array([0, 0]), np.array([5, 0])),
        ),
        False,
    )
    found = panel.coverage()
    trading = [at for at in range(session.minutes) if not 150 <= at < 210]
    gaps = [
        sum(low < at < high for at in trading)
        for low, high in zip([-1, *minutes], [*minutes, session.minutes], strict=True)
    ]
    assert found.longest.tolist() == [max(gaps) * MICROS, len(trading) * MICROS]
    assert found.expected == len(trading)


def test_bars_that_are_complete_at_a_time(demo: Archive, bars: pl.DataFrame) -> None:
    panel = read(demo)
    for at in (panel.session.open + 5 * MICROS, panel.session.close, panel.session.open):
        for off in (-1, 0, 1):
            until = panel.until(at + off)
            for symbol, name in enumerate(panel.table.names[:SOME]):
                expected = own(bars, name, panel.session.extended_open, at + off - MICROS + 1)
                assert rows(until.visible, symbol, "close") == expected["close"].to_list()
                seen = panel.visible.of(symbol, at + off)
                assert panel.visible.column("close")[seen].tolist() == expected["close"].to_list()


def test_another_future_begins_with_the_bars_that_are_not_complete(demo: Archive) -> None:
    panel = read(demo)
    starts = panel.visible.column("timestamp")
    at = int(panel.session.open + 30 * MICROS)
    for off in (-1, 0, 1):
        other = panel.scaled_after(at + off, np.array([2.0, 3.0]))
        future = np.flatnonzero(starts + MICROS > at + off)
        for name in BAR_VALUES:
            expected = panel.visible.column(name).copy()
            expected[future] *= np.resize([2.0, 3.0], len(future))
            assert other.visible.column(name).tolist() == expected.tolist()
            assert (
                other.visible.column(name).flags.writeable
                == panel.visible.column(name).flags.writeable
            )


def test_a_copy_of_some_symbols_in_another_scale(demo: Archive, bars: pl.DataFrame) -> None:
    panel = read(demo)
    ids = np.array([1, 4, 5])
    copy = panel.only(ids)
    before = {i: {n: rows(copy.visible, i, n) for n in BAR_VALUES} for i in ids.tolist()}
    derived = copy.bars(Interval.parse("5m"))
    copy.rescale(4, 4.0)
    assert copy.bars(Interval.parse("5m")) is not derived, "made anew in the new scale"
    assert copy.extended and len(copy.table) == len(panel.table)
    for symbol, name in enumerate(panel.table.names):
        for column in BAR_VALUES:
            values = rows(copy.visible, symbol, column)
            if symbol not in before:
                assert values == []
                continue
            ratio = 1.0 if symbol != 4 else 4.0 if column == "volume" else 0.25
            assert values == [value * ratio for value in before[symbol][column]]
            span = own(bars, name, panel.session.extended_open, panel.session.extended_close)
            assert before[symbol][column] == span[column].to_list()
    values = np.array([1.0, 2.0])
    for name in ("trades", "timestamp"):
        rescale(name, values, slice(0, 2), 2.0)
    assert values.tolist() == [1.0, 2.0], "counts and times have no scale"
    rescale("vwap", values, slice(1, 2), 2.0)
    assert values.tolist() == [1.0, 1.0]


def test_realigned_and_read_over_other_buffers_are_the_same_bars(demo: Archive) -> None:
    panel = read(demo)
    table = SymbolTable([*panel.table.names[2:4], "AAAA", "ZZZZ"])
    aligned = panel.realign(table)
    assert panel.realign(panel.table) is panel and aligned.extended
    for symbol, name in enumerate(table.names):
        where = panel.table.id(name)
        expected = [] if where is None else rows(panel.visible, where, "close")
        assert rows(aligned.visible, symbol, "close") == expected
    over = panel.over(Buffers())
    assert over.visible.column("close") is panel.visible.column("close") and over.extended
    starts, ends = slices_of((np.array([3, 5]), np.array([4, 9])), np.array([1, -1, 0]))
    assert (starts.tolist(), ends.tolist()) == ([5, 0, 3], [9, 0, 4])


def test_a_file_out_of_order_is_refused_and_one_symbol_after_another_is_not(demo: Archive) -> None:
    session = demo.calendar.session(DATE)

    def panel(times: list[int]) -> SessionPanel:
        return SessionPanel(
            session,
            SymbolTable("AB"),
            MINUTE,
            DecodedRows(
                timestamps=np.array(times), columns={}, slices=(np.array([0, 2]), np.array([2, 4]))
            ),
            True,
        )

    panel([2, 3, 1, 2])._refuse_disorder("here")
    for times, row in (([2, 2, 1, 2], 1), ([1, 0, 1, 2], 1), ([1, 2, 2, 1], 3)):
        with pytest.raises(ArchiveError, match=f"at row {row}"):
            panel(times)._refuse_disorder("here")
    with pytest.raises(SessionFileError):
        read(demo, date=dt.date(2019, 11, 25))


def small(known_at: list[int], lag: int = 0) -> Bars:
    """Two symbols: bars 0 to 2 and 3 to 4; the third has none."""
    return Bars(
        np.array([0, 3, 5]), np.array([3, 5, 5]), np.array(known_at), lag,
        {"close": np.array([1.0, 2.0, 3.0, 7.0, 8.0])},
    )  # fmt: skip


def test_bars_of_symbols_and_what_is_visible_of_them() -> None:
    bars = small([10, 20, 30, 15, 25], lag=5)
    assert bars.longest == 3
    assert bars.rows_of(np.array([1, 0])).tolist() == [3, 4, 0, 1, 2]
    assert rows_of(np.array([4, 2, 2]), np.array([6, 2, 4])).tolist() == [4, 5, 2, 3]
    some = bars.only(np.array([1]))
    assert (some.starts.tolist(), some.ends.tolist(), some.longest) == ([3], [5], 2)
    assert [bars.of(0, at) for at in (14, 15, 35, 99)] == [slice(0, i) for i in (0, 1, 3, 3)]
    assert [bars.of(1, at) for at in (19, 20, 30)] == [slice(3, i) for i in (3, 4, 5)]
    assert bars.of(2, 99) == slice(5, 5)


def test_the_latest_close_of_one_symbol_at_each_bar() -> None:
    bars = small([10, 20, 30, 15, 20])
    nan = float("nan")
    np.testing.assert_equal(bars.latest_of(0), [1.0, 2.0, 3.0, 1.0, 2.0])
    np.testing.assert_equal(bars.latest_of(1), [nan, 8.0, 8.0, 7.0, 8.0])
    for nobody in (2, -1):
        np.testing.assert_equal(bars.latest_of(nobody), [nan] * 5)
    one = small([10, 20, 30, 15, 20])
    one.ends = np.array([1, 5, 5])
    np.testing.assert_equal(one.latest_of(0), [1.0] * 5)
    one.reach = (np.array([0, 3, 5]), np.array([3, 5, 5]))
    np.testing.assert_equal(one.latest_of(0), [1.0, 2.0, 3.0, 1.0, 2.0])
    one.times = np.array([1, 2, 3, 2, 1])
    np.testing.assert_equal(one.latest_of(0), [1.0, 2.0, 3.0, 2.0, 1.0])


def test_further_columns_are_made_once() -> None:
    made: list[int] = []
    bars = small([1, 2, 3, 1, 2])
    bars.more = {"twice": lambda: made.append(1) or bars.column("close") * 2}  # type: ignore[func-returns-value]
    assert bars.column("twice").tolist() == [2.0, 4.0, 6.0, 14.0, 16.0]
    assert bars.column("twice") is bars.column("twice") and made == [1]
    one = np.array([4, 5])
    assert joined([one]) is one and joined([one, one]).tolist() == [4, 5, 4, 5]
