"""What variants are judged by: sums over their hits, and the figures that are made of them, as
`evaluate` makes its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from engine.analysis.evaluate import EXCURSIONS
from engine.analysis.exact_sums import clustered_t, joined
from engine.analysis.forward_returns import HORIZONS
from engine.panel.bars import Ints


@dataclass(frozen=True)
class Asked:
    """Which hits are judged, and by what.

    first_hit  the first hit of each symbol and session alone
    horizons   of forward returns (engine/analysis/forward_returns.py)
    """

    first_hit: bool = False
    horizons: tuple[str, ...] = HORIZONS


@dataclass(frozen=True)
class HorizonSums:
    """Sums of all variants at a horizon, each an array [variants].

    returns, wins  how many hits have a return, and one above 0
    highs, lows    the parts of the returns' sum (engine/analysis/exact_sums.py)
    excesses       how many have an excess: a symbol that did not hit has a return at the same tick
    sessions       sessions with one
    excess, squares, cross, counts  sums over sessions: of the excess, its square, times its count;
                                    of squared counts
    """

    returns: Any
    wins: Any
    highs: Any
    lows: Any
    excesses: Any
    sessions: Any
    excess: Any
    squares: Any
    cross: Any
    counts: Any

    def figures(self, horizon: str) -> dict[str, pl.Series]:
        """Columns of variants.parquet; null where there is nothing to tell."""
        with np.errstate(divide="ignore", invalid="ignore"):
            over = self.excess / self.excesses
            found: dict[str, Any] = {
                "win_rate": self.wins / self.returns,
                "mean": joined(self.highs, self.lows) / self.returns,
                "excess": over,
                "t": clustered_t(
                    self.excesses, over, self.sessions, self.squares, self.cross, self.counts
                ),
            }
        if horizon in EXCURSIONS:
            del found["win_rate"]
        columns = {f"{name}_{horizon}": values for name, values in found.items()}
        return {f"count_{horizon}": pl.Series(self.returns)} | {
            name: pl.Series(values, nan_to_null=True) for name, values in columns.items()
        }

    def taken(self, rows: Ints) -> HorizonSums:
        """Of some variants."""
        return HorizonSums(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Sums:
    """Sums of all variants of a scanner.

    hits, sessions, symbols  integers [variants]: hits, sessions with one, distinct symbols
    horizons  name -> its sums
    """

    hits: Any
    sessions: Any
    symbols: Any
    horizons: dict[str, HorizonSums]

    def figures(self, sessions: int) -> pl.DataFrame:
        """A row a variant, of so many sessions that were scanned."""
        columns = {
            "hits": pl.Series(self.hits),
            "hits_a_session": pl.Series(self.hits / sessions),
            "sessions": pl.Series(self.sessions.astype(np.int64)),
            "symbols": pl.Series(self.symbols.astype(np.int64)),
        }
        for horizon, sums in self.horizons.items():
            columns |= sums.figures(horizon)
        return pl.DataFrame(columns)

    def taken(self, rows: Ints) -> Sums:
        """Of some variants."""
        horizons = {name: sums.taken(rows) for name, sums in self.horizons.items()}
        return Sums(self.hits[rows], self.sessions[rows], self.symbols[rows], horizons)


def joined_sums(parts: Sequence[tuple[Ints, Sums]], count: int) -> Sums:
    """Sums of all variants, of those of some: places and sums."""
    if len(parts) == 1 and len(parts[0][0]) == count and (np.diff(parts[0][0]) == 1).all():
        return parts[0][1]
    order = np.empty(count, np.int64)
    order[np.concatenate([places for places, _ in parts])] = np.arange(count)

    def whole(arrays: Sequence[Any]) -> Any:
        return np.concatenate(arrays)[order]

    horizons = {
        name: HorizonSums(
            *(
                whole([getattr(sums.horizons[name], one) for _, sums in parts])
                for one in HorizonSums.__dataclass_fields__
            )
        )
        for name in parts[0][1].horizons
    }
    return Sums(
        whole([sums.hits for _, sums in parts]),
        whole([sums.sessions for _, sums in parts]),
        whole([sums.symbols for _, sums in parts]),
        horizons,
    )
