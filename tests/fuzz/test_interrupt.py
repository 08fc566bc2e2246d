"""Ctrl-C at any moment of a run that has everything to compile: it ends within 2 s, and leaves nothing behind that hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from engine.archive.archive import Archive
from tests.data import PROJECT
from tests.fuzz.cases import NIGHTLY
from tests.running import EVERY_5_MINUTES, momentum
from tests.trading.runs import config

WITHIN = 2.0  # seconds
LATEST = 12.0  # seconds after kernels begin to be compiled, at which all are not yet, whatever the machine
SHORT, MANY = (0.5, 3.0, 6.0), (-0.5, -1.0, -1.5, *np.linspace(0.1, LATEST, 17).tolist())
TOLD = "compiling kernels"


def moments() -> tuple[float, ...]:
    """Seconds after the run says that it compiles, below 0 after it was started; twenty in `make fuzz`."""
    return MANY if settings.get_current_profile_name() == NIGHTLY else SHORT


def started(demo: Archive, folder: Path) -> subprocess.Popen[str]:
    """A run of scanners and a strategy over a month, with an empty cache of compiled code."""
    scanners = [
        momentum(),
        {
            "module": "scanners.criteria_scanner",
            "regular_session": EVERY_5_MINUTES,
            "config": {
                "criteria": {"up": "ema_20 > sma_50 and rsi_14_5m > 50 and rank(close) < 9"}
            },
        },
    ]
    loaded = config([{"module": "engine.strategies.rsi_reversion"}], scanners=scanners)
    (folder / "config.json").write_text(loaded.config.model_dump_json())
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder / "cache"), "BARSWEEP_THREADS": "2"}
    command = ["run", "config.json", "--archive", str(demo.path), "--out", "runs"]
    code = f"import sys; sys.path.insert(0, {str(PROJECT)!r}); from engine.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *command],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("moment", moments())
def test_a_run_that_compiles_ends_at_once(moment: float, demo: Archive, tmp_path: Path) -> None:
    with started(demo, tmp_path) as run:
        try:
            if moment > 0:
                while TOLD not in run.stderr.readline():  # type: ignore[union-attr]
                    assert run.poll() is None
            time.sleep(abs(moment))
            assert run.poll() is None
            run.send_signal(signal.SIGINT)
            before = time.monotonic()
            _, said = run.communicate(timeout=30)
            took = time.monotonic() - before
        finally:
            run.kill()
    assert (run.returncode, took < WITHIN) == (130, True), (took, said)
    assert "stopped" in said and "Traceback" not in said, said
    assert [
        path for path in (tmp_path / "runs").glob("*") if not path.name.endswith(".unfinished")
    ] == []
