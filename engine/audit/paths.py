"""Finds the paths in a plug-in's text parameter, and replaces them.

A text is one of:
1. a path, or a `file://` address
2. a glob or a template: the part before its first `*`, `?`, `[` or `{` is a path
3. a longer text with such texts in it, quoted or between blanks, e.g. SQL or a comma-separated list
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

ADDRESS = re.compile(r"file:(//(localhost)?)?(?=/)", re.IGNORECASE)
VARIES = re.compile(r"[*?\[{]")
QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")
WORD = re.compile(r"[^\s'\"(),;]*/[^\s'\"(),;]*")
NAMED = re.compile(
    r"\w"
)  # without a letter or digit, "/" or "." is rather a separator than a folder

Lead = Callable[
    [str, bool], str | None
]  # a path as it is written, and whether it goes on with what varies -> another path


def led(text: str, lead: Lead) -> str:
    """The text with each path replaced by what `lead` returns; None keeps a path."""
    whole = _one(text, lead)
    if whole is not None:
        return whole
    text = QUOTED.sub(lambda found: _within(found.group(0), lead), text)
    return WORD.sub(lambda found: _one(found.group(0), lead) or found.group(0), text)


def start_of(text: str) -> str:
    """The path that a glob, a template or an address begins with."""
    address = ADDRESS.match(text)
    return _cut(unquote(text[address.end() :]) if address else text)[0]


def paths_in(text: str) -> list[str]:
    """All parts of a text that may be paths, as written."""
    found: list[str] = []

    def note(path: str, _: bool) -> None:
        found.append(path)

    led(text, note)
    return found


def _one(text: str, lead: Lead) -> str | None:
    """The replacement of a text that is one path; None where it stays."""
    address = ADDRESS.match(text)
    if address:
        to = _one(unquote(text[address.end() :]), lead)
        return None if to is None else f"file://{quote(to, safe='/*?[]{}=,')}"
    path, rest = _cut(text)
    if not NAMED.search(path):
        return None
    to = lead(path, bool(rest))
    return None if to is None else to + rest


def _cut(text: str) -> tuple[str, str]:
    """The path and the varying rest (from the separator before it on) of a glob or template."""
    varies = VARIES.search(text)
    if varies is None:
        return text, ""
    at = max(text.rfind("/", 0, varies.start()), 0)
    return text[:at], text[at:]


def _within(quoted: str, lead: Lead) -> str:
    to = _one(quoted[1:-1], lead)
    return quoted if to is None else f"{quoted[0]}{to}{quoted[0]}"


def is_above(path: Path, other: Path) -> bool:
    """Whether `path` is a folder somewhere above `other`."""
    return path != other and other.is_relative_to(path)
