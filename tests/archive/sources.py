"""Small sources as text, and what an import makes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from engine.archive.archive import Archive
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.import_summary import ImportSummary
from engine.archive.ingest.importer import import_bars
from engine.archive.vendor_files.source_columns import FILE_NAME
from engine.archive.vendor_files.source_options import SourceOptions

HEAD = "date,open,high,low,close,volume"
READING = {name for name in SourceOptions.__dataclass_fields__}


def csv(times: Iterable[str], price: float = 10.0, head: str = HEAD) -> str:
    """Bars at the times, each a cent above the one before."""
    rows = (
        f"{time},{price + n / 100:.2f},{price + n / 100:.2f},{price + n / 100:.2f},{price + n / 100:.2f},100"
        for n, time in enumerate(times)
    )
    return "\n".join([head, *rows]) + "\n"


def clock(start: str, count: int, minutes: int = 1) -> list[dt.datetime]:
    """So many wall-clock times, from `start` on."""
    return [
        dt.datetime.fromisoformat(start) + dt.timedelta(minutes=n * minutes) for n in range(count)
    ]


def written(times: Sequence[dt.datetime], form: str) -> str:
    """Bars at times written in a form."""
    return csv(f"{time:{form}}" for time in times)


def imported(folder: Path, files: dict[str, str], **options: Any) -> tuple[Archive, ImportSummary]:
    """An import of text files, whose names are their symbols."""
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (source / name).write_text(text)
    reading = SourceOptions(
        **{"symbol_pattern": FILE_NAME} | {k: v for k, v in options.items() if k in READING}
    )
    rest = {name: value for name, value in options.items() if name not in READING}
    summary = import_bars(
        [source], folder / "archive", ImportOptions(**{"label": "open", "reading": reading} | rest)
    )
    return Archive.open(folder / "archive"), summary
