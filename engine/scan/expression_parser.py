"""A recursive descent parser of the expression language; its grammar is in docs/scanning.md."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import polars as pl

from engine.errors import ConfigError, IndicatorError, ScannerError, did_you_mean
from engine.indicators.key import parse_column
from engine.scan.columns import COLUMNS
from engine.scan.expressions import (
    universe_quantile,
)
from engine.scan.language_functions import (
    ARITHMETIC,
    COMPARE,
    CONDITION,
    FUNCTIONS,
    NUMBER,
    OF_TICK_BEFORE,
    OF_UNIVERSE,
    TEXT,
    LanguageFunction,
)
from engine.scan.language_tokens import Token, split_tokens
from engine.scan.nesting import Join, joined

DEEPEST = 60  # of parentheses within parentheses


LONGEST = 300  # numbers added, or multiplied, one after the other


@dataclass(frozen=True)
class _Part:
    """A parsed part: its expression, what it is, and where it begins."""

    expression: pl.Expr
    kind: str
    at: int
    literal: float | None = None


class _Parser:
    """Precedence climbing over the tokens."""

    def __init__(self, text: str, where: str):
        self._text, self._where, self._depth = text, where, 0
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(
                "an empty expression" if isinstance(text, str) else f"{text!r} is no expression",
                where=where,
                expected='a text such as "close > sma_20_1d"',
            )
        self.tokens = list(split_tokens(self._text, self.fail))
        self._next = 0

    def whole(self) -> _Part:
        part = self._or()
        if self._peek.kind != "end":
            self.fail(
                f"{self._peek.text!r} after the end of the expression",
                self._peek.at,
                "and, or, or an operator",
            )
        return part

    def fail(
        self, what: str, at: int, expected: str | None = None, fix: str | None = None
    ) -> NoReturn:
        line = self._text.replace("\n", " ").replace("\t", " ")
        start = max(0, at - 60)
        shown = (
            ("..." if start else "")
            + line[start : at + 40]
            + ("..." if at + 40 < len(line) else "")
        )
        pointer = " " * (at - start + (3 if start else 0)) + "^"
        raise ConfigError(
            f"{what}, at character {at + 1}\n    {shown}\n    {pointer}\n",
            where=self._where,
            expected=expected,
            fix=fix,
        )

    # -- tokens

    @property
    def _peek(self) -> Token:
        return self.tokens[self._next]

    def _take(self) -> Token:
        token = self.tokens[self._next]
        self._next += token.kind != "end"
        return token

    def _accept(self, *texts: str) -> Token | None:
        if self._peek.kind in ("sign", "word") and self._peek.text in texts:
            return self._take()
        return None

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            self.fail(
                f"{self._peek.text!r} in place of {text!r}", self._peek.at, expected=repr(text)
            )

    # -- grammar, loosest first

    def _or(self) -> _Part:
        self._depth += 1
        if self._depth > DEEPEST:
            self.fail(
                "too many parentheses within each other",
                self._peek.at,
                expected=f"{DEEPEST} at most",
            )
        part = self._joined(self._and, "or", operator.or_)
        self._depth -= 1
        return part

    def _and(self) -> _Part:
        return self._joined(self._not, "and", operator.and_)

    def _joined(self, next_one: Callable[[], _Part], word: str, join: Join) -> _Part:
        """Conditions joined by a word; a single part as it is."""
        part = next_one()
        conditions: list[pl.Expr] = []
        while self._accept(word):
            conditions = conditions or [self._is(part, CONDITION)]
            conditions.append(self._is(next_one(), CONDITION))
        return _Part(joined(conditions, join), CONDITION, part.at) if conditions else part

    def _not(self) -> _Part:
        turns, first = 0, self._peek.at
        while self._accept("not"):
            turns += 1
        part = self._comparison()
        if not turns:
            return part
        condition = self._is(part, CONDITION)
        return _Part(~condition if turns % 2 else condition, CONDITION, first)

    def _comparison(self) -> _Part:
        left, found = self._sum(), list[pl.Expr]()
        first = left.at
        while sign := self._accept("<", "<=", ">", ">=", "==", "!=", "in"):
            if sign.text == "in":
                return self._membership(left)
            right = self._sum()
            self._comparable(left, right, sign)
            found.append(COMPARE[sign.text](left.expression, right.expression))
            left = right
        return _Part(joined(found, operator.and_), CONDITION, first) if found else left

    def _membership(self, left: _Part) -> _Part:
        self._expect("(")
        values = self._arguments()
        for value in values:
            if value.kind != left.kind or (value.kind == NUMBER and value.literal is None):
                self.fail(
                    f"this is not {left.kind} written out",
                    value.at,
                    expected='values such as ("SPY", "QQQ")',
                )
        return _Part(
            pl.any_horizontal([left.expression == v.expression for v in values]), CONDITION, left.at
        )

    def _sum(self) -> _Part:
        return self._chain(self._product, "+", "-")

    def _product(self) -> _Part:
        return self._chain(self._negative, "*", "/", "%")

    def _chain(self, next_one: Callable[[], _Part], *signs: str) -> _Part:
        """Numbers joined from left to right, which is part of what they come to."""
        part, terms = next_one(), 1
        while sign := self._accept(*signs):
            terms += 1
            if terms > LONGEST:
                self.fail(
                    "too many numbers in one chain",
                    sign.at,
                    expected=f"{LONGEST} at most",
                    fix="put some in parentheses",
                )
            part = self._arithmetic(part, sign, next_one())
        return part

    def _negative(self) -> _Part:
        turns, signs, first = 0, 0, self._peek.at
        while sign := self._accept("-", "+"):
            turns += sign.text == "-"
            signs += 1
        part = self._power()
        if not signs:
            return part
        value = self._is(part, NUMBER)
        if part.literal is not None:  # a number like any other
            literal = part.literal * (-1) ** turns
            return _Part(pl.lit(literal), NUMBER, first, literal)
        return _Part(-value if turns % 2 else value, NUMBER, first)

    def _power(self) -> _Part:
        base = self._atom()
        if sign := self._accept("**"):
            self._depth += 1
            if self._depth > DEEPEST:
                self.fail("too many powers of powers", sign.at, expected=f"{DEEPEST} at most")
            part = self._arithmetic(base, sign, self._negative())
            self._depth -= 1
            return part
        return base

    def _atom(self) -> _Part:
        token = self._take()
        if token.kind == "number":
            return _Part(pl.lit(float(token.text)), NUMBER, token.at, float(token.text))
        if token.kind == "text":
            return _Part(pl.lit(token.text[1:-1]), TEXT, token.at)
        if token.text in ("true", "false") and token.kind == "word":
            return _Part(pl.lit(token.text == "true"), CONDITION, token.at)
        if token.kind == "name":
            return self._call(token) if self._accept("(") else self._column(token)
        if token.kind == "sign" and token.text == "(":
            part = self._or()
            self._expect(")")
            return part
        what = (
            "the expression ends too early"
            if token.kind == "end"
            else f"{token.text!r} in place of a value"
        )
        self.fail(what, token.at, expected="a number, a column or a parenthesis")
        raise AssertionError

    def _column(self, token: Token) -> _Part:
        if token.text in COLUMNS:
            dtype = COLUMNS[token.text].dtype
            kind = CONDITION if dtype == pl.Boolean() else TEXT if dtype == pl.String() else NUMBER
            if isinstance(dtype, pl.Datetime):
                self.fail(
                    f"{token.text} is a time, which cannot be compared",
                    token.at,
                    expected="bar_age, or another number",
                )
            return _Part(pl.col(token.text), kind, token.at)
        try:
            key, column = parse_column(token.text)
        except IndicatorError as error:
            if not error.what.startswith("no indicator"):
                self.fail(error.what, token.at, error.expected, error.fix)
            fix = did_you_mean(token.text, [*COLUMNS, *FUNCTIONS]) or error.fix
            self.fail(
                f"unknown name {token.text!r}",
                token.at,
                "a column of the cross-section, or an indicator key",
                fix,
            )
        if column not in key.columns:
            outputs = ", ".join(f"{token.text}.{output}" for output in key.indicator.outputs)
            self.fail(f"{token.text} has several outputs", token.at, expected=f"one of {outputs}")
        return _Part(pl.col(column), NUMBER, token.at)

    def _call(self, token: Token) -> _Part:
        if token.text not in FUNCTIONS:
            fix = did_you_mean(token.text, FUNCTIONS)
            self.fail(
                f"unknown function {token.text!r}", token.at, f"one of {', '.join(FUNCTIONS)}", fix
            )
        function = FUNCTIONS[token.text]
        arguments = self._arguments_of(token, function)
        if token.text == "quantile":
            return _Part(self._quantile(arguments), NUMBER, token.at)
        gives = function.gives
        if token.text in OF_TICK_BEFORE:
            gives = arguments[0].kind if token.text == "previous" else CONDITION
        elif token.text in ("if", "coalesce"):
            same = arguments[1:] if token.text == "if" else arguments
            for other in same[1:]:
                self._is(other, same[0].kind)
            gives = same[0].kind
        try:
            return _Part(function.make([a.expression for a in arguments]), gives, token.at)
        except ScannerError as error:
            self.fail(error.what, token.at, error.expected)

    def _arguments_of(self, token: Token, function: LanguageFunction) -> list[_Part]:
        """The arguments of a call, as many and of the kinds that the function takes."""
        arguments = self._arguments()
        least, most = function.counts
        if not least <= len(arguments) <= most:
            wanted = f"{least}" if least == most else f"{least} or more"
            self.fail(
                f"{len(arguments)} arguments of {token.text}",
                token.at,
                expected=f"{wanted}: {function.form}",
            )
        kinds = [*function.kinds, *[function.kinds[-1]] * len(arguments)]
        for argument, kind in zip(arguments, kinds, strict=False):
            if kind:
                self._is(argument, kind)
        if token.text in OF_UNIVERSE and not arguments[0].expression.meta.root_names():
            self.fail(
                "this is the same for every symbol",
                arguments[0].at,
                expected=f"a column in {function.form}",
            )
        if token.text == "previous" and arguments[0].kind == TEXT:
            self.fail(
                "a text is the same at every tick",
                arguments[0].at,
                expected=f"a column in {function.form}",
            )
        return arguments

    def _quantile(self, arguments: list[_Part]) -> pl.Expr:
        share = arguments[1].literal
        if share is None or not 0.0 <= share <= 1.0:
            self.fail(
                "the share of a quantile",
                arguments[1].at,
                expected="a number from 0 to 1 written out",
            )
        return universe_quantile(arguments[0].expression, share or 0.0)

    def _arguments(self) -> list[_Part]:
        """What stands up to the closing parenthesis; the opening one is taken."""
        arguments: list[_Part] = []
        while not self._accept(")"):
            if arguments:
                self._expect(",")
            arguments.append(self._or())
        return arguments

    # -- kinds

    def _is(self, part: _Part, kind: str) -> pl.Expr:
        if part.kind != kind:
            self.fail(f"this is {part.kind}", part.at, expected=kind)
        return part.expression

    def _comparable(self, left: _Part, right: _Part, sign: Token) -> None:
        if left.kind != right.kind:
            self.fail(f"{left.kind} compared with {right.kind}", sign.at, expected="two of a kind")
        if left.kind != NUMBER and sign.text not in ("==", "!="):
            self.fail(f"{left.kind} has no {sign.text}", sign.at, expected="== or !=")

    def _arithmetic(self, left: _Part, sign: Token, right: _Part) -> _Part:
        expression = ARITHMETIC[sign.text](self._is(left, NUMBER), self._is(right, NUMBER))
        return _Part(expression, NUMBER, left.at)
