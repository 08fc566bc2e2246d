"""Daily bars for the warm-up blocks of a run, read one year at a time.

Steps of `DailyHistory.block`:
1. read the years of the block's sessions; the year that follows is read ahead on another thread
2. for symbols with too few bars in these years, take their last bars from earlier years
3. copy both into arrays sorted by symbol and date
"""

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
    """Reads daily bars block by block, and keeps each symbol's last bars before the block.

    rows       bars that each symbol has before a block's sessions, as far as the archive has them;
               at least 1
    benchmark  a symbol whose bars reach back as far as the oldest bar of any symbol; None where no
               feature node reads the benchmark
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
        self._ahead: tuple[int, Future[DailyBars]] | None = None  # the year that is being read
        self._years: dict[int, DailyBars] = {}  # unscaled, as stored
        self._before: DailyBars | None = None  # each symbol's bars before those of the years

    def block(
        self, table: SymbolTable, first: dt.date, begin: dt.date, last: dt.date, buffers: Buffers
    ) -> DailyBars:
        """Daily bars with first <= date <= last, and earlier bars for the warm-up.

        Each symbol has at least `rows` bars before the date `begin`, and at least one before
        `first`, as far as the archive has them. Blocks are read in order of time. The arrays live
        as long as `buffers`.
        """
        years = {
            year: self._year(year)
            for year in self._archive.daily_years()
            if first.year <= year <= last.year
        }
        available = np.zeros(len(self._symbols), np.int64)
        for bars in years.values():
            starts, ends = bars.span(first, begin)
            available += ends - starts
        before = self._last_bars(first, np.maximum(1, self._rows - available), years)
        spans = [bars.span(first, last + dt.timedelta(days=1)) for bars in years.values()]
        whole = self._joined(
            [before, *years.values()], [(before.starts, before.ends), *spans], buffers
        )
        self._before, self._years = before, years
        self._read_ahead(last.year + 1)
        return whole if table is self._symbols else whole.realign(table)

    def _read_ahead(self, year: int) -> None:
        """Start to read a year on another thread, unless it is read already or not needed."""
        if (
            year <= self._until.year
            and year in self._archive.daily_years()
            and (self._ahead is None or self._ahead[0] != year)
        ):
            pool = ThreadPoolExecutor(1, thread_name_prefix="daily")
            self._ahead = year, pool.submit(self._read, year)
            pool.shutdown(wait=False)

    def _last_bars(self, first: dt.date, missing: Ints, years: dict[int, DailyBars]) -> DailyBars:
        """The last `missing[symbol]` bars of each symbol before the date `first`.

        missing  int64 [symbols]; counted down in place
        years    year -> its bars, the years that are read already

        The benchmark's bars begin with the oldest bar taken. Bars of a rarely traded symbol may lie
        in several years, so earlier years are read until no symbol misses any.
        """
        parts: list[DailyBars] = []
        for until, load in self._sources(first, missing, years):
            only_benchmark = not missing.any()
            if only_benchmark and self._benchmark is None:
                break
            source = load()
            starts, ends = source.span(EPOCH, until)
            taken = np.minimum(ends - starts, missing)
            missing -= taken
            if self._benchmark is not None:
                taken[self._benchmark] = (ends - starts)[self._benchmark]
                missing[self._benchmark] = 0
            parts.insert(0, self._joined([source], [(ends - taken, ends)], Buffers()))
            if only_benchmark and taken[self._benchmark]:
                break
        return self._joined(
            parts, [(bars.starts, bars.ends) for bars in parts], Buffers()
        )  # kept until the next block

    def _sources(
        self, first: dt.date, missing: Ints, years: dict[int, DailyBars]
    ) -> Iterator[tuple[dt.date, Callable[[], DailyBars]]]:
        """Yield (date, function that returns DailyBars), the latest bars first.

        Of each source the bars before the date count. Years without a symbol that misses bars are
        skipped. The last source is the previous block's earlier bars, where they are known to be
        complete.
        """
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
        """Whether a year's file has bars of a symbol with `missing[symbol]` > 0."""
        ids = self._symbols.ids(self._archive.daily_symbols(year))
        return bool((missing[ids[ids >= 0]] > 0).any())

    def _joined(
        self, sources: Sequence[DailyBars], spans: Sequence[tuple[Ints, Ints]], buffers: Buffers
    ) -> DailyBars:
        """Copy the bars in `spans` (starts, ends of each source) into new arrays, symbol by symbol.

        Bars of one symbol keep the order of the sources, so sources are given in order of time.
        """
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
        """A year's bars, unscaled as the archive stores them."""
        if year not in self._years:
            being_read = self._ahead[1] if self._ahead and self._ahead[0] == year else None
            self._years[year] = being_read.result() if being_read else self._read(year)
        return self._years[year]

    def _read(self, year: int) -> DailyBars:
        """Read a year's bars from the archive."""
        bars = self._archive.read_daily_year(year, self._columns)
        starts, ends = slices(self._symbols, bars.symbols, bars.counts)
        return DailyBars(self._symbols, starts, ends, bars.days, bars.columns)
