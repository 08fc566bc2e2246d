"""Splits a text of the expression language into tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<name>[A-Za-z_]\w*(?:\.\w+)*)
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<sign>\*\*|<=|>=|==|!=|[-+*/%<>(),])
    )""",
    re.VERBOSE,
)
_WORDS = frozenset({"and", "or", "not", "in", "true", "false"})


@dataclass(frozen=True)
class Token:
    """A token: its kind, its text, and its position in the text."""

    kind: str  # number, name, text, sign, word, end
    text: str
    at: int


def split_tokens(text: str, fail: Callable[[str, int, str], NoReturn]) -> list[Token]:
    """The tokens of a text, an end token last; `fail` is called with what, position, expected."""
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            fail(
                f"{text[at]!r} means nothing here",
                at,
                "a number, a column, an operator or a parenthesis",
            )
        assert match is not None and match.lastgroup is not None
        value = match[match.lastgroup]
        kind = "word" if match.lastgroup == "name" and value in _WORDS else match.lastgroup
        tokens.append(Token(kind, value, match.end() - len(value)))
        at = match.end()
    return [*tokens, Token("end", "the end", len(text))]
