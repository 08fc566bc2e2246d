"""fixes/: every change that `archive check --fix` makes, written down once, however often a repair
is killed.

    1. `begin`   before a file is replaced: the changes, and the digest of the file that will hold
                 them, in `begun.parquet`
    2. the file is replaced
    3. `settle`  the changes are added to `fixes.parquet`, and `begun.parquet` goes

Killed before step 2, the file has another digest: `settle` throws the changes away, and the repair
is done and written down anew. Killed after step 2, `settle` adds them, unless they are there
already.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.archive.disk.atomic import atomic_path
from engine.schema import BAR_VALUES, TIMESTAMP

FIXES = "fixes"
FIXES_SCHEMA: dict[str, pl.DataType] = {
    "interval": pl.String(),
    "session": pl.Date(),  # of daily bars, the first day of the year's file
    "action": pl.String(),
    "symbol": pl.String(),  # null: the whole file
    "timestamp": TIMESTAMP,
    **{f"{name}_before": pl.Float64() for name in BAR_VALUES},
    **{f"{name}_after": pl.Float64() for name in BAR_VALUES},  # null: the bar is gone
    "fixed_at": TIMESTAMP,
}
DIGEST = b"barsweep.fixed"  # in the metadata of begun.parquet


class FixLog:
    """What was changed in one file of bars: that of a session, or of a year (`date` is its first
    day).
    """

    def __init__(self, root: Path, interval: str, date: dt.date):
        self._interval, self._date = interval, date
        folder = root / FIXES / f"interval={interval}" / f"date={date}"
        self._log, self._begun = folder / "fixes.parquet", folder / "begun.parquet"

    def begin(self, changes: pl.DataFrame, fixed: Path) -> None:
        """Write changes down, before the file that holds them, `fixed`, takes its place."""
        now = dt.datetime.now(dt.UTC)
        rows = changes.with_columns(
            interval=pl.lit(self._interval),
            session=pl.lit(self._date),
            fixed_at=pl.lit(now).cast(TIMESTAMP),
        ).select(*FIXES_SCHEMA)
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).replace_schema_metadata(
            {DIGEST: _digest(fixed)}
        )
        with atomic_path(self._begun) as path:
            pq.write_table(table, path)

    def settle(self, path: Path) -> None:
        """Add what was begun to the log, where `path` is the file that was to hold it.

        Forget it where it is another.
        """
        if not self._begun.exists():
            return
        if _digest(path) == _begun_digest(self._begun):
            rows = pl.read_parquet(self._begun, hive_partitioning=False)
            if self._log.exists():
                before = pl.read_parquet(self._log, hive_partitioning=False)
                rows = pl.concat(
                    [before.join(rows, on="fixed_at", how="anti", maintain_order="left"), rows]
                )
            with atomic_path(self._log) as target:
                rows.write_parquet(target)
        self._begun.unlink(missing_ok=True)


def _digest(path: Path) -> bytes:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest().encode()


def _begun_digest(path: Path) -> bytes | None:
    try:
        return (pq.read_schema(path).metadata or {}).get(DIGEST)
    except (pa.ArrowException, OSError):
        return None
