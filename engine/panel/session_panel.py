"""One session of the whole universe: the decoded columns as they are, and each symbol's slice of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.archive.archive import Archive
from engine.archive.disk.bar_files import symbol_runs
from engine.clock.calendar import Session
from engine.clock.interval import MICROS_A_MINUTE, Interval
from engine.compute.bar_coverage import coverage
from engine.compute.derive_bars import derive_bars
from engine.compute.span_rows import first_disorder, span_rows
from engine.errors import ArchiveError, SessionFileError
from engine.panel.bars import Bars, Floats, Ints, rows_of
from engine.panel.session_coverage import Coverage
from engine.panel.symbol_table import SymbolTable
from engine.runtime.buffers import Buffers
from engine.schema import BAR_VALUES


class SessionPanel:
    """The bars of one session for the symbols of a table.

    visible   base-interval bars that scans may see: regular hours, or also extended hours where asked for
    regular   those of regular hours only (the same arrays, other slices)

    Nothing is copied or moved: a column is the array the Parquet reader filled, a symbol is a slice of it. The panel owns the
    session's memory: `close()` lets go of the decoded columns, and of everything that `buffers` has handed out.
    """

    def __init__(
        self,
        session: Session,
        table: SymbolTable,
        base: Interval,
        timestamps: Ints,
        columns: dict[str, Floats],
        slices: tuple[Ints, Ints],
        extended: bool,
        made: dict[str, Floats] | None = None,
        buffers: Buffers | None = None,
    ):
        self.session, self.table, self.base, self.extended = session, table, base, extended
        self.buffers = Buffers() if buffers is None else buffers
        self._timestamps, self._columns = timestamps, columns
        self._slices = slices
        self._derived: dict[str, Bars] = {}
        self._made: dict[str, Floats] = (
            {} if made is None else made
        )  # columns made from times, of the same rows whatever the slices
        self.regular = self._bars(session.open, session.close)
        self.visible = (
            self._bars(session.extended_open, session.extended_close) if extended else self.regular
        )

    @classmethod
    def read(
        cls,
        archive: Archive,
        session: Session,
        table: SymbolTable,
        base: Interval,
        columns: Sequence[str],
        extended: bool,
        buffers: Buffers | None = None,
    ) -> SessionPanel:
        """Decode `columns` of a session's file; raises SessionFileError for a file that is not what it should be."""
        try:
            return cls._read(archive, session, table, base, columns, extended, buffers)
        except ArchiveError as error:
            raise SessionFileError(error, session.date) from None

    @classmethod
    def _read(
        cls,
        archive: Archive,
        session: Session,
        table: SymbolTable,
        base: Interval,
        columns: Sequence[str],
        extended: bool,
        buffers: Buffers | None,
    ) -> SessionPanel:
        index = archive.read_session_index(session.date, base.name)
        wanted = [*([] if index else ["symbol"]), "timestamp", *columns]
        frame = archive.read_session(session.date, wanted, base.name)
        if index and int(index[1].sum()) != len(frame):
            raise ArchiveError(
                "the file changed while it was read",
                where=f"{archive.path}, {base.name} bars of {session.date}",
                fix="run the command again when nothing is imported",
            )
        symbols, counts = index or symbol_runs(frame["symbol"])
        own = slices(table, symbols, np.asarray(counts, np.int64))
        arrays = {name: frame[name].to_numpy() for name in columns}
        timestamps = frame["timestamp"].to_physical().to_numpy()
        panel = cls(session, table, base, timestamps, arrays, own, extended, buffers=buffers)
        if index is None:  # a file that tells its symbols' rows was written in order
            panel._refuse_disorder(f"{archive.path}, {base.name} bars of {session.date}")
        return panel

    def realign(self, table: SymbolTable) -> SessionPanel:
        """The same bars for the symbols of another table."""
        if table is self.table:
            return self
        ids = self.table.ids(table.series)
        starts, ends = slices_of(self._slices, ids)
        return SessionPanel(
            self.session,
            table,
            self.base,
            self._timestamps,
            self._columns,
            (starts, ends),
            self.extended,
            self._made,
            self.buffers,
        )

    def only(self, ids: Ints) -> SessionPanel:
        """A copy that holds the bars of these symbols alone, and outlives this panel; the others have none."""
        starts, ends = np.zeros(len(self.table), np.int64), np.zeros(len(self.table), np.int64)
        first, last = (side[ids] for side in self._slices)
        ends[ids] = np.cumsum(last - first)
        starts[ids] = ends[ids] - (last - first)
        rows = rows_of(first, last)
        columns = {name: values[rows] for name, values in self._columns.items()}
        return SessionPanel(
            self.session,
            self.table,
            self.base,
            self._timestamps[rows],
            columns,
            (starts, ends),
            self.extended,
        )

    def sealed(self) -> SessionPanel:
        """Itself, a copy made by `only`, written no more: compiled code takes it for what a file was decoded to."""
        for values in (self._timestamps, *self._columns.values()):
            values.flags.writeable = False
        return self

    def traded(self) -> NDArray[np.bool_]:
        """bool[symbols]: which have rows in the session, within regular hours or not."""
        starts, ends = self._slices
        return ends > starts

    def over(self, buffers: Buffers) -> SessionPanel:
        """The same bars; what is computed from them lives as long as `buffers`."""
        return SessionPanel(
            self.session,
            self.table,
            self.base,
            self._timestamps,
            self._columns,
            self._slices,
            self.extended,
            self._made,
            buffers,
        )

    def until(self, time: int) -> SessionPanel:
        """The bars that are complete at a time (microseconds): the same arrays, other slices."""
        starts, ends = np.empty_like(self._slices[0]), np.empty_like(self._slices[1])
        span_rows(*self._slices, self._timestamps, 0, time - self.base.micros + 1, starts, ends)
        return self._with(self._columns, (starts, ends))

    def scaled_after(self, time: int, factors: Floats) -> SessionPanel:
        """A copy of which the bars that are not complete at a time are others; `factors` are taken in turn."""
        rows = np.flatnonzero(self._timestamps + self.base.micros > time)
        columns = {name: values.copy() for name, values in self._columns.items()}
        for name, values in columns.items():
            values[rows] *= np.resize(factors, len(rows))
            values.flags.writeable = self._columns[
                name
            ].flags.writeable  # kernels are compiled for the one or the other
        return self._with(columns, self._slices)

    def _with(self, columns: dict[str, Floats], slices: tuple[Ints, Ints]) -> SessionPanel:
        return SessionPanel(
            self.session,
            self.table,
            self.base,
            self._timestamps,
            columns,
            slices,
            self.extended,
            self._made,
            self.buffers,
        )

    def rescale(self, symbol: int, ratio: float) -> None:
        """Put a symbol's bars of this copy in the scale after a split: prices divided, volume multiplied by `ratio`."""
        span = slice(self._slices[0][symbol], self._slices[1][symbol])
        for name, values in self._columns.items():
            rescale(name, values, span, ratio)
        self._derived.clear()

    def bars(self, interval: Interval) -> Bars:
        """The visible bars at an interval of at least the base interval and below a day."""
        if interval == self.base:
            return self.visible
        if interval.name not in self._derived:
            self._derived[interval.name] = self._derive(interval)
        return self._derived[interval.name]

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The sessions of the panel: one."""
        return (self.session,)

    def opens_of(self, ticks: Ints) -> Ints:
        """int64[ticks]: the open of each tick's session, microseconds."""
        return np.full(len(ticks), self.session.open)

    def of_session(self, number: int) -> SessionPanel:
        """Itself: there is one session."""
        return self

    def close(self) -> None:
        """The session is over: let go of its bars, and of what was computed from them."""
        self._columns.clear()
        self._made.clear()
        self._derived.clear()
        self.buffers.close()

    def present(self) -> Ints:
        """int64[symbols]: how many regular bars each symbol has."""
        return self.regular.ends - self.regular.starts

    def coverage(self) -> Coverage:
        """How the regular bars of each symbol cover the session."""
        found = Coverage.empty(len(self.table), self.session.bars(self.base))
        found.present[:] = self.present()
        coverage(
            self.regular.starts,
            self.regular.ends,
            self._timestamps,
            self.session.open,
            self.session.close,
            self.session.break_start,
            self.session.break_end,
            self.base.micros,
            found.first,
            found.last,
            found.longest,
        )
        return found

    def _bars(self, opens_at: int, closes_at: int) -> Bars:
        starts, ends = np.empty_like(self._slices[0]), np.empty_like(self._slices[1])
        span_rows(*self._slices, self._timestamps, opens_at, closes_at, starts, ends)
        more = _clock_columns(self.session, self._timestamps)
        return Bars(
            starts, ends, self._timestamps, self.base.micros, self._columns, more, _made=self._made
        )

    def _refuse_disorder(self, source: object) -> None:
        row = first_disorder(*self._slices, self._timestamps)
        if row >= 0:
            raise ArchiveError(
                f"bars are not sorted by symbol and time, or not unique, at row {row}",
                where=source,
                expected="timestamps that increase within each symbol",
                fix="import the bars again, or run `barsweep archive check`",
            )

    def _derive(self, interval: Interval) -> Bars:
        source, size = self.visible, len(self._timestamps)
        ends = np.empty_like(source.ends)
        timestamps, known_at = (
            self.buffers.empty(size, np.int64),
            self.buffers.empty(size, np.int64),
        )
        out = {name: self.buffers.empty(size) for name in BAR_VALUES}
        derive_bars(
            0,
            len(self.table),
            source.starts,
            source.ends,
            self._timestamps,
            tuple(source.column(name) for name in BAR_VALUES[:4]),
            source.column("volume"),
            interval.micros,
            self.session.open,
            self.session.close,
            ends,
            timestamps,
            known_at,
            tuple(out[name] for name in BAR_VALUES[:4]),
            out["volume"],
        )
        return Bars(source.starts, ends, known_at, 0, out, _clock_columns(self.session, timestamps))


def _clock_columns(session: Session, timestamps: Ints) -> dict[str, Callable[[], Floats]]:
    """Columns made from the bars' times, when somebody reads them. They hold no panel, which would be freed late."""
    return {
        "timestamp": lambda: timestamps.astype(np.float64),
        "session": lambda: np.full(len(timestamps), float(session.date.toordinal())),
        "minute": lambda: (timestamps - session.open) / float(MICROS_A_MINUTE),
        "regular": lambda: ((timestamps >= session.open) & (timestamps < session.close)).astype(
            np.float64
        ),
    }


def rescale(name: str, values: Floats, span: slice, ratio: float) -> None:
    """Put a stretch of a column in the scale after a split, in place; counts and times have none."""
    if name == "volume":
        values[span] *= ratio
    elif name in (*BAR_VALUES, "vwap"):
        values[span] /= ratio


def slices_of(sides: tuple[Ints, Ints], ids: Ints) -> tuple[Ints, Ints]:
    """The slices of some symbols; empty for an id below 0."""
    starts, ends = (np.where(ids >= 0, side[ids], 0) for side in sides)
    return starts, ends


def slices(table: SymbolTable, symbols: Sequence[str], counts: Ints) -> tuple[Ints, Ints]:
    """Where each symbol of a table has its rows, in a file of which the symbols' row counts are known."""
    ends = np.cumsum(counts)
    ids = table.ids(symbols)
    known = ids >= 0
    starts_of, ends_of = np.zeros(len(table), np.int64), np.zeros(len(table), np.int64)
    starts_of[ids[known]] = (ends - counts)[known]
    ends_of[ids[known]] = ends[known]
    return starts_of, ends_of
