"""The lock that lets one process at a time write an archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import ArchiveError, BarsweepError


@contextmanager
def write_lock(root: Path, error: type[BarsweepError] = ArchiveError) -> Iterator[None]:
    """Hold an archive's lock for a `with` block; temporary files of killed writers are removed.

    The lock is an flock, which the system releases when its process ends. Raises `error` where
    another process holds it, or where the folder cannot be written.
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
