"""Makes text from data safe to print: lines of a terminal or a pipe, spreadsheet cells, file names.

Symbols, names of scanners, strategies and sessions, clauses, features and messages of plug-ins may
hold any character. Files for machines (Parquet, JSON) keep them as they are and HTML pages escape
them; every other output goes through this module.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

UNSEEN = {
    "Cc",
    "Cf",
    "Cs",
    "Zl",
    "Zp",
}  # Unicode's categories of control and format characters, half characters, line ends
JOINERS = "\u200c\u200d"  # of category Cf, and part of words and of emoji
FORMULA = re.compile(
    r"^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]"
)  # what spreadsheets take for one, full-width signs too
LONGEST_FILE_NAME = 100  # bytes; file systems allow 255, and the rest of the name is ours


def one_line(text: object) -> str:
    """Text that stays on one line and in one column, and moves no cursor: what cannot be seen is
    written as an escape.
    """
    plain = str(text)
    return plain if plain.isascii() and plain.isprintable() else "".join(map(_seen, plain))


def lines(text: object) -> str:
    """`one_line` of each line of a text that may have several: a help text, a traceback."""
    return "\n".join(map(one_line, str(text).split("\n")))


def shortened(text: object, most: int) -> str:
    """`one_line` in at most so many characters: the middle of a longer one is left out."""
    whole = one_line(text)
    return (
        whole
        if len(whole) <= most
        else f"{whole[: most - most // 3 - 3]}...{whole[-(most // 3) :]}"
    )


def sheet_cell(text: str) -> str:
    """Text as a cell of a CSV file: on one line, and behind an apostrophe where a spreadsheet would
    take it for a formula.
    """
    return f"'{one_line(text)}" if FORMULA.match(text) else one_line(text)


def as_sheet(table: pl.LazyFrame) -> pl.LazyFrame:
    """A table for a CSV file: its columns of text and the names of its columns as `sheet_cell`.

    Numbers and times as they are.
    """
    import polars as pl

    def cells(values: pl.Series) -> pl.Series:
        known = values.drop_nulls().unique()
        return values.replace(
            known, pl.Series([sheet_cell(text) for text in known], dtype=pl.String)
        )

    schema = table.collect_schema()
    texts = [name for name, dtype in schema.items() if dtype == pl.String]
    table = table.with_columns(
        pl.col(name).map_batches(cells, return_dtype=pl.String) for name in texts
    )
    return table.rename({name: sheet_cell(name) for name in schema})


def file_name(text: str, *, unique: bool = False) -> str:
    """Text as a part of a file name: letters of any script, digits, `_`, `.`, and hyphens for what
    is between; "" where none is.

    unique  a digest tells apart texts of which the same is left
    """
    name = (
        re.sub(r"[^\w.-]+", "-", text)
        .strip("-.")
        .encode()[:LONGEST_FILE_NAME]
        .decode(errors="ignore")
    )
    if not unique or name == text:
        return name
    return f"{name}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:8]}".lstrip(
        "-"
    )


def _seen(character: str) -> str:
    if unicodedata.category(character) not in UNSEEN or character in JOINERS:
        return character
    return ascii(character)[1:-1]
