"""Columnar scanners whose sessions fail in the middle, each in its way."""

from __future__ import annotations

import datetime as dt
import sys
import threading
from typing import Any

import polars as pl

from engine.archive.reference.universe import FixedUniverse
from engine.scan.base import UniverseSpec
from scanners.base import ColumnarScanner, ScanContext


class Rising(ColumnarScanner):
    def criteria(self) -> dict[str, pl.Expr]:
        return {"up": pl.col("close") > pl.col("prev_close")}


class CriteriaRaise(Rising):
    """In sessions in which INTC, which is no number, rises by so much."""

    def criteria(self) -> dict[str, pl.Expr]:
        risen = (pl.col("symbol") == "INTC") & (pl.col("close") > pl.col("prev_close") * 1.01)
        return super().criteria() | {
            "number": pl.when(risen).then(pl.lit("INTC")).otherwise(pl.lit("1")).cast(pl.Int64) > 0
        }


class CriteriaExit(Rising):
    def criteria(self) -> dict[str, pl.Expr]:
        leave = pl.col("close").map_batches(lambda _: sys.exit(3), return_dtype=pl.Boolean)
        return super().criteria() | {"leave": leave}


class SetupFailsLater(Rising):
    """At the third session."""

    sessions = 0

    def setup(self, context: ScanContext) -> bool:
        self.sessions += 1
        return super().setup(context) and self.sessions != 3


class AsksLater(Rising):
    """At the third session, for an indicator that nobody has asked for."""

    sessions = 0

    def setup(self, context: ScanContext) -> bool:
        self.sessions += 1
        if self.sessions == 3:
            context.session_data.add_indicator("AAPL", "sma", {"period": 7, "interval": "1d"})
        return super().setup(context)


class OfOneThread(FixedUniverse):
    """Like one that keeps a connection to a database."""

    def __init__(self) -> None:
        super().__init__(["AAPL", "KO"], ["AAPL", "KO"])
        self.thread = threading.get_ident()

    def everyone(self, start: dt.date, end: dt.date) -> Any:
        assert threading.get_ident() == self.thread
        return super().everyone(start, end)


class OwnUniverse(Rising):
    def setup(self, context: ScanContext) -> bool:
        self.universe = self.universe or OfOneThread()
        return super().setup(context)


class TeardownFails(Rising):
    def teardown(self, context: ScanContext) -> None:
        raise OSError("disk on fire")


class SetupWrapped(Rising):
    """Fails at the third session, by a method that was put in place of its own."""

    def __init__(self, config: dict[str, Any] | None = None):
        super().__init__(config)
        self.sessions, own = 0, self.setup

        def wrapped(context: ScanContext) -> bool:
            self.sessions += 1
            return own(context) and self.sessions != 3

        self.setup = wrapped  # type: ignore[method-assign]


class OtherEveryDay(Rising):
    """A universe that its own loading chooses by the session."""

    def _load_universe_from_file(self, spec: UniverseSpec | None) -> list[str]:
        assert self.session_date is not None
        self.universe = self.load_universe(
            ["AAPL", "KO"] if self.session_date.day % 2 else ["INTC", "KO", "NFLX"]
        )
        return self.universe.members(self.session_date)


class OtherOneEveryDay(Rising):
    """The same, as a property."""

    @property
    def universe(self) -> Any:
        assert self.session_date is not None
        return self.load_universe(
            ["AAPL", "KO"] if self.session_date.day % 2 else ["INTC", "KO", "NFLX"]
        )

    @universe.setter
    def universe(self, value: Any) -> None:
        pass


class MembersFail(Rising):
    """Its universe does not know a session in the middle."""

    def __init__(self, config: dict[str, Any] | None = None):
        super().__init__(config)
        self.universe = FailingUniverse([], [])


class FailingUniverse(FixedUniverse):
    def members(self, date: dt.date) -> list[str]:
        if date == dt.date(2017, 11, 28):
            raise RuntimeError("no members")
        return ["AAPL", "INTC", "KO"]

    def everyone(self, start: dt.date, end: dt.date) -> list[str]:
        return ["AAPL", "INTC", "KO"]


class FewOfASession(Rising):
    rank_by = "session_volume"
    session_limit = 4
