from __future__ import annotations

import pytest

from tests.cli.barsweep import Barsweep


@pytest.fixture
def barsweep(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Barsweep:
    return Barsweep(monkeypatch, capfd)
