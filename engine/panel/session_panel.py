"""The panel of one session: the decoded columns of all symbols, and each symbol's slice of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

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


@dataclass(frozen=True, kw_only=True)
class DecodedRows:
    """A session's decoded bars, sorted by symbol and time, and each symbol's slice of them.

    timestamps    int64 [bars], bar starts, microseconds UTC
    columns       name -> float64 [bars]
    slices        starts and ends, int64 [symbols of a table]
    time_columns  name -> float64 [bars]: columns computed from `timestamps` so far; the same for
                  all slices of the same bars
    """

    timestamps: Ints
    columns: dict[str, Floats]
    slices: tuple[Ints, Ints]
    time_columns: dict[str, Floats] = field(default_factory=dict)


class SessionPanel:
    """The bars of one session for the symbols of a table.

    visible  bars of the base interval that scans may see: regular hours, and extended hours where
             `extended`
    regular  bars of regular hours only: the same arrays, other slices

    Columns are the arrays that the Parquet reader filled, without a copy. The panel owns the
    session's memory: `close()` frees the columns and everything that `buffers` has handed out.
    """

    def __init__(
        self,
        session: Session,
        table: SymbolTable,
        base: Interval,
        rows: DecodedRows,
        extended: bool,
        buffers: Buffers | None = None,
    ):
        self.session, self.table, self.base, self.extended = session, table, base, extended
        self.buffers = Buffers() if buffers is None else buffers
        self._rows = rows
        self._timestamps, self._columns, self._slices = rows.timestamps, rows.columns, rows.slices
        self._derived: dict[str, Bars] = {}
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
        """Decode `columns` of a session's file; raises SessionFileError for a damaged file."""
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
        symbol_slices = slices(table, symbols, np.asarray(counts, np.int64))
        arrays = {name: frame[name].to_numpy() for name in columns}
        timestamps = frame["timestamp"].to_physical().to_numpy()
        rows = DecodedRows(timestamps=timestamps, columns=arrays, slices=symbol_slices)
        panel = cls(session, table, base, rows, extended, buffers)
        if index is None:  # files with an index are sorted when they are written
            panel._refuse_disorder(f"{archive.path}, {base.name} bars of {session.date}")
        return panel

    def realign(self, table: SymbolTable) -> SessionPanel:
        """The same bars for the symbols of another table."""
        if table is self.table:
            return self
        rows = replace(self._rows, slices=slices_of(self._slices, self.table.ids(table.series)))
        return SessionPanel(self.session, table, self.base, rows, self.extended, self.buffers)

    def only(self, ids: Ints) -> SessionPanel:
        """A copy that holds the bars of the symbols `ids` only; the other symbols have none.

        The copy stays valid after this panel is closed.
        """
        starts, ends = np.zeros(len(self.table), np.int64), np.zeros(len(self.table), np.int64)
        first, last = (side[ids] for side in self._slices)
        ends[ids] = np.cumsum(last - first)
        starts[ids] = ends[ids] - (last - first)
        picked = rows_of(first, last)
        rows = DecodedRows(
            timestamps=self._timestamps[picked],
            columns={name: values[picked] for name, values in self._columns.items()},
            slices=(starts, ends),
        )
        return SessionPanel(self.session, self.table, self.base, rows, self.extended)

    def sealed(self) -> SessionPanel:
        """This panel with its arrays made read-only; for panels made by `only`.

        Kernels are compiled once for read-only arrays (decoded files have such) and once for
        writable ones.
        """
        for values in (self._timestamps, *self._columns.values()):
            values.flags.writeable = False
        return self

    def traded(self) -> NDArray[np.bool_]:
        """bool [symbols]: whether the symbol has bars in the session, extended hours included."""
        starts, ends = self._slices
        return ends > starts

    def over(self, buffers: Buffers) -> SessionPanel:
        """The same bars; arrays computed from them live as long as `buffers`."""
        return SessionPanel(self.session, self.table, self.base, self._rows, self.extended, buffers)

    def until(self, time: int) -> SessionPanel:
        """The bars that end by `time` (microseconds): the same arrays, shorter slices."""
        starts, ends = np.empty_like(self._slices[0]), np.empty_like(self._slices[1])
        span_rows(*self._slices, self._timestamps, 0, time - self.base.micros + 1, starts, ends)
        return self._with(self._columns, (starts, ends))

    def scaled_after(self, time: int, factors: Floats) -> SessionPanel:
        """A copy in which the bars that end after `time` are multiplied by `factors`.

        The factors are repeated over these bars as often as needed. Audits use such a copy as
        another future.
        """
        rows = np.flatnonzero(self._timestamps + self.base.micros > time)
        columns = {name: values.copy() for name, values in self._columns.items()}
        for name, values in columns.items():
            values[rows] *= np.resize(factors, len(rows))
            values.flags.writeable = self._columns[
                name
            ].flags.writeable  # kernels are compiled for the one or the other
        return self._with(columns, self._slices)

    def _with(self, columns: dict[str, Floats], slices: tuple[Ints, Ints]) -> SessionPanel:
        """This panel with other columns or slices of the same timestamps."""
        rows = replace(self._rows, columns=columns, slices=slices)
        return SessionPanel(self.session, self.table, self.base, rows, self.extended, self.buffers)

    def rescale(self, symbol: int, ratio: float) -> None:
        """Apply a split to a symbol's bars, in place: prices / ratio, volume * ratio.

        Only for copies: the arrays of a decoded file are read-only.
        """
        span = slice(self._slices[0][symbol], self._slices[1][symbol])
        for name, values in self._columns.items():
            rescale(name, values, span, ratio)
        self._derived.clear()

    def bars(self, interval: Interval) -> Bars:
        """Visible bars of an interval from the base interval up to below a day."""
        if interval == self.base:
            return self.visible
        if interval.name not in self._derived:
            self._derived[interval.name] = self._derive(interval)
        return self._derived[interval.name]

    @property
    def sessions(self) -> tuple[Session, ...]:
        """A tuple with this one session."""
        return (self.session,)

    def opens_of(self, ticks: Ints) -> Ints:
        """int64 [ticks]: the session's open for each tick, microseconds UTC."""
        return np.full(len(ticks), self.session.open)

    def of_session(self, number: int) -> SessionPanel:
        """This panel, which has one session."""
        return self

    def close(self) -> None:
        """Free the decoded columns and all arrays computed from them."""
        self._columns.clear()
        self._rows.time_columns.clear()
        self._derived.clear()
        self.buffers.close()

    def present(self) -> Ints:
        """int64 [symbols]: the number of regular-hours bars of each symbol."""
        return self.regular.ends - self.regular.starts

    def coverage(self) -> Coverage:
        """How the regular-hours bars of each symbol cover the session."""
        result = Coverage.empty(len(self.table), self.session.bars(self.base))
        result.present[:] = self.present()
        coverage(
            self.regular.starts,
            self.regular.ends,
            self._timestamps,
            self.session.open,
            self.session.close,
            self.session.break_start,
            self.session.break_end,
            self.base.micros,
            result.first,
            result.last,
            result.longest,
        )
        return result

    def _bars(self, opens_at: int, closes_at: int) -> Bars:
        """Base-interval bars with opens_at <= timestamp < closes_at (microseconds UTC)."""
        starts, ends = np.empty_like(self._slices[0]), np.empty_like(self._slices[1])
        span_rows(*self._slices, self._timestamps, opens_at, closes_at, starts, ends)
        more = _clock_columns(self.session, self._timestamps)
        return Bars(
            starts,
            ends,
            self._timestamps,
            self.base.micros,
            self._columns,
            more,
            _made=self._rows.time_columns,
        )

    def _refuse_disorder(self, source: object) -> None:
        """Raise ArchiveError where a symbol's timestamps do not increase."""
        row = first_disorder(*self._slices, self._timestamps)
        if row >= 0:
            raise ArchiveError(
                f"bars are not sorted by symbol and time, or not unique, at row {row}",
                where=source,
                expected="timestamps that increase within each symbol",
                fix="import the bars again, or run `barsweep archive check`",
            )

    def _derive(self, interval: Interval) -> Bars:
        """The bars of a wider interval, made of the visible base-interval bars."""
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
    """Columns computed from the bars' times when a clause or a feature node reads them.

    The functions do not hold the panel, so that its memory is freed as soon as it is closed.
    """
    return {
        "timestamp": lambda: timestamps.astype(np.float64),
        "session": lambda: np.full(len(timestamps), float(session.date.toordinal())),
        "minute": lambda: (timestamps - session.open) / float(MICROS_A_MINUTE),
        "regular": lambda: ((timestamps >= session.open) & (timestamps < session.close)).astype(
            np.float64
        ),
    }


def rescale(name: str, values: Floats, span: slice, ratio: float) -> None:
    """Apply a split of `ratio` to the rows `span` of the column `name`, in place.

    Prices are divided, volume is multiplied; other columns stay.
    """
    if name == "volume":
        values[span] *= ratio
    elif name in (*BAR_VALUES, "vwap"):
        values[span] /= ratio


def slices_of(sides: tuple[Ints, Ints], ids: Ints) -> tuple[Ints, Ints]:
    """Starts and ends of the symbols `ids`; an empty slice for an id below 0."""
    starts, ends = (np.where(ids >= 0, side[ids], 0) for side in sides)
    return starts, ends


def slices(table: SymbolTable, symbols: Sequence[str], counts: Ints) -> tuple[Ints, Ints]:
    """Starts and ends, int64 [symbols of the table], of each symbol's rows in a file.

    symbols, counts  the file's symbols in order, and int64 number of rows of each
    """
    ends = np.cumsum(counts)
    ids = table.ids(symbols)
    known = ids >= 0
    starts_of, ends_of = np.zeros(len(table), np.int64), np.zeros(len(table), np.int64)
    starts_of[ids[known]] = (ends - counts)[known]
    ends_of[ids[known]] = ends[known]
    return starts_of, ends_of
