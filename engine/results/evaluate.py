"""What hits did next, in numbers: session by session, in constant memory however many hits there are."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.errors import RunError
from engine.panel.bars import Floats
from engine.panel.symbol_table import SymbolTable
from engine.progress import Progress
from engine.results.exact_sums import LEAST_SESSIONS, Demeaned, clustered_t, joined, split
from engine.results.outcomes import HORIZONS, Forward
from engine.schema import HITS_SCHEMA

NEEDED = ("session", "tick", "scanner", "symbol")
RANKS = ((1, "1"), (3, "2-3"), (10, "4-10"), (math.inf, "11+"))
KINDS = ("time of day", "year", "rank")  # of groups, before the features
QUANTILES = 5
FIFTHS = (*(f"quintile {number}" for number in range(1, QUANTILES + 1)), "none")
EXCURSIONS = (
    "mfe",
    "mae",
)  # the best is no loss and the worst no gain, whatever was found: a win rate of them says nothing
BASIS = 10_000  # bins of the histograms are a basis point wide, from -100 % to 100 %
RESAMPLES, SEED = 1_000, 7
EULER = 0.5772156649015329


class Tally:
    """Returns added up, session by session; `whole` ones also give a median and a bootstrap interval.

    of_wins  whether a return above 0 is a win
    """

    def __init__(self, whole: bool, of_wins: bool = True):
        self._of_wins = of_wins
        self.count, self.total, self.wins = 0, 0.0, 0
        self._high, self._low = np.int64(0), np.int64(0)  # the exact sum of returns
        # sums over sessions: sums squared, sums times counts, counts squared
        self._sessions, self._squares, self._cross, self._counts = 0, 0.0, 0.0, 0.0
        self._bins = np.zeros(2 * BASIS + 1 if whole else 0, np.int64)
        self._by_session: list[tuple[int, float]] | None = [] if whole else None

    def add(self, returns: Floats, total: float | None = None) -> None:
        """One session's returns, without missing ones, and their sum where that is known."""
        if not len(returns):
            return
        high, low = (part.sum() for part in split(returns))
        whole = total is None
        total = float(joined(high, low)) if total is None else total
        self.add_sums(len(returns), total, int((returns > 0).sum()))
        if whole:
            self._high, self._low = self._high + high, self._low + low
            self.total = float(joined(self._high, self._low))
        if self._by_session is not None:
            places = np.clip(np.rint(returns * BASIS), -BASIS, BASIS).astype(np.int64) + BASIS
            self._bins += np.bincount(places, minlength=len(self._bins))
            self._by_session.append((len(returns), total))

    def add_sums(self, count: int, total: float, wins: int) -> None:
        """One session's returns, already added up."""
        self.count += count
        self.total += total
        self.wins += wins
        self._sessions += 1
        self._squares += total * total
        self._cross += total * count
        self._counts += float(count) * count

    def figures(self) -> dict[str, Any]:
        """count, win rate, mean, t-statistic clustered by session; median (to a basis point) and interval of the mean.

        A return of exactly 0 is counted, and no win. The t-statistic and the interval are null of fewer than LEAST_SESSIONS.
        """
        if not self.count:
            return {"count": 0}
        mean = self.total / self.count
        won = self.wins / self.count if self._of_wins else None
        figures = {"count": self.count, "win_rate": won, "mean": mean, "t": self._t(mean)}
        if self._by_session is None:
            return figures
        low, high = self._interval(self._by_session)
        return figures | {"median": self._median(), "low": low, "high": high}

    def _median(self) -> float:
        upto = np.cumsum(self._bins)
        middle = [
            int(np.searchsorted(upto, rank))
            for rank in ((self.count + 1) // 2, self.count // 2 + 1)
        ]
        return (sum(middle) / 2 - BASIS) / BASIS

    def _t(self, mean: float) -> float | None:
        """Hits of one session are not independent: residuals are added up by session before they are squared."""
        t = clustered_t(self.count, mean, self._sessions, self._squares, self._cross, self._counts)
        return None if np.isnan(t) else float(t)

    def _interval(self, by_session: list[tuple[int, float]]) -> tuple[float | None, float | None]:
        """95 % of the means of resampled sessions."""
        if len(by_session) < LEAST_SESSIONS:
            return None, None
        counts, totals = np.array(by_session).T
        rng = np.random.default_rng(SEED)
        means = []
        for _ in range(RESAMPLES):
            drawn = rng.integers(0, len(counts), len(counts))
            means.append(totals[drawn].sum() / counts[drawn].sum())
        low, high = np.quantile(means, [0.025, 0.975])
        return float(low), float(high)


@dataclass
class Evaluation:
    """One scanner's hits.

    returns, excess  horizon -> figures; excess is over the mean of the universe's other symbols at the same tick
    groups           kind -> group -> horizon -> figures of the excess
    left_out         horizon -> hits without a return though the archive reaches that far: their symbols have no price then
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


def deflated(t: float | None, tried: int) -> float | None:
    """A t-statistic less what the best of `tried` worthless variants would have come to; 0 or less stays as it is.

    David Bailey and Marcos Lopez de Prado, The Deflated Sharpe Ratio (2014): the expected largest of N standard normals.
    """
    if t is None or t <= 0.0 or tried < 2:
        return t
    normal = NormalDist()
    return (
        t
        - (1 - EULER) * normal.inv_cdf(1 - 1 / tried)
        - EULER * normal.inv_cdf(1 - 1 / (tried * math.e))
    )


class Evaluator:
    """Reads hits session by session and adds up what came of them.

    hits      a hits.parquet, or its rows
    universe  date -> symbols that hits are compared with; None: all that the archive holds
    last_price  a symbol that has no price at a horizon is sold at the last one that it had; else it has no return there
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
        """Evaluate everything; also see `sessions` for the outcome of each hit."""
        for _ in self.sessions(progress):
            pass
        return self.evaluations()

    def sessions(self, progress: Progress) -> Iterator[tuple[dt.date, pl.DataFrame]]:
        """Session by session: its hits with `return_` and `excess_` columns for each horizon."""
        dates = self._scan.select(pl.col("session").unique().sort()).collect()["session"].to_list()
        symbols = SymbolTable(self._archive.symbols())
        forward = Forward(self._archive, last_price=self._last_price)
        for number, date in enumerate(dates):
            hits = self._scan.filter(pl.col("session") == date).collect()
            evaluated = self._session(date, hits, symbols, forward)
            progress("evaluating sessions", number + 1, len(dates))
            yield date, evaluated

    def evaluations(self) -> list[Evaluation]:
        """What has been added up, a scanner each."""
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
        """bool[symbols]: the symbols that hits are compared with."""
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
        """By kind of group: the groups' names, and which each hit is in."""
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
        """scanner -> feature -> the inner edges of its fifths among the scanner's own hits, one column in memory at a time.

        A feature without a number in a scanner's hits is none of its features: scanners share the table's columns.
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
    """By kind, time of day first; ranks and fifths by number, other groups by their name."""
    (kind, _, group), _ = item
    first = KINDS.index(kind) if kind in KINDS else len(KINDS)
    names = [*(name for _, name in RANKS)] if kind == "rank" else [*FIFTHS]
    return first, kind, names.index(group) if group in names else 0, group
