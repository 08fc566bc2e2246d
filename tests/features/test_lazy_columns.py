"""Columns that wait until they are asked for have, to the last bit, the values they have when every session is walked."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from engine.archive.archive import Archive
from engine.compute.keep_rows import keep_rows
from engine.errors import RunError
from engine.features.feature_node import FeatureNode
from engine.features.lazy_columns import LazyColumns
from engine.indicators.key import IndicatorKey
from engine.panel.bars import Ints
from engine.panel.splits import Splits
from engine.scan import block_calendar, replay
from engine.scan.requirements import Requirements
from engine.session.coordinator import SessionCoordinator
from engine.session.session_record import SessionTables
from tests.running import config, hits

# of every kind of node some, for each kernel takes a second to compile; that windows are windows is a test of the whole catalogue
WINDOWS = [
    "sma",
    "bollinger_bands",
    "stddev",
    "williams_r",
    "roc",
    "ichimoku",
    "zscore",
    "engulfing",
    "correlation",
]
STATES = ["ema", "atr", "macd", "obv", "wma", "kama", "consecutive_bars"]
OF_SESSION = ["vwap", "gap_percent", "opening_range", "premarket", "session_extremes"]
OF_BARS = [*WINDOWS, *STATES, *OF_SESSION]
OF_BENCHMARK = ["correlation"]
SESSION = [
    "session_open",
    "session_high",
    "session_low",
    "session_volume",
    "session_vwap",
    "bars_today",
    "quality",
]
LATEST = ["open", "high", "low", "volume", "bar_age", "bar_today"]


def scanner(criteria: dict[str, str], read: list[str]) -> dict[str, object]:
    """All columns logged with each hit."""
    return {
        "module": "scanners.criteria_scanner",
        "pre_session": True,
        "regular_session": [{"start": "09:31", "end": "16:00", "interval": "13m"}],
        "config": {
            "criteria": criteria,
            "features": {name.replace(".", "_"): name for name in read},
        },
    }


def columns(names: list[str], interval: str) -> list[str]:
    keys = [IndicatorKey.make(name, {}, interval) for name in names]
    return [column for key in keys for column in key.columns]


def walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nothing waits."""
    monkeypatch.setattr(Requirements, "_is_lazy", lambda self, node, everywhere: False)


CASES = {
    "nobody is left": (
        {"free": "close < 0", "high": "close > session_vwap and zscore_20_1m > 0"},
        "1m",
    ),
    "few are left": ({"dear": "close > 30", "up": "close > prev_close * 1.02"}, "1m"),
    "all are left": ({"any": "close > 0"}, "1m"),
    "wider bars": ({"up": "close > prev_close * 1.02"}, "15m"),
    "a clause that waits": (
        {
            "up": "close > prev_close",
            "high": "close > session_vwap and zscore_20_1m > 0",
            "r": "roc_10_1m > 0",
        },
        "1m",
    ),
    "ranks in between": (
        {"up": "close > prev_close", "r": "rank(session_volume) <= 9", "z": "zscore_20_1m > 0"},
        "1m",
    ),
    "no machine": (
        {"up": "log(close) > 3", "z": "log(2 + zscore_20_1m) > 0", "v": "session_volume > 1000"},
        "1m",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_waits_equals_what_is_walked(
    demo: Archive, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    criteria, interval = CASES[case]
    read = [*SESSION, *LATEST, *columns(OF_BARS, interval)]
    # with splits, in two months
    loaded = config(
        [scanner(criteria, read)], benchmark=demo.symbols()[0], start="2017-11-20", end="2017-12-08"
    )
    waiting = [node for node in coordinator_nodes(loaded, demo) if node.lazy]
    assert len(waiting) > len(OF_BARS)
    asked = hits(loaded, demo)
    walked(monkeypatch)
    assert not [node for node in coordinator_nodes(loaded, demo) if node.lazy]
    assert len(asked) > 100 or case == "nobody is left"
    assert_frame_equal(asked, hits(loaded, demo), check_exact=True)


def test_real_bars_and_several_scanners_that_share_columns(
    us2018: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = [*SESSION, *columns([name for name in OF_BARS if name not in OF_BENCHMARK], "1m")]
    loaded = config(
        [
            scanner({"up": "close > prev_close * 1.03", "run": "close > session_vwap"}, read[::2]),
            scanner({"down": "close < prev_close * 0.97", "z": "zscore_20_1m < -1"}, read)
            | {"name": "down"},
        ],
        start="2018-03-27",
        end="2018-04-05",  # two months
    )
    asked = hits(loaded, us2018)
    walked(monkeypatch)
    assert_frame_equal(asked, hits(loaded, us2018), check_exact=True)
    assert set(asked["scanner"]) == {"scanners.criteria_scanner", "down"}


AT_CLOSE: dict[str, object] = {"pre_session": False, "regular_session": [{"at": "close"}]}
DAILY_CASES = {
    "nobody is left": {"free": "close < 0", "z": "zscore_20_1d > 0"},
    "few are left": {"dear": "close > 30", "z": "zscore_10_1d > 0"},
    "all are left": {"any": "close > 0"},
    "ranks in between": {
        "up": "close > prev_close",
        "r": "rank(roc_5_1d) <= 9",
        "z": "zscore_10_1d > 0",
    },
    "no machine": {"up": "log(close) > 3", "z": "log(2 + zscore_10_1d) > 0"},
}


@pytest.mark.parametrize("sessions", [1000, 7])  # computed at once
@pytest.mark.parametrize("case", DAILY_CASES)
def test_what_waits_for_a_stretch_of_daily_bars_equals_what_is_walked(
    demo: Archive, monkeypatch: pytest.MonkeyPatch, case: str, sessions: int
) -> None:
    monkeypatch.setattr(replay, "CELLS", sessions * len(demo.symbols()))
    daily = scanner(
        DAILY_CASES[case], ["volume", *columns([*WINDOWS, *STATES], "1d"), "sma_3_1d", "roc_7_1d"]
    )
    # with splits, in two years
    loaded = config([daily | AT_CLOSE], interval="1d", benchmark=demo.symbols()[0])
    waiting = {node.name for node in coordinator_nodes(loaded, demo) if node.lazy}
    assert {
        "sma_3_1d",
        "roc_7_1d",
        "bollinger_bands_20_2_1d",
    } <= waiting and "correlation_20_1d" not in waiting
    asked = hits(loaded, demo)
    walked(monkeypatch)
    assert not [node for node in coordinator_nodes(loaded, demo) if node.lazy]
    assert len(asked) > 100 or case == "nobody is left"
    assert_frame_equal(asked, hits(loaded, demo), check_exact=True)


@pytest.mark.parametrize(
    ("criteria", "sessions"),
    [
        ({"up": "close > prev_close * 1.03"}, 1000),
        ({"cheap": "close < 30", "r": "roc_20_1d > 5"}, 50),
    ],
)
def test_real_daily_bars_with_their_splits(
    criteria: dict[str, str], sessions: int, lean: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "CELLS", sessions * len(lean.symbols()))
    read = [
        "volume",
        *columns([name for name in WINDOWS if name not in OF_BENCHMARK], "1d"),
        "sma_150_1d",
    ]
    daily = scanner(criteria, read) | AT_CLOSE
    loaded = config([daily], interval="1d", start="2012-01-03")
    asked = SessionTables(list(SessionCoordinator(loaded, lean).records())).hits
    walked(monkeypatch)
    assert len(asked) > 500
    assert_frame_equal(
        asked,
        SessionTables(list(SessionCoordinator(loaded, lean).records())).hits,
        check_exact=True,
    )


@pytest.mark.parametrize(
    ("criteria", "most"), [({"dear": "close > 100"}, False), ({"any": "close > 0"}, True)]
)
def test_what_was_asked_for_is_computed_ahead_in_the_next_but_one_block(
    criteria: dict[str, str], most: bool, demo: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[tuple[bool, int]] = []
    compute = LazyColumns._compute

    def noted(self: LazyColumns, nodes: Sequence[FeatureNode], ids: Ints) -> None:
        computed.append((threading.current_thread() is threading.main_thread(), len(ids)))
        compute(self, nodes, ids)

    monkeypatch.setattr(LazyColumns, "_compute", noted)
    monkeypatch.setattr(
        block_calendar, "block_of", lambda date, by_day: (date.year, date.month)
    )  # three blocks
    monkeypatch.setattr(Splits, "between", lambda *asked: [])
    daily = scanner(criteria, ["sma_3_1d", "roc_7_1d"]) | AT_CLOSE
    hits(config([daily], interval="1d"), demo)
    ahead = [
        count for on_main, count in computed if not on_main
    ]  # in the second, too, if the first was over by then
    if most:
        assert set(ahead) == {len(demo.symbols())} and len(computed) == 3
    else:
        assert ahead and 0 < min(ahead) <= max(ahead) < len(demo.symbols()) / 2


def test_of_sessions_that_are_scanned_one_by_one_what_waits_is_computed_once(
    demo: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them reads it for others."""
    computed: list[int] = []
    compute = LazyColumns._compute

    def noted(self: LazyColumns, nodes: Sequence[FeatureNode], ids: Ints) -> None:
        computed.append(len(ids))
        compute(self, nodes, ids)

    monkeypatch.setattr(LazyColumns, "_compute", noted)
    monkeypatch.setattr(Splits, "between", lambda *asked: [])
    daily = scanner({"up": "close > prev_close * 1.01"}, ["sma_3_1d", "roc_7_1d"])
    daily["config"]["universe"] = {"top_dollar_volume": 9}  # type: ignore[index]
    found = hits(config([daily | AT_CLOSE], interval="1d"), demo)
    assert found["session"].n_unique() > 20
    assert (
        1 <= len(computed) <= 2 * 3
    )  # two years, layouts of two windows, and what is computed ahead


def coordinator_nodes(loaded: object, archive: Archive) -> list[object]:
    coordinator = SessionCoordinator(loaded, archive)
    next(iter(coordinator.sessions()))
    return list(coordinator.needs.nodes)


@settings(max_examples=60)
@given(
    lengths=st.lists(st.lists(st.integers(0, 7), min_size=3, max_size=3), min_size=1, max_size=6),
    size=st.integers(1, 9),
)
def test_the_last_rows_are_kept_from_session_to_session(
    lengths: list[list[int]], size: int
) -> None:
    seen: list[list[float]] = [[], [], []]
    before, counts = np.full((3, size), np.nan), np.zeros(3, np.int64)
    for number, of_session in enumerate(lengths):
        ends = np.cumsum(of_session)
        values = 100.0 * number + np.arange(ends[-1])
        after = before if number % 2 else np.full((3, size), np.nan)  # in place as well
        keep_rows(0, 3, ends - of_session, ends, values, before, counts, after)
        before, counts = after, np.minimum(size, counts + of_session)
        for symbol in range(3):
            seen[symbol] += values[ends[symbol] - of_session[symbol] : ends[symbol]].tolist()
            assert after[symbol, size - counts[symbol] :].tolist() == seen[symbol][-size:]


def test_columns_of_a_session_cannot_be_read_when_it_is_over(demo: Archive) -> None:
    loaded = config(
        [scanner({"up": "close > prev_close * 1.02"}, ["zscore_20_1m"])],
        start="2017-11-20",
        end="2017-11-22",
    )
    coordinator = SessionCoordinator(loaded, demo)
    crosses = []
    for _ in coordinator.sessions():
        assert coordinator.at_hand is not None
        crosses.append(coordinator.at_hand.cross)
    assert crosses[0].is_lazy("zscore_20_1m")
    for name in ("zscore_20_1m", "close"):
        with pytest.raises(RunError, match="the session is over"):
            crosses[0].values(name)


def test_a_scanner_that_may_read_anything_has_everything_walked(demo: Archive) -> None:
    loaded = config(
        [
            {
                "module": "tests.scan.symbol_scanner:MyScanner",
                "regular_session": [{"start": "09:35", "end": "15:55", "interval": "30m"}],
                "config": {"universe": "all"},
            },
            scanner({"up": "close > prev_close"}, ["zscore_20_1m"]),
        ],
        start="2017-11-20",
        end="2017-11-20",
    )
    assert not [node for node in coordinator_nodes(loaded, demo) if node.lazy]


def test_the_frame_of_a_tick_holds_what_waits(demo: Archive) -> None:
    loaded = config(
        [scanner({"any": "close > 0"}, ["zscore_20_1m", "session_vwap"])],
        start="2017-11-20",
        end="2017-11-20",
    )
    coordinator = SessionCoordinator(loaded, demo)
    for _ in coordinator.sessions():
        assert coordinator.at_hand is not None
        cross = coordinator.at_hand.cross
        assert {"zscore_20_1m", "session_vwap", "close"} <= set(cross.names)
        everyone = np.arange(len(cross.table))
        frame = cross.frame(["zscore_20_1m"], np.full(len(everyone), 20), everyone)
        assert np.array_equal(
            frame["zscore_20_1m"].fill_null(np.nan),
            cross.values("zscore_20_1m")[20],
            equal_nan=True,
        )
        assert frame["zscore_20_1m"].dtype == pl.Float64
