"""What happened after each tick of a session: forward returns of every symbol, entered at the next bar's open.

    entry        open of the first bar that starts at or after the tick; the next session's open where there is none left
    m5 m15 ...   close of the latest bar complete so many minutes after the tick; none after the close
    close        the session's last regular close
    next_open, next_close, day5   the next session's, and the close of the fifth session after
    mfe, mae     highest high and lowest low from the entry bar to the session's close

All are returns on the entry price; prices after a split are put in the scale of the session. Dividends are not counted.

A symbol without a bar at a horizon that the archive reaches has no return there: it has stopped trading, or does not trade then.
With `last_price` it is sold at the last price that it had after its entry.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.archive.archive import Archive
from engine.clock.calendar import Session
from engine.clock.interval import MICROS_A_MINUTE, Interval
from engine.compute.from_here import from_here
from engine.compute.latest_rows import latest_rows
from engine.panel.bars import Floats, Ints
from engine.panel.session_panel import SessionPanel
from engine.panel.splits import Splits
from engine.panel.symbol_table import SymbolTable

MINUTES = (5, 15, 30, 60)
DAYS = 5
Bools = NDArray[np.bool_]
HORIZONS = (
    *(f"m{minutes}" for minutes in MINUTES),
    "close",
    "next_open",
    "next_close",
    "day5",
    "mfe",
    "mae",
)


@dataclass(frozen=True)
class Outcomes:
    """Returns of a session, float64[ticks, symbols] by horizon; NaN where there is none.

    reached  bool[ticks] by horizon: whether bars of some symbol may be there
    last     bool[ticks, symbols] by horizon: where the exit is the last price that the symbol had before; none without `last_price`
    """

    table: SymbolTable
    ticks: Ints
    returns: dict[str, Floats]
    reached: dict[str, Bools]
    last: dict[str, Bools]


class Forward:
    """Looks ahead, session by session, for evaluation alone: nothing of it is seen by a scan."""

    def __init__(self, archive: Archive, interval: str | None = None, last_price: bool = False):
        self._archive, self._calendar, self._last_price = archive, archive.calendar, last_price
        self._base = Interval.parse(interval) if interval else archive.manifest.base
        self._days = archive.sessions("1d")
        self._splits = Splits(archive.corporate_actions())
        self._later: tuple[dt.date, dt.date, pl.DataFrame] | None = None

    def outcomes(self, date: dt.date, ticks: Ints, table: SymbolTable) -> Outcomes:
        """Of one session's ticks (int64 microseconds, increasing), for every symbol of a table."""
        session, shape = self._calendar.session(date), (len(ticks), len(table))
        opens, closes = self._following(date, table)
        nothing = np.full(shape, np.nan)
        inside = dict.fromkeys((*(f"m{m}" for m in MINUTES), "close", "mfe", "mae"), nothing)
        entry, entered = nothing, np.zeros(shape, np.bool_)
        if not self._base.is_daily:
            entry, inside = self._within(session, ticks, table)
            entered = ~np.isnan(entry)
        price = np.where(entered, entry, opens[0])
        exits = inside | {"next_open": np.where(entered, opens[0], np.nan)}
        exits |= {
            name: np.broadcast_to(closes[day], shape)
            for name, day in (("next_close", 0), ("day5", DAYS - 1))
        }
        reached = self._reached(session, ticks)
        last: dict[str, Bools] = {}
        if self._last_price:
            exits, last = self._with_last_prices(exits, reached, closes)
        returns = {name: exits[name] / price - 1.0 for name in HORIZONS}
        return Outcomes(table, ticks, returns, reached, last)

    def _reached(self, session: Session, ticks: Ints) -> dict[str, Bools]:
        """bool[ticks] by horizon: whether the session, or the archive, goes on until then."""
        days, before_close = (
            len(self._after(session.date)),
            (ticks < session.close) & (not self._base.is_daily),
        )
        reached = {
            f"m{minutes}": before_close & (ticks + minutes * MICROS_A_MINUTE <= session.close)
            for minutes in MINUTES
        }
        reached |= dict.fromkeys(("close", "mfe", "mae"), before_close) | {
            "next_open": before_close & (days > 0)
        }
        return reached | {
            "next_close": np.full(len(ticks), days > 0),
            "day5": np.full(len(ticks), days >= DAYS),
        }

    def _with_last_prices(
        self, exits: dict[str, Floats], reached: dict[str, Bools], closes: Floats
    ) -> tuple[dict[str, Floats], dict[str, Bools]]:
        """Exits after the session at the last price before them, where the symbol has none then; and where that is so."""
        made = dict(exits)
        last: dict[str, Bools] = {}
        for name, days in (("next_open", 0), ("next_close", 1), ("day5", DAYS)):
            price = exits[
                "close"
            ]  # of the session; what is entered on the next day has a close there
            for close in closes[:days]:
                price = np.where(np.isnan(close), price, close)
            last[name] = np.isnan(exits[name]) & ~np.isnan(price) & reached[name][:, None]
            made[name] = np.where(last[name], price, exits[name])
        return made, last

    def _after(self, date: dt.date) -> Sequence[dt.date]:
        """The archive's next sessions, as many as there are horizons for."""
        place = bisect_left(self._days, date)
        place += place < len(self._days) and self._days[place] == date
        return self._days[place : place + DAYS]

    def _within(
        self, session: Session, ticks: Ints, table: SymbolTable
    ) -> tuple[Floats, dict[str, Floats]]:
        """Entry prices and later prices within the session, [ticks, symbols]."""
        panel = SessionPanel.read(
            self._archive,
            session,
            table,
            self._base,
            ["open", "high", "low", "close"],
            ticks[0] < session.open,
        )
        bars = panel.regular
        rows = np.empty((len(table), len(ticks)), np.int64)
        latest_rows(
            0, len(table), bars.starts, bars.ends, bars.known_at, 1, ticks, rows
        )  # the last bar that starts before the tick
        first = (np.maximum(rows, bars.starts[:, None] - 1) + 1).T
        there = first < bars.ends

        def at(values: Floats, where: Ints, known: np.ndarray) -> Floats:
            return np.where(
                known, values[np.where(known, where, 0)] if len(values) else np.nan, np.nan
            )

        found = {}
        for minutes in MINUTES:
            until = ticks + minutes * MICROS_A_MINUTE
            latest_rows(0, len(table), bars.starts, bars.ends, bars.known_at, bars.lag, until, rows)
            last = rows.T
            known = there & (last >= first) & (until <= session.close)[:, None]
            found[f"m{minutes}"] = at(bars.column("close"), last, known)
        highest, lowest = np.empty_like(bars.column("high")), np.empty_like(bars.column("low"))
        from_here(bars.starts, bars.ends, bars.column("high"), bars.column("low"), highest, lowest)
        final = np.broadcast_to(bars.ends - 1, first.shape)
        found |= {
            "close": at(bars.column("close"), final, there),
            "mfe": at(highest, first, there),
            "mae": at(lowest, first, there),
        }
        return at(bars.column("open"), first, there), found

    def _following(self, date: dt.date, table: SymbolTable) -> tuple[Floats, Floats]:
        """Opens and closes of the next sessions, [sessions, symbols], in the scale of `date`."""
        days = self._after(date)
        opens, closes = np.full((2, DAYS, len(table)), np.nan)
        if days:
            bars = self._daily(days).filter(pl.col("date").is_between(days[0], days[-1]))
            ids = table.ids(bars["symbol"])
            known = ids >= 0
            at = np.searchsorted(np.array(days, "datetime64[D]"), bars["date"].to_numpy())
            for target, name in ((opens, "open"), (closes, "close")):
                target[at[known], ids[known]] = bars[name].to_numpy()[known]
            for ex_date, symbol, ratio in self._splits.between(table, date, days[-1]):
                after = bisect_left(days, ex_date)
                opens[after:, symbol] *= ratio
                closes[after:, symbol] *= ratio
        return opens, closes

    def _daily(self, days: Sequence[dt.date]) -> pl.DataFrame:
        """Daily bars around some days; a few months are kept, as sessions come in order."""
        if self._later is None or not self._later[0] <= days[0] <= days[-1] < self._later[1]:
            end = days[-1] + dt.timedelta(days=60)
            self._later = days[0], end, self._archive.read_daily(["open", "close"], days[0], end)
        return self._later[2]
