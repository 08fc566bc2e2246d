"""Finds bars that contradict the declared label (open or close) of their timestamps.

A wrong label moves every bar by one interval. Starts that are read as ends leave the last interval
of every session empty and put bars before the open; ends that are read as starts leave the first
interval empty and put bars after the close. Where there are bars outside regular hours, volume
decides: the opening bar's is several times that of the bar before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from engine.clock.calendar import Session
from engine.clock.interval import Interval

STRAY = 0.001  # share of bars that may lie anywhere
JUMP = 5.0  # volume of the opening bar over that of the bar before, at least
CLEARER = 4.0  # times that the jump beside the open exceeds the jump at the open, at least
FEWEST = 10  # opening bars that are needed to judge
DAY = 1440


@dataclass
class Edges:
    """Counts of bars around the opens and closes of sessions.

    opening  intervals after the open, -3 to 2 -> bars
    closing  intervals after the close, -2 to 0 -> bars
    volume   intervals after the open, -3 to 2 -> volume
    bars     all bars
    early    bars more than one interval before the open
    late     bars more than one interval after the close
    """

    opening: Counter[int] = field(default_factory=Counter)
    closing: Counter[int] = field(default_factory=Counter)
    volume: Counter[int] = field(default_factory=Counter)
    bars: int = 0
    early: int = 0
    late: int = 0

    @classmethod
    def of(cls, bars: pl.DataFrame, sessions: Iterable[Session], interval: Interval) -> Edges:
        """Count bars: `timestamp` (the bar's start), `date` (of its session), `volume`."""
        length = interval.micros
        rows = [
            (s.date, s.open, s.close)
            for s in sessions
            if s.minutes < DAY and s.close - s.open > 4 * length
        ]
        known = pl.DataFrame(
            rows, schema={"date": pl.Date, "opens": pl.Int64, "closes": pl.Int64}, orient="row"
        )
        start = pl.col("timestamp").dt.epoch("us")
        after = [
            ((start - pl.col(side)) // length).alias(name)
            for side, name in (("opens", "opening"), ("closes", "closing"))
        ]
        placed = bars.select("date", "timestamp", "volume").join(known, on="date")
        placed = placed.select(*after, "volume")
        near_open = (
            placed.filter(pl.col("opening").is_between(-3, 2))
            .group_by("opening")
            .agg(pl.len(), pl.col("volume").sum())
        )
        near_close = placed.filter(pl.col("closing").is_between(-2, 0)).group_by("closing").len()
        return cls(
            Counter(dict(near_open.select("opening", "len").iter_rows())),
            Counter(dict(near_close.iter_rows())),
            Counter(dict(near_open.select("opening", "volume").iter_rows())),
            len(placed),
            int((placed["opening"] < -1).sum()),
            int((placed["closing"] > 0).sum()),
        )

    def __add__(self, other: Edges) -> Edges:
        return Edges(
            self.opening + other.opening,
            self.closing + other.closing,
            self.volume + other.volume,
            self.bars + other.bars,
            self.early + other.early,
            self.late + other.late,
        )

    @classmethod
    def from_json(cls, told: dict[str, object]) -> Edges:
        """What `as_json` has written."""
        values = {
            name: Counter({int(k): v for k, v in value.items()})
            if isinstance(value, dict)
            else value
            for name, value in told.items()
        }
        return cls(**values)  # type: ignore[arg-type]

    def as_json(self) -> dict[str, object]:
        """For a mark of the staging folder."""
        return {
            name: dict(value) if isinstance(value, Counter) else value
            for name, value in vars(self).items()
        }

    @property
    def is_shifted(self) -> str | None:
        """ "early" where all bars lie one interval before where they belong, "late" where after.

        None where they fit their sessions.
        """
        opening, closing, few = self.opening, self.closing, STRAY * self.bars
        if (
            self.early + self.late + closing[0] <= few
            and closing[-1] <= STRAY * closing[-2]
            and closing[-2]
        ):
            return "early" if 2 * opening[-1] >= opening[0] and opening[-1] else None
        if (
            self.early + self.late + opening[-1] <= few
            and opening[0] <= STRAY * opening[1]
            and opening[1]
        ):
            return "late" if 2 * closing[0] >= closing[-1] and closing[0] else None
        return None

    @property
    def opens_beside(self) -> str | None:
        """ "early" where the opening volume is one interval before the open, "late" where after.

        None where it is at the open, or where there is too little volume to judge.
        """
        if not self.early or not all(self.volume[place] > 0 for place in (-2, -1, 0)):
            return None
        jump = {place: self.volume[place] / self.volume[place - 1] for place in (-1, 0, 1)}
        for place, beside in ((-1, "early"), (1, "late")):
            if self.opening[place] >= FEWEST and jump[place] >= max(JUMP, CLEARER * jump[0]):
                return beside
        return None


def doubt(edges: Edges) -> str | None:
    """What speaks against the label, in words; None where nothing does."""
    if how := edges.is_shifted:
        return SHIFTED[how]
    beside = edges.opens_beside
    return f"the opening's volume is in the bar {BESIDE[beside]}" if beside else None


def shift_of(span: tuple[int, int] | None, session: Session, interval: Interval) -> str | None:
    """As `Edges.is_shifted`, for one session from its first and last bar alone.

    span  starts of the first and last bar, microseconds UTC; None where they are not known
    """
    length = interval.micros
    if span is None or session.minutes >= DAY or session.close - session.open <= 4 * length:
        return None
    opening, closing = (span[0] - session.open) // length, (span[1] - session.close) // length
    return {(-1, -2): "early", (1, 0): "late"}.get((opening, closing))


BESIDE = {"early": "before the open", "late": "after the first"}
SHIFTED = {
    "early": "no bar is in the last interval of a session, and there are bars in the one before "
    "the open",
    "late": "no bar is in the first interval of a session, and there are bars in the one after "
    "the close",
}
OTHER = {"early": "open", "late": "close"}
