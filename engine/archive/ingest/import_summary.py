"""What an import did, in counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from engine.archive.vendor_files.vendors import COLUMNS

ADDED, REPLACED, UNCHANGED = "added", "replaced", "unchanged"


@dataclass
class ImportSummary:
    """The counts of one import.

    rows_read = rows_written + rows_unchanged + copies_dropped + auctions_merged + quarantined.

    symbols      symbols of the whole archive after the import
    quarantined  reason -> rows put aside
    doubts       sentences about declared options that the bars speak against
    resumed      whether an interrupted import was continued
    """

    layout: str = COLUMNS
    label: str = ""
    interval: str = ""
    files: int = 0
    files_known: int = 0
    sessions: int = 0
    sessions_added: int = 0
    sessions_replaced: int = 0
    sessions_unchanged: int = 0
    symbols: int = 0
    rows_read: int = 0
    rows_written: int = 0
    rows_unchanged: int = 0
    copies_dropped: int = 0
    auctions_merged: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    quarantine_file: str | None = None
    doubts: list[str] = field(default_factory=list)
    resumed: bool = False

    def count_session(self, mark: dict[str, Any]) -> None:
        """Add one finished session, given as its line of done.jsonl (`session_writer.py`)."""
        kind, unchanged = f"sessions_{mark['kind']}", mark["kind"] == UNCHANGED
        self.sessions += 1
        setattr(self, kind, getattr(self, kind) + 1)
        self.rows_unchanged += mark["rows"] if unchanged else 0
        self.rows_written += 0 if unchanged else mark["rows"]
        self.copies_dropped += mark["copies"]
        self.auctions_merged += mark["merged"]
