"""The look-ahead audit that is part of every run.

1. `InRunAudit.of`       draws one session of the run
2. `InRunAudit.wants`    allows as many ticks as cost at most SHARE of the run
3. `InRunAudit.inspect`  draws the ticks, and for each computes the session again from the feature
   states before it, with the bars after the tick cut off or scaled
4. `_differences`        compares columns, and hits of columnar scanners, up to the tick

What plug-ins read by themselves, and strategies, are left to `barsweep audit`, which replays whole
archives.
"""

from __future__ import annotations

import datetime as dt
import logging
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from engine.audit.compare import first_difference
from engine.audit.difference import Difference
from engine.audit.future import CUT, FUTURES, PERTURBED, PRICE_SPREAD
from engine.config.load import LoadedConfig
from engine.features.feature_node import FeatureNode
from engine.features.session_rows import Panel
from engine.scan.clause_evaluation import evaluate
from engine.scan.cross_section import CrossSection
from engine.scan.replay import MarketReplay
from engine.scan.scanner_runtime import ScannerRuntime
from engine.scan.session_batch import SessionBatch
from engine.scan.session_hits import SessionHits
from engine.schema import BAR_VALUES
from engine.session.coordinator import SessionCoordinator

log = logging.getLogger("barsweep")
SHARE = 0.05  # of the run's sessions that an audit may compute again
MOST = 4  # ticks that are audited
# random factors that are drawn; a prime, so that minute and daily bars do not get the same ones
FACTORS = 10_007


@dataclass
class InRunAudit:
    """Audits one random session of a run at a few random ticks.

    count        number of ticks that the run's length allows
    left_out     why nothing was audited, or None
    ticks        the audited ticks, exchange-local
    differences  the first difference of each kind, owner and name
    not_seen     what the audit does not cover: scanners with a scan() of their own, strategies
    """

    date: dt.date
    seed: int
    count: int = 0
    left_out: str | None = "the run's own walk did not come to the session"
    ticks: list[dt.datetime] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    not_seen: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, loaded: LoadedConfig, dates: Sequence[dt.date], seed: int) -> InRunAudit:
        """An audit of a random session among `dates`."""
        date = dates[int(np.random.default_rng([seed, len(dates)]).integers(len(dates)))]
        return cls(
            date,
            seed,
            not_seen=["strategies"] if any(one.enabled for one in loaded.config.strategies) else [],
        )

    def wants(self, panel: Panel, walked: int, nodes: Sequence[FeatureNode]) -> bool:
        """Whether `panel` is the drawn session and the run is long enough; sets `count`."""
        if panel.session.date != self.date or panel.base.is_daily:
            return False
        self.count = min(MOST, int(SHARE * walked / _sessions_a_tick(panel, nodes)))
        return self.count > 0

    def inspect(self, coordinator: SessionCoordinator, replay: MarketReplay) -> None:
        """Audit `count` random ticks. An error is logged and noted; the run goes on."""
        self.not_seen = [
            slot.name for slot in coordinator.manager.slots if not slot.columnar
        ] + self.not_seen
        try:
            self._audit(coordinator, replay)
        except Exception as error:  # expressions are the user's
            log.error("the audit of %s failed\n%s", self.date, traceback.format_exc())
            self.left_out = f"it failed on {self.date}: {type(error).__name__}: {error}"

    def _audit(self, coordinator: SessionCoordinator, replay: MarketReplay) -> None:
        """Draw the ticks, compute the session again for each, note the differences."""
        batch = coordinator.at_hand
        assert batch is not None
        cross, rng = batch.cross, np.random.default_rng([self.seed, self.date.toordinal()])
        ticks = cross.ticks[cross.ticks < cross.session.close]
        self.left_out = self._cause(coordinator, len(ticks))
        if self.left_out is not None:
            return
        for number, tick in enumerate(
            sorted(rng.choice(ticks, min(self.count, len(ticks)), replace=False).tolist())
        ):
            self.ticks.append(dt.datetime.fromtimestamp(tick / 1e6, coordinator.scope.calendar.tz))
            other = self._walked_again(replay, batch, tick, FUTURES[number % len(FUTURES)], rng)
            told = {(one.what, one.owner, one.name) for one in self.differences}
            found = _differences(coordinator, cross, other, tick)
            self.differences += [
                one for one in found if (one.what, one.owner, one.name) not in told
            ]

    @property
    def told(self) -> str:
        """The result as a sentence."""
        if self.left_out:
            return f"not looked for: {self.left_out}; `barsweep audit` does"
        looked = (
            f"{len(self.ticks)} random ticks of {self.date}"
            if len(self.ticks) > 1
            else f"a random tick of {self.date}"
        )
        unseen = f"; left to `barsweep audit`: {', '.join(self.not_seen)}" if self.not_seen else ""
        return (f"FOUND at {looked}" if self.differences else f"none found at {looked}") + unseen

    def as_dict(self) -> dict[str, Any]:
        """The result for the run's manifest."""
        found = [vars(one) for one in self.differences]
        return {
            "session": self.date,
            "seed": self.seed,
            "ticks": self.ticks,
            "differences": found,
            "told": self.told,
        }

    def _cause(self, coordinator: SessionCoordinator, ticks: int) -> str | None:
        """Why the session cannot be audited, or None; `ticks`: how many could be drawn."""
        if coordinator.scope.base.is_daily:
            return "the bars are daily"
        if not ticks:
            return f"nothing scans before the close of {self.date}"
        if not self.count:
            return f"the run is too short for {SHARE:.0%} of it to be a session walked again"
        return None

    def _walked_again(
        self,
        replay: MarketReplay,
        batch: SessionBatch,
        tick: int,
        kind: str,
        rng: np.random.Generator,
    ) -> CrossSection:
        """The session's cross-sections, computed again with a changed future after `tick`."""
        assert kind in (CUT, PERTURBED)
        if kind == CUT:
            return replay.recompute(
                batch, lambda panel: panel.until(tick), lambda daily: daily.before_date(self.date)
            )
        factors = np.exp(rng.normal(0.0, PRICE_SPREAD, FACTORS))
        return replay.recompute(
            batch,
            lambda panel: panel.scaled_after(tick, factors),
            lambda daily: daily.scaled_from(self.date, factors),
        )


def _sessions_a_tick(panel: Panel, nodes: Sequence[FeatureNode]) -> float:
    """The cost of one audited tick, in sessions, at least 1.

    Half a session's bars on average, and two copies of the feature states.
    """
    states = sum(node.state_size for node in nodes) * len(panel.table)
    bars = (len(BAR_VALUES) + 1) * int(panel.present().sum())
    return max(1.0, 0.5 + states / max(1, bars))


def _differences(
    coordinator: SessionCoordinator, whole: CrossSection, other: CrossSection, tick: int
) -> Iterator[Difference]:
    """Columns, and hits of columnar scanners, that differ up to the tick."""
    tz, until = coordinator.scope.calendar.tz, int(np.searchsorted(whole.ticks, tick, side="right"))
    for name in (name for node in coordinator.needs.nodes for name in node.outputs):
        yield from first_difference(
            name,
            whole.table.names,
            whole.ticks,
            whole.values(name)[:until],
            other.values(name)[:until],
            tz,
        )
    for slot in coordinator.manager.slots:
        if slot.plan and slot.columnar and slot.session.error is None:
            ticks = slot.scan_ticks(whole)
            ticks = ticks[ticks < until]
            hits = evaluate(slot.plan, slot.view(other), ticks, slot.members(whole))
            yield from _hits(slot, whole, hits, until, tz)


def _hits(
    slot: ScannerRuntime, cross: CrossSection, other: SessionHits, until: int, tz: dt.tzinfo
) -> Iterator[Difference]:
    """The first hit that only one of the two evaluations has, up to the tick index `until`."""
    whole = slot.session.hits(cross)
    a, b = (_frame(hits, cross, until) for hits in (whole, other))
    if a.equals(b):
        return
    for mine, theirs in ((a, b), (b, a)):
        alone = mine.join(theirs, on=mine.columns, how="anti", nulls_equal=True)
        if len(alone):
            tick_id, symbol = alone.select("tick", "symbol").row(0)
            time = dt.datetime.fromtimestamp(int(cross.ticks[tick_id]) / 1e6, tz)
            there = mine is a
            yield Difference(
                "hit",
                slot.name,
                "there",
                cross.table.names[symbol],
                time,
                there,
                not there,
                len(alone),
            )
            return


def _frame(hits: SessionHits, cross: CrossSection, until: int) -> pl.DataFrame:
    """The hits before the tick index `until`, a row each: tick, symbol, rank, features."""
    count = int(np.searchsorted(hits.ticks, until))
    found = pl.DataFrame(
        {"tick": hits.ticks[:count], "symbol": hits.symbols[:count], "rank": hits.ranks[:count]}
    )
    features = hits.features[hits.first : hits.first + count]
    return (
        pl.concat([found, features.select(pl.all().name.prefix("feature "))], how="horizontal")
        if features.width
        else found
    )
