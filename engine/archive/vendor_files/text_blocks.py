"""Text files as blocks of whole lines in UTF-8: options of a text file, decoding, cutting."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import IO

from engine.errors import BarImportError

CHUNK = 8 << 20  # bytes read at once; a line that is longer is none of a text file's


SAMPLE = 50  # lines by which a header is judged


UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class TextOptions:
    """How text files are written, where that is not the usual way.

    names          of the columns, of files without a header
    skip_lines     lines before the header, or before the first row where there is none
    encoding       of the characters
    strip          characters to take out of numbers, such as "$,"
    decimal_comma  whether numbers have a comma before their decimals
    """

    names: tuple[str, ...] = ()
    skip_lines: int = 0
    encoding: str = "utf-8"
    strip: str = ""
    decimal_comma: bool = False


USUAL = TextOptions()


def utf8_blocks(stream: IO[bytes], options: TextOptions, where: object) -> Iterator[bytes]:
    """A stream's blocks as UTF-8, without a byte order mark.

    Lines that end in \\r alone end in \\n.
    """
    blocks = blocks_of(stream, CHUNK)
    first = next(blocks, b"")
    encoding = (
        "utf-16" if options.encoding == USUAL.encoding and first[:2] in UTF_16 else options.encoding
    )
    decoder, line, returns = _decoder(encoding), 1, False
    for number, block in enumerate(chain((first,), blocks)):
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError as error:
            line += error.object.count(b"\n", 0, error.start)
            raise BarImportError(
                f"line {line} is no {encoding} text (byte {error.object[error.start]:#x})",
                where=where,
                expected=f"text in {encoding}",
                fix="give its --encoding, such as latin-1 or cp1252",
            ) from None
        if not number:
            text, returns = text.removeprefix("\ufeff"), "\r" in text and "\n" not in text
        text = text.replace("\r", "\n") if returns else text
        line += text.count("\n")
        yield text.encode("utf-8", "replace")


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder(encoding)()
    except LookupError:
        raise BarImportError(
            f"--encoding {encoding}: no such encoding",
            expected="one such as utf-8, latin-1 or cp1252",
        ) from None


def whole_lines(blocks: Iterator[bytes], where: object) -> Iterator[bytes]:
    """Blocks that end where a line does, and not within quotes."""
    rest = b""
    for block in blocks:
        rest += block
        end = rest.rfind(b"\n") + 1
        for _ in range(SAMPLE):
            if not rest.count(b'"', 0, end) % 2:
                break
            end = rest.rfind(b"\n", 0, max(0, end - 1)) + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        if len(rest) > 2 * CHUNK:
            raise BarImportError(
                f"a line of more than {CHUNK >> 20} MB", where=where, expected="lines of text"
            )
    if rest:
        yield rest


def blocks_of(stream: IO[bytes], size: int) -> Iterator[bytes]:
    """A stream's content in blocks of `size` bytes; the last may be shorter."""
    parts: list[bytes] = []
    while part := stream.read(size - sum(map(len, parts))):
        parts.append(part)
        if sum(map(len, parts)) >= size:
            yield b"".join(parts)
            parts = []
    if parts:
        yield b"".join(parts)
