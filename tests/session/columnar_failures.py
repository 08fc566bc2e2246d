"""Columnar scanners whose sessions fail in the middle, each in its way."""

from __future__ import annotations

import sys

import polars as pl

from scanners.base import ColumnarScanner, ScanContext


class Rising(ColumnarScanner):
    def criteria(self) -> dict[str, pl.Expr]:
        return {"up": pl.col("close") > pl.col("prev_close")}


class CriteriaRaise(Rising):
    """In sessions in which INTC, which is no number, rises by so much."""

    def criteria(self) -> dict[str, pl.Expr]:
        risen = (pl.col("symbol") == "INTC") & (pl.col("close") > pl.col("prev_close") * 1.01)
        return super().criteria() | {"number": pl.when(risen).then(pl.lit("INTC")).otherwise(pl.lit("1")).cast(pl.Int64) > 0}


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


class TeardownFails(Rising):
    def teardown(self, context: ScanContext) -> None:
        raise OSError("disk on fire")


class FewOfASession(Rising):
    rank_by = "session_volume"
    session_limit = 4
