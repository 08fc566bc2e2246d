"""Runs that are killed at random moments and taken up again: `python -m tests.runs.killed_runs ARCHIVE FOLDER KILLS SEED`.

Processes are forked from this one, which has imported everything, so that a run takes a fraction of a second. Prints a JSON object:
what was there after each kill, and a digest of the tables of each run that came to its end.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from numba.core.registry import cpu_target

from engine.archive.archive import Archive
from engine.progress import silent
from engine.runs.execute_run import FinishedRun, execute_run, resume_run
from tests.running import config, momentum

HOURLY = [{"start": "10:00", "end": "15:00", "interval": "60m"}]
LOADED = config(
    [momentum(min_change=0.0, min_rsi=50.0) | {"regular_session": HOURLY}],
    symbols=["AAPL"],
    end="2018-01-19",
)


def digest(run: Path) -> str:
    """Of all tables but timings, and of the summary."""
    files = [
        path
        for path in sorted(run.iterdir())
        if path.suffix == ".parquet" or path.name == "summary.json"
    ]
    return hashlib.sha256(
        b"".join(path.name.encode() + path.read_bytes() for path in files if path.stem != "timings")
    ).hexdigest()


def forked(work: Callable[[], FinishedRun]) -> int:
    """A process that does the work and ends."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(3)
    return child


def state(out: Path) -> str:
    """What a killed run has left; anything but what is allowed is an error."""
    there = (
        sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
        if out.exists()
        else []
    )
    if not there:
        return "nothing"
    if not there[0].endswith(".unfinished"):
        assert (
            json.loads((out / there[0] / "manifest.json").read_text())["exit_state"] == "complete"
        )
        assert there[1:] in ([], [there[0] + ".unfinished"])
        return "finished"
    assert len(there) == 1, there
    assert json.loads((out / there[0] / "manifest.json").read_text())["exit_state"] == "unfinished"
    return f"unfinished, {len(list((out / there[0] / 'blocks').glob('2*')))} blocks"


def warm_up() -> None:
    """What every process would load for itself: the library of compiled code. Polars stays unused: its threads do not outlive a fork."""
    for context in (cpu_target.typing_context, cpu_target.target_context):
        context.refresh()


def main() -> None:
    warm_up()
    archive, folder = Archive.open(sys.argv[1]), Path(sys.argv[2])
    kills, chance = int(sys.argv[3]), random.Random(int(sys.argv[4]))
    whole = []
    for number in range(2):  # the first loads the kernels
        started = time.perf_counter()
        os.waitpid(
            forked(partial(execute_run, LOADED, archive, folder / f"whole{number}", silent)), 0
        )
        whole.append(time.perf_counter() - started)
    states, ends, resumed, number, longest = [], [], 0, 0, whole[1]
    out = folder / "run0"
    while len(states) < kills or not ends:
        unfinished = list(out.glob("*.unfinished"))
        resumed += bool(unfinished)
        child = forked(
            partial(resume_run, unfinished[0], None, silent)
            if unfinished
            else partial(execute_run, LOADED, archive, out, silent)
        )
        time.sleep(chance.uniform(0, longest))
        ended, status = os.waitpid(child, os.WNOHANG)
        assert status == 0
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            states.append(state(out))
            longest *= 1.05  # the machine may have become slower: some run has to come to its end
        else:
            longest *= 0.8  # or faster: it has to be killed before
        if state(out) == "finished":
            (run,) = [
                path
                for path in out.iterdir()
                if not path.name.startswith(".") and not path.name.endswith(".unfinished")
            ]
            ends.append(digest(run))
            number += 1
            out = folder / f"run{number}"
    (run,) = (folder / "whole1").iterdir()
    print(json.dumps({"whole": digest(run), "states": states, "ends": ends, "resumed": resumed}))


if __name__ == "__main__":
    main()
