"""A run directory: written aside and moved into place when it is complete."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from engine.errors import RunError
from engine.results.blocks import Block
from engine.results.tables import GrowingTable
from engine.schema import (
    EQUITY_SCHEMA,
    FILLS_SCHEMA,
    HITS_SCHEMA,
    ORDERS_SCHEMA,
    QUALITY_SCHEMA,
    SCANS_SCHEMA,
    SYMBOL_EVENTS_SCHEMA,
    TIMINGS_SCHEMA,
    TRADES_SCHEMA,
)  # fmt: skip

TRADING_TABLES = {"orders": ORDERS_SCHEMA, "fills": FILLS_SCHEMA, "trades": TRADES_SCHEMA, "equity": EQUITY_SCHEMA}
TABLES = {
    "scans": SCANS_SCHEMA, "hits": HITS_SCHEMA, "symbols": SYMBOL_EVENTS_SCHEMA, "quality": QUALITY_SCHEMA,
    "timings": TIMINGS_SCHEMA,
}  # fmt: skip


class RunDirectory:
    """`with` it: what is added is there when the block ends, and nothing is where it fails."""

    def __init__(self, root: Path, session_name: str, digest: str, started: dt.datetime, trades: bool):
        self._schemas = TABLES | TRADING_TABLES if trades else TABLES
        name = f"{re.sub(r'[^A-Za-z0-9._-]+', '-', session_name).strip('-.') or 'session'}-{digest}-{started:%Y%m%dT%H%M%S}"
        self.path = _unused(root / name)
        self._aside = root / f".{self.path.name}.unfinished"

    def __enter__(self) -> RunDirectory:
        try:
            self._aside.mkdir(parents=True)
        except OSError as error:
            raise RunError(f"cannot be written: {error.strerror}", where=self._aside.parent, fix="give another --out") from None
        self._tables = {name: GrowingTable(self._aside, name, schema) for name, schema in self._schemas.items()}
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            shutil.rmtree(self._aside, ignore_errors=True)

    def add(self, block: Block, hits: pl.DataFrame, trading: Mapping[str, pl.DataFrame]) -> None:
        """Append the rows of a block of sessions, its hits as they are given, and what trading leaves after them."""
        for name in TABLES:
            self._tables[name].add(hits if name == "hits" else getattr(block, name))
        for name in self._schemas.keys() - TABLES.keys():
            rows = [*block.trading(name), *([trading[name]] if name in trading else [])]
            if rows:
                self._tables[name].add(pl.concat(rows, how="diagonal_relaxed"))

    def finish_tables(self) -> Path:
        """Write what is left of the tables; where they are until `finish`."""
        for table in self._tables.values():
            table.finish()
        return self._aside

    def finish(self, manifest: dict[str, Any], summary: dict[str, Any]) -> None:
        """Move the directory into place, once its tables are finished."""
        for name, content in (("manifest", manifest), ("summary", summary)):
            text = json.dumps(content, indent=2, default=str) + "\n"
            (self._aside / f"{name}.json").write_text(text, encoding="utf-8")
        self._aside.rename(self.path)


def _unused(path: Path) -> Path:
    """The path, or where two runs start in the same second, with a number."""
    number, free = 1, path
    while free.exists() or (free.parent / f".{free.name}.unfinished").exists():
        number, free = number + 1, path.with_name(f"{path.name}-{number + 1}")
    return free
