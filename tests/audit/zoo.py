"""Leaks that reach the future by a way around the engine: found, told as a warning, or invisible.

Each is a scanner that finds the symbols whose session closes above the price at hand. `FOUND` and `TOLD` say which of them the audit
catches, and of which it warns, by the words of the warning; `INVISIBLE`, why it cannot see them (docs/auditing.md lists them).
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlparse

import polars as pl

from engine.archive.archive import Archive
from scanners.base import BaseScanner, ScanContext, ScanResult
from tests.data import PROJECT

PLACE, NOTES = (
    Path(tempfile.gettempdir(), f"barsweep-zoo-{os.getpid()}.{name}") for name in ("path", "notes")
)


class Foresees(BaseScanner):
    """Joins what `closes` knows of the session."""

    def scan(self, context: ScanContext) -> ScanResult:
        self.date: dt.date = context.current_time.date()
        closes = self.closes()
        now = context.frame.drop_nulls("close").select("symbol", "close")
        found = [symbol for symbol, close in now.iter_rows() if closes.get(symbol, close) > close]
        for symbol in found:
            context.session_data.add_symbol(symbol)
        return ScanResult(symbols=found)

    def closes(self) -> dict[str, float]:
        """Each symbol's last price of the session."""
        raise NotImplementedError

    def of(self, bars: pl.DataFrame | pl.LazyFrame) -> dict[str, float]:
        days = bars.lazy().with_columns(
            date=pl.col("timestamp").dt.convert_time_zone("America/New_York").dt.date()
        )
        wanted = (
            days.filter(pl.col("date") == self.date).group_by("symbol").agg(pl.col("close").last())
        )
        return dict(wanted.select("symbol", "close").collect().iter_rows())


class FolderAbove(Foresees):
    """`source` is a folder that has the archive somewhere in it."""

    def closes(self) -> dict[str, float]:
        files = sorted(Path(self.config["source"]).rglob("interval=1d/year=*/bars.parquet"))
        return self.of(
            pl.concat(
                [
                    pl.read_parquet(
                        file, columns=["symbol", "timestamp", "close"], hive_partitioning=False
                    )
                    for file in files
                ]
            )
        )


class Glob(Foresees):
    """`source` is a glob."""

    def closes(self) -> dict[str, float]:
        return self.of(pl.scan_parquet(self.config["source"], hive_partitioning=False))


class Template(Foresees):
    """`source` has a place for the date."""

    def closes(self) -> dict[str, float]:
        return self.of(
            pl.read_parquet(self.config["source"].format(date=self.date), hive_partitioning=False)
        )


class Address(Foresees):
    """`source` is a `file://` address of the archive."""

    def closes(self) -> dict[str, float]:
        day = Archive.open(unquote(urlparse(self.config["source"]).path)).read_daily(
            ["close"], self.date, self.date + dt.timedelta(1)
        )
        return dict(day.select("symbol", "close").iter_rows())


class Sql(Foresees):
    """`source` is SQL that names the files."""

    def closes(self) -> dict[str, float]:
        import duckdb

        return dict(
            duckdb.sql(self.config["source"].replace(":day", f"DATE '{self.date}'")).fetchall()
        )


class TickersOfTomorrow(Foresees):
    """Finds what will be renamed, or leave an index: `source` is a file of intervals in the archive."""

    def closes(self) -> dict[str, float]:
        source = self.config["source"]
        intervals = (
            pl.read_csv(source, try_parse_dates=True)
            if source.endswith(".csv")
            else pl.read_parquet(source)
        )
        soon = pl.col("end_date").is_between(
            self.date, self.date + dt.timedelta(60), closed="right"
        )
        return dict.fromkeys(intervals.filter(soon)["symbol"], 1e9)


class WrittenIntoTheCode(Foresees):
    """The archive's path is no parameter; it stands in the code, in a test in a file."""

    def closes(self) -> dict[str, float]:
        day = Archive.open(PLACE.read_text()).read_daily(["close"], self.date, None)
        return dict(day.filter(pl.col("date") == self.date).select("symbol", "close").iter_rows())


class NamedByTheEnvironment(Foresees):
    """A variable says where the bars are; Polars reads them."""

    def closes(self) -> dict[str, float]:
        return self.of(
            pl.scan_parquet(
                f"{os.environ['ZOO_BARS']}/bars/interval=1d/*/*.parquet", hive_partitioning=False
            )
        )


class NamedOnTheCommandLine(Foresees):
    """An argument of the command says what is found."""

    def closes(self) -> dict[str, float]:
        return dict.fromkeys(sys.argv, 1e9)


class FromAnEarlierRun(Foresees):
    """Reads the hits of a run that is over."""

    def closes(self) -> dict[str, float]:
        hits = pl.read_parquet(f"{self.config['run']}/hits.parquet").filter(
            pl.col("session") == self.date
        )
        return dict.fromkeys(hits["symbol"], 1e9)


class RememberedOnDisk(Foresees):
    """Keeps closes in a file of its own."""

    def closes(self) -> dict[str, float]:
        if not NOTES.exists():
            NOTES.write_text("AAPL")
        return dict.fromkeys(NOTES.read_text().split(), 1e9)


class AskedOfAProcess(Foresees):
    """Has a process look."""

    def closes(self) -> dict[str, float]:
        import subprocess

        found = subprocess.run(
            [sys.executable, "-c", "print('AAPL')"], check=True, capture_output=True, text=True
        ).stdout
        return dict.fromkeys(found.split(), 1e9)


class WinnersWrittenDown(Foresees):
    """Names those that did well, as everybody knows by now."""

    def closes(self) -> dict[str, float]:
        return dict.fromkeys(["AAPL", "AMZN", "NFLX"], 1e9)


class RememberedInAPackage(Foresees):
    """Keeps what it saw at an installed package, which is not imported anew."""

    def closes(self) -> dict[str, float]:
        if not hasattr(pl, "zoo_closes"):
            pl.zoo_closes = {"AAPL": 1e9}  # type: ignore[attr-defined]
        closes: dict[str, float] = pl.zoo_closes  # type: ignore[attr-defined]
        return closes


class ReadBelowPython(Foresees):
    """Opens the archive's file by the C library."""

    def closes(self) -> dict[str, float]:
        import ctypes

        library = ctypes.CDLL(None)
        library.fopen.restype = ctypes.c_void_p
        handle = library.fopen(str(PROJECT / "pyproject.toml").encode(), b"r")
        library.fclose(ctypes.c_void_p(handle))
        return {"AAPL": 1e9} if handle else {}


FOUND = (FolderAbove, Glob, Template, Address, Sql, TickersOfTomorrow)
TOLD = {
    WrittenIntoTheCode: "the archive itself",
    NamedByTheEnvironment: "environment variables: ZOO_BARS",
    NamedOnTheCommandLine: "the command line: sys.argv",
    FromAnEarlierRun: "an earlier run",
    RememberedOnDisk: "outside of what can be led to another future",
    AskedOfAProcess: "a process",
}
INVISIBLE = {
    WinnersWrittenDown: "a choice that was made with hindsight and written into the code",
    RememberedInAPackage: "memory of an installed package",
    ReadBelowPython: "a file that is opened by a library written in C, without Python",
}
