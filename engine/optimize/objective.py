"""What the best variant is best by: a figure of `variants.parquet`, and the daily returns that
belong to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.analysis.forward_returns import DAYS, HORIZONS
from engine.analysis.metrics import METRICS
from engine.errors import ConfigError, did_you_mean

SCANNER, STRATEGY = "scanner", "strategy"
COUNTED = ("hits", "hits_a_session", "sessions")
OF_HORIZON = ("count", "win_rate", "mean", "excess", "t")
OVERNIGHT = {"next_open": 1, "next_close": 1, "day5": DAYS}  # sessions until the exit
FORM = re.compile(rf"({'|'.join(OF_HORIZON)})_({'|'.join(HORIZONS)})")


@dataclass(frozen=True)
class Objective:
    """A figure, and which way is better.

    figure    as a column of variants.parquet has it
    kind      "scanner": of forward returns of hits; "strategy": of daily returns
    horizon   of forward returns; "" for a strategy
    minimize  whether less is better
    daily     whether bars are daily: hits at a close are entered at the next open
    """

    figure: str
    kind: str
    horizon: str = ""
    minimize: bool = False
    daily: bool = False

    @classmethod
    def of(
        cls, figure: str | None, kind: str, daily: bool = False, minimize: bool = False
    ) -> Objective:
        """Of a figure's name.

        Where left out, `excess` to the close (of daily bars the next one), or the Sharpe ratio.

        Raises ConfigError for a figure that is none, or that cannot be told of some sessions alone.
        """
        close = "next_close" if daily else "close"
        if kind == STRATEGY:
            name = figure or "sharpe_ratio"
            if name not in METRICS:
                raise _unknown(name, (*METRICS,))
            return cls(name, kind, "", minimize, daily)
        name = figure or f"excess_{close}"
        if name in COUNTED:
            return cls(name, kind, close, minimize, daily)
        found = FORM.fullmatch(name)
        if not found or name in ("win_rate_mfe", "win_rate_mae"):
            known = [*COUNTED, *(f"{one}_{horizon}" for one in OF_HORIZON for horizon in HORIZONS)]
            raise _unknown(name, known)
        return cls(name, kind, found[2], minimize, daily)

    @property
    def base(self) -> str:
        """The figure without its horizon."""
        return (
            self.figure if self.kind == STRATEGY else self.figure.removesuffix(f"_{self.horizon}")
        )

    @property
    def of_excess(self) -> bool:
        """Whether the session's returns are those over the symbols that did not hit."""
        return self.base not in ("mean", "win_rate")

    @property
    def label(self) -> int:
        """Sessions from a session to the exit of its forward returns."""
        return OVERNIGHT.get(self.horizon, 0)

    @property
    def span(self) -> int:
        """Sessions that a return lasts from its entry to its exit: so many sessions' returns
        overlap.
        """
        enters_before = not self.daily and self.horizon != "next_open"
        return max(1, self.label + (enters_before and self.label > 0))

    @property
    def has_returns(self) -> bool:
        """Whether the figure is of returns that money could have: neither best nor worst on the
        way.
        """
        return self.horizon not in ("mfe", "mae")


def _unknown(name: str, known: tuple[str, ...] | list[str]) -> ConfigError:
    return ConfigError(
        f"no objective {name!r}",
        where="objective",
        expected="a figure that some sessions have alone: "
        + (
            ", ".join(known)
            if len(known) < 20
            else "hits, hits_a_session, sessions, or count, "
            f"win_rate, mean, excess or t of a horizon ({', '.join(HORIZONS)}) such as t_close"
        ),
        fix=did_you_mean(name, known),
    )
