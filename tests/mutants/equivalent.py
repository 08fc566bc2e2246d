"""Faults that change nothing which anybody could see, each with why.

A fault is told by its file, the text of its line, and its change, as the listing of survivors
prints them; what stands here is not counted against the tests. tests/mutants/test_faults.py holds
each entry to the source, so that an entry goes when its line goes.
"""

from __future__ import annotations

EQUIVALENT: dict[str, dict[tuple[str, str], str]] = {}
