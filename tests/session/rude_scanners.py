"""Scanners that behave badly towards the run, each in its way."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import warnings
from typing import Any

import numpy as np
import polars as pl

from scanners.base import BaseScanner, ColumnarScanner, ScanContext, ScanResult


class Scans(BaseScanner):
    """Finds AAPL, after doing what it does at its second scan of a session."""

    def setup(self, context: ScanContext) -> bool:
        self.scans = 0
        return True

    def scan(self, context: ScanContext) -> ScanResult:
        self.scans += 1
        if self.scans == 2:
            self.act(context)
        return ScanResult(symbols=["AAPL"])

    def act(self, context: ScanContext) -> None:
        """What it does."""


class Hangs(Scans):
    """And catches whatever is raised in it, but for what is no Exception."""

    def act(self, context: ScanContext) -> None:
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                continue


class EatsMemory(Scans):
    def act(self, context: ScanContext) -> None:
        self.eaten = [bytearray(1 << 26) for _ in range(1 << 20)]


class Prints(Scans):
    def act(self, context: ScanContext) -> None:
        print("printed by Python")
        os.write(1, b"written to the file\n")
        os.system("echo echoed by a process")
        sys.stdout.close()


class Forks(Scans):
    """The child goes on as if it were the run."""

    def act(self, context: ScanContext) -> None:
        if os.fork():
            os.wait()


class ForksAndRaises(Forks):
    def act(self, context: ScanContext) -> None:
        if os.fork() == 0:
            raise ValueError("in the child")
        os.wait()


class Exits(Scans):
    def act(self, context: ScanContext) -> None:
        sys.exit(0)


class ChangesGlobals(Scans):
    def act(self, context: ScanContext) -> None:
        os.chdir("/")
        np.seterr(all="raise")
        os.environ["BARSWEEP_THREADS"] = "7"
        warnings.simplefilter("ignore")


class Mutates(Scans):
    """What it was given, as far as that lets it."""

    def act(self, context: ScanContext) -> None:
        frame = context.frame
        for name in frame.columns:
            if frame[name].dtype == pl.Float64:
                frame[0, name] = -1.0
                frame[name].to_numpy(writable=True)[:] = -1.0
        view = context.session_data.get_symbol_data("AAPL")
        bars = view.bars()
        bars["close"].to_numpy(writable=True)[:] = -1.0
        bars[0, "high"] = -1.0
        context.config.clear()
        context.session_data.get_active_symbols().clear()
        context.session_data.get_config_symbols().clear()


class TakesSymbolsOut(Scans):
    """Of the list that its universe gave it, and of its config."""

    def setup(self, context: ScanContext) -> bool:
        symbols = self._load_universe_from_file(self.config["universe"])
        del symbols[1:]
        self.config["universe"].clear()
        self.config["universe"] = ["AAPL", "MSFT", "NVDA"]
        return super().setup(context)


class ChangesTypes(Scans):
    """Its features are whole numbers, then fractions, then words."""

    def scan(self, context: ScanContext) -> ScanResult:
        month = context.current_time.month
        value: Any = np.int64(3) if month == 11 else 2.5 if month == 12 else "many"
        return ScanResult(
            symbols=["AAPL"], metadata={"AAPL": {"score": value, "flag": np.bool_(True)}}
        )


class Strange(Scans):
    """Returns what its config says."""

    def scan(self, context: ScanContext) -> ScanResult:
        return ScanResult(symbols=self.config["symbols"], metadata=self.config.get("metadata", {}))


class SlowSetup(ColumnarScanner):
    """Takes its time before every session."""

    def setup(self, context: ScanContext) -> bool:
        time.sleep(0.5)
        return super().setup(context)

    def criteria(self) -> dict[str, pl.Expr]:
        return {"any": pl.col("close") > 0}


class SlowCriteria(ColumnarScanner):
    """Takes its time over every tick, half a second over a session of every 5 minutes."""

    def criteria(self) -> dict[str, pl.Expr]:
        return {"any": pl.col("close").map_batches(self._look, return_dtype=pl.Boolean)}

    def _look(self, close: pl.Series) -> pl.Series:
        time.sleep(0.0065)
        return close > 0


class KillsItsWorker(SlowCriteria):
    """As the system does where memory is short."""

    def _look(self, close: pl.Series) -> pl.Series:
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return close > 0
