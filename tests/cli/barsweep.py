"""Calling the command line in tests."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from engine.cli.main import main


@dataclass
class Called:
    status: int
    out: str
    err: str


class Barsweep:
    """barsweep("run", "x.json") -> exit status, stdout, stderr."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
        self._monkeypatch, self._capfd = monkeypatch, capfd

    def __call__(self, *arguments: object) -> Called:
        self._monkeypatch.setattr(sys, "argv", ["barsweep", *map(str, arguments)])
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        printed = self._capfd.readouterr()
        return Called(int(left.value.code or 0), printed.out, printed.err)
