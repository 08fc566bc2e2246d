"""The bar feed: one session's bars in the arrays that the broker's compiled code reads."""

from __future__ import annotations

import numpy as np

from engine.clock.calendar import Session
from engine.clock.interval import Interval
from engine.features.session_rows import Panel
from engine.panel.bars import Bars, Floats, Ints
from engine.schema import BAR_VALUES
from engine.trading.broker.quotes import index_bars, place_symbols
from engine.trading.broker.records import BarFeed


def instants_of(session: Session, base: Interval) -> Ints:
    """int64 [instants], microseconds UTC.

    The session's open, the end of every regular-hours bar, and the close. Where bars are daily,
    open and close only.
    """
    if base.is_daily:
        return np.array([session.open, session.close], np.int64)
    return np.append(
        np.arange(session.open, session.close, base.micros, dtype=np.int64), session.close
    )


def make_feed(panel: Panel, codes: Ints, instants: Ints) -> BarFeed:
    """The feed of a panel's regular-hours bars.

    codes     int64 [symbols of the panel]: the broker's symbol numbers
    instants  int64 [instants], microseconds UTC, see `instants_of`
    """
    bars = panel.regular
    if panel.base.is_daily:
        return _picked(bars, codes, panel.session, instants)
    columns = {name: bars.column(name) for name in BAR_VALUES}
    return feed_of(codes, bars.starts, bars.ends, bars.known_at, instants, **columns)


def _picked(bars: Bars, codes: Ints, session: Session, instants: Ints) -> BarFeed:
    """The feed of daily bars: one bar per symbol at most, which starts at the session's open."""
    counts = (bars.ends > bars.starts).astype(np.int64)
    rows, ends = bars.starts[counts > 0], np.cumsum(counts)
    columns = {name: bars.column(name)[rows] for name in BAR_VALUES}
    times = np.full(len(rows), session.open)
    return feed_of(codes, ends - counts, ends, times, instants, **columns)


def feed_of(
    symbols: Ints, starts: Ints, ends: Ints, times: Ints, instants: Ints, **columns: Floats
) -> BarFeed:
    """The feed of bars in plain arrays.

    symbols       int64 [symbols], the broker's symbol numbers
    starts, ends  int64 [symbols], each symbol's slice of the bars
    times         int64 [bars], bar starts, microseconds UTC
    instants      int64 [instants], microseconds UTC
    columns       open, high, low, close, volume: float64 [bars]
    """
    shape = (len(symbols), len(instants) - 1)
    bars, latest, traded = (np.empty(shape, np.int32) for _ in range(3))
    places = np.empty(int(symbols.max(initial=-1)) + 1, np.int64)
    feed = BarFeed(
        symbols=symbols,
        cursors=np.zeros(len(symbols), np.int64),
        starts=_sealed(starts),
        ends=_sealed(ends),
        times=_sealed(times),
        instants=instants,
        bars=bars,
        latest=latest,
        traded=traded,
        places=places,
        **{name: _sealed(values) for name, values in columns.items()},
    )
    index_bars(feed.starts, feed.ends, feed.times, feed.volume, instants, bars, latest, traded)
    place_symbols(symbols, places)
    return feed


def _sealed(values: np.ndarray) -> np.ndarray:
    """A read-only view of the array.

    Compiled code has a version of its own for writable arrays; read-only views keep it to one
    version.
    """
    view = values.view()
    view.flags.writeable = False
    return view
