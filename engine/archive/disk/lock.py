"""One writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import ArchiveError, BarsweepError


@contextmanager
def write_lock(root: Path, error: type[BarsweepError] = ArchiveError) -> Iterator[None]:
    """Hold an archive's lock, an flock, so that one who is killed does not leave it behind; files that he left half-written go.

    Raises `error` where somebody else holds it, or the folder cannot be written.
    """
    import fcntl

    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = (root / ".import.lock").open("a")
    except OSError as problem:
        raise error(
            f"cannot be written: {problem.strerror}", where=root, expected="a folder to write to"
        ) from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise error(
                "another import is running", where=root, fix="wait until it is done"
            ) from None
        for left in [*root.glob(".*.tmp"), *root.glob("*/.*.tmp"), *root.glob("bars/*/*/.*.tmp")]:
            left.unlink(missing_ok=True)
        yield
