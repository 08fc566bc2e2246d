"""Text files as people have them, a few megabytes at a time however long and however well packed
they are.

    1. `opened`        the texts of a file: itself, decompressed, or those inside a .zip
    2. `TextForm.of`   what the first lines tell: separator, column names, how many lines stand
                       before the rows
    3. `text_pieces`   the rows, all columns as text

What a reader would have to guess is refused, naming the line and the option that says it: lines
before the header, a list without a header, an encoding that is not UTF-8.
"""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, cast

import polars as pl
import pyarrow as pa

from engine.archive.vendor_files.text_blocks import (
    SAMPLE,
    USUAL,
    UTF_16,
    TextOptions,
    blocks_of,
    utf8_blocks,
    whole_lines,
)
from engine.errors import BarImportError

FEWEST_BLANKS = 4  # of a line whose columns have blanks between them
SHOWN = 120  # characters of a line in a message
SEPARATORS = ",;\t|"
UNREADABLE = (
    pa.ArrowException,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)
NUMBER = re.compile(r"[+-]?[$€£]?\d[\d.,' ]*")
SEP_LINE = re.compile(r"sep=(.)", re.IGNORECASE)  # as Excel reads and writes it
INSIDE = "file in the .zip"  # a column beside those that the files have
MAC_S_OWN = re.compile(r"(^|/)(__MACOSX/|\._)")  # what macOS adds to a .zip


@dataclass(frozen=True)
class TextForm:
    """How to cut a text into rows: separator, column names, and lines `begins` before the rows."""

    separator: str
    names: tuple[str, ...]
    begins: int

    @classmethod
    def of(
        cls, lines: Sequence[str], header: Sequence[str], options: TextOptions, where: object
    ) -> TextForm:
        """By the first lines.

        `header` names the columns of a vendor's files, which may have one of their own or not.
        """
        begins = options.skip_lines
        told = SEP_LINE.fullmatch(lines[begins].strip()) if begins < len(lines) else None
        begins += 1 if told else 0
        while begins < len(lines) and not lines[begins].strip():
            begins += 1
        if begins >= len(lines):
            raise BarImportError("no rows", where=where, expected="a header and rows")
        first = lines[begins]
        separator = told[1] if told else _separator(first, lines)
        fields, is_data = _fields(first, separator), looks_like_data(first, separator)
        if options.names:
            if not is_data:
                raise BarImportError(
                    f"line {begins + 1} is no row: {_shown(first)}",
                    where=where,
                    expected="rows without a header",
                    fix=f"leave --header out, or give --skip-lines {begins + 1} too",
                )
            return cls(separator, _numbered(options.names, len(fields)), begins)
        if header and is_data:
            return cls(separator, _numbered(header, len(fields)), begins)
        _refuse_preamble(lines, begins, separator, where)
        if is_data:
            raise BarImportError(
                f"no header: line {begins + 1} is {_shown(first)}",
                where=where,
                expected="the names of the columns first",
                fix="name them with --header, such as --header "
                "symbol,timestamp,open,high,low,close,volume",
            )
        return cls(separator, _distinct(fields), begins + 1)


def looks_like_data(line: str, separator: str) -> bool:
    """Whether a line holds values and not names: two numbers or more."""
    return sum(NUMBER.fullmatch(field) is not None for field in _fields(line, separator)) > 1


@contextmanager
def opened(path: Path) -> Iterator[list[tuple[str, Callable[[], IO[bytes]]]]]:
    """The texts of a file: the name of each, and what opens it.

    Raises BarImportError for a .zip that holds none.
    """
    if not path.name.lower().endswith(".zip"):
        yield [
            (path.name, lambda: cast(IO[bytes], pa.input_stream(str(path))))
        ]  # knows .gz and .zst
        return
    with zipfile.ZipFile(path) as packed:
        yield [(name, partial(packed.open, name)) for name in _texts(packed, path)]


def texts_in(path: Path) -> list[str]:
    """The names of the texts in a .zip."""
    with zipfile.ZipFile(path) as packed:
        return _texts(packed, path)


def _texts(packed: zipfile.ZipFile, path: Path) -> list[str]:
    names = [
        name for name in packed.namelist() if not name.endswith("/") and not MAC_S_OWN.search(name)
    ]
    texts = [name for name in names if name.lower().endswith((".csv", ".txt"))]
    if not texts:
        raise BarImportError(
            f"holds no .csv or .txt, but {', '.join(names[:3]) or 'nothing'}",
            where=path,
            expected="text files in a .zip",
            fix="unpack it",
        )
    return texts


def head(path: Path) -> list[str]:
    """The first lines of a file's first text, from its header on.

    Raises what it cannot be opened with, see UNREADABLE.
    """
    with opened(path) as texts, texts[0][1]() as stream:
        block = next(blocks_of(stream, 1 << 16), b"")
    encoding = "utf-16" if block[:2] in UTF_16 else "utf-8"
    lines = (
        block.decode(encoding, "replace").lstrip("\ufeff").replace("\r\n", "\n").split("\n", SAMPLE)
    )
    begins = 1 if SEP_LINE.fullmatch(lines[0].strip()) else 0
    return [line for line in lines[begins:] if line.strip()]


def text_pieces(
    path: Path,
    header: Sequence[str] = (),
    options: TextOptions = USUAL,
    wanted: Sequence[str] | None = None,
) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of a file in pieces, all text, each with the name of the text they are of.

    wanted  the columns that are needed; all where None

    Raises BarImportError where a line, or the whole, is not what the first lines tell.
    """
    try:
        with opened(path) as texts:
            for name, begin in texts:
                where = path if len(texts) == 1 else f"{path}, {name}"
                with begin() as stream:
                    for piece in _pieces(stream, header, options, where):
                        yield (
                            name,
                            piece
                            if wanted is None
                            else piece.select(n for n in wanted if n in piece.columns),
                        )
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise _unreadable(path, error) from None


def _pieces(
    stream: IO[bytes], header: Sequence[str], options: TextOptions, where: object
) -> Iterator[pl.DataFrame]:
    form, line = None, 1
    for block in whole_lines(utf8_blocks(stream, options, where), where):
        if form is None:
            form = TextForm.of(
                block.decode().split("\n", options.skip_lines + SAMPLE), header, options, where
            )
            line += form.begins
            yield pl.DataFrame(schema=dict.fromkeys(form.names, pl.String()))
            rows = (block + b"\n").split(b"\n", form.begins)[form.begins]
        else:
            rows = block
        if rows.strip():
            yield _table(rows.rstrip(b"\r\n") + b"\n", form, line, where)
        line += rows.count(b"\n")
    if form is None:
        raise BarImportError("no rows", where=where, expected="a header and rows")


def _table(block: bytes, form: TextForm, line: int, where: object) -> pl.DataFrame:
    try:
        return pl.read_csv(
            block,
            has_header=False,
            schema=dict.fromkeys(form.names, pl.String()),
            separator=form.separator,
            missing_columns="insert",
            infer_schema=False,
        )
    except pl.exceptions.PolarsError as error:
        for number, text in enumerate(block.decode().split("\n"), line):
            fields = _fields(text, form.separator)
            if len(fields) > len(form.names):
                raise BarImportError(
                    f"line {number} has {len(fields)} fields: {_shown(text)}",
                    where=where,
                    expected=f"{len(form.names)}, as the header has",
                    fix="quote numbers and names that hold the separator; give --skip-lines "
                    "where the rows begin later",
                ) from None
        raise BarImportError(
            f"cannot be read: {str(error).splitlines()[0]}", where=where, expected="rows of text"
        ) from None


# -- bytes


# -- lines


def _fields(line: str, separator: str) -> list[str]:
    line = line.strip("\r\n")
    try:
        return [field.strip() for field in next(csv.reader([line], delimiter=separator), [""])]
    except csv.Error:
        return [field.strip() for field in line.split(separator)]


def _numbered(names: Sequence[str], width: int) -> tuple[str, ...]:
    """Names for so many columns; those beyond the names that there are are numbered."""
    return (*names, *(f"column_{number}" for number in range(len(names), width)))


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names of which each is another one.

    Of those that are the same the later ones are numbered.
    """
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        told.append(f"{name}_{seen[name]}" if seen[name] or not name else name)
        seen[name] += 1
    return tuple(told) if len(set(told)) == len(told) else _numbered((), len(told))


def _refuse_preamble(lines: Sequence[str], begins: int, separator: str, where: object) -> None:
    """BarImportError where most lines have more fields than the first, as those have that follow a
    title or a note.
    """
    widths = [_width(line) for line in lines[begins:-1] if line.strip()]
    counts = Counter(widths[len(widths) // 2 :])  # notes are few, rows are many
    usual = max(counts, key=lambda width: (counts[width], width), default=0)
    if not widths or widths[0] >= usual or len(_fields(lines[begins], separator)) >= usual:
        return
    header = next(
        number for number, line in enumerate(lines) if number >= begins and _width(line) == usual
    )
    if _width(lines[begins]) > 2 and looks_like_data(
        lines[header], max(SEPARATORS, key=lines[header].count)
    ):
        return  # a header, and rows with a separator too many
    raise BarImportError(
        f"line {begins + 1} is no header: {_shown(lines[begins])}",
        where=where,
        expected=f"the names of {usual} columns, as most lines have",
        fix=f"give --skip-lines {header}: line {header + 1} is {_shown(lines[header])}",
    )


def _separator(first: str, lines: Sequence[str]) -> str:
    """The character between a line's fields; a blank where no line has another separator."""
    if (
        not any(mark in line for mark in SEPARATORS for line in lines)
        and first.count(" ") >= FEWEST_BLANKS
    ):
        return " "
    return max(SEPARATORS, key=first.count)


def _width(line: str) -> int:
    """The number of a line's fields with the separator that gives most."""
    return max(len(_fields(line, separator)) for separator in SEPARATORS)


def _shown(line: str) -> str:
    line = line.strip("\r\n")
    return repr(line if len(line) <= SHOWN else line[:SHOWN] + "...")


def _unreadable(path: Path, error: Exception) -> BarImportError:
    told = str(error).splitlines()[0] if str(error) else type(error).__name__
    fix = (
        "unpack it"
        if "encrypted" in told or "compression method" in told
        else "fetch the file again"
    )
    size = path.stat().st_size if path.exists() else 0
    return BarImportError(
        f"cannot be read ({size:,} bytes): {told}",
        where=path,
        expected="a whole text file, or one in .gz, .zst or .zip",
        fix=fix,
    )
