"""Variants that trade, judged by the daily returns of their accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.optimize.dates import between
from engine.panel.bars import Floats
from engine.progress import Progress, silent
from engine.sweep.strategy_variants import judge_trading
from engine.sweep.sweep_spec import Sweep


@dataclass
class StrategyJudge:
    """Runs variants' strategies.

    An account begins with the sessions that are asked for, and so do those out of sample.
    """

    sweep: Sweep
    archive: Archive
    progress: Progress = silent

    def judge(self, numbers: Sequence[int], dates: Sequence[dt.date]) -> dict[str, Floats]:
        """Returns of variants' accounts in consecutive sessions, float64 [sessions, variants]."""
        configs = [between(self.sweep.config(number), dates) for number in numbers]
        traded = judge_trading(configs, self.archive, self.progress)
        place = {date: row for row, date in enumerate(traded.dates)}
        rows = [place[date] for date in dates]
        return {"returns": np.nan_to_num(traded.returns.T[rows], nan=0.0)}

    def hits(self, number: int, dates: Sequence[dt.date]) -> pl.DataFrame:
        """None: what a strategy does is in its returns."""
        return pl.DataFrame()
