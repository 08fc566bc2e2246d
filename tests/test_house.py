"""The rules of the source that can be counted: size, shape, names, docstrings, cycles."""

from __future__ import annotations

import ast
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.data import PROJECT

SOURCE = ("engine", "scanners", "barsweep", "bench")
FILES = [path for folder in SOURCE for path in sorted((PROJECT / folder).rglob("*.py"))]
LONGEST_FILE, MEDIAN_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 400, 120, 50, 7
# Compiled functions take arrays, each a parameter of its own: numba has no keyword-only
# arguments, and a tuple of arrays is compiled anew for each combination of types.
KERNELS = ("engine/compute/", "engine/indicators/", "engine/trading/broker/")
# Of commands, the front door and strategies' orders every option is a parameter, given by name only.
BY_NAME_ONLY = ("engine/api/", "engine/cli/", "engine/trading/strategy_context.py")
# Constructors of what many parts make up: to be given a dataclass of their own.
CONSTRUCTORS = {"engine/scan/cross_section.py:__init__", "engine/scan/scan_plan.py:build"}
SHARED_NAMES = {"__init__.py", "base.py"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            yield node


def positional(function: Function) -> int:
    """Parameters that may be given by position, `self` and `cls` aside."""
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def lines_of(function: Function) -> int:
    """Lines of a function's body; its signature and its docstring may be as long as they need."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def public(path: Path) -> Iterator[tuple[str, bool]]:
    """Public functions, classes and methods, and whether they have a docstring."""
    for node in tree(path).body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield node.name, ast.get_docstring(node) is not None
        # Methods of plug-ins (benches hold some) are documented by their base class.
        plug_in = bool({"scanners", "strategies", "bench"} & set(path.parts))
        members = node.body if isinstance(node, ast.ClassDef) and not plug_in else []
        for member in members:
            if isinstance(member, Function) and not member.name.startswith("_"):
                yield f"{node.name}.{member.name}", ast.get_docstring(member) is not None


def test_files_are_short() -> None:
    lengths = {
        name_of(path): len(path.read_text().splitlines())
        for path in FILES
        if path.name != "__init__.py"
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}
    assert statistics.median(lengths.values()) <= MEDIAN_FILE


def test_functions_are_short() -> None:
    long = [
        f"{name_of(path)}:{function.name} {lines_of(function)}"
        for path in FILES
        for function in functions(path)
        if lines_of(function) > LONGEST_FUNCTION
    ]
    assert long == []


def test_functions_have_few_parameters() -> None:
    many = []
    for path in FILES:
        name = name_of(path)
        for function in functions(path):
            kernel = name.startswith(KERNELS)
            count = positional(function)
            if not name.startswith(BY_NAME_ONLY):
                count += len(function.args.kwonlyargs)
            decorators = [ast.unparse(decorator) for decorator in function.decorator_list]
            exempt = any("command" in one or "njit" in one for one in decorators)
            exempt = exempt or f"{name}:{function.name}" in CONSTRUCTORS
            if count > MOST_PARAMETERS and not kernel and not exempt:
                many.append(f"{name}:{function.name} {count}")
    assert many == []


def test_file_names_are_unique_in_the_engine() -> None:
    names = Counter(p.name for p in FILES if p.is_relative_to(PROJECT / "engine"))
    assert [n for n, count in names.items() if count > 1 and n not in SHARED_NAMES] == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_public_names_have_a_docstring(path: Path) -> None:
    assert [name for name, documented in public(path) if not documented] == []


def module_of(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_module_imports_itself_by_a_detour() -> None:
    """Imports in functions and under TYPE_CHECKING count; those of package faces do not."""
    modules = {module_of(path): path for path in FILES if path.name != "__init__.py"}
    graph = {name: needed(path) & modules.keys() - {name} for name, path in modules.items()}
    while leaves := {name for name, imported in graph.items() if not imported}:
        graph = {name: i - leaves for name, i in graph.items() if name not in leaves}
    # What is left is on a cycle, or imports one that is.
    assert graph == {}


def needed(path: Path) -> set[str]:
    """Names of all modules that a file may import, at any place of it."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def glossary() -> list[str]:
    text = (PROJECT / "ARCHITECTURE.md").read_text().partition("## Glossary")[2].partition("\n## ")
    return re.findall(r"^\| \*\*(.+?)\*\* \|", text[0], flags=re.MULTILINE)


def test_the_glossary_opens_the_architecture_and_is_short() -> None:
    text = (PROJECT / "ARCHITECTURE.md").read_text()
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE)[0] == "Glossary"
    assert 5 <= len(glossary()) <= 15
    assert len(set(glossary())) == len(glossary())


# Words that once meant what a word of the glossary means now.
RETIRED = r"\b(TermBank|MonthBlock|Deferred|ReplayedSession|Stretch(es)?|stretch(es)?|ScannerSlot|StrategySlot|Tape)\b"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_retired_word_is_used(path: Path) -> None:
    assert re.findall(RETIRED, path.read_text()) == []
