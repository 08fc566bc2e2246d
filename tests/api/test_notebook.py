"""Where the door is used: notebooks, scripts, event loops, threads; and what becomes of an interrupt."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import signal
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import barsweep as bs
from engine.api import progress_display as progressing
from engine.api.notebook_html import facts_html
from engine.archive.archive import Archive
from tests.data import PROJECT
from tests.running import momentum
from tests.runs.killed_runs import digest

WHERE = "close > prev_close * 1.01"
LONGEST = 200_000
CONFIG: dict[str, Any] = {
    "mode": "backtest",
    "session_data_config": {"scanners": [momentum(min_change=0.005, min_rsi=55.0)]},
}


class Stop:
    """Interrupts as the stop button of a notebook does, when so many sessions are done."""

    def __init__(self, sessions: int):
        self.sessions = sessions

    def __call__(self, what: str, done: int, total: int) -> None:
        if done == self.sessions:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def market(demo: Archive) -> bs.Market:
    return bs.open_archive(demo.path)


# -- interrupts


@pytest.mark.parametrize("sessions", [1, 20, 21, 22, 23, 45])
@pytest.mark.parametrize("first_hit", [False, True])
def test_an_interrupted_scan_has_what_was_done(
    sessions: int, first_hit: bool, market: bs.Market, tmp_path: Path
) -> None:
    """At the end of a month, and in the midst of one: whole sessions, none twice, none left out."""
    whole = market.scan(WHERE, first_hit=first_hit)
    with pytest.raises(bs.Interrupted) as stopped:
        market.scan(
            WHERE, first_hit=first_hit, out=tmp_path / "hits.parquet", on_progress=Stop(sessions)
        )
    part = stopped.value.result
    dates = market.sessions()[:sessions]
    assert (
        isinstance(stopped.value, KeyboardInterrupt)
        and isinstance(part, bs.Scan)
        and part.interrupted
        and not whole.interrupted
    )
    assert (
        part.hits.equals(whole.hits.filter(pl.col("session") <= dates[-1]))
        and part.hits.schema == whole.hits.schema
    )
    expected = market.scan(WHERE, first_hit=first_hit, end=dates[-1])
    assert part.summary.as_dict([]) == expected.summary.as_dict([]) and part.kept == len(part.hits)
    assert (
        part.evaluate().table.equals(expected.evaluate().table)
        and "interrupted" in part._repr_html_()
    )
    assert not list(tmp_path.iterdir())  # a file is there whole or not at all


def test_an_interrupt_before_the_first_session(
    market: bs.Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.session.coordinator.SessionCoordinator.records", stop)
    with pytest.raises(bs.Interrupted) as stopped:
        market.scan(WHERE)
    part = stopped.value.result
    assert (
        part.summary.sessions == 0 == len(part.hits)
        and part._repr_html_()
        and part.reading_cost() is None
    )


def test_an_interrupted_run_is_resumed_to_the_same_bytes(market: bs.Market, tmp_path: Path) -> None:
    whole = bs.run(CONFIG, archive=market, out=tmp_path / "whole")
    with pytest.raises(bs.Interrupted) as stopped:
        bs.run(CONFIG, archive=market, out=tmp_path / "runs", on_progress=Stop(30))
    left = stopped.value.result
    assert left.interrupted and left.path is not None and left.path.name.endswith(".unfinished")
    assert 0 < len(left.sessions) <= 30 and left.hits.equals(
        whole.hits.filter(pl.col("session").is_in(left.sessions))
    )
    done = left.resume()
    assert digest(done.path) == digest(whole.path)
    assert bs.resume(done.path).finished is None  # complete already: opened
    with pytest.raises(bs.Interrupted) as stopped:
        bs.run(CONFIG, archive=market, out=tmp_path / "short", on_progress=Stop(3))
    assert stopped.value.result.path is None and not list((tmp_path / "short").iterdir())
    with pytest.raises(bs.BarsweepError, match="run it again"):
        stopped.value.result.resume()


# -- where it is called


def test_inside_an_event_loop(market: bs.Market) -> None:
    async def cell() -> pl.DataFrame:
        await asyncio.sleep(0)
        return market.scan(WHERE).hits

    async def elsewhere() -> pl.DataFrame:
        return await asyncio.to_thread(lambda: market.scan(WHERE).hits)

    assert asyncio.run(cell()).equals(asyncio.run(elsewhere()))


def test_in_another_thread(market: bs.Market, tmp_path: Path) -> None:
    found: list[Any] = []

    def work() -> None:
        found.extend(
            [
                market.scan(WHERE).hits,
                bs.run(CONFIG, archive=market, end="2017-11-10", out=tmp_path / "a"),
            ]
        )

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    hits, run = found
    assert hits.equals(market.scan(WHERE).hits)
    assert digest(run.path) == digest(
        bs.run(CONFIG, archive=market, end="2017-11-10", out=tmp_path / "b").path
    )


def test_a_plain_script_prints_what_it_prints(market: bs.Market) -> None:
    script = f"import barsweep as bs; print(bs.scan({str(market.path)!r}, {WHERE!r}, end='2017-11-10').kept)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert int(done.stdout) > 0 and done.stderr == ""


# -- how far it is


def shell(kernel: bool) -> types.ModuleType:
    """IPython, as far as the door looks at it."""
    ipython = types.ModuleType("IPython")
    found = types.SimpleNamespace(**({"kernel": object()} if kernel else {}))
    ipython.get_ipython = lambda: found  # type: ignore[attr-defined]
    return ipython


def test_a_line_is_shown_where_somebody_types_and_goes_when_it_is_over(
    market: bs.Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "IPython", shell(False))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(progressing, "PAUSE", 0.0)
    market.scan(WHERE, end="2017-11-03")
    told = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert told.startswith(
        "\rsessions: 2017-11-01 1/3\rsessions: 2017-11-02 2/3\r"
    ) and told.endswith("3/3\r" + " " * 24 + "\r")


def test_a_widget_is_shown_in_a_notebook(
    market: bs.Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    class Widget(types.SimpleNamespace):
        def __init__(self, *children: Any, **more: Any):
            super().__init__(children=children, closed=False, **more)
            made.append(self)

        def close(self) -> None:
            self.closed = True

    widgets, display, ipython = (
        types.ModuleType("ipywidgets"),
        types.ModuleType("IPython.display"),
        shell(True),
    )
    widgets.IntProgress = widgets.Label = widgets.HBox = Widget  # type: ignore[attr-defined]
    display.display = made.append  # type: ignore[attr-defined]
    for name, module in (
        ("ipywidgets", widgets),
        ("IPython", ipython),
        ("IPython.display", display),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: name == "ipywidgets" or real(name, *more)
    )
    market.scan(WHERE, end="2017-11-03")
    bar, text, box, shown = made
    assert (
        shown is box
        and box.closed
        and (bar.value, bar.max, text.value) == (3, 3, "sessions: 2017-11-03 3/3")
    )


def test_nobody_is_told_in_a_script(market: bs.Market, capfd: pytest.CaptureFixture[str]) -> None:
    market.scan(WHERE, end="2017-11-03")
    assert capfd.readouterr() == ("", "")


# -- how results look


def test_long_and_hostile_results_are_short_and_escaped() -> None:
    script = "<script>alert(1)</script>"
    frame = pl.DataFrame({f"{script}{i}": [script * 500] * 3_000 for i in range(300)})
    page = facts_html(
        {script: script * 100_000, "n": 1_234_567, "none": None},
        (script, frame),
        (script, frame),
        (script, frame),
    )
    assert (
        len(page.encode()) < LONGEST
        and "<script" not in page
        and "&lt;script" in page
        and "1,234,567" in page
    )


def test_results_are_shown_as_tables(market: bs.Market, tmp_path: Path) -> None:
    scan = market.scan("close > 0", schedule="09:35-15:55/1m", end="2017-11-03")
    run = bs.run(CONFIG, archive=market, end="2017-11-10", out=tmp_path)
    symbol, tick = scan.hits.select("symbol", "tick").row(0)
    shown = [
        market,
        scan,
        run,
        scan.evaluate(),
        scan.explain(symbol, tick),
        scan.near_misses(tick),
        scan.show(symbol),
        market.audit("close > 1", ticks=1, end="2017-11-10"),
        market.quality(),
        bs.describe_scanner("scanners.gap_scanner"),
    ]
    for one in shown:
        page = one._repr_html_()
        assert "<table" in page and len(page.encode()) < LONGEST, type(one)
