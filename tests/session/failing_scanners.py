"""Scanners that fail, each in its way."""

from __future__ import annotations

from scanners.base import BaseScanner, ScanContext, ScanResult


class Quiet(BaseScanner):
    def scan(self, context: ScanContext) -> ScanResult:
        return ScanResult()


class SetupRaises(Quiet):
    def setup(self, context: ScanContext) -> bool:
        raise ValueError("no licence")


class SetupRefuses(Quiet):
    def setup(self, context: ScanContext) -> bool:
        return False


class ScanRaises(BaseScanner):
    """Fails at its third scan of a session."""

    def setup(self, context: ScanContext) -> bool:
        self.scans = 0
        return True

    def scan(self, context: ScanContext) -> ScanResult:
        self.scans += 1
        if self.scans == 3:
            raise ZeroDivisionError("third time unlucky")
        return ScanResult(symbols=["AAPL"], metadata={"AAPL": {"scans": self.scans}})


class ReturnsError(Quiet):
    def scan(self, context: ScanContext) -> ScanResult:
        return ScanResult(error="feed is down")


class ReturnsNothing(Quiet):
    def scan(self, context: ScanContext) -> ScanResult:
        return None  # type: ignore[return-value]


class ReturnsStrangers(Quiet):
    def scan(self, context: ScanContext) -> ScanResult:
        return ScanResult(symbols=["APPL"])


class ReturnsTwice(Quiet):
    def scan(self, context: ScanContext) -> ScanResult:
        return ScanResult(symbols=["AAPL", "AAPL"])


class TeardownRaises(Quiet):
    def teardown(self, context: ScanContext) -> None:
        raise OSError("disk on fire")


class LooksInSetup(Quiet):
    def setup(self, context: ScanContext) -> bool:
        return bool(len(context.frame))
