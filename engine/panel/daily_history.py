"""Daily bars of earlier sessions for the blocks of a run, read a year at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np

from engine.archive.archive import Archive
from engine.compute.join_rows import join_rows
from engine.panel.bars import Ints
from engine.panel.daily_panel import EPOCH, DailyBars
from engine.panel.session_panel import slices
from engine.panel.symbol_table import SymbolTable
from engine.runtime.buffers import Buffers
from engine.runtime.threads import in_threads


class DailyHistory:
    """Reads daily bars block by block, up to a date, and remembers of each symbol the last bars before them, however old.

    rows       bars that each symbol has before a block's sessions, as far as the archive holds so many; 1 at least
    benchmark  symbol whose bars reach back as far as those of any other; None where no node reads them
    """

    def __init__(
        self,
        archive: Archive,
        columns: Sequence[str],
        symbols: SymbolTable,
        until: dt.date,
        rows: int = 1,
        benchmark: str | None = None,
    ):
        self._archive, self._columns, self._symbols, self._until = (
            archive,
            tuple(columns),
            symbols,
            until,
        )
        self._rows, self._benchmark = max(1, rows), symbols.id(benchmark) if benchmark else None
        self._ahead: tuple[int, Future[DailyBars]] | None = None  # the next year, being read
        self._years: dict[int, DailyBars] = {}  # as they are in the archive, never rescaled
        self._before: DailyBars | None = None  # each symbol's bars before those of the years

    def block(
        self, table: SymbolTable, first: dt.date, begin: dt.date, last: dt.date, buffers: Buffers
    ) -> DailyBars:
        """Bars of first <= date <= last, and of each symbol as many before `first` as it takes for `rows` before `begin`.

        One bar before `first` at least, where there is one. Blocks go forward in time. The bars live as long as `buffers`.
        """
        years = {
            year: self._year(year)
            for year in self._archive.daily_years()
            if first.year <= year <= last.year
        }
        there = np.zeros(len(self._symbols), np.int64)
        for bars in years.values():
            starts, ends = bars.span(first, begin)
            there += ends - starts
        before = self._last_bars(first, np.maximum(1, self._rows - there), years)
        spans = [bars.span(first, last + dt.timedelta(days=1)) for bars in years.values()]
        whole = self._joined(
            [before, *years.values()], [(before.starts, before.ends), *spans], buffers
        )
        self._before, self._years = before, years
        self._read_ahead(last.year + 1)
        return whole if table is self._symbols else whole.realign(table)

    def _read_ahead(self, year: int) -> None:
        """Begin to read the year that the run comes to next."""
        if (
            year <= self._until.year
            and year in self._archive.daily_years()
            and (self._ahead is None or self._ahead[0] != year)
        ):
            pool = ThreadPoolExecutor(1, thread_name_prefix="daily")
            self._ahead = year, pool.submit(self._read, year)
            pool.shutdown(wait=False)

    def _last_bars(self, first: dt.date, missing: Ints, years: dict[int, DailyBars]) -> DailyBars:
        """Of each symbol its last `missing` bars before a date, and the benchmark's from the oldest of these on.

        Most symbols have theirs in a year, one that trades seldom in several. `years` are at hand.
        """
        found: list[DailyBars] = []
        for until, load in self._sources(first, missing, years):
            alone = not missing.any()  # nobody but the benchmark has bars to find
            if alone and self._benchmark is None:
                break
            source = load()
            starts, ends = source.span(EPOCH, until)
            taken = np.minimum(ends - starts, missing)
            missing -= taken
            if self._benchmark is not None:
                taken[self._benchmark] = (ends - starts)[self._benchmark]
                missing[self._benchmark] = 0
            found.insert(0, self._joined([source], [(ends - taken, ends)], Buffers()))
            if alone and taken[self._benchmark]:
                break
        return self._joined(
            found, [(bars.starts, bars.ends) for bars in found], Buffers()
        )  # until the next block is asked for

    def _sources(
        self, first: dt.date, missing: Ints, years: dict[int, DailyBars]
    ) -> Iterator[tuple[dt.date, Callable[[], DailyBars]]]:
        """Where bars before a date are, the latest first: bars of which dates, up to and without one, and how to have them."""
        kept, before, until = {**self._years, **years}, self._before, first
        past = [year for year in reversed(self._archive.daily_years()) if year <= first.year]
        oldest = min(self._years, default=None)
        known = (
            before is not None
            and oldest is not None
            and all(year in kept for year in past if year >= oldest)
        )
        for year in past:
            if known and oldest is not None and year < oldest:
                break
            if year in kept:
                yield until, partial(kept.__getitem__, year)
            elif self._benchmark is not None or self._holds_any(year, missing):
                yield until, partial(self._read, year)
            until = dt.date(year, 1, 1)
        if known and before is not None:
            yield until, lambda: before

    def _holds_any(self, year: int, missing: Ints) -> bool:
        """Whether a symbol that has bars to find is among a year's."""
        ids = self._symbols.ids(self._archive.daily_symbols(year))
        return bool((missing[ids[ids >= 0]] > 0).any())

    def _joined(
        self, sources: Sequence[DailyBars], spans: Sequence[tuple[Ints, Ints]], buffers: Buffers
    ) -> DailyBars:
        """Copies of the sources' bars in the spans, symbol by symbol; of one symbol in the sources' order."""
        lengths = [ends - starts for starts, ends in spans]
        total = np.sum(lengths, axis=0) if lengths else np.zeros(len(self._symbols), np.int64)
        ends = np.cumsum(total)
        starts = ends - total
        size = int(total.sum())
        dates, columns = (
            buffers.empty(size, np.int64),
            {name: buffers.empty(size) for name in self._columns},
        )

        def join(name: str) -> None:
            free = starts.copy()  # where each symbol's next bars go
            for source, (firsts, lasts), length in zip(sources, spans, lengths, strict=True):
                values, out = (
                    (source.columns[name], columns[name])
                    if name in columns
                    else (source.dates, dates)
                )
                join_rows(firsts, lasts, free, values, out)
                free += length

        in_threads(join, ["dates", *columns])
        return DailyBars(self._symbols, starts, ends, dates, columns)

    def _year(self, year: int) -> DailyBars:
        """A year's bars as they are in the archive."""
        if year not in self._years:
            being_read = self._ahead[1] if self._ahead and self._ahead[0] == year else None
            self._years[year] = being_read.result() if being_read else self._read(year)
        return self._years[year]

    def _read(self, year: int) -> DailyBars:
        bars = self._archive.read_daily_year(year, self._columns)
        starts, ends = slices(self._symbols, bars.symbols, bars.counts)
        return DailyBars(self._symbols, starts, ends, bars.days, bars.columns)
