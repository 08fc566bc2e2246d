"""Imports in processes of their own, forked from one that has loaded everything and used nothing: a start costs milliseconds.

python -m tests.archive.forked_imports kill SOURCE FOLDER KILLS SEED   kills imports at random moments, goes on until they finish
python -m tests.archive.forked_imports race SOURCE FOLDER ROUNDS       two imports at once
python -m tests.archive.forked_imports full SOURCE ARCHIVE BYTES       an import that may write no larger file, and then another
python -m tests.archive.forked_imports nobody SOURCE ARCHIVE           an import by somebody without rights; ARCHIVE is relative

Each prints one JSON document. Not a test: `test_faults` runs it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.clock.calendar import ExchangeCalendar
from engine.errors import BarImportError

OPTIONS = ImportOptions(label="open")
NOBODY = 65534


def digests(archive: Path) -> dict[str, str]:
    """Every file of an archive but the lock, those of an import under way left out."""
    files = [
        file
        for file in sorted(archive.rglob("*"))
        if file.is_file() and file.name != ".import.lock"
    ]
    return {
        str(file.relative_to(archive)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if ".import" not in file.relative_to(archive).parts
    }


def forked(work: Callable[[], None]) -> int:
    """Start work in a process: exit status 0 done, 2 refused with a clear error, 1 anything else. Its error goes to stderr."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BarImportError as error:
        print(error, file=sys.stderr, flush=True)
        status = 2
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def importing(source: Path, archive: Path) -> Callable[[], None]:
    return lambda: import_bars([source], archive, OPTIONS) and None


def status_of(child: int) -> int:
    """Exit status, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill(source: Path, folder: Path, kills: int, seed: int) -> dict[str, object]:
    whole, archive, dice = folder / "whole", folder / "archive", random.Random(seed)
    for _ in range(2):  # the first has files to load
        started = time.perf_counter()
        assert status_of(forked(importing(source, whole))) == 0
        longest = time.perf_counter() - started
    expected, killed, finished, wrong = digests(whole), 0, 0, []
    while killed < kills or archive.exists():
        child = forked(importing(source, archive))
        if killed < kills:
            time.sleep(dice.uniform(0.0, longest))
            os.kill(child, signal.SIGKILL)
        status = status_of(child)
        killed += status == -signal.SIGKILL
        there = digests(archive) if archive.exists() else {}
        parts = {name: digest for name, digest in there.items() if not name.endswith(".tmp")}
        wrong += [
            name
            for name, digest in parts.items()
            if (status == 0 and there != expected) or expected.get(name) != digest
        ]
        if status == 0:
            finished += 1
            wrong += [] if there == expected else ["a finished import differs"]
            shutil.rmtree(archive)
        elif status != -signal.SIGKILL:
            wrong.append(f"exit status {status}")
            break
    return {"killed": killed, "finished": finished, "files": len(expected), "wrong": wrong}


def race(source: Path, folder: Path, rounds: int) -> dict[str, object]:
    assert status_of(forked(importing(source, folder / "whole"))) == 0
    statuses, same = [], []
    for number in range(rounds):
        archive = folder / f"raced-{number}"
        children = [forked(importing(source, archive)) for _ in range(2)]
        statuses.append(sorted(map(status_of, children)))
        same.append(digests(archive) == digests(folder / "whole"))
    return {"statuses": statuses, "same": same}


def full(source: Path, archive: Path, limit: int) -> dict[str, object]:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        import_bars([source], archive, OPTIONS)

    first = status_of(forked(limited))
    left = list(digests(archive))
    return {
        "first": first,
        "left": left,
        "second": status_of(forked(importing(source, archive))),
        "digests": digests(archive),
    }


def nobody(source: Path, archive: Path) -> dict[str, object]:
    def without_rights() -> None:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        import_bars([source], archive, OPTIONS)

    return {"status": status_of(forked(without_rights))}


if __name__ == "__main__":
    ExchangeCalendar.of("XNYS").sessions(
        dt.date(2018, 1, 1), dt.date(2018, 12, 31)
    )  # loads what somebody without rights cannot
    command, source, folder, *numbers = sys.argv[1:]
    print(json.dumps(globals()[command](Path(source), Path(folder), *map(int, numbers))))
