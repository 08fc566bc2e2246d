"""Criteria in words: a small expression language over the columns of a cross-section, for configs and the command line.

    close > sma_20_1d * 1.02 and rvol_20 > 2
    10 <= close < 500 and not (symbol in ("SPY", "QQQ"))
    rank(close / prev_close) <= 20

    or, and, not, comparisons (chained ones too, and `in`), + -, * / %, unary -, ** in the order of Python's
    numbers, "text", true, false, columns of the vocabulary, indicator keys (`macd_12_26_9_5m.signal`)
    abs(x) sqrt(x) log(x) exp(x) sign(x) round(x) floor(x) ceil(x)   min(x, y ...) max(x, y ...)   if(condition, x, y)
    known(x): whether there is a value   coalesce(x, y ...): the first that there is
    rank(x): 1 for the universe's largest at the tick   percentile(x): share of the universe at most x
    zscore(x)   mean(x)   quantile(x, q)   over the universe at the tick
    previous(x): at the tick before   crosses_above(x, y)   crosses_below(x, y): which it was not, or equal, at the tick before

Parsed into a Polars expression, never run as code. A value that is not a number (0 / 0) is a missing one. A comparison with a
missing value does not hold, nor does its `not`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from engine.errors import ConfigError, IndicatorError, ScannerError, did_you_mean
from engine.indicators.key import parse_column
from engine.runtime.recursion import room_to_recurse
from engine.scan.columns import COLUMNS
from engine.scan.expressions import (
    universe_mean,
    universe_percentile,
    universe_quantile,
    universe_rank,
    universe_zscore,
)
from engine.scan.missing import without_nan
from engine.scan.nesting import Join, joined
from engine.scan.previous import crosses_above, crosses_below, previous

NUMBER, CONDITION, TEXT = "a number", "a condition", "a text"
DEEPEST = 60  # of parentheses within parentheses
LONGEST = 300  # numbers added, or multiplied, one after the other

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
class _Token:
    kind: str  # number, name, text, sign, word, end
    text: str
    at: int


@dataclass(frozen=True)
class _Part:
    """A parsed part: its expression, what it is, and where it begins."""

    expression: pl.Expr
    kind: str
    at: int
    literal: float | None = None


def parse_condition(text: str, where: str) -> pl.Expr:
    """The condition that `text` states; ConfigError points at the character that is wrong."""
    return _parse(text, where, CONDITION)


def parse_value(text: str, where: str) -> pl.Expr:
    """The number (or condition) that `text` gives."""
    return _parse(text, where, None)


def conjuncts(text: str, where: str) -> list[str]:
    """The conditions that `text` joins by `and`, each by itself, so that each can be counted and explained."""
    tokens = _Parser(text, where).tokens
    depth, cuts = 0, [(0, 0)]  # each: where a condition ends, where the next begins
    for token in tokens:
        if token.kind == "sign":
            depth += (token.text == "(") - (token.text == ")")
        elif depth == 0 and token.kind == "word" and token.text == "or":
            return [text.strip()]
        elif depth == 0 and token.kind == "word" and token.text == "and":
            cuts.append((token.at, token.at + len(token.text)))
    ends = [end for end, _ in cuts[1:]] + [len(text)]
    return [text[start:end].strip() for (_, start), end in zip(cuts, ends, strict=True)]


def _parse(text: str, where: str, kind: str | None) -> pl.Expr:
    parser = _Parser(text, where)
    with room_to_recurse():
        part = parser.whole()
    if kind and part.kind != kind:
        parser.fail(f"this is {part.kind}", part.at, expected=f"{kind} such as close > 10")
    try:
        with room_to_recurse():
            return without_nan(part.expression)
    except ScannerError as error:
        parser.fail(error.what, part.at, expected=error.expected)
        raise AssertionError from error


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
        self.tokens = list(self._split())
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

    def fail(self, what: str, at: int, expected: str | None = None, fix: str | None = None) -> None:
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

    def _split(self) -> list[_Token]:
        tokens, at = [], 0
        while self._text[at:].strip():
            match = _TOKEN.match(self._text, at)
            if match is None or match.lastgroup is None:
                at += len(self._text[at:]) - len(self._text[at:].lstrip())
                self.fail(
                    f"{self._text[at]!r} means nothing here",
                    at,
                    "a number, a column, an operator or a parenthesis",
                )
            assert match is not None and match.lastgroup is not None
            value = match[match.lastgroup]
            kind = "word" if match.lastgroup == "name" and value in _WORDS else match.lastgroup
            tokens.append(_Token(kind, value, match.end() - len(value)))
            at = match.end()
        return [*tokens, _Token("end", "the end", len(self._text))]

    @property
    def _peek(self) -> _Token:
        return self.tokens[self._next]

    def _take(self) -> _Token:
        token = self.tokens[self._next]
        self._next += token.kind != "end"
        return token

    def _accept(self, *texts: str) -> _Token | None:
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
            found.append(_COMPARE[sign.text](left.expression, right.expression))
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

    def _column(self, token: _Token) -> _Part:
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
            fix = did_you_mean(token.text, [*COLUMNS, *_FUNCTIONS]) or error.fix
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

    def _call(self, token: _Token) -> _Part:
        if token.text not in _FUNCTIONS:
            fix = did_you_mean(token.text, _FUNCTIONS)
            self.fail(
                f"unknown function {token.text!r}", token.at, f"one of {', '.join(_FUNCTIONS)}", fix
            )
        function = _FUNCTIONS[token.text]
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
        if token.text in _OF_UNIVERSE and not arguments[0].expression.meta.root_names():
            self.fail(
                "this is the same for every symbol",
                arguments[0].at,
                expected=f"a column in {function.form}",
            )
        if token.text == "quantile":
            share = arguments[1].literal
            if share is None or not 0.0 <= share <= 1.0:
                self.fail(
                    "the share of a quantile",
                    arguments[1].at,
                    expected="a number from 0 to 1 written out",
                )
            return _Part(universe_quantile(arguments[0].expression, share or 0.0), NUMBER, token.at)
        if token.text == "previous" and arguments[0].kind == TEXT:
            self.fail(
                "a text is the same at every tick",
                arguments[0].at,
                expected=f"a column in {function.form}",
            )
        if token.text in _OF_TICK_BEFORE:
            gives = arguments[0].kind if token.text == "previous" else CONDITION
            try:
                return _Part(function.make([a.expression for a in arguments]), gives, token.at)
            except ScannerError as error:
                self.fail(error.what, token.at, error.expected)
        if token.text in ("if", "coalesce"):
            same = arguments[1:] if token.text == "if" else arguments
            for other in same[1:]:
                self._is(other, same[0].kind)
            return _Part(function.make([a.expression for a in arguments]), same[0].kind, token.at)
        return _Part(function.make([a.expression for a in arguments]), function.gives, token.at)

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

    def _comparable(self, left: _Part, right: _Part, sign: _Token) -> None:
        if left.kind != right.kind:
            self.fail(f"{left.kind} compared with {right.kind}", sign.at, expected="two of a kind")
        if left.kind != NUMBER and sign.text not in ("==", "!="):
            self.fail(f"{left.kind} has no {sign.text}", sign.at, expected="== or !=")

    def _arithmetic(self, left: _Part, sign: _Token, right: _Part) -> _Part:
        expression = _ARITHMETIC[sign.text](self._is(left, NUMBER), self._is(right, NUMBER))
        return _Part(expression, NUMBER, left.at)


_COMPARE: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_ARITHMETIC: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
}


@dataclass(frozen=True)
class _Function:
    form: str
    counts: tuple[int, int]
    kinds: tuple[str | None, ...]  # of the arguments; the last one's for all that follow
    gives: str
    make: Callable[[Sequence[pl.Expr]], pl.Expr]


def _plain(form: str, make: Callable[[pl.Expr], pl.Expr]) -> _Function:
    return _Function(form, (1, 1), (NUMBER,), NUMBER, lambda arguments: make(arguments[0]))


MANY = 100
_OF_TICK_BEFORE = frozenset({"previous", "crosses_above", "crosses_below"})
_OF_UNIVERSE = frozenset({"rank", "percentile", "zscore", "mean", "quantile"})


def _coalesce(arguments: Sequence[pl.Expr]) -> pl.Expr:
    """Up to the first constant, which there always is; Polars gives a frame of one row where that comes first."""
    constants = [number for number, one in enumerate(arguments) if not one.meta.root_names()]
    used = arguments[: constants[0] + 1] if constants else arguments
    return used[0] if len(used) == 1 else pl.coalesce(used)


_FUNCTIONS: dict[str, _Function] = {
    "abs": _plain("abs(x)", lambda x: x.abs()),
    "sqrt": _plain("sqrt(x)", lambda x: x.sqrt()),
    "log": _plain("log(x)", lambda x: x.log()),
    "exp": _plain("exp(x)", lambda x: x.exp()),
    "sign": _plain("sign(x)", lambda x: x.sign()),
    "round": _plain("round(x)", lambda x: x.round(0)),
    "floor": _plain("floor(x)", lambda x: x.floor()),
    "ceil": _plain("ceil(x)", lambda x: x.ceil()),
    "min": _Function("min(x, y ...)", (2, MANY), (NUMBER,), NUMBER, pl.min_horizontal),
    "max": _Function("max(x, y ...)", (2, MANY), (NUMBER,), NUMBER, pl.max_horizontal),
    "if": _Function(
        "if(condition, x, y)",
        (3, 3),
        (CONDITION, None, None),
        NUMBER,
        lambda a: pl.when(a[0]).then(a[1]).otherwise(a[2]),
    ),
    "known": _Function("known(x)", (1, 1), (None,), CONDITION, lambda a: a[0].is_not_null()),
    "coalesce": _Function("coalesce(x, y ...)", (2, MANY), (None,), NUMBER, _coalesce),
    "previous": _Function("previous(x)", (1, 1), (None,), NUMBER, lambda a: previous(a[0])),
    "crosses_above": _Function(
        "crosses_above(x, y)", (2, 2), (NUMBER,), CONDITION, lambda a: crosses_above(a[0], a[1])
    ),
    "crosses_below": _Function(
        "crosses_below(x, y)", (2, 2), (NUMBER,), CONDITION, lambda a: crosses_below(a[0], a[1])
    ),
    "rank": _plain(
        "rank(x)", lambda x: universe_rank(x).cast(pl.Float64)
    ),  # a count without sign has no difference below 0
    "percentile": _plain("percentile(x)", universe_percentile),
    "zscore": _plain("zscore(x)", universe_zscore),
    "mean": _plain("mean(x)", universe_mean),
    "quantile": _Function("quantile(x, share)", (2, 2), (NUMBER, NUMBER), NUMBER, lambda a: a[0]),
}
