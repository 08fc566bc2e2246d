"""The panel against plain Polars."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.clock.interval import Interval
from engine.panel.loader import prefetch
from engine.panel.session_panel import BAR_VALUES, SessionPanel
from engine.panel.symbol_table import SymbolTable

DATE = dt.date(2017, 11, 24)  # an early close, with post-market bars after it
MINUTE = Interval.parse("1m")


@pytest.fixture(scope="module", params=[False, True], ids=["regular", "extended"])
def panel(request: pytest.FixtureRequest, demo: Archive) -> SessionPanel:
    table = SymbolTable(demo.symbols())
    return SessionPanel.read(
        demo, demo.calendar.session(DATE), table, MINUTE, BAR_VALUES, request.param
    )


def frame(demo: Archive, panel: SessionPanel) -> pl.DataFrame:
    session = panel.session
    low, high = (
        (session.extended_open, session.extended_close)
        if panel.extended
        else (session.open, session.close)
    )
    start = pl.col("timestamp").dt.epoch("us")
    return demo.read_session(DATE, ["symbol", "timestamp", *BAR_VALUES]).filter(
        start >= low, start < high
    )


def expected_bars(bars: pl.DataFrame, panel: SessionPanel, minutes: int) -> pl.DataFrame:
    """Buckets counted from the open, and after the close from the close; the close cuts one short."""
    session, width = panel.session, minutes * 60_000_000
    start = pl.col("timestamp").dt.epoch("us")
    anchor = pl.when(start < session.close).then(session.open).otherwise(session.close)
    bucket = anchor + (start - anchor).floordiv(width) * width
    return bars.group_by("symbol", bucket.alias("bucket"), maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )


@pytest.mark.parametrize("interval", ["5m", "15m", "30m", "1h", "7m"])
def test_derived_bars(interval: str, panel: SessionPanel, demo: Archive) -> None:
    derived = panel.bars(Interval.parse(interval))
    expected = expected_bars(frame(demo, panel), panel, Interval.parse(interval).minutes)
    for symbol, name in enumerate(panel.table.names):
        own = expected.filter(pl.col("symbol") == name)
        rows = slice(derived.starts[symbol], derived.ends[symbol])
        assert derived.column("timestamp")[rows].tolist() == own["bucket"].to_list()
        for column in BAR_VALUES:
            np.testing.assert_allclose(
                derived.column(column)[rows], own[column].to_numpy(), rtol=1e-15
            )
        ends = own["bucket"].to_numpy() + Interval.parse(interval).micros
        cut = (own["bucket"].to_numpy() < panel.session.close) & (ends > panel.session.close)
        assert derived.known_at[rows].tolist() == np.where(cut, panel.session.close, ends).tolist()


@pytest.mark.parametrize("interval", ["1m", "15m"])
def test_as_of_rows_see_complete_bars_only(interval: str, panel: SessionPanel) -> None:
    bars = panel.bars(Interval.parse(interval))
    ticks = panel.session.open + np.arange(0, 230 * 60_000_000, 60_000_000)
    rows = np.empty((len(panel.table), len(ticks)), np.int64)
    bars.find_rows(0, len(panel.table), ticks, rows)
    known = bars.known_at + bars.lag
    for symbol in range(len(panel.table)):
        own = known[bars.starts[symbol] : bars.ends[symbol]]
        expected = bars.starts[symbol] + np.searchsorted(own, ticks, side="right") - 1
        assert rows[symbol].tolist() == expected.tolist()


def test_permuting_the_files_symbols_changes_nothing(demo: Archive) -> None:
    session = demo.calendar.session(DATE)
    table = SymbolTable(reversed(demo.symbols()))
    some = SymbolTable(demo.symbols()[3:9])
    whole = SessionPanel.read(demo, session, table, MINUTE, BAR_VALUES, False)
    part = SessionPanel.read(demo, session, some, MINUTE, BAR_VALUES, False)
    aligned = whole.realign(some)
    assert (aligned.present() == part.present()).all() and part.present().sum() > 0
    copy = whole.only(table.ids(some.series)).realign(some)
    for symbol in range(len(some)):
        rows = [
            slice(p.regular.starts[symbol], p.regular.ends[symbol]) for p in (part, aligned, copy)
        ]
        values = [
            p.regular.column("close")[r] for p, r in zip((part, aligned, copy), rows, strict=True)
        ]
        assert values[0].tolist() == values[1].tolist() == values[2].tolist()


def test_prefetch_keeps_order_and_passes_errors_on() -> None:
    assert (
        list(prefetch(range(5), lambda i: i * i)) == [0, 1, 4, 9, 16]
        and list(prefetch([], str)) == []
    )
    with pytest.raises(ZeroDivisionError):
        list(prefetch([1, 0, 2], lambda i: 1 / i))
