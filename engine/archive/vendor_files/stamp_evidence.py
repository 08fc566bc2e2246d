"""What the timestamps of bars say of their interval, and of which end of a bar they label."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.archive.vendor_files.label_doubt import Edges
from engine.archive.vendor_files.spacing import Spacing


@dataclass
class StampEvidence:
    """What the rows of a unit tell of their interval and their labels."""

    spacing: Spacing = field(default_factory=Spacing)
    edges: Edges = field(default_factory=Edges)

    @classmethod
    def of_marks(cls, marks: Iterable[dict[str, Any]]) -> StampEvidence:
        """What the units that are staged tell together."""
        told = cls()
        for mark in marks:
            told.spacing += Spacing.from_json(mark["spacing"])
            told.edges += Edges.from_json(mark["edges"])
        return told

    def as_json(self) -> dict[str, Any]:
        """For a mark of the staging folder."""
        return {"spacing": self.spacing.as_json(), "edges": self.edges.as_json()}
