"""A session's bars as the broker reads them."""

from __future__ import annotations

import numpy as np

from engine.clock.calendar import Session
from engine.clock.interval import Interval
from engine.features.session_rows import Panel
from engine.panel.bars import Bars, Ints
from engine.schema import BAR_VALUES
from engine.trading.broker.records import Tape


def instants_of(session: Session, base: Interval) -> Ints:
    """int64[k], microseconds: the session's open, the end of every bar of regular hours, its close."""
    if base.is_daily:
        return np.array([session.open, session.close], np.int64)
    return np.append(
        np.arange(session.open, session.close, base.micros, dtype=np.int64), session.close
    )


def make_tape(panel: Panel, codes: Ints, instants: Ints) -> Tape:
    """The bars of regular hours of a panel; `codes` are the broker's numbers of its symbols."""
    bars = panel.regular
    if panel.base.is_daily:
        return _picked(bars, codes, panel.session, instants)
    columns = {name: _sealed(bars.column(name)) for name in BAR_VALUES}
    return Tape(
        codes,
        bars.starts.copy(),
        _sealed(bars.ends),
        _sealed(bars.known_at),
        instants=instants,
        **columns,
    )


def _picked(bars: Bars, codes: Ints, session: Session, instants: Ints) -> Tape:
    """One bar a symbol, out of the years that a block of daily bars holds."""
    there = bars.ends > bars.starts
    rows, ends = bars.starts[there], np.cumsum(there)
    columns = {name: _sealed(bars.column(name)[rows]) for name in BAR_VALUES}
    times = _sealed(np.full(len(rows), session.open))
    return Tape(codes, ends - there, _sealed(ends), times, instants=instants, **columns)


def _sealed(values: np.ndarray) -> np.ndarray:
    """A view that cannot be written: compiled code takes arrays that can and that cannot for different types."""
    view = values.view()
    view.flags.writeable = False
    return view
