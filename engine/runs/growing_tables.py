"""Tables that grow block by block, so that memory stays constant."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.archive.disk.atomic import atomic_path
from engine.errors import WriteError


@cache
def _beside() -> ThreadPoolExecutor:
    """The thread that writes tables while the next block is computed."""
    return ThreadPoolExecutor(1, thread_name_prefix="tables")


@contextmanager
def writing(where: Path) -> Iterator[None]:
    """WriteError for whatever fails to be written meanwhile."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError, pa.ArrowException) as error:
        raise WriteError.of(error, where) from None


@contextmanager
def whole_table(out: Path, schema: dict[str, pl.DataType]) -> Iterator[GrowingTable]:
    """A table that becomes the Parquet file `out`, whole or not at all."""
    with writing(out):
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        aside = tempfile.TemporaryDirectory(prefix=".barsweep-", dir=out.absolute().parent)
    with aside as folder, closing(GrowingTable(Path(folder), "rows", schema)) as table:
        yield table
        with writing(out):
            table.finish()
            with atomic_path(out) as temporary:
                shutil.move(Path(folder) / "rows.parquet", temporary)


def whole_frame(frames: Sequence[pl.DataFrame], own: dict[str, pl.DataType]) -> pl.DataFrame:
    """Frames as one, in the columns and types that a `GrowingTable` of them has when it is read."""
    rows = pl.concat(
        [pl.DataFrame(schema=own), *(frame for frame in frames if len(frame))],
        how="diagonal_relaxed",
    )
    return rows.cast(pl.Schema(dict(rows.schema) | own)).rechunk()


class GrowingTable:
    """One table of the run directory.

    Columns may join later (another scanner's features); in earlier rows they are null. A column whose values come in another type
    (whole numbers, then fractions) takes the type that holds both. What is added together is a row group.
    """

    def __init__(self, folder: Path, name: str, schema: dict[str, pl.DataType]):
        self._target, self._own, self._schema = folder / f"{name}.parquet", schema, dict(schema)
        self._writer: pq.ParquetWriter | None = None
        self._at: Future[None] | None = None  # the rows that are being written

    def add(self, rows: pl.DataFrame) -> None:
        """Append the rows of a block of sessions, on a thread beside this one; blocks come in order.

        Raises what writing the rows before them raised, as `finish` does.
        """
        self._wait()
        if not rows.is_empty():
            self._at = _beside().submit(self._append, rows)

    def finish(self) -> None:
        """Close the file; a table without rows is one too."""
        self._wait()
        if self._writer is None:
            self._open()
        assert self._writer is not None
        self._writer.close()

    def close(self) -> None:
        """Close the file as it is, once nothing is written to it any more."""
        if self._at:
            wait(
                [self._at]
            )  # whatever comes of it: an interrupt of Polars is raised on that thread as well
        with suppress(OSError, pa.ArrowException):
            if self._writer is not None:
                self._writer.close()

    def _wait(self) -> None:
        if self._at:
            try:
                self._at.result()
            finally:
                if self._at.done():  # else something came in between, and it is still being written
                    self._at = None

    def _append(self, rows: pl.DataFrame) -> None:
        empty = [pl.DataFrame(schema=schema) for schema in (self._schema, rows.schema)]
        together = dict(pl.concat(empty, how="diagonal_relaxed").schema) | self._own
        fresh = {
            name
            for name, dtype in together.items()
            if dtype != pl.Null and self._schema.get(name) != dtype
        }
        self._schema = together
        if self._writer is None or fresh:
            self._open()
        self._write(rows)

    def _open(self) -> None:
        """Begin the file, or begin it again with the columns that have joined."""
        before = self._target.with_suffix(".before")
        if self._writer is not None:
            self._writer.close()
            self._target.rename(before)
        schema = self._arrow(pl.DataFrame(schema=self._schema)).schema
        repeating = [name for name, dtype in self._schema.items() if not dtype.is_float()]
        self._writer = pq.ParquetWriter(
            self._target, schema, compression="zstd", use_dictionary=repeating
        )
        if before.exists():
            with pq.ParquetFile(before) as file:
                for group in range(file.num_row_groups):
                    self._write(pl.DataFrame(file.read_row_group(group)))
            before.unlink()

    def _write(self, rows: pl.DataFrame) -> None:
        assert self._writer is not None
        missing = [
            pl.lit(None, dtype).alias(name)
            for name, dtype in self._schema.items()
            if name not in rows.columns
        ]
        whole = rows.with_columns(missing).select(*self._schema).cast(self._schema)  # type: ignore[arg-type]
        self._writer.write_table(self._arrow(whole), row_group_size=len(rows))

    @staticmethod
    def _arrow(rows: pl.DataFrame) -> pa.Table:
        return rows.to_arrow(compat_level=pl.CompatLevel.oldest())
