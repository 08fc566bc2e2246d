"""How the sessions of a run are played, once their columns are there: decided before the first, in one place.

Columnar scanners are evaluated for a whole batch first. Then the batch is played: what was found is revealed at its time.

    by tick     tick by tick: somebody is asked between two scans, or told of them
    in one step the scans of a session at once: nobody looks in between
    spanning    all sessions of a batch as if they were one: nothing goes from one session to the next
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from engine.scan.scanner_runtime import ScannerSlot

log = logging.getLogger("barsweep")


@dataclass(frozen=True)
class PlayMode:
    """by_tick     why sessions are played tick by tick; None where a session's scans are revealed in one step
    by_session  why the sessions of a batch are played one after the other; None where they are played together
    """

    by_tick: str | None
    by_session: str | None

    @classmethod
    def of(
        cls,
        slots: Sequence[ScannerSlot],
        trades: bool,
        config_symbols: Sequence[str],
        records_only: bool,
    ) -> PlayMode:
        """The mode of a run.

        trades        whether somebody trades what is found
        records_only  whether nobody looks at a session once it is over
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
    return next((why for holds, why in reasons if holds), None)
