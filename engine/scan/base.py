"""The scanner API: BaseScanner for any logic, ColumnarScanner for what columns can say."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.archive.reference.universe import Universe
from engine.errors import ConfigError, ScannerError, did_you_mean
from engine.indicators.key import IndicatorKey
from engine.plug_ins import named_expressions, plug_in_code
from engine.scan.scan_context import ScanContext
from engine.scan.scan_plan import ScanPlan
from engine.scan.scan_result import ColumnarResult, ScanResult

UniverseSpec = str | list[str] | dict[str, Any]
P = TypeVar("P", bound=BaseModel)


class ScannerParams(BaseModel):
    """Typed parameters of a scanner.

    A config's "config" block overrides the defaults, unknown keys are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    universe: UniverseSpec = Field(
        "all",
        description=(
            'symbols to scan: a text file, a membership .parquet or .csv, a list, "all", '
            'or {"top_dollar_volume": N}'
        ),
    )


class BaseScanner(ABC):
    """The lifecycle setup -> scan -> teardown, once a session (scan at every scheduled tick).

    Subclasses override any of the three; `self.config` is the scanner's block of the session
    config, or the parameters that were given by name: MyScanner(min_price=3).
    """

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        twice = sorted(set(config or {}) & set(parameters))
        if twice:
            raise ConfigError(
                f"{', '.join(twice)} given twice",
                where=type(self).__name__,
                expected="in `config` or by name",
            )
        self.config: dict[str, Any] = {**(config or {}), **parameters}
        self.universe: Universe | None = None
        self.session_date: dt.date | None = None
        self.load_universe: Callable[[UniverseSpec], Universe] = _unbound

    def setup(self, context: ScanContext) -> bool:
        """Load the universe, provision indicators; False means that the scanner cannot work."""
        return True

    @abstractmethod
    def scan(self, context: ScanContext) -> ScanResult:
        """Find symbols at this tick, and promote them."""

    def teardown(self, context: ScanContext) -> None:  # noqa: B027  overriding it is a choice
        """Drop what did not qualify; the session's end clears the rest."""

    def _load_universe_from_file(self, spec: UniverseSpec | None) -> list[str]:
        """The universe's symbols as of the session, sorted.

        Any form that `ScannerParams.universe` takes.
        """
        if spec is None:
            raise ScannerError(
                "no universe",
                where=type(self).__name__,
                expected='a "universe" in the scanner\'s config',
                fix='name a file, or "all"',
            )
        if self.universe is None:
            self.universe = self.load_universe(spec)
        assert self.session_date is not None  # set by the manager before setup
        return list(
            self.universe.members(self.session_date)
        )  # the universe's own list is every scanner's


class ColumnarScanner(BaseScanner):
    """Declare what to look for; scan() is one columnar pass.

    class MyScanner(ColumnarScanner):
        class Params(ScannerParams):
            min_price: float = 5.0

        def criteria(self):
            return {"price": pl.col("close") > self.params.min_price, "trend": pl.col("close") >
            pl.col("sma_20_1d")}
    """

    Params: ClassVar[type[ScannerParams]] = ScannerParams
    rank_by: str | pl.Expr | None = (
        None  # a feature's or column's name, or an expression; None ranks by symbol
    )
    rank_descending: bool = True
    limit: int | None = None
    session_limit: int | None = (
        None  # of a session, the first so many symbols, each once; of one tick, the best first
    )

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        self.params: Any = parse_params(self.Params, self.config, type(self).__module__)

    def indicators(self) -> Sequence[IndicatorKey | str]:
        """Indicators beyond those that expressions name by their key.

        Bars and history are provisioned for all.
        """
        return ()

    def features(self) -> dict[str, pl.Expr]:
        """Named columns, logged with each hit."""
        return {}

    @abstractmethod
    def criteria(self) -> dict[str, pl.Expr]:
        """Named clauses over the cross-section's columns.

        All must hold, and the log counts what each lets through.
        """

    def plan(self) -> ScanPlan:
        """The declarations, checked."""
        where = f"{type(self).__module__}.{type(self).__name__}"
        with plug_in_code("indicators()", where, ScannerError, type(self).indicators):
            keys = [
                IndicatorKey.parse(key) if isinstance(key, str) else key
                for key in self.indicators()
            ]
        criteria, features = (
            named_expressions(self, method, where, ScannerError)
            for method in ("criteria", "features")
        )
        return ScanPlan.build(
            where,
            criteria,
            features,
            self.rank_by,
            self.rank_descending,
            self.limit,
            self.session_limit,
            keys,
        )

    def setup(self, context: ScanContext) -> bool:
        """Load the universe."""
        self._load_universe_from_file(self.params.universe)
        return True

    def scan(self, context: ScanContext) -> ScanResult:
        """This tick's part of the session's pass."""
        return ColumnarResult(context.session_hits(), context.tick, context.session_data.table)


def parse_params(model: type[P], config: dict[str, Any], where: str) -> P:
    """The parameters a config gives.

    ConfigError names each wrong key, its value and what was expected.
    """
    try:
        return model(**config)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"])
            hint = (
                did_you_mean(key, model.model_fields)
                if problem["type"] == "extra_forbidden"
                else None
            )
            what = (
                f"unknown key {key!r}"
                if hint or problem["type"] == "extra_forbidden"
                else f"{key}: {problem['msg']}"
            )
            lines.append(f"{what} (got {problem['input']!r})" + (f", {hint}" if hint else ""))
        raise ConfigError(
            "; ".join(lines),
            where=f"{where} config",
            expected=f"keys {', '.join(model.model_fields)}",
        ) from None


def _unbound(spec: UniverseSpec) -> Universe:
    raise ScannerError(
        "the scanner is not part of a run",
        fix="load it through a session config or `barsweep scan`",
    )
