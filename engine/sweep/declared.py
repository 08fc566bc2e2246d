"""What a scanner declares, and how that depends on its parameters.

1. `Builder.build`   a scanner of some values, and its criteria as trees
2. `families_of`     the parameters that a scanner's own code reads, by building it with traced
                     numbers: a family for each combination of their values. Within a family every
                     other parameter is a number in some condition, and the number is a function of
                     this parameter alone; so the scanner is built once for each value of each one
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import polars as pl

from engine.errors import ConfigError, ScannerError
from engine.plug_ins import instantiate, named_expressions
from engine.scan.base import BaseScanner, ColumnarScanner
from engine.scan.expressions import nodes
from engine.scan.load_scanner import load_scanner_class
from engine.scan.scan_plan import rank_expression
from engine.sweep.axes import text_of
from engine.sweep.config_template import Kind, Template
from engine.sweep.traced import Notes, names_of, plain, traced
from engine.sweep.trees import Node, Tree, conjuncts_of

CRITERIA = "scanners.criteria_scanner"  # whose texts are parsed, and read by no other code
MOST_KNOWN = 2_000  # clauses whose conditions are remembered
Values = Mapping[str, Any]
Present = Mapping[str, Sequence[int]]  # parameter -> codes of the values that it has


class NotColumns(Exception):
    """A scanner's variants cannot be told from its declarations; says why."""


@dataclass(frozen=True)
class Declared:
    """What a scanner of some values declares.

    conditions  that must all hold
    rank        node of what hits are ranked by, or None
    """

    conditions: tuple[Tree, ...]
    rank: Node | None
    descending: bool
    limit: int | None
    session_limit: int | None
    indicators: tuple[str, ...]

    @property
    def shape(self) -> str:
        """All of it but the conditions' numbers and the limit."""
        rest = [self.rank, self.descending, self.session_limit, self.indicators]
        return json.dumps([[one.skeleton for one in self.conditions], rest], default=str)


class Builder:
    """Builds one scanner of a template. Raises NotColumns where it does not only declare.

    fixed  values of parameters that are the same in all that it builds
    """

    def __init__(self, template: Template, number: int, fixed: Values | None = None):
        self.template, self.number, self._fixed = template, number, fixed or {}
        block = template.content["session_data_config"]["scanners"][number]
        self.label: str = block["name"] or block["module"]
        kind: Any = template.made.get(block["module"]) or load_scanner_class(block["module"])
        self.is_criteria = block["module"] == CRITERIA
        self.kind: type[ColumnarScanner] = _checked(kind)

        self._known: dict[str | None, list[Tree]] = {}

    def is_number(self, name: str) -> bool:
        """Whether a parameter reaches the scanner unchanged, in one place, to be traced."""
        places = [place for place in self.template.places[name] if place.scanner == self.number]
        whole = len(places) == 1 and len(places[0].path) == 5 and places[0].kind is Kind.VALUE
        return whole and places[0].path[4] in self.kind.Params.model_fields and self._plain_params

    def is_text(self, name: str) -> bool:
        """Whether a parameter stands only in expressions, and not within names of columns."""
        places = [place for place in self.template.places[name] if place.scanner == self.number]
        return self.is_criteria and all(
            place.kind is not Kind.VALUE
            and place.path[-1] in ("criteria", "features")
            and _stands_alone(name, place.pattern)
            for place in places
        )

    @property
    def _plain_params(self) -> bool:
        """Whether parameters are checked each by itself."""
        decorators = getattr(self.kind.Params, "__pydantic_decorators__", None)
        return not (decorators and (decorators.field_validators or decorators.model_validators))

    def build(
        self, values: Values, named: Sequence[str] = (), notes: Notes | None = None
    ) -> Declared:
        """What the scanner of these values declares.

        Numbers of the named parameters are traced where notes are taken.
        """
        content = self.template.filled({**self._fixed, **values})
        config = content["session_data_config"]["scanners"][self.number]["config"]
        kind = self.kind if notes is None else _tracing(self.kind, named, notes)
        if notes is not None:
            keys = {self._key(name) for name in named}
            config = {
                key: traced(value, frozenset({key}), notes) if key in keys else value
                for key, value in config.items()
            }
        try:
            return self._declared(instantiate(kind, self.label, ScannerError, config))
        except (ConfigError, ScannerError) as error:
            shown = ", ".join(f"{name}={text_of(plain(value))}" for name, value in values.items())
            raise type(error)(
                f"with {shown}: {error.what}",
                where=error.where,
                expected=error.expected,
                fix=error.fix,
            ) from None

    def _key(self, name: str) -> str:
        (place,) = (one for one in self.template.places[name] if one.scanner == self.number)
        return str(place.path[-1])

    def keys(self, names: Sequence[str]) -> dict[str, str]:
        """A scanner's own name of a parameter -> the name in the sweep."""
        return {self._key(name): name for name in names}

    def _conditions(self, expression: Any) -> list[Tree]:
        """The conditions of a clause; most clauses are the same in most variants."""
        try:
            text = expression.meta.serialize(format="json")
        except (AttributeError, pl.exceptions.PolarsError, ValueError):
            text = None
        if text and (
            '"Float":null' in text or '"Float64":null' in text
        ):  # an infinity, or minus it
            text = None
        if text is None or text not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[text] = [Tree.of(node) for node in conjuncts_of(_node(expression))]
        return self._known[text]

    def _declared(self, scanner: ColumnarScanner) -> Declared:
        criteria = named_expressions(scanner, "criteria", self.label, ScannerError)
        rank = scanner.rank_by
        if isinstance(rank, str):
            features = named_expressions(scanner, "features", self.label, ScannerError)
            rank = rank_expression(rank, features)
        conditions = [part for one in criteria.values() for part in self._conditions(one)]
        if not conditions:
            raise NotColumns("criteria() names no clause")
        return Declared(
            tuple(conditions),
            None if rank is None else _node(rank),
            bool(scanner.rank_descending),
            scanner.limit,
            scanner.session_limit,
            tuple(str(key if isinstance(key, str) else key.name) for key in scanner.indicators()),
        )


@dataclass(frozen=True)
class Family:
    """Variants of a scanner that declare the same but for numbers.

    values      of the parameters that the scanner's code reads
    base        what it declares with the first value of every other parameter
    slots       (condition, number in it) -> the parameter, and the number for each of its values,
                NaN for those it does not have
    limit       the parameter that is the limit, and the limit for each of its values; None where it
                is none
    """

    values: dict[str, Any]
    base: Declared
    slots: dict[tuple[int, int], tuple[str, tuple[float, ...]]]
    limit: tuple[str, tuple[int, ...]] | None

    def declared(self, codes: Mapping[str, int]) -> Declared:
        """What the variant of these codes, one of each parameter, declares."""
        conditions = []
        for place, tree in enumerate(self.base.conditions):
            values = list(tree.numbers)
            for number in range(len(values)):
                if moved := self.slots.get((place, number)):
                    values[number] = moved[1][codes[moved[0]]]
            conditions.append(tree.having(values))
        limit = self.base.limit if self.limit is None else self.limit[1][codes[self.limit[0]]]
        return replace(self.base, conditions=tuple(conditions), limit=limit)


def families_of(
    builder: Builder,
    axes: Mapping[str, Sequence[Any]],
    combinations: Callable[[Sequence[str]], list[tuple[dict[str, Any], Present]]],
) -> tuple[list[Family], tuple[str, ...]]:
    """The families of a scanner, and the names of the parameters that make them.

    axes          the parameters that change the scanner, and the values that each takes
    combinations  the values that some parameters take together in the variants, and which values
                  the others have there
    """
    read = [name for name, values in axes.items() if not _may_move(builder, name, values)]
    while True:
        families: list[Family] = []
        for values, present in combinations(read):
            found = _family(builder, axes, values, present)
            if isinstance(found, set):
                read = [name for name in axes if name in found or name in read]
                break
            families.append(found)
        else:
            return families, tuple(read)


def _may_move(builder: Builder, name: str, values: Sequence[Any]) -> bool:
    """Whether a parameter may be nothing but a number in conditions."""
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    return numeric and (builder.is_text(name) or builder.is_number(name))


def _family(
    builder: Builder, axes: Mapping[str, Sequence[Any]], values: dict[str, Any], present: Present
) -> Family | set[str]:
    """The family of these values; or the names of parameters that are read by code too."""
    others = [name for name in axes if name not in values]
    first = values | {name: axes[name][present[name][0]] for name in others}
    named, notes = [name for name in others if builder.is_number(name)], Notes()
    keys = builder.keys(named)
    told = builder.build(first, named, notes)
    used = {keys[key] for key in notes.used}
    limit = names_of(told.limit)
    used |= {keys[key] for key in limit} if len(limit) > 1 else set()
    used |= {keys[key] for key in names_of(told.session_limit)}
    if used:
        return used
    base = builder.build(first)
    moved: dict[tuple[int, int], tuple[str, tuple[float, ...]]] = {}
    limits = None
    for name in others:
        built = [builder.build(first | {name: axes[name][code]}) for code in present[name]]
        if any(one.shape != base.shape for one in built):
            return {name}
        for place in _moving(built):
            if place in moved:
                return {name, moved[place][0]}
            condition, number = place
            constants = [math.nan] * len(axes[name])
            for code, one in zip(present[name], built, strict=True):
                constants[code] = one.conditions[condition].numbers[number]
            moved[place] = name, tuple(constants)
        if any(one.limit != base.limit for one in built) or name in {keys[k] for k in limit}:
            if limits is not None or None in (one.limit for one in built):
                return {name}
            of_codes = dict(zip(present[name], [one.limit or 0 for one in built], strict=True))
            limits = name, tuple(of_codes.get(code, 0) for code in range(len(axes[name])))
    return Family(values, base, moved, limits)


def _moving(built: Sequence[Declared]) -> list[tuple[int, int]]:
    """The (condition, number) places at which declarations of the same shape differ."""
    parts = [[condition.numbers for condition in one.conditions] for one in built]
    return sorted(
        {
            (condition, number)
            for one, other in pairwise(parts)
            for condition, (a, b) in enumerate(zip(one, other, strict=True))
            for number, (x, y) in enumerate(zip(a, b, strict=True))
            if x != y
        }
    )


def _node(expression: Any) -> Node:
    if not isinstance(expression, pl.Expr):
        expression = pl.lit(expression)
    tree = nodes(expression)
    if tree is None:
        raise NotColumns("an expression holds a Python function")
    return tree


def _checked(kind: Any) -> type[ColumnarScanner]:
    """A class of which all that decides about hits is in its declarations."""
    if not isinstance(kind, type):
        raise NotColumns("the scanner was made before the sweep")
    if not issubclass(kind, ColumnarScanner):
        raise NotColumns("it is written symbol by symbol")
    own: tuple[tuple[str, type], ...] = (
        ("scan", ColumnarScanner),
        ("plan", ColumnarScanner),
        ("setup", ColumnarScanner),
        ("teardown", BaseScanner),
        ("_load_universe_from_file", BaseScanner),
    )
    for name, library in own:
        if getattr(kind, name) is not getattr(library, name):
            raise NotColumns(f"it has a {name}() of its own")
    return kind


def _tracing(kind: type[ColumnarScanner], named: Sequence[str], notes: Notes) -> Any:
    """The class, whose parameters of these names are traced numbers."""
    params = _TracedParams(kind.Params, frozenset(name.rpartition(".")[2] for name in named), notes)
    body = {"Params": params, "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (kind,), body)


class _TracedParams:
    """Makes the parameters of a scanner, and traces some."""

    def __init__(self, model: Any, names: frozenset[str], notes: Notes):
        self._model, self._names, self._notes = model, names, notes

    def __call__(self, **config: Any) -> Any:
        params = self._model(**{key: plain(value) for key, value in config.items()})
        for name in self._names:
            value = getattr(params, name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                params.__dict__[name] = traced(value, frozenset({name}), self._notes)
        return params

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def _stands_alone(name: str, pattern: Any) -> bool:
    """Whether {name} is a number by itself wherever it stands in texts."""
    found = re.findall(rf"(.?)\{{{re.escape(name)}\}}(.?)", str(pattern))
    return all(not re.match(r"[\w.{}]", side) for pair in found for side in pair)
