"""Evidence from bars' timestamps about their interval and their label."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.archive.vendor_files.label_doubt import Edges
from engine.archive.vendor_files.spacing import Spacing


@dataclass
class StampEvidence:
    """Evidence from the rows of one unit, or of several added together."""

    spacing: Spacing = field(default_factory=Spacing)
    edges: Edges = field(default_factory=Edges)

    @classmethod
    def of_marks(cls, marks: Iterable[dict[str, Any]]) -> StampEvidence:
        """The evidence of all staged units together, from their lines in units.jsonl."""
        told = cls()
        for mark in marks:
            told.spacing += Spacing.from_json(mark["spacing"])
            told.edges += Edges.from_json(mark["edges"])
        return told

    def as_json(self) -> dict[str, Any]:
        """As members of a line of units.jsonl."""
        return {"spacing": self.spacing.as_json(), "edges": self.edges.as_json()}
