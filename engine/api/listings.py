"""Scanners, strategies and indicators: which there are, what they mean, and new ones to start
from."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from engine.api.notebook_html import facts_html
from engine.api.scan_options import Spell
from engine.errors import ScannerError, StrategyError
from engine.indicators.catalogue import CATALOGUE
from engine.indicators.indicator import Indicator
from engine.indicators.key import IndicatorKey
from engine.plug_ins import instantiate, plug_in_code
from engine.runtime.module_loader import load_class, modules_in
from engine.runtime.module_origin import allow_folders
from engine.scan.base import ColumnarScanner
from engine.scan.load_scanner import built_in_scanners, load_scanner_class
from engine.scan.missing import as_written
from engine.scan.scanner_skeleton import write_skeleton
from engine.trading.signal_plan import SignalPlan
from engine.trading.strategy import ColumnarStrategy
from engine.trading.strategy_runtime import STRATEGIES
from engine.trading.strategy_skeleton import write_strategy


@dataclass(frozen=True)
class PlugIn:
    """A scanner or a strategy.

    summary     the first line of `doc`
    parameters  name, default, meaning; None of a scanner that declares none
    rules       name and expression of its clauses or rules; None where it decides by itself, or
                `missing` parameters say them
    indicators  keys of those that it reads
    """

    module: str
    summary: str
    doc: str = field(repr=False)
    parameters: list[tuple[str, str, str]] | None = field(repr=False)
    missing: tuple[str, ...] = field(default=(), repr=False)
    rules: list[tuple[str, str]] | None = field(default=None, repr=False)
    indicators: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        facts = {
            "module": self.module,
            "what": self.doc,
            "indicators": ", ".join(self.indicators) or "none",
        }
        parameters = pl.DataFrame(
            self.parameters or [], schema=["parameter", "default", "meaning"], orient="row"
        )
        return facts_html(
            facts,
            ("parameters", parameters),
            ("rules", pl.DataFrame(self.rules or [], orient="row")),
        )


@dataclass(frozen=True)
class IndicatorFacts:
    """An indicator with the parameters of a key.

    inputs, parameters  as the catalogue has them; parameters with their defaults
    warmup, settles     rows until the first value, and until it does not depend on where it began
    """

    name: str
    group: str
    key: str
    columns: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: str
    warmup: int
    settles: int
    doc: str = field(repr=False)


def scanners() -> list[tuple[str, str]]:
    """Module and summary of the scanners that come with barsweep."""
    return [(path, _first_line(load_scanner_class(path))) for path in built_in_scanners()]


def strategies() -> list[tuple[str, str]]:
    """Module and summary of the strategies that come with barsweep."""
    return [
        (path, _first_line(load_class(path, STRATEGIES))) for path in modules_in(STRATEGIES.package)
    ]


def indicators() -> list[IndicatorFacts]:
    """The catalogue, with default parameters."""
    return [_indicator(one, one.defaults, None) for one in CATALOGUE.values()]


def describe_scanner(module: str) -> PlugIn:
    """What a scanner finds, its parameters, clauses and indicators."""
    found = load_scanner_class(module)
    doc = inspect.cleandoc(found.__doc__ or "")
    if not issubclass(found, ColumnarScanner):
        return PlugIn(module, _first_line(found), doc, None)
    missing = _missing(found)
    if missing:
        return PlugIn(module, _first_line(found), doc, _parameters(found), missing)
    plan = instantiate(found, module, ScannerError).plan()
    rules = [(c.name, str(as_written(c.expression).meta.undo_aliases())) for c in plan.clauses]
    return PlugIn(
        module,
        _first_line(found),
        doc,
        _parameters(found),
        (),
        rules,
        tuple(key.name for key in plan.indicators),
    )


def describe_strategy(module: str) -> PlugIn:
    """What a strategy trades, its parameters, rules and indicators."""
    found = load_class(module, STRATEGIES)
    doc, missing = inspect.cleandoc(found.__doc__ or ""), _missing(found)
    if missing:
        return PlugIn(module, _first_line(found), doc, _parameters(found), missing)
    strategy = instantiate(found, module, StrategyError)
    if not isinstance(strategy, ColumnarStrategy):
        with plug_in_code("indicators()", module, StrategyError, type(strategy).indicators):
            keys = tuple(str(key) for key in strategy.indicators())
        return PlugIn(module, _first_line(found), doc, _parameters(found), (), None, keys)
    plan = SignalPlan.build(module, strategy)
    rules = [(c.name, str(as_written(c.expression).meta.undo_aliases())) for c in plan.parts]
    return PlugIn(
        module,
        _first_line(found),
        doc,
        _parameters(found),
        (),
        rules,
        tuple(key.name for key in plan.indicators),
    )


def describe_indicator(name: str) -> IndicatorFacts:
    """One indicator by name or key (rsi, rsi_14_5m): formula, source, and its answers for odd
    input.
    """
    key = IndicatorKey.parse(name)
    return _indicator(key.indicator, key.params, key)


def new_scanner(name: str, folder: str | Path = ".") -> list[Path]:
    """Write a scanner, a session config and a test to start from; where they are."""
    return list(write_skeleton(name, Path(folder)))


def new_strategy(name: str, folder: str | Path = ".") -> list[Path]:
    """Write a strategy, a session config and a test to start from; where they are."""
    return list(write_strategy(name, Path(folder)))


def allow_modules(folders: Sequence[str | Path], *, spell: Spell = str) -> None:
    """Let configs name modules of these folders too, in this process and those that it starts.

    ConfigError for one not there.
    """
    allow_folders(folders, spell("allow_modules"))


def _indicator(one: Indicator, params: Sequence[Any], key: IndicatorKey | None) -> IndicatorFacts:
    parameters = ", ".join(f"{param.name}={param.default}" for param in one.params)
    return IndicatorFacts(
        one.name,
        one.group,
        key.name if key else one.name,
        tuple(key.columns) if key else (),
        tuple(one.inputs),
        tuple(one.outputs),
        parameters,
        one.warmup(*params),
        one.settle(*params),
        inspect.cleandoc(one.doc),
    )


def _first_line(found: type[Any]) -> str:
    return (found.__doc__ or "").strip().splitlines()[0] if (found.__doc__ or "").strip() else ""


def _parameters(found: Any) -> list[tuple[str, str, str]]:
    """Name, default, meaning."""
    fields = found.Params.model_fields
    return [
        (name, "required" if field.is_required() else str(field.default), field.description or "")
        for name, field in fields.items()
    ]


def _missing(found: Any) -> tuple[str, ...]:
    return tuple(name for name, field in found.Params.model_fields.items() if field.is_required())
