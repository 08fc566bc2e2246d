"""A main thread that is in one long call hears of no interruption; its process ends all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.runtime.interrupt import GRACE, STATUS, ended_at_interrupt
from tests.data import PROJECT

LONG = """
import hashlib, contextlib
from engine.runtime.interrupt import ended_at_interrupt
with {within}:
    print("here", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 400_000_000)
"""


@pytest.mark.parametrize("within", ["ended_at_interrupt()", "contextlib.nullcontext()"])
def test_one_long_call(within: str) -> None:
    """When the second ends by itself, nothing needs to listen."""
    code = LONG.format(within=within)
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            assert run.stdout.readline() == "here\n"  # type: ignore[union-attr]
            time.sleep(0.5)  # until the call has begun
            run.send_signal(signal.SIGINT)
            said = run.communicate(timeout=GRACE + 1.0)[1]
            assert (run.returncode, said, "ended" in within) == (STATUS, "stopped\n", True)
        except subprocess.TimeoutExpired:
            assert "ended" not in within
        finally:
            run.kill()


def test_it_listens_no_longer_than_asked() -> None:
    descriptors = set(os.listdir("/proc/self/fd"))
    with ended_at_interrupt():
        pass
    for _ in range(100):
        if set(os.listdir("/proc/self/fd")) <= descriptors:
            break
        time.sleep(0.02)
    assert set(os.listdir("/proc/self/fd")) <= descriptors
    assert signal.set_wakeup_fd(-1) == -1


def test_other_signals_are_none_of_its_business() -> None:
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(1))
    try:
        with ended_at_interrupt():
            signal.raise_signal(signal.SIGALRM)
            time.sleep(GRACE + 0.3)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert heard == [1]


def test_a_command_may_be_called_in_another_thread() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: ended_at_interrupt().__enter__()).result()
