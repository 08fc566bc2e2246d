"""How a run plays its sessions once their columns are computed; decided once, before the first.

Columnar scanners are evaluated for a whole session batch first. Playing the batch then reveals
their hits in order of time:

    by tick      tick by tick, because code runs between scans or each scan is logged
    in one step  all scans of a session at once, because no code runs between them
    spanning     all sessions of a batch in one step, because no state passes between sessions
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from engine.scan.scanner_runtime import ScannerRuntime

log = logging.getLogger("barsweep")


@dataclass(frozen=True)
class PlayMode:
    """The reasons against playing more at once.

    by_tick     why sessions are played tick by tick; None where a session is played in one step
    by_session  why the sessions of a batch are played one by one; None where they are played
                together
    """

    by_tick: str | None
    by_session: str | None

    @classmethod
    def of(
        cls,
        slots: Sequence[ScannerRuntime],
        trades: bool,
        config_symbols: Sequence[str],
        records_only: bool,
    ) -> PlayMode:
        """The mode of a run.

        trades        whether a trader takes part
        records_only  whether the caller reads records only, and no session's state
        """
        by_tick = _first(
            (trades, "strategies are asked between scans"),
            (not all(slot.columnar for slot in slots), "a scanner has a scan() of its own"),
            (log.isEnabledFor(logging.INFO), "the log tells of every scan"),
        )
        by_session = by_tick or _first(
            (not records_only, "each session is looked at when it is over"),
            (bool(config_symbols), "the config's symbols are registered at each open"),
            (
                not all(slot.independent for slot in slots),
                "a scanner has a setup() or teardown() of its own",
            ),
            (any(slot.pre_session for slot in slots), "a scanner looks before the open"),
        )
        return cls(by_tick, by_session)


def _first(*reasons: tuple[bool, str]) -> str | None:
    """The first reason that holds, or None."""
    return next((why for holds, why in reasons if holds), None)
