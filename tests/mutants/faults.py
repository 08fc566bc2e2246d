"""Small faults that can be put into a source file, one at a time.

Each is one change of the syntax tree: a comparison, an arithmetic operator, `and` or `or` turned
round, a number one more or less, `True` for `False`, a `not` or a minus dropped, a clause of an
`and`, an `or` or a comprehension dropped. Annotations, decorators and the text of messages are
left alone: no test should depend on them.
"""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}


@dataclass(frozen=True)
class Fault:
    """One fault: the line it stands in, what changes, and the whole source with it."""

    file: str
    line: int
    text: str  # of the line, without its indent
    change: str  # "before -> after", as ast.unparse writes both
    source: str


def faults_of(file: str, source: str) -> list[Fault]:
    """Every fault that a file's source can be given, in the order of its lines."""
    found: dict[tuple[int, str], Fault] = {}
    for node in _nodes(ast.parse(source)):
        for changed in _changes(node):
            fault = _fault(file, source, node, changed)
            found.setdefault((node.lineno, fault.change), fault)
    return sorted(found.values(), key=lambda fault: (fault.line, fault.change))


def draw(faults: list[Fault], count: int | None, seed: int) -> list[Fault]:
    """So many of the faults, at random; all of them where `count` is None."""
    if count is None or count >= len(faults):
        return faults
    drawn = random.Random(f"{seed} {faults[0].file}").sample(faults, count)
    return sorted(drawn, key=lambda fault: (fault.line, fault.change))


def _fault(file: str, source: str, node: ast.expr, changed: ast.expr) -> Fault:
    lines = source.splitlines(keepends=True)
    assert node.end_lineno is not None and node.end_col_offset is not None
    before = (
        "".join(lines[: node.lineno - 1]).encode()
        + (lines[node.lineno - 1].encode()[: node.col_offset])
    )
    after = lines[node.end_lineno - 1].encode()[node.end_col_offset :] + (
        "".join(lines[node.end_lineno :]).encode()
    )
    text = ast.unparse(changed)
    breaks = "\n" * (node.end_lineno - node.lineno)  # later lines keep their numbers
    written = text if _is_operator(changed) else f"({text}{breaks})"
    return Fault(
        file,
        node.lineno,
        lines[node.lineno - 1].strip(),
        f"{_short(ast.unparse(node))} -> {_short(text)}",
        (before + written.encode() + after).decode(),
    )


def _is_operator(node: ast.AST) -> bool:
    return isinstance(node, (ast.AugAssign, ast.ListComp, ast.SetComp, ast.DictComp))


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:60]} … {text[-38:]}"


def _nodes(tree: ast.AST) -> Iterator[ast.expr]:
    """Expressions (and `+=`) that can be changed, in the file's order."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                continue
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            if isinstance(child, (ast.expr, ast.AugAssign)):
                yield child  # type: ignore[misc]
            yield from _nodes(child)


def _changes(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Compare():
            for i, operator in enumerate(node.ops):
                for other in COMPARISONS[type(operator)]:
                    yield _with(node, lambda new, i=i, other=other: _set(new.ops, i, other()))
        case ast.BinOp() | ast.AugAssign() if type(node.op) in ARITHMETIC and not _is_text(node):
            other = ARITHMETIC[type(node.op)]
            yield _with(node, lambda new: setattr(new, "op", other()))
        case ast.BoolOp():
            yield from _of_clauses(node)
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):
            yield node.operand
        case ast.UnaryOp(op=ast.USub()) if not isinstance(node.operand, ast.Constant):
            yield node.operand
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield from (ast.Constant(node.value + more) for more in (1, -1))
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            yield from _without_filters(node)


def _of_clauses(node: ast.BoolOp) -> Iterator[ast.expr]:
    turned = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield _with(node, lambda new: setattr(new, "op", turned))
    for i in range(len(node.values)):
        left = node.values[:i] + node.values[i + 1 :]
        yield left[0] if len(left) == 1 else ast.BoolOp(node.op, left)


def _without_filters(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
) -> Iterator[ast.expr]:
    for i, part in enumerate(node.generators):
        for j in range(len(part.ifs)):
            yield _with(node, lambda new, i=i, j=j: new.generators[i].ifs.pop(j))


def _with(node: ast.AST, change: Callable[[ast.AST], object]) -> ast.expr:
    new = copy.deepcopy(node)
    change(new)
    return new  # type: ignore[return-value]


def _set(items: list[ast.cmpop], i: int, item: ast.cmpop) -> None:
    items[i] = item


def _is_text(node: ast.AST) -> bool:
    """Whether an operator joins text or puts values into it."""
    return any(
        isinstance(part, ast.JoinedStr)
        or (isinstance(part, ast.Constant) and isinstance(part.value, (str, bytes)))
        for part in ast.walk(node)
        if part is not node and isinstance(part, (ast.JoinedStr, ast.Constant))
    ) and all(not isinstance(part, ast.Call) for part in ast.iter_child_nodes(node))


def read_faults(root: Path, file: str) -> list[Fault]:
    """Every fault of a file below the repository's root."""
    return faults_of(file, (root / file).read_text(encoding="utf-8"))
