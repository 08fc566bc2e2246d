"""What a session was computed from goes with it, without the garbage collector's help: bars and states are large."""

from __future__ import annotations

import datetime as dt
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.indicators.bank import TermBank
from engine.panel.session_panel import SessionPanel
from engine.results.run import make_desk
from engine.session.coordinator import SessionCoordinator
from tests.runs import config
from tests.trading.runs import config as trading_config

SPAN = {"start": "2018-03-20", "end": "2018-04-13"}  # two months

SCANNER = {
    "module": "scanners.criteria_scanner", "regular_session": [{"start": "09:31", "end": "16:00", "interval": "13m"}],
    "config": {"criteria": {"up": "close > prev_close * 1.01"}, "features": {"z": "zscore_20_1m", "w": "ema_20_5m"}},
}  # fmt: skip


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[Any]]]:
    """What was made of bars and of states meanwhile, without a collector of garbage."""
    made: list[weakref.ref[Any]] = []
    for kind in (SessionPanel, TermBank):
        monkeypatch.setattr(kind, "__init__", _noted(kind.__init__, made))
    gc.collect()
    gc.disable()
    yield made
    gc.enable()


def _noted(init: Any, made: list[weakref.ref[Any]]) -> Any:
    def noted(self: Any, *given: Any, **named: Any) -> None:
        init(self, *given, **named)
        made.append(weakref.ref(self))

    return noted


def alive_after(loaded: LoadedConfig, archive: Archive, made: list[weakref.ref[Any]]) -> list[tuple[int, int]]:
    """How many panels of earlier sessions, and how many banks of terms, there are session by session."""
    coordinator = SessionCoordinator(loaded, archive, make_desk(loaded, archive))
    counts = [_count(made, record.date) for record in coordinator.sessions()]
    assert any(term.deferred for term in coordinator.needs.terms)
    return counts


def _count(made: list[weakref.ref[Any]], date: dt.date) -> tuple[int, int]:
    there = [one() for one in made]
    old = [one for one in there if isinstance(one, SessionPanel) and one.session.date < date]
    return len(old), sum(isinstance(one, TermBank) for one in there)


def test_a_scan_keeps_one_session_and_one_month(us2018: Archive, alive: list[weakref.ref[Any]]) -> None:
    panels, banks = zip(*alive_after(config([SCANNER], **SPAN), us2018, alive), strict=True)
    assert set(panels) == {0}
    assert max(banks) == 2  # the next month's is being seeded
    assert banks[-1] == 1


def test_close_ups_go_with_their_session(us2018: Archive, alive: list[weakref.ref[Any]]) -> None:
    loaded = trading_config([{"module": "engine.strategies.rsi_reversion"}], scanners=[SCANNER], **SPAN)
    panels, banks = zip(*alive_after(loaded, us2018, alive), strict=True)
    assert (max(panels), banks[-1]) == (0, 1)
