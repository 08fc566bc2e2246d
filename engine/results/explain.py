"""Why a scanner found a symbol at a tick, or why not: every clause with both of its sides, the rank and the cut."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.config.models import BacktestConfig
from engine.errors import RunError, did_you_mean
from engine.panel.bars import Ints
from engine.scan.cross_section import CrossSection
from engine.scan.expressions import nodes
from engine.scan.nesting import room_to_recurse
from engine.scan.plan import Clause, ScanPlan
from engine.scan.slot import ScannerSlot
from engine.session.coordinator import SessionCoordinator

SIGNS = {"Gt": ">", "GtEq": ">=", "Lt": "<", "LtEq": "<=", "Eq": "==", "NotEq": "!="}


@dataclass(frozen=True)
class Side:
    """One comparison in a clause: its text, both sides' values, and whether it holds."""

    text: str
    left: Any
    sign: str
    right: Any
    holds: bool


@dataclass(frozen=True)
class ClauseAnswer:
    """A clause: whether it holds for the symbol, and the comparisons in it."""

    name: str
    expression: str
    holds: bool
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Explanation:
    """What a scanner saw of a symbol at a tick.

    had_bar  whether it had traded in the session by then
    rank     its rank among those that passed, or would have had; None where it did not pass
    nearest  the tick of the session nearest to this one at which all clauses hold, or None
    """

    scanner: str
    symbol: str
    tick: dt.datetime
    in_universe: bool
    had_bar: bool
    columns: dict[str, Any]
    clauses: tuple[ClauseAnswer, ...]
    passed: bool
    rank: int | None
    limit: int | None
    session_limit: int | None
    hit: bool
    nearest: dt.datetime | None


@dataclass(frozen=True)
class NearMiss:
    """A symbol that failed one clause at a tick, and no other."""

    symbol: str
    clause: ClauseAnswer


def explain(loaded: LoadedConfig, archive: Archive, scanner: str | None, symbol: str, at: dt.datetime) -> Explanation:
    """Replay the session of `at` (exchange-local) and explain; raises RunError where there is nothing to explain."""
    if symbol not in archive.symbols():
        near = did_you_mean(symbol, archive.symbols())
        raise RunError(f"no symbol {symbol!r}", where=archive.path, expected="a symbol of the archive", fix=near)
    data = loaded.config.session_data_config
    with_symbol = data.model_copy(update={"symbols": list(dict.fromkeys([*data.symbols, symbol]))})  # seen, in a universe or not
    loaded = LoadedConfig(loaded.config.model_copy(update={"session_data_config": with_symbol}), loaded.path)
    with _Looking(loaded, archive, scanner, at) as look:
        row = look.cross.table.id(symbol)
        assert row is not None
        return look.explain(symbol, row)


def near_misses(loaded: LoadedConfig, archive: Archive, scanner: str | None, at: dt.datetime) -> tuple[str, list[NearMiss]]:
    """The scanner's name, and the symbols that failed exactly one clause at the tick."""
    with _Looking(loaded, archive, scanner, at) as look:
        return look.slot.name, look.near_misses()


class _Looking:
    """One session replayed up to its end, with its cross-sections at hand."""

    def __init__(self, loaded: LoadedConfig, archive: Archive, scanner: str | None, at: dt.datetime):
        day = BacktestConfig(start_date=at.date(), end_date=at.date())
        config = loaded.config.model_copy(update={"backtest_config": day})
        self._coordinator = SessionCoordinator(LoadedConfig(config, loaded.path), archive)
        self.slot = self._slot(scanner)
        if self.slot.plan is None:
            raise RunError("is written symbol by symbol and has no clauses", where=self.slot.name, expected="a ColumnarScanner")
        self.plan: ScanPlan = self.slot.plan
        self._sessions = self._coordinator.sessions()
        next(self._sessions)
        assert self._coordinator.replayed is not None
        self.cross: CrossSection = self._coordinator.replayed.cross
        self._panel = self._coordinator.replayed.panel
        self._tz = archive.calendar.tz
        self._ticks = self.slot.scan_ticks(self.cross)
        self._members: Ints = self.slot.members(self.cross)
        self.tick = self._find(at)

    def __enter__(self) -> _Looking:
        return self

    def __exit__(self, *_: object) -> None:
        self._sessions.close()  # type: ignore[attr-defined]

    def explain(self, symbol: str, row: int) -> Explanation:
        inside = bool(np.isin(row, self._members))
        answers = tuple(self._answer(clause, self.tick, row) for clause in self.plan.clauses)
        passed = all(answer.holds for answer in answers) and inside
        hits = self.slot.hits(self.cross)
        own = (hits.ticks == self.tick) & (hits.symbols == row)
        read = dict.fromkeys(column for part in self.plan.parts for column in part.columns)
        names = [name for name in read if name not in ("symbol", "tick")]
        seen = self.cross.frame(names, np.array([self.tick]), np.array([row])).row(0, named=True) if names else {}
        passes = [tick for tick in self._ticks.tolist() if inside and self._passes(tick)[row]]
        nearest = min(passes, key=lambda tick: abs(self.cross.ticks[tick] - self.cross.ticks[self.tick]), default=None)
        today = self._panel.visible.of(row, int(self.cross.ticks[self.tick]))
        return Explanation(
            scanner=self.slot.name, symbol=symbol, tick=self._time(self.tick), in_universe=inside, had_bar=today.stop > today.start,
            columns={**seen, **self._values(self.plan.features, self.tick, row)}, clauses=answers, passed=passed,
            rank=self._rank(row) if passed else None, limit=self.plan.limit, session_limit=self.plan.session_limit,
            hit=bool(own.any()), nearest=None if nearest is None else self._time(nearest),
        )  # fmt: skip

    def near_misses(self) -> list[NearMiss]:
        failed = np.zeros(len(self.cross.table), np.int64)
        which = np.zeros(len(self.cross.table), np.int64)
        for number, clause in enumerate(self.plan.clauses):
            misses = ~self._holds(clause, self.tick)
            failed += misses
            which[misses] = number
        rows = [row for row in self._members.tolist() if failed[row] == 1]
        names = self.cross.table.names
        return [NearMiss(names[row], self._answer(self.plan.clauses[which[row]], self.tick, row)) for row in rows]

    # -- one clause, one tick

    def _grid(self, columns: Sequence[str], tick: int) -> pl.DataFrame:
        return self.cross.grid(dict.fromkeys(("tick", *columns)), np.array([tick]), self._members)

    def _evaluate(self, clause: Clause, expression: pl.Expr, tick: int) -> pl.Series:
        values = self._grid(clause.columns, tick).select(expression.alias("value")).to_series()
        return values.new_from_index(0, len(self._members)) if len(values) == 1 != len(self._members) else values

    def _holds(self, clause: Clause, tick: int) -> np.ndarray:
        """bool[symbols of the table]; false outside the universe."""
        holds = np.zeros(len(self.cross.table), np.bool_)
        holds[self._members] = self._evaluate(clause, clause.holds, tick).to_numpy()
        return holds

    def _passes(self, tick: int) -> np.ndarray:
        passes = np.ones(len(self.cross.table), np.bool_)
        for clause in self.plan.clauses:
            passes &= self._holds(clause, tick)
        return passes

    def _value(self, clause: Clause, expression: pl.Expr, tick: int, row: int) -> Any:
        place = int(np.searchsorted(self._members, row))
        if place < len(self._members) and self._members[place] == row:
            return self._evaluate(clause, expression, tick)[place]
        frame = self.cross.frame(dict.fromkeys(("tick", *clause.columns)), np.array([tick]), np.array([row]))
        return frame.select(expression.alias("value")).item()  # outside the universe: by itself

    def _values(self, parts: Sequence[Clause], tick: int, row: int) -> dict[str, Any]:
        return {part.name: self._value(part, part.expression, tick, row) for part in parts}

    def _answer(self, clause: Clause, tick: int, row: int) -> ClauseAnswer:
        sides = tuple(
            Side(
                f"{_text(left)} {SIGNS[sign]} {_text(right)}", self._value(clause, left, tick, row), SIGNS[sign],
                self._value(clause, right, tick, row), bool(self._value(clause, whole, tick, row)),
            )
            for left, sign, right, whole in _comparisons(clause.expression)
        )  # fmt: skip
        return ClauseAnswer(clause.name, _text(clause.expression), bool(self._value(clause, clause.expression, tick, row)), sides)

    def _rank(self, row: int) -> int:
        """The rank among those that pass, before any cut."""
        passing = np.flatnonzero(self._passes(self.tick))
        if self.plan.rank_by is None:
            return int(np.searchsorted(passing, row)) + 1
        by = np.full(len(self.cross.table), np.nan)
        rank_by = self.plan.rank_by
        by[self._members] = self._evaluate(rank_by, rank_by.expression, self.tick).cast(pl.Float64).fill_null(np.nan).to_numpy()
        value = by[passing]
        key = np.where(np.isnan(value), np.inf, -value if self.plan.descending else value)
        return int(np.flatnonzero(passing[np.lexsort((passing, key))] == row)[0]) + 1

    # -- which scanner, which tick

    def _slot(self, name: str | None) -> ScannerSlot:
        slots = {slot.name: slot for slot in self._coordinator.manager.slots}
        if name is None and len(slots) == 1:
            return next(iter(slots.values()))
        if name not in slots:
            what = "several scanners" if name is None else f"no scanner {name!r}"
            fix = did_you_mean(name, slots) if name else None
            raise RunError(what, where="--scanner", expected=f"one of {', '.join(slots) or 'none'}", fix=fix)
        return slots[name]

    def _find(self, at: dt.datetime) -> int:
        micros = int(at.replace(tzinfo=self._tz).timestamp()) * 1_000_000
        times = self.cross.ticks[self._ticks] if len(self._ticks) else np.empty(0, np.int64)
        if not len(times):
            raise RunError(f"does not scan on {at.date()}", where=self.slot.name)
        nearest = int(np.argmin(np.abs(times - micros)))
        if times[nearest] != micros:
            raise RunError(
                f"does not look at {at:%Y-%m-%d %H:%M}", where=self.slot.name,
                expected=f"one of its ticks, of which {self._time(int(self._ticks[nearest])):%H:%M} is the nearest",
            )  # fmt: skip
        return int(self._ticks[nearest])

    def _time(self, tick: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.cross.ticks[tick] / 1e6, self._tz)


def _comparisons(expression: pl.Expr) -> list[tuple[pl.Expr, str, pl.Expr, pl.Expr]]:
    """(left, sign, right, the whole) of every comparison in a condition; none where Polars cannot take it apart."""
    found: list[tuple[pl.Expr, str, pl.Expr, pl.Expr]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            body = node.get("BinaryExpr")
            if isinstance(body, dict) and body.get("op") in SIGNS:
                found.append((_expression(body["left"]), body["op"], _expression(body["right"]), _expression(node)))
                return
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    with room_to_recurse():
        walk(nodes(expression))
    return found


def _expression(node: Any) -> pl.Expr:
    return pl.Expr.deserialize(io.StringIO(json.dumps(node)), format="json")


def _text(expression: pl.Expr) -> str:
    text = str(expression.meta.undo_aliases())
    for old, new in (('col("', ""), ('")', ""), ("dyn float: ", ""), ("dyn int: ", ""), ("[(", "("), (")]", ")")):
        text = text.replace(old, new)
    return text
