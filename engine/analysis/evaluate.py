"""Evaluates hits by their forward returns, session by session, in constant memory."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.analysis.exact_sums import Demeaned
from engine.analysis.forward_returns import HORIZONS, Forward
from engine.analysis.tally import Tally, deflated
from engine.archive.archive import Archive
from engine.errors import RunError
from engine.panel.bars import Floats
from engine.panel.symbol_table import SymbolTable
from engine.progress import Progress
from engine.schema import HITS_SCHEMA

NEEDED = ("session", "tick", "scanner", "symbol")
RANKS = ((1, "1"), (3, "2-3"), (10, "4-10"), (math.inf, "11+"))
KINDS = ("time of day", "year", "rank")  # of groups, before the features
QUANTILES = 5
FIFTHS = (*(f"quintile {number}" for number in range(1, QUANTILES + 1)), "none")
# Maximum excursions have no win rate: the best is never a loss, the worst never a gain.
EXCURSIONS = ("mfe", "mae")


@dataclass
class Evaluation:
    """The evaluation of one scanner's hits.

    returns, excess  horizon -> figures; excess is over the mean of the universe's other symbols at
                     the same tick
    groups           kind -> group -> horizon -> figures of the excess
    left_out         horizon -> hits without a return though the archive reaches that far: their
                     symbols have no price then
    at_last_price    horizon -> hits whose exit is the last price that the symbol had before
    """

    scanner: str
    hits: int
    sessions: int
    first: dt.date
    last: dt.date
    tried: int
    returns: dict[str, dict[str, Any]]
    excess: dict[str, dict[str, Any]]
    groups: dict[str, dict[str, dict[str, Any]]]
    left_out: dict[str, int]
    at_last_price: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "scanner": self.scanner,
            "hits": self.hits,
            "sessions": self.sessions,
            "first": str(self.first),
            "last": str(self.last),
            "tried": self.tried,
            "returns": self.returns,
            "excess": self.excess,
            "groups": self.groups,
            "left_out": self.left_out,
            "at_last_price": self.at_last_price,
        }


class Evaluator:
    """Reads hits session by session and sums their forward returns.

    hits      a hits.parquet, or its rows
    universe  date -> symbols that hits are compared with; None: all that the archive holds
    last_price  a symbol that has no price at a horizon is sold at the last one that it had; else it
                has no return there
    """

    def __init__(
        self,
        hits: Path | pl.DataFrame,
        archive: Archive,
        universe: Callable[[dt.date], list[str]] | None = None,
        tried: int = 1,
        last_price: bool = False,
    ):
        self._archive, self._universe, self._tried, self._last_price = (
            archive,
            universe,
            tried,
            last_price,
        )
        self._scan, where = (
            (hits.lazy(), "hits")
            if isinstance(hits, pl.DataFrame)
            else (pl.scan_parquet(hits), str(hits))
        )
        try:
            self._schema = self._scan.collect_schema()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise RunError(
                f"cannot be read: {str(error).splitlines()[0]}",
                where=where,
                expected="a hits.parquet",
            ) from None
        missing = [name for name in NEEDED if name not in self._schema]
        if missing:
            raise RunError(
                f"no column {', '.join(missing)}",
                where=where,
                expected=f"columns {', '.join(NEEDED)}",
            )
        self._features = [
            n for n, dtype in self._schema.items() if n not in HITS_SCHEMA and dtype.is_numeric()
        ]
        self._edges = self._quantiles()
        self._left_out, self._at_last_price = (
            Counter[tuple[str, str]](),
            Counter[tuple[str, str]](),
        )  # of a scanner, at a horizon
        self._tallies: dict[tuple[str, str, str, str], Tally] = {}
        self._spans: dict[str, tuple[int, int, dt.date, dt.date]] = {}

    def run(self, progress: Progress) -> list[Evaluation]:
        """Evaluate all sessions; `sessions` also yields the returns of each hit."""
        for _ in self.sessions(progress):
            pass
        return self.evaluations()

    def sessions(self, progress: Progress) -> Iterator[tuple[dt.date, pl.DataFrame]]:
        """Each session's hits, with columns `return_` and `excess_` for each horizon."""
        dates = self._scan.select(pl.col("session").unique().sort()).collect()["session"].to_list()
        symbols = SymbolTable(self._archive.symbols())
        forward = Forward(self._archive, last_price=self._last_price)
        for number, date in enumerate(dates):
            hits = self._scan.filter(pl.col("session") == date).collect()
            evaluated = self._session(date, hits, symbols, forward)
            progress("evaluating sessions", number + 1, len(dates))
            yield date, evaluated

    def evaluations(self) -> list[Evaluation]:
        """One evaluation for each scanner, of the sessions so far."""
        made = []
        for scanner, (hits, sessions, first, last) in self._spans.items():
            own = {key[1:]: tally for key, tally in self._tallies.items() if key[0] == scanner}
            excess = {h: own["excess", h, ""].figures() for h in HORIZONS}
            for figures in excess.values():
                figures["deflated_t"] = deflated(figures.get("t"), self._tried)
            groups: dict[str, dict[str, dict[str, Any]]] = {}
            for (kind, horizon, group), tally in sorted(own.items(), key=_in_order):
                if group:
                    groups.setdefault(kind, {}).setdefault(group, {})[horizon] = tally.figures()
            returns = {h: own["return", h, ""].figures() for h in HORIZONS}
            left_out, at_last = (
                {
                    horizon: counts[scanner, horizon]
                    for horizon in HORIZONS
                    if counts[scanner, horizon]
                }
                for counts in (self._left_out, self._at_last_price)
            )
            made.append(
                Evaluation(
                    scanner,
                    hits,
                    sessions,
                    first,
                    last,
                    self._tried,
                    returns,
                    excess,
                    groups,
                    left_out,
                    at_last,
                )
            )
        return made

    # -- one session

    def _session(
        self, date: dt.date, hits: pl.DataFrame, everyone: SymbolTable, forward: Forward
    ) -> pl.DataFrame:
        table = SymbolTable(self._universe(date)) if self._universe else everyone
        table = (
            table
            if set(hits["symbol"]) <= set(table.names)
            else SymbolTable([*table.names, *hits["symbol"]])
        )
        times = hits["tick"].dt.epoch("us").to_numpy()
        ticks = np.unique(times)
        outcomes = forward.outcomes(date, ticks, table)
        inside = self._inside(date, table)
        demeaned = {h: Demeaned.of(values, inside) for h, values in outcomes.returns.items()}
        totals: dict[tuple[str, str], float] = {}  # scanner, horizon -> the sum of the excess
        at, who = np.searchsorted(ticks, times), table.ids(hits["symbol"])
        columns: dict[str, Floats] = {}
        for scanner in hits["scanner"].unique(maintain_order=True):
            own = (hits["scanner"] == scanner).to_numpy()
            for horizon in HORIZONS:
                returns = outcomes.returns[horizon][at[own], who[own]]
                missing = np.isnan(returns) & outcomes.reached[horizon][at[own]]
                self._left_out[scanner, horizon] += int(missing.sum())
                if horizon in outcomes.last:
                    self._at_last_price[scanner, horizon] += int(
                        outcomes.last[horizon][at[own], who[own]].sum()
                    )
                _, totals[scanner, horizon], others = demeaned[horizon].excess(at[own], who[own])
                columns.setdefault(f"return_{horizon}", np.full(len(hits), np.nan))[own] = returns
                columns.setdefault(f"excess_{horizon}", np.full(len(hits), np.nan))[own] = (
                    returns - others[at[own]]
                )
            self._count(scanner, date, int(own.sum()))
        evaluated = hits.with_columns(
            *(pl.Series(name, values, nan_to_null=True) for name, values in columns.items())
        )
        self._add(evaluated, totals)
        return evaluated

    def _inside(self, date: dt.date, table: SymbolTable) -> np.ndarray:
        """bool [symbols]: the symbols that hits are compared with."""
        inside = np.ones(len(table), np.bool_)
        if self._universe:
            ids = table.ids(self._universe(date))
            inside[:] = False
            inside[ids[ids >= 0]] = True
        return inside

    def _add(self, evaluated: pl.DataFrame, sums: dict[tuple[str, str], float]) -> None:
        for (scanner,), own in evaluated.partition_by(
            "scanner", as_dict=True, maintain_order=True
        ).items():
            groups = self._groups(own)
            for horizon in HORIZONS:
                returns, excess = (
                    own[name].to_numpy() for name in (f"return_{horizon}", f"excess_{horizon}")
                )
                self._tally(scanner, "return", horizon, "").add(returns[~np.isnan(returns)])
                over = self._tally(scanner, "excess", horizon, "")
                over.add(excess[~np.isnan(excess)], sums[str(scanner), horizon])
                known = ~np.isnan(excess)
                values = np.where(known, excess, 0.0)
                for kind, (names, codes) in groups.items():
                    counts = np.bincount(codes, weights=known, minlength=len(names))
                    totals = np.bincount(codes, weights=values, minlength=len(names))
                    wins = np.bincount(codes, weights=values > 0.0, minlength=len(names))
                    for group in np.flatnonzero(counts).tolist():
                        tally = self._tally(scanner, kind, horizon, names[group])
                        tally.add_sums(int(counts[group]), float(totals[group]), int(wins[group]))

    def _groups(self, own: pl.DataFrame) -> dict[str, tuple[list[str], np.ndarray]]:
        """Kind of group -> names of the groups, and int64 [hits] the group of each hit."""
        times, place = np.unique(own["tick"].to_physical().to_numpy(), return_inverse=True)
        clock = (
            pl.Series(times)
            .cast(own.schema["tick"])
            .dt.convert_time_zone(str(self._archive.calendar.tz))
        )
        groups = {
            "time of day": (clock.dt.to_string("%H:%M").to_list(), place),
            "year": ([str(own["session"][0].year)], np.zeros(len(own), np.int64)),
        }
        if "rank" in own.columns:
            groups["rank"] = (
                [name for _, name in RANKS],
                np.searchsorted([most for most, _ in RANKS], own["rank"].to_numpy()),
            )
        for name, edges in self._edges[own["scanner"][0]].items():
            values = own[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            codes = np.searchsorted(edges, values)
            groups[f"feature {name}" if name in groups else name] = (
                list(FIFTHS),
                np.where(np.isnan(values), QUANTILES, codes),
            )
        return groups

    def _tally(self, scanner: Any, kind: str, horizon: str, group: str) -> Tally:
        return self._tallies.setdefault(
            (str(scanner), kind, horizon, group), Tally(not group, horizon not in EXCURSIONS)
        )

    def _count(self, scanner: str, date: dt.date, hits: int) -> None:
        before, sessions, first, _ = self._spans.get(scanner, (0, 0, date, date))
        self._spans[scanner] = before + hits, sessions + 1, first, date

    def _quantiles(self) -> dict[str, dict[str, Floats]]:
        """Scanner -> feature -> inner edges of the feature's quintiles among the scanner's hits.

        One column is in memory at a time. Scanners share the table's columns: a feature without a
        number in a scanner's hits is not a feature of that scanner.
        """
        shares = [i / QUANTILES for i in range(1, QUANTILES)]
        edges: dict[str, dict[str, Floats]] = defaultdict(dict)
        for name in self._features:
            values = pl.col(name).cast(pl.Float64).fill_nan(None)
            quantiles = [values.quantile(share, "linear").alias(f"{share}") for share in shares]
            for scanner, *of_scanner in (
                self._scan.group_by("scanner").agg(quantiles).collect().iter_rows()
            ):
                if None not in of_scanner:
                    edges[scanner][name] = np.array(of_scanner)
        return edges


def _in_order(item: tuple[tuple[str, str, str], Tally]) -> tuple[int, str, int, str]:
    """Sort key: kind, time of day first; then ranks and quintiles by number, others by name."""
    (kind, _, group), _ = item
    first = KINDS.index(kind) if kind in KINDS else len(KINDS)
    names = [*(name for _, name in RANKS)] if kind == "rank" else [*FIFTHS]
    return first, kind, names.index(group) if group in names else 0, group
