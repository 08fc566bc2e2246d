"""Where swept parameters go in a session config, and the config of one variant.

A parameter's name is, whichever of these there is:

    a parameter of scanners           min_price: of every scanner of the config that has it;
    `gap.min_price` of the one called gap
    {name} in a scanner's expression  "close > {least}": the value's text is put in its place, in
    keys too: sma_{bars}_1d
    a parameter of strategies         strategies.gap_and_go.target_r, or target_r: of every strategy
    that has it
    schedule                          when every scanner looks: "09:35-15:55/5m", several in a list,
                                      or "close"
    a key of the config               account.starting_cash, costs.slippage_bps,
    strategies.0.config.stop: as `run --set` has it

Who sweeps what is traded finds those in `Template.of_trading`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.clock.schedule import Schedule
from engine.config.load import LoadedConfig, check_config
from engine.config.models import ScannerConfig
from engine.errors import ConfigError, ScannerError, did_you_mean
from engine.plug_ins import instantiate
from engine.scan.expression_language import conjuncts
from engine.scan.load_scanner import load_scanner_class
from engine.sweep.axes import Axis, text_of
from engine.sweep.strategy_places import strategy_parameters, strategy_paths

SCHEDULE, WHERE = "schedule", "where"
TRADING = ("strategies", "account", "costs")  # blocks of the config that no scan reads
Content = dict[str, Any]


class Kind(StrEnum):
    """What stands at a place: the value itself, texts with {name}, or clauses of an expression with
    {name}.
    """

    VALUE = "value"
    TEXTS = "texts"
    WHERE = "where"


@dataclass(frozen=True)
class Place:
    """A place of a parameter's value in a config: keys and list indexes from the top.

    pattern  of texts, what is there before {name} is replaced; of an expression, its text
    """

    path: tuple[str | int, ...]
    kind: Kind = Kind.VALUE
    pattern: Any = None

    @property
    def scanner(self) -> int | None:
        """Which scanner's block it is in."""
        in_scanner = self.path[:2] == ("session_data_config", "scanners") and len(self.path) > 2
        return int(self.path[2]) if in_scanner else None


@dataclass(frozen=True)
class Template:
    """A session config with places for swept parameters.

    content  the config as JSON has it; {name} stands in texts of scanners
    path     where the config is from: files that it names are looked for beside it
    made     as in `LoadedConfig`
    places   parameter -> where its value goes
    """

    content: Content
    path: Path
    made: Mapping[str, Callable[[dict[str, Any]], Any]]
    places: Mapping[str, tuple[Place, ...]]

    def config(self, values: Mapping[str, Any]) -> LoadedConfig:
        """The config with these values, one of each parameter.

        Raises ConfigError where it is none.
        """
        content = self.filled(values)
        try:
            return LoadedConfig(check_config(content, self.path).config, self.path, self.made)
        except ConfigError as error:
            shown = ", ".join(f"{name}={text_of(value)}" for name, value in values.items())
            raise ConfigError(
                f"with {shown}: {error.what}",
                where=error.where,
                expected=error.expected,
                fix=error.fix,
            ) from None

    def filled(self, values: Mapping[str, Any]) -> Content:
        """The content with these values."""
        content = copy.deepcopy(self.content)
        texts = {
            name: text_of(values[name])
            for name in sorted(values, key=lambda name: name != WHERE)
            if any(place.kind is not Kind.VALUE for place in self.places[name])
        }
        for name, value in values.items():
            for place in self.places[name]:
                _put(content, place.path, _at(place, name, value, texts))
        return content

    @property
    def of_trading(self) -> tuple[str, ...]:
        """The parameters of strategies, account and costs: they change no scan."""
        return tuple(
            name
            for name, places in self.places.items()
            if all(place.path[0] in TRADING for place in places)
        )

    def of_scanner(self, number: int) -> tuple[str, ...]:
        """The parameters that change a scanner of the config, by its place among them."""
        return tuple(
            name
            for name, places in self.places.items()
            if any(place.scanner in (number, None) for place in places)
            and name not in self.of_trading
        )

    def within(self, name: str, number: int) -> bool:
        """Whether a parameter changes nothing but what one scanner of the config declares."""
        return all(
            place.scanner == number and place.path[3] == "config" and place.path[4] != "universe"
            for place in self.places[name]
            if place.scanner in (number, None)
        )


def template_of(loaded: LoadedConfig, axes: Sequence[Axis], where: Sequence[str] = ()) -> Template:
    """A config with places for axes; {name} may stand in texts of its scanners.

    Raises ConfigError where a name means nothing.

    where  expressions that the config's last scanner looks for, one of them in each variant; of
           several, an axis is called `where`
    """
    content = loaded.config.model_dump(mode="json", exclude={"sweep"})
    scanners = loaded.config.session_data_config.scanners
    fields = [_parameters(loaded, scanner) if scanner.enabled else () for scanner in scanners]
    names = {axis.name for axis in axes}
    patterns = [
        place
        for number, scanner in enumerate(scanners)
        for key, text in scanner.config.items()
        if not (where and key == "criteria" and number == len(scanners) - 1)
        and (place := _pattern(number, key, text, names))
    ]
    if where:
        path = ("session_data_config", "scanners", len(scanners) - 1, "config", "criteria")
        patterns.append(
            Place(
                path, Kind.WHERE, where[0] if len(where) == 1 else " or ".join(["{where}", *where])
            )
        )
    strategies = loaded.config.strategies
    known = strategy_parameters(strategies)
    places = {}
    for axis in axes:
        of_strategies = [Place(path) for path in strategy_paths(axis.name, strategies, known)]
        places[axis.name] = _places(axis.name, content, scanners, fields, patterns, of_strategies)
    return Template(content, loaded.path, loaded.made, places)


def _parameters(loaded: LoadedConfig, scanner: ScannerConfig) -> tuple[str, ...]:
    """The names of a scanner's parameters."""
    kind = loaded.made.get(scanner.module) or load_scanner_class(scanner.module)
    if not isinstance(kind, type):  # a scanner that was made already
        kind = type(instantiate(kind, scanner.label, ScannerError, copy.deepcopy(scanner.config)))
    params = getattr(kind, "Params", None)
    return tuple(params.model_fields) if params else ()


def _places(
    name: str,
    content: Content,
    scanners: Sequence[ScannerConfig],
    fields: Sequence[tuple[str, ...]],
    patterns: Sequence[Place],
    of_strategies: Sequence[Place],
) -> tuple[Place, ...]:
    named = [place for place in patterns if f"{{{name}}}" in str(place.pattern)]
    for number, (scanner, known) in enumerate(zip(scanners, fields, strict=True)):
        block = ("session_data_config", "scanners", number)
        short = name.removeprefix(f"{scanner.label}.")
        if scanner.enabled and short in known:
            named.append(Place((*block, "config", short)))
        elif scanner.enabled and short == SCHEDULE:
            named.append(Place((*block, "regular_session")))
    if named and of_strategies:
        raise ConfigError(
            f"{name} is a parameter of a scanner and of a strategy",
            where="grid",
            expected=(
                f"strategies.NAME.{name} or, of the scanner, "
                f"{scanners[named[0].scanner or 0].label}.{name}"
            ),
        )
    if named or of_strategies:
        return tuple(named or of_strategies)
    path = _path(name, content)
    if path is None:
        parameters = {one for known in fields for one in known}
        raise ConfigError(
            f"no parameter {name!r}",
            where="grid",
            expected=f"a scanner's parameter ({', '.join(sorted(parameters))}), {{{name}}} in an "
            "expression, schedule, a strategy's parameter such as strategies.gap_and_go.target_r, "
            "or a key of "
            "the config such as costs.slippage_bps",
            fix=did_you_mean(name, parameters),
        )
    return (Place(path),)


def _pattern(number: int, key: str, text: Any, names: set[str]) -> Place | None:
    """A parameter of a scanner in whose texts names stand in braces."""
    there = any(f"{{{name}}}" in one for one in _texts(text) for name in names)
    path = ("session_data_config", "scanners", number, "config", key)
    return Place(path, Kind.TEXTS, text) if there else None


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [
            text for part in (value.keys(), value.values()) for one in part for text in _texts(one)
        ]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def with_texts(value: Any, texts: Mapping[str, str]) -> Any:
    """A value with {name} replaced in all of its texts, those that name others among them."""
    if isinstance(value, Mapping):
        return {with_texts(key, texts): with_texts(one, texts) for key, one in value.items()}
    if isinstance(value, list):
        return [with_texts(one, texts) for one in value]
    if isinstance(value, str):
        for name, text in texts.items():
            value = value.replace(f"{{{name}}}", text)
    return value


def _path(name: str, content: Content) -> tuple[str | int, ...] | None:
    """A dotted key of the config; None where there is no such block."""
    *blocks, _ = parts = name.split(".")
    path: list[str | int] = []
    place: Any = content
    for part in parts:
        if isinstance(place, list) and part.isdigit() and int(part) < len(place):
            path.append(int(part))
            place = place[int(part)]
        elif isinstance(place, dict) and (part in place or path[-1:] == ["config"]):
            path.append(part)
            place = place.get(part)
        else:
            return None
    return tuple(path) if blocks else None


def _at(place: Place, name: str, value: Any, texts: Mapping[str, str]) -> Any:
    """What stands at a place of a parameter with this value."""
    match place.kind:
        case Kind.VALUE:
            return _as_config(name, value)
        case Kind.TEXTS:
            return with_texts(place.pattern, texts)
    text = with_texts("{where}" if WHERE in texts else place.pattern, texts)
    return {clause: clause for clause in conjuncts(text, "where")}


def _as_config(name: str, value: Any) -> Any:
    """A value as the config has it: a schedule as its block."""
    if name.rpartition(".")[2] != SCHEDULE or value is None:
        return value
    texts = value if isinstance(value, list) else [value]
    return [one if isinstance(one, dict) else schedule_block(str(one)) for one in texts]


def schedule_block(text: str) -> dict[str, str]:
    """A schedule such as 09:35-15:55/5m, or `close`, as a config has it."""
    if text.strip() == "close":
        return {"at": "close"}
    schedule = Schedule.parse(text)
    return {
        "start": str(schedule.start),
        "end": str(schedule.end),
        "interval": schedule.interval.name,
    }


def _put(content: Any, path: Sequence[str | int], value: Any) -> None:
    *blocks, last = path
    for part in blocks:
        content = content[part]
    content[last] = value
