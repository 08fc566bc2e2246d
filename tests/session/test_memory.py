"""What a session was computed from goes with it, without the garbage collector's help: bars and states are large."""

from __future__ import annotations

import datetime as dt
import gc
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.daily import daily_archive
from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.features.feature_state import FeatureState
from engine.panel.daily_panel import DailyBars
from engine.panel.session_panel import SessionPanel
from engine.runs.execute_run import make_desk
from engine.scan.cross_section import CrossSection
from engine.session.coordinator import SessionCoordinator
from tests.running import config
from tests.trading.runs import config as trading_config

SPAN = {"start": "2018-03-20", "end": "2018-04-13"}  # two months

SCANNER = {
    "module": "scanners.criteria_scanner",
    "regular_session": [{"start": "09:31", "end": "16:00", "interval": "13m"}],
    "config": {
        "criteria": {"up": "close > prev_close * 1.01"},
        "features": {"z": "zscore_20_1m", "w": "ema_20_5m"},
    },
}


@contextmanager
def noted(*, compiled: Callable[[], object]) -> Iterator[list[weakref.ref[Any]]]:
    """What is made of bars and of states meanwhile, without a collector of garbage.

    compiled  does the same before, as what is left of compiling a kernel refers to all that its caller had at hand
    """
    compiled()
    made: list[weakref.ref[Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        for kind in (SessionPanel, FeatureState, DailyBars, CrossSection):
            patch.setattr(kind, "__init__", _noted(kind.__init__, made))
        gc.collect()
        gc.disable()
        try:
            yield made
        finally:
            gc.enable()


def _noted(init: Any, made: list[weakref.ref[Any]]) -> Any:
    def noted(self: Any, *given: Any, **named: Any) -> None:
        init(self, *given, **named)
        made.append(weakref.ref(self))

    return noted


def alive_after(loaded: LoadedConfig, archive: Archive) -> list[tuple[int, int]]:
    """How many panels of earlier sessions hold bars, and how many banks of nodes there are, session by session."""
    once = SessionCoordinator(loaded, archive, make_desk(loaded, archive))
    with noted(compiled=lambda: deque(once.sessions(), maxlen=0)) as made:
        coordinator = SessionCoordinator(loaded, archive, make_desk(loaded, archive))
        everyone = len(archive.symbols())
        counts = [_count(made, record.date, everyone) for record in coordinator.sessions()]
    assert any(node.lazy for node in coordinator.needs.nodes)
    return counts


def _count(made: list[weakref.ref[Any]], date: dt.date, everyone: int) -> tuple[int, int]:
    there = [one() for one in made]
    panels = [one for one in there if isinstance(one, SessionPanel) and one._columns]
    old = [one for one in panels if one.session.date < date]
    # Copies of the bars of symbols that trade seldom are kept for a block: few bars each.
    kept = [one for one in old if _bars(one) < 39 * everyone]
    assert sum(_bars(one) for one in kept) < 390 * everyone
    return len(old) - len(kept), sum(isinstance(one, FeatureState) for one in there)


def _bars(panel: SessionPanel) -> int:
    return int(panel.present().sum())


def _holds_daily_bars(one: object) -> bool:
    return isinstance(one, DailyBars) and bool(one.columns)


def test_a_scan_keeps_one_session_and_one_month(us2018: Archive) -> None:
    panels, banks = zip(*alive_after(config([SCANNER], **SPAN), us2018), strict=True)
    assert set(panels) == {0}
    assert max(banks) == 2  # the next month's is being seeded
    assert banks[-1] == 1


def test_close_ups_go_with_their_session(us2018: Archive) -> None:
    loaded = trading_config(
        [{"module": "engine.strategies.rsi_reversion"}], scanners=[SCANNER], **SPAN
    )
    panels, banks = zip(*alive_after(loaded, us2018), strict=True)
    assert (max(panels), banks[-1]) == (0, 1)


def test_a_daily_scan_keeps_two_years(tmp_path: Path) -> None:
    """One is scanned, the next one is being computed; and what was read of both, and of the one after them."""
    archive = Archive.open(daily_archive(tmp_path, 20, 2000, 7))
    screen = {
        "module": "scanners.criteria_scanner",
        "regular_session": [{"at": "close"}],
        "config": {"criteria": {"up": "roc_5_1d > 5"}},
    }
    loaded = config([screen], interval="1d")
    with noted(
        compiled=lambda: deque(SessionCoordinator(loaded, archive).records(), maxlen=0)
    ) as made:
        coordinator = SessionCoordinator(loaded, archive)
        counts = [sum(_holds_daily_bars(one()) for one in made) for _ in coordinator.records()]
        assert not any(
            isinstance(one(), CrossSection) for one in made
        )  # while the coordinator is still there
    # of two years what is scanned, of two what was read, and the last bars before them, of which new ones are being looked for
    assert len(counts) == 8 and max(counts) <= 6


@pytest.mark.parametrize("until", [None, dt.date(2014, 12, 31)])
def test_nothing_is_left_of_a_daily_run_with_splits(until: dt.date | None, lean: Archive) -> None:
    screen = {
        "module": "scanners.criteria_scanner",
        "regular_session": [{"at": "close"}],
        "config": {
            "criteria": {"up": "close > prev_close * 1.03"},
            "features": {"s": "sma_50_1d", "z": "zscore_10_1d"},
        },
    }
    loaded = config([screen], interval="1d", start="2012-01-03")

    def run() -> None:
        coordinator = SessionCoordinator(loaded, lean)
        if until:
            coordinator.stop_after(until)
        assert len(deque(coordinator.records(), maxlen=2)) == 2
        assert any(node.lazy for node in coordinator.needs.nodes)

    with noted(compiled=run) as made:
        run()
        assert len(made) > 10 and not any(
            isinstance(one(), FeatureState | CrossSection) for one in made
        )
