"""What a run must compute: the nodes behind every column that somebody reads, each once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from engine.clock.interval import Interval
from engine.errors import IndicatorError
from engine.features.feature_node import BENCHMARK, TICKS, FeatureNode, indicator_node
from engine.indicators.key import IndicatorKey
from engine.scan.columns import COLUMNS, SESSION_VOLUME


class Requirements:
    """Collects columns and indicator keys; answers nodes, daily columns and the columns to decode.

    base     name of the base interval
    minutes  length of a regular session
    slots    times of day at which the run ticks
    benchmark  the symbol that others are measured against
    warmup   what the indicators' warm-up is multiplied by
    lazy     whether what is not read of every symbol may be computed when somebody reads it
    """

    def __init__(
        self,
        base: str,
        minutes: int,
        slots: int,
        benchmark: str | None = None,
        warmup: float = 1.0,
        lazy: bool = False,
    ):
        self._base, self._minutes, self._slots, self._benchmark, self._warmup = (
            base,
            minutes,
            slots,
            benchmark,
            warmup,
        )
        self._lazy, self._everywhere = lazy, set[str]()
        self._columns: dict[str, None] = {}
        self._keys: dict[str, IndicatorKey] = {}

    def need_columns(self, names: Iterable[str]) -> None:
        """Columns of the vocabulary that somebody reads; other names are left to `need_keys`."""
        self._columns |= dict.fromkeys(name for name in names if name in COLUMNS)

    def need_everywhere(self, names: Iterable[str]) -> None:
        """Columns that are read of every symbol."""
        for name in names:
            nodes = COLUMNS[name].nodes if name in COLUMNS else ()
            self._everywhere |= {name, *(output for node in nodes for output in node.outputs)}

    def need_keys(self, keys: Iterable[IndicatorKey]) -> None:
        """Indicators that somebody reads."""
        self._keys |= {key.name: key for key in keys}

    def alone(self) -> Requirements:
        """Requirements of somebody else in the same run, nothing collected yet."""
        return Requirements(
            self._base, self._minutes, self._slots, self._benchmark, self._warmup, self._lazy
        )

    @property
    def nodes(self) -> list[FeatureNode]:
        """The nodes, those that others read first."""
        nodes = [node for name in self._columns for node in COLUMNS[name].nodes]
        nodes += [node for key in self._keys.values() for node in self.nodes_of(key)]
        found = {node.name: node for node in nodes}
        by_tick = any(
            node.rows == TICKS for node in found.values()
        )  # they read the volume so far of every symbol
        everywhere = self._everywhere | set(SESSION_VOLUME.outputs if by_tick else ())
        return [replace(node, lazy=self._is_lazy(node, everywhere)) for node in found.values()]

    def _is_lazy(self, node: FeatureNode, everywhere: set[str]) -> bool:
        can_be = (
            node.can_be_lazy_in_a_batch if Interval.parse(self._base).is_daily else node.can_be_lazy
        )
        return self._lazy and can_be and everywhere.isdisjoint(node.outputs)

    def nodes_of(self, key: IndicatorKey) -> list[FeatureNode]:
        """The node of an indicator, after those it reads.

        Raises IndicatorError where it wants a benchmark and there is none.
        """
        if BENCHMARK in key.indicator.inputs and self._benchmark is None:
            raise IndicatorError(
                f"{key.name} is measured against a benchmark symbol, and there is none",
                where="session_data_config.benchmark",
                expected="a symbol of the archive such as SPY",
            )
        base = Interval.parse(self._base)
        if key.interval.micros % base.micros or (base.is_daily and key.indicator.rows == TICKS):
            raise IndicatorError(
                f"{key.name} cannot be made of {self._base} bars",
                where="the archive's bars",
                expected=f"a multiple of {self._base}",
                fix="write the interval into the key, such as sma_20_1d",
            )
        node = indicator_node(key, self._base, self._minutes, self._slots)
        sessions, rows = (
            math.ceil(self._warmup * least) for least in (node.warmup_sessions, node.warmup_rows)
        )
        node = replace(node, warmup_sessions=sessions, warmup_rows=rows)
        return [SESSION_VOLUME, node] if node.rows == TICKS else [node]

    @property
    def previous(self) -> list[str]:
        """The daily bars' columns whose previous value is read."""
        return sorted({daily for name in self._columns if (daily := COLUMNS[name].daily)})
