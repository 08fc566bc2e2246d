"""Templates of paths, such as "date={date}/{symbol}-*.parquet": the date and symbol of a file.

Matching a path takes time of the order of its length squared at most, whatever the template: a
placeholder that occurs again must hold the same text, and `*` matches as little as possible and is
not tried again (an atomic group).
"""

from __future__ import annotations

import datetime as dt
import glob
import re
from urllib.parse import unquote

from engine.errors import ArchiveError

# The groups of a pattern, and what each may hold.
CODES = {
    "%Y": ("Y", r"\d{4}"),
    "%m": ("m", r"\d{2}"),
    "%d": ("d", r"\d{2}"),
    "%-m": ("m1", r"\d{1,2}"),
    "%-d": ("d1", r"\d{1,2}"),
}
SYMBOL = ("symbol", "[^/]+")
PLACE = re.compile(r"\{date(?::([^{}]+))?\}|\{symbol\}|\*+")
CODE = re.compile(r"(%-?[a-zA-Z])")


class Template:
    """Which session, and which symbol, a path is of.

    Raises ArchiveError for a template that does not tell that.
    """

    def __init__(self, text: str, where: object):
        self._names: set[str] = set()  # of the groups so far
        self._pattern = re.compile(
            _joined(["".join(map(self._part, chunk)) for chunk in _chunks(text)])
        )
        self.names_symbol = "{symbol}" in text
        self.glob = re.sub(r"\*+", "*", "".join(_as_glob(part) for part in _parts(text)))
        if ".." in text.split("/") or text.startswith("/"):
            raise ArchiveError(
                f"files {text!r}",
                where=where,
                expected="a path below root",
                fix="give another root, or FOLDER",
            )
        if re.search(r"\{symbol\}(\*|\{symbol\})|\*\{symbol\}", text):
            raise ArchiveError(
                f"files {text!r}: where the symbol ends cannot be told",
                where=where,
                expected="something between {symbol} and *, such as {symbol}_*.csv",
            )
        unknown = {
            code for place in PLACE.finditer(text) for code in CODE.findall(place[1] or "")
        } - set(CODES)
        if unknown or {name[0] for name in self._names - {"symbol"}} != {"Y", "m", "d"}:
            raise ArchiveError(
                f"files {text!r}",
                where=where,
                expected='a path with the session\'s date, such as "{date}.parquet" or '
                '"{date:%Y/%m}/{date:%Y%m%d}.csv" (of %Y, %m, %d each at least once)',
            )

    def match(self, path: str) -> tuple[dt.date, str | None] | None:
        """The date and the symbol of a path below the root; None for a path of something else."""
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        parts: dict[str, set[int]] = {"Y": set(), "m": set(), "d": set()}
        for name in self._names - {"symbol"}:
            parts[name[0]].add(int(found[name]))
        if any(len(values) > 1 for values in parts.values()):
            return None  # a folder of another month
        try:
            date = dt.date(*(values.pop() for values in parts.values()))
        except ValueError:
            return None
        return date, unquote(found["symbol"]) if self.names_symbol else None

    def _part(self, part: str) -> str:
        if part == "{symbol}":
            return self._group(*SYMBOL)
        if PLACE.fullmatch(part):
            form = PLACE.fullmatch(part)[1] or "%Y-%m-%d"  # type: ignore[index]
            return "".join(
                self._group(*CODES[code]) if code in CODES else re.escape(code)
                for code in CODE.split(form)
            )
        return re.escape(part)

    def _group(self, name: str, pattern: str) -> str:
        if name in self._names:
            return f"(?P={name})"
        self._names.add(name)
        return f"(?P<{name}>{pattern})"


def _parts(text: str) -> list[str]:
    """Places and what stands between them."""
    parts, last = [], 0
    for found in PLACE.finditer(text):
        parts += [text[last : found.start()], found[0]]
        last = found.end()
    return [part for part in [*parts, text[last:]] if part]


def _chunks(text: str) -> list[list[str]]:
    """The parts between stars: one chunk more than there are stars."""
    chunks: list[list[str]] = [[]]
    for part in _parts(text):
        if part.strip("*"):
            chunks[-1].append(part)
        else:
            chunks.append([])
    return chunks


def _joined(chunks: list[str]) -> str:
    """A star is the least that lets the next chunk follow, and is not tried again.

    The last one reaches to the path's end.
    """
    first, *others = chunks
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>[^/]*?{chunk})" for chunk in middle) + f"[^/]*{last}"


def _as_glob(part: str) -> str:
    place = PLACE.fullmatch(part)
    if place is None:
        return glob.escape(part)
    return (
        "".join("*" if code in CODES else glob.escape(code) for code in CODE.split(place[1]))
        if place[1]
        else "*"
    )
