"""Session configs, right ones with something changed in them and whatever else a file may hold."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import check_config
from engine.archive.archive import Archive
from engine.config.load import LoadedConfig, config_schema, load_config
from engine.runs.execute_run import execute_run
from tests.data import PROJECT
from tests.fuzz.cases import JSON, SCALARS, TEXTS, answer, cases

CONFIGS = [
    json.loads(path.read_text()) for path in sorted((PROJECT / "session_configs").glob("*.json"))
]
SCHEMA = config_schema()
KEYS = sorted(
    {name for model in [SCHEMA, *SCHEMA["$defs"].values()] for name in model["properties"]}
)
MODULES = st.sampled_from(
    [
        "scanners.gap_scanner",
        "scanners.momentum_scanner:MomentumScanner",
        "scanners.criteria_scanner",
        "engine.strategies.gap_fade",
        "scanners",
        "scanners.base",
        "scanners.",
        ".gap_scanner",
        "scanners.gap_scanner:",
        ":GapScanner",
        "engine.errors",
        "no such module",
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything below a value."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [place for key, one in inner for place in [(*path, key), *places(one, (*path, key))]]


def from_schema(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a JSON Schema of ours allows, its bounds left to chance, now and then what it does not."""
    if "$ref" in schema:
        return st.deferred(lambda: from_schema(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]))
    if "anyOf" in schema:
        return st.one_of(*map(from_schema, schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        required = {
            name: from_schema(schema["properties"][name]) for name in schema.get("required", ())
        }
        optional = {
            name: from_schema(one)
            for name, one in schema["properties"].items()
            if name not in required
        }
        return st.fixed_dictionaries(required, optional=optional)
    if kind == "array":
        return st.lists(from_schema(schema["items"]), max_size=2)
    low = {
        "integer": st.integers(0, 100),
        "number": st.floats(0, 100),
        "boolean": st.booleans(),
        "null": st.none(),
        "string": TEXTS,
    }
    return low[kind] | SCALARS if kind in low else st.dictionaries(TEXTS, JSON, max_size=2)


TIMES, INTERVALS = (
    ["09:30", "09:31", "09:35", "10:00", "12:30", "15:30", "15:55", "16:00", "16:01"],
    ["1m", "5m", "7m", "15m", "1h", "1d"],
)
WORDS = [
    "close",
    "AAPL",
    "MSFT",
    "NONE",
    "all",
    "sma",
    "rsi",
    "vwap",
    "a",
    "close > sma_2_1d",
    "close / prev_close - 1",
    "rank(close) <= 3",
]


def likely(value: Any) -> st.SearchStrategy[Any]:
    """Another value where a config has this one."""
    if isinstance(value, bool) or value is None:
        return st.sampled_from([True, False, None])
    if isinstance(value, int | float):
        return st.sampled_from([0, 1, 2, 3, 5, 14, 20, 100, 10_000, 0.001, 0.5, 1.0, 2.5])
    pools = [pool for pool in (TIMES, INTERVALS) if value in pool]
    return st.sampled_from(pools[0] if pools else WORDS) if isinstance(value, str) else JSON


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """A config of the project with one to three things changed, left out, renamed, repeated or put in."""
    content = copy.deepcopy(draw(st.sampled_from(CONFIGS)))
    for _ in range(draw(st.integers(1, 3))):
        found = places(content)
        if not found:
            break
        *path, last = draw(st.sampled_from(found))
        block = inside(content, path)
        change = draw(st.sampled_from(["likely"] * 5 + ["replace", "drop", "rename", "wrap"]))
        if change == "replace":
            block[last] = draw(MODULES if last == "module" else SCALARS | JSON)
        elif change == "likely":
            block[last] = draw(likely(block[last]))
        elif change == "drop":
            del block[last]
        elif change == "rename" and isinstance(block, dict):
            block[draw(st.sampled_from(KEYS) | TEXTS)] = block.pop(last)
        else:
            block[last] = draw(st.sampled_from([[block[last]] * 2, {"x": block[last]}]))
    return content


@st.composite
def other_values(draw: st.DrawFn) -> Any:
    """A config of the project with other values of the same kind, and an account and costs of any numbers."""
    content = copy.deepcopy(draw(st.sampled_from(CONFIGS)))
    content.pop("backtest_config", None)
    for name, model in (("account", "AccountConfig"), ("costs", "CostsConfig")):
        fields = draw(
            st.lists(st.sampled_from(sorted(SCHEMA["$defs"][model]["properties"])), max_size=4)
        )
        content.setdefault(name, {}).update(
            {
                field: draw(likely(True if field in ("shorting", "flat_at_close") else 1))
                for field in fields
            }
        )
    leaves = [
        path
        for path in places(content)
        if not isinstance(inside(content, path), dict | list) and path[-1] not in ("module", "mode")
    ]
    for path in draw(st.lists(st.sampled_from(leaves), max_size=3)):
        block = inside(content, path[:-1])
        block[path[-1]] = draw(likely(block[path[-1]]))
    return content


def inside(content: Any, path: Sequence[Any]) -> Any:
    """What is at a path."""
    for key in path:
        content = content[key]
    return content


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configs") / "config.json"


def loads(path: Path, overrides: tuple[str, ...] = ()) -> Any:
    loaded = answer("config", lambda: load_config(path, overrides))
    assert isinstance(loaded, LoadedConfig) or str(path) in str(loaded) or "--set" in str(loaded)
    return loaded


@cases(100, 10_000)
@given(changed())
def test_a_changed_config(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))
    loaded = loads(path)
    if isinstance(loaded, LoadedConfig):
        assert len(loaded.digest) == 12


@cases(60, 6_000)
@given(from_schema(SCHEMA))
def test_what_the_schema_allows(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))
    loads(path)


LONG = st.tuples(st.sampled_from(["[", '{"a":', "1", " ", '"']), st.integers(1, 20_000)).map(
    lambda pair: pair[0] * pair[1]
)


@cases(60, 5_000)
@given(
    st.binary(max_size=200)
    | (LONG | st.text(max_size=200) | JSON.map(json.dumps)).map(
        lambda t: t.encode("utf-8", "replace")
    )
)
def test_any_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    loads(path)


@cases(60, 5_000)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from([*KEYS, "0", "1", "-1", "x"]) | TEXTS, max_size=4).map(
                ".".join
            ),
            TEXTS | LONG | JSON.map(json.dumps),
        ).map("=".join)
        | TEXTS,
        min_size=1,
        max_size=2,
    )
)
def test_any_override(path: Path, overrides: list[str]) -> None:
    path.write_text(json.dumps(CONFIGS[-1]))
    loads(path, tuple(overrides))


@cases(40, 3_000)
@given(changed())
def test_a_config_is_checked_without_bars(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))
    answer("config check", lambda: check_config(path))


@cases(25, 1_000)
@given(other_values())
def test_a_changed_config_runs(path: Path, small: Archive, content: Any) -> None:
    path.write_text(json.dumps(content))
    answer(
        "run", lambda: execute_run(load_config(path), small, path.parent / "runs", lambda *_: None)
    )
    assert not list((path.parent / "runs").glob(".*")), "something half-written is left behind"
