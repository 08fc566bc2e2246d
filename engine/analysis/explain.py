"""Why a scanner found a symbol at a tick, or why not.

Every clause is told with the values of both sides of its comparisons, then the rank and the limit.
Clauses are evaluated by the function that scans use (`engine/scan/clause_evaluation.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.config.models import BacktestConfig
from engine.errors import RunError, did_you_mean
from engine.panel.bars import Ints
from engine.runtime.recursion import room_to_recurse
from engine.scan.clause_evaluation import evaluate
from engine.scan.cross_section import CrossSection
from engine.scan.expressions import expression_of, nodes
from engine.scan.missing import as_written, nan_to_null_of
from engine.scan.scan_plan import Clause, ScanPlan
from engine.scan.scanner_runtime import ScannerRuntime
from engine.scan.session_hits import SessionHits
from engine.session.coordinator import SessionCoordinator

SIGNS = {"Gt": ">", "GtEq": ">=", "Lt": "<", "LtEq": "<=", "Eq": "==", "NotEq": "!="}


@dataclass(frozen=True)
class Side:
    """A comparison in a clause: its text, the values of both sides, and whether it holds."""

    text: str
    left: Any
    sign: str
    right: Any
    holds: bool


@dataclass(frozen=True)
class ClauseAnswer:
    """A clause: whether it holds for the symbol, and its comparisons."""

    name: str
    expression: str
    holds: bool
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Explanation:
    """A scanner's view of a symbol at a tick.

    had_bar  whether the symbol had a bar in the session by the tick
    rank     the symbol's rank among the symbols that passed all clauses; None where it did not
    nearest  the tick of the session, nearest to this one, at which all clauses hold; None if none
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
    """A symbol that failed exactly one clause at a tick."""

    symbol: str
    clause: ClauseAnswer


def explain(
    loaded: LoadedConfig, archive: Archive, scanner: str | None, symbol: str, at: dt.datetime
) -> Explanation:
    """Replay the session of `at` (exchange-local time) and explain a symbol.

    scanner  its name; may be None where the config has one scanner

    Raises RunError where `at` is no tick of the scanner, or the symbol is unknown.
    """
    if symbol not in archive.symbols():
        near = did_you_mean(symbol, archive.symbols())
        raise RunError(
            f"no symbol {symbol!r}",
            where=archive.path,
            expected="a symbol of the archive",
            fix=near,
        )
    data = loaded.config.session_data_config
    with_symbol = data.model_copy(
        update={"symbols": list(dict.fromkeys([*data.symbols, symbol]))}
    )  # seen, in a universe or not
    loaded = loaded.changed(session_data_config=with_symbol)
    with _Looking(loaded, archive, scanner, at) as look:
        row = look.cross.table.id(symbol)
        assert row is not None
        return look.explain(symbol, row)


def near_misses(
    loaded: LoadedConfig, archive: Archive, scanner: str | None, at: dt.datetime
) -> tuple[str, list[NearMiss]]:
    """The scanner's name, and the symbols that failed exactly one clause at the tick."""
    with _Looking(loaded, archive, scanner, at) as look:
        return look.slot.name, look.near_misses()


class _Looking:
    """A context manager: one session replayed to its end, its cross-section open until exit."""

    def __init__(
        self, loaded: LoadedConfig, archive: Archive, scanner: str | None, at: dt.datetime
    ):
        day = BacktestConfig(start_date=at.date(), end_date=at.date())
        self._coordinator = SessionCoordinator(loaded.changed(backtest_config=day), archive)
        self.slot = self._slot(scanner)
        if self.slot.plan is None:
            raise RunError(
                "is written symbol by symbol and has no clauses",
                where=self.slot.name,
                expected="a ColumnarScanner",
            )
        self.plan: ScanPlan = self.slot.plan
        self._sessions = self._coordinator.sessions()
        next(self._sessions)
        assert self._coordinator.at_hand is not None
        self.cross: CrossSection = self.slot.view(self._coordinator.at_hand.cross)
        self._panel = self._coordinator.at_hand.panel
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
        members = self._members if inside else np.array([row])  # outside the universe: by itself
        answers = self._answers(self.plan.clauses, row, members)
        passed = inside and all(answer.holds for answer in answers)
        hits, passing = (
            self.slot.session.hits(self.cross),
            self._scan(self._ticks, members, clauses=self.plan.clauses),
        )
        passes = passing.ticks[passing.symbols == row].tolist() if inside else []
        nearest = min(
            passes,
            key=lambda tick: abs(self.cross.ticks[tick] - self.cross.ticks[self.tick]),
            default=None,
        )
        today = self._panel.visible.of(row, int(self.cross.ticks[self.tick]))
        features = zip(
            self.plan.features, self._values(self.plan.features, row, members), strict=True
        )
        return Explanation(
            scanner=self.slot.name,
            symbol=symbol,
            tick=self._time(self.tick),
            in_universe=inside,
            had_bar=today.stop > today.start,
            columns=self._read(row) | {part.name: value for part, value in features},
            clauses=answers,
            passed=passed,
            rank=self._rank(row) if passed else None,
            limit=self.plan.limit,
            session_limit=self.plan.session_limit,
            hit=bool(((hits.ticks == self.tick) & (hits.symbols == row)).any()),
            nearest=None if nearest is None else self._time(nearest),
        )

    def near_misses(self) -> list[NearMiss]:
        holds = [
            self._scan([self.tick], self._members, clauses=[clause]).symbols
            for clause in self.plan.clauses
        ]
        passed = np.array([np.isin(self._members, symbols) for symbols in holds])
        names, found = self.cross.table.names, list[NearMiss]()
        for place in np.flatnonzero((~passed).sum(axis=0) == 1).tolist():
            row, clause = (
                int(self._members[place]),
                self.plan.clauses[int(np.argmin(passed[:, place]))],
            )
            found.append(NearMiss(names[row], *self._answers([clause], row, self._members)))
        return found

    # -- evaluated as scans are

    def _scan(
        self,
        ticks: Sequence[int] | Ints,
        members: Ints,
        *,
        clauses: Sequence[Clause] = (),
        features: Sequence[Clause] = (),
    ) -> SessionHits:
        """Evaluate clauses and features at ticks for members (symbol ids); no rank, no limit."""
        plan = replace(
            self.plan,
            clauses=tuple(clauses),
            features=tuple(features),
            rank_by=None,
            limit=None,
            session_limit=None,
        )
        return evaluate(plan, self.cross, np.asarray(ticks, np.int64), members)

    def _values(self, parts: Sequence[Clause], row: int, members: Ints) -> list[Any]:
        """The value of each expression for one symbol (`row`: its id) at the tick."""
        named = [
            Clause.of(f"{number}", part.expression, self.slot.name)
            for number, part in enumerate(parts)
        ]
        found = self._scan([self.tick], members, features=named)
        return (
            list(found.own_features.row(int(np.flatnonzero(found.symbols == row)[0])))
            if parts
            else []
        )

    def _answers(
        self, clauses: Sequence[Clause], row: int, members: Ints
    ) -> tuple[ClauseAnswer, ...]:
        """The answer of each clause for one symbol (`row`: its id) at the tick."""
        answers = []
        for clause in clauses:
            comparisons = _comparisons(clause.expression)
            parts = [part for left, _, right, whole in comparisons for part in (left, right, whole)]
            values = self._values(
                [Clause.of("part", part, self.slot.name) for part in parts], row, members
            )
            sides = tuple(
                Side(
                    f"{_text(left)} {SIGNS[sign]} {_text(right)}",
                    mine,
                    SIGNS[sign],
                    theirs,
                    bool(holds),
                )
                for (left, sign, right, _), mine, theirs, holds in zip(
                    comparisons, values[::3], values[1::3], values[2::3], strict=True
                )
            )
            holds = row in self._scan([self.tick], members, clauses=[clause]).symbols
            answers.append(ClauseAnswer(clause.name, _text(clause.expression), holds, sides))
        return tuple(answers)

    def _read(self, row: int) -> dict[str, Any]:
        """Column -> value, of the columns that the scanner reads, for one symbol at the tick."""
        read = dict.fromkeys(column for part in self.plan.parts for column in part.columns)
        names = [name for name in read if name not in ("symbol", "tick")]
        return (
            self.cross.frame(names, np.array([self.tick]), np.array([row])).row(0, named=True)
            if names
            else {}
        )

    def _rank(self, row: int) -> int:
        """The symbol's rank among the symbols that pass, before the limit."""
        plan = replace(self.plan, features=(), limit=None, session_limit=None)
        found = evaluate(plan, self.cross, np.array([self.tick]), self._members)
        return int(found.ranks[found.symbols == row][0])

    # -- which scanner, which tick

    def _slot(self, name: str | None) -> ScannerRuntime:
        slots = {slot.name: slot for slot in self._coordinator.manager.slots}
        if name is None and len(slots) == 1:
            return next(iter(slots.values()))
        if name not in slots:
            what = "several scanners" if name is None else f"no scanner {name!r}"
            fix = did_you_mean(name, slots) if name else None
            raise RunError(
                what, where="--scanner", expected=f"one of {', '.join(slots) or 'none'}", fix=fix
            )
        return slots[name]

    def _find(self, at: dt.datetime) -> int:
        micros = int(at.replace(tzinfo=self._tz).timestamp()) * 1_000_000
        times = self.cross.ticks[self._ticks] if len(self._ticks) else np.empty(0, np.int64)
        if not len(times):
            raise RunError(f"does not scan on {at.date()}", where=self.slot.name)
        nearest = int(np.argmin(np.abs(times - micros)))
        if times[nearest] != micros:
            raise RunError(
                f"does not look at {at:%Y-%m-%d %H:%M}",
                where=self.slot.name,
                expected="one of its ticks, of which "
                f"{self._time(int(self._ticks[nearest])):%H:%M} is the nearest",
            )
        return int(self._ticks[nearest])

    def _time(self, tick: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.cross.ticks[tick] / 1e6, self._tz)


def _comparisons(expression: pl.Expr) -> list[tuple[pl.Expr, str, pl.Expr, pl.Expr]]:
    """(left side, sign, right side, comparison) of every comparison in a condition.

    Empty where the expression's JSON has no comparison that this function knows.
    """
    found: list[tuple[pl.Expr, str, pl.Expr, pl.Expr]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            node = nan_to_null_of(node) or node
            body = node.get("BinaryExpr")
            if isinstance(body, dict) and body.get("op") in SIGNS:
                found.append(
                    (
                        expression_of(body["left"]),
                        body["op"],
                        expression_of(body["right"]),
                        expression_of(node),
                    )
                )
                return
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    with room_to_recurse():
        walk(nodes(expression))
    return found


def _text(expression: pl.Expr) -> str:
    text = str(as_written(expression).meta.undo_aliases())
    for old, new in (
        ('col("', ""),
        ('")', ""),
        ("dyn float: ", ""),
        ("dyn int: ", ""),
        ("[(", "("),
        (")]", ")"),
    ):
        text = text.replace(old, new)
    return text
