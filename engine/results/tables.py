"""Tables that grow block by block, so that memory stays constant."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq


class GrowingTable:
    """One table of the run directory.

    Columns may join later (another scanner's features); in earlier rows they are null. What is added together is a row
    group.
    """

    def __init__(self, folder: Path, name: str, schema: dict[str, pl.DataType]):
        self._target, self._parts = folder / f"{name}.parquet", folder / f".{name}"
        self._schema: dict[str, pl.DataType] = dict(schema)
        self._written: list[Path] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Append the rows of a block of sessions; blocks come in order."""
        if rows.is_empty():
            return
        for name, dtype in rows.schema.items():
            if self._schema.get(name, pl.Null()) == pl.Null:
                self._schema[name] = dtype
        self._parts.mkdir(exist_ok=True)
        self._written.append(self._parts / f"{len(self._written):06d}.parquet")
        rows.write_parquet(self._written[-1])

    def finish(self) -> None:
        """Put the blocks together."""
        frames = (pl.read_parquet(part) for part in self._written)
        with pq.ParquetWriter(self._target, self._aligned(pl.DataFrame()).schema, compression="zstd") as writer:
            for frame in frames:
                writer.write_table(self._aligned(frame), row_group_size=max(1, len(frame)))
        for part in self._written:
            part.unlink()
        if self._parts.exists():
            self._parts.rmdir()

    def _aligned(self, frame: pl.DataFrame) -> pa.Table:
        missing = [pl.lit(None, dtype).alias(name) for name, dtype in self._schema.items() if name not in frame.columns]
        if not frame.width:
            return pl.DataFrame(schema=self._schema).to_arrow(compat_level=pl.CompatLevel.oldest())
        whole = frame.with_columns(missing).select(*self._schema).cast(self._schema)  # type: ignore[arg-type]
        return whole.to_arrow(compat_level=pl.CompatLevel.oldest())
