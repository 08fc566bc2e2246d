"""What a run must compute: the terms behind every column that somebody reads, each once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from engine.clock.interval import Interval
from engine.errors import IndicatorError
from engine.features.feature_node import BENCHMARK, TICKS, Term, indicator_term
from engine.indicators.key import IndicatorKey
from engine.scan.columns import COLUMNS, SESSION_VOLUME


class Requirements:
    """Collects columns and indicator keys; answers terms, daily columns and the columns to decode.

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
            terms = COLUMNS[name].terms if name in COLUMNS else ()
            self._everywhere |= {name, *(output for term in terms for output in term.outputs)}

    def need_keys(self, keys: Iterable[IndicatorKey]) -> None:
        """Indicators that somebody reads."""
        self._keys |= {key.name: key for key in keys}

    def alone(self) -> Requirements:
        """Requirements of somebody else in the same run, nothing collected yet."""
        return Requirements(
            self._base, self._minutes, self._slots, self._benchmark, self._warmup, self._lazy
        )

    @property
    def terms(self) -> list[Term]:
        """The terms, those that others read first."""
        terms = [term for name in self._columns for term in COLUMNS[name].terms]
        terms += [term for key in self._keys.values() for term in self.terms_of(key)]
        found = {term.name: term for term in terms}
        by_tick = any(
            term.rows == TICKS for term in found.values()
        )  # they read the volume so far of every symbol
        everywhere = self._everywhere | set(SESSION_VOLUME.outputs if by_tick else ())
        return [replace(term, lazy=self._is_lazy(term, everywhere)) for term in found.values()]

    def _is_lazy(self, term: Term, everywhere: set[str]) -> bool:
        can_be = (
            term.can_be_lazy_in_a_batch if Interval.parse(self._base).is_daily else term.can_be_lazy
        )
        return self._lazy and can_be and everywhere.isdisjoint(term.outputs)

    def terms_of(self, key: IndicatorKey) -> list[Term]:
        """The term of an indicator, after those it reads; raises IndicatorError where it wants a benchmark and there is none."""
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
        term = indicator_term(key, self._base, self._minutes, self._slots)
        sessions, rows = (
            math.ceil(self._warmup * least) for least in (term.warmup_sessions, term.warmup_rows)
        )
        term = replace(term, warmup_sessions=sessions, warmup_rows=rows)
        return [SESSION_VOLUME, term] if term.rows == TICKS else [term]

    @property
    def previous(self) -> list[str]:
        """The daily bars' columns whose previous value is read."""
        return sorted({daily for name in self._columns if (daily := COLUMNS[name].daily)})
