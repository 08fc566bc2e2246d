"""Loading a session config: all that is wrong with it in one message, before any data is read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from engine.config.models import SessionConfig
from engine.errors import ConfigError, did_you_mean

# Short forms of --set for the keys that are changed most.
SHORT = {
    "start": "backtest_config.start_date",
    "end": "backtest_config.end_date",
    "archive": "archive",
    "symbols": "session_data_config.symbols",
}

MANY_PROBLEMS, LONG_VALUE = 20, 200  # that are told of; characters of a value that are shown


@dataclass(frozen=True)
class LoadedConfig:
    """A config, the file it came from, and its digest.

    made  what makes a scanner of its block of parameters, by the `module` that the config calls the scanner: classes of a
          notebook, which no module holds
    """

    config: SessionConfig
    path: Path
    made: Mapping[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)

    def changed(self, **keys: Any) -> LoadedConfig:
        """The same with other top-level keys of the config, which are not checked again."""
        return replace(self, config=self.config.model_copy(update=keys))

    @property
    def digest(self) -> str:
        """12 hex digits of the config's contents, wherever it lies; without what a sweep varies, which no run reads."""
        text = json.dumps(self.config.model_dump(mode="json", exclude={"sweep"}), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def resolve(self, value: str) -> Path:
        """A path that the config names."""
        return resolve_path(value, self.path)


def load_config(path: Path, overrides: Sequence[str] = ()) -> LoadedConfig:
    """Read and check a config; `overrides` are "key.path=value". Raises ConfigError."""
    return check_config(_read(path), path, overrides)


def check_config(data: dict[str, Any], path: Path, overrides: Sequence[str] = ()) -> LoadedConfig:
    """Check a config that was read; files that it names are looked for beside `path`. Raises ConfigError."""
    for override in overrides:
        _override(data, override)
    try:
        return LoadedConfig(SessionConfig(**data), path)
    except ValidationError as error:
        problems = [_problem(problem) for problem in error.errors()[:MANY_PROBLEMS]]
        if error.error_count() > MANY_PROBLEMS:
            problems.append(f"and {error.error_count() - MANY_PROBLEMS:,} more")
        raise ConfigError(
            "\n  ".join(["", *problems]).lstrip()
            if len(problems) == 1
            else "\n  " + "\n  ".join(problems),
            where=path,
        ) from None


def config_schema() -> dict[str, Any]:
    """The JSON Schema of a session config."""
    return SessionConfig.model_json_schema()


def resolve_path(value: str, config_path: Path) -> Path:
    """A path beside the config file, else in the current folder, else in the project root. Raises ConfigError."""
    candidate = Path(os.path.expanduser(value))  # leaves the ~ of a user who is not there
    places = (
        [candidate] if candidate.is_absolute() else [p / candidate for p in _places(config_path)]
    )
    for place in places:
        with contextlib.suppress(OSError):  # a name that no file can have
            if place.exists():
                return place
    raise ConfigError(
        f"no such file or folder: {value}",
        where=config_path,
        fix="looked for " + ", ".join(dict.fromkeys(str(place.absolute()) for place in places)),
    )


def _places(config_path: Path) -> list[Path]:
    beside = config_path.absolute().parent
    return [beside, Path.cwd(), _project_root(beside)]


def _project_root(folder: Path) -> Path:
    """The nearest folder with a pyproject.toml at or above; else the one this package lies in."""
    for place in (folder, *folder.parents):
        if (place / "pyproject.toml").exists():
            return place
    return Path(__file__).resolve().parents[2]


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text)
        if "\\ud" in text.lower():  # halves of characters, which no file and no terminal takes
            json.dumps(data, ensure_ascii=False).encode()
    except FileNotFoundError:
        raise ConfigError("no such file", where=path) from None
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}", where=path
        ) from None
    except RecursionError:
        raise ConfigError(
            "blocks within blocks without end", where=path, expected="a session config"
        ) from None
    except (
        OSError,
        ValueError,
    ) as error:  # a text that is not UTF-8, a number of thousands of digits
        raise ConfigError(f"cannot be read: {error}", where=path) from None
    if not isinstance(data, dict):
        raise ConfigError(f"holds a {type(data).__name__}", where=path, expected="a JSON object")
    return data


def _override(data: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(
            f"--set {text}", expected='key=value, such as session_data_config.symbols=["AAPL"]'
        )
    *path, last = SHORT.get(key, key).split(".")
    place: Any = data
    try:
        for part in path:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        place[int(last) if isinstance(place, list) else last] = _value(value)
    except (IndexError, ValueError, TypeError, AttributeError):
        raise ConfigError(
            f"--set {text}: no such place in the config",
            expected="keys and list indexes joined by dots",
        ) from None


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _problem(problem: Any) -> str:
    key = ".".join(_short(str(part)) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = _keys_at(problem["loc"][:-1])
        hint = did_you_mean(str(problem["loc"][-1]), known) or f"known are {', '.join(known)}"
        return f"unknown key {key!r}, {hint}"
    if problem["type"] == "missing":
        return f"{key}: missing"
    message = _short(problem["msg"].removeprefix("Value error, "), 5 * LONG_VALUE)
    expected = problem.get("ctx", {}).get("expected")
    near = (
        did_you_mean(str(problem["input"]), [part.strip("'") for part in expected.split(" or ")])
        if expected
        else None
    )
    shown = (
        _short(repr(problem["input"])) if not isinstance(problem["input"], dict) else "this block"
    )
    return f"{key or 'config'} = {shown}: {message[:1].lower()}{message[1:]}" + (
        f", {near}" if near else ""
    )


def _short(text: str, most: int = LONG_VALUE) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text):,} characters)"


def _keys_at(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that a block of the config may have."""
    model: Any = SessionConfig
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation)
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel]:
    """The model in an annotation such as list[ScannerConfig] | None."""
    if (
        isinstance(annotation, type)
        and not isinstance(annotation, types.GenericAlias)
        and issubclass(annotation, BaseModel)
    ):
        return annotation
    found = (_model_in(part) for part in typing.get_args(annotation) if part is not type(None))
    return next(found)
