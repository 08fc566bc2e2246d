"""All variants of a scanner in one pass over the bars.

1. `Builder`, `families_of`  how the scanner's declarations depend on its parameters
2. `PassPlan`                the clauses that every row passes, and the columns of those that are
                             left
3. `Boxes` or `Bitmaps`      the rows of each session added up: thresholds of a whole grid to cells,
   all else to each variant
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.errors import ScannerError
from engine.features.warm_up_block import block_of
from engine.panel.bars import Ints
from engine.plug_ins import plug_in_code
from engine.session.coordinator import SessionCoordinator
from engine.sweep.axes import Axis
from engine.sweep.bitmaps import Bitmaps, Listed
from engine.sweep.boxes import Boxes, strictness_of
from engine.sweep.checkpoints import Checkpoint
from engine.sweep.conditions import PassPlan
from engine.sweep.declared import Builder, Family, NotColumns, Present, families_of
from engine.sweep.figures import Asked, Sums, joined_sums
from engine.sweep.rows import Ahead
from engine.sweep.variants import Codes, Variants, distinct_rows

VERIFIED = 50  # variants that are built to see that they are what their family says
Told = Callable[[int, int], None]  # sessions done, of how many


@dataclass(frozen=True)
class Group:
    """Variants of a scanner that differ in its own parameters alone.

    loaded  a config with the scanner and no other, with the values of the first variant
    axes    the parameters that differ
    codes   int32[variants, axes]
    """

    loaded: LoadedConfig
    axes: tuple[Axis, ...]
    codes: Codes

    def compact(self) -> Group:
        """The same, without values that no variant has."""
        axes, codes = [], np.empty_like(self.codes)
        for place, axis in enumerate(self.axes):
            there, codes[:, place] = np.unique(self.codes[:, place], return_inverse=True)
            axes.append(Axis(axis.name, tuple(axis.values[code] for code in there)))
        return Group(self.loaded, tuple(axes), codes)

    def parts(self, most: int) -> list[Group]:
        """All variants where they are a grid, or no more than so many; else so many at a time."""
        sizes = math.prod(len(axis) for axis in self.axes)
        if len(self.codes) <= most or sizes == len(self.codes):
            return [self]
        return [
            Group(self.loaded, self.axes, self.codes[first : first + most]).compact()
            for first in range(0, len(self.codes), most)
        ]

    def combinations(self, names: Sequence[str]) -> list[tuple[dict[str, Any], Present]]:
        """The combinations of some parameters' values, and the codes of the others in each."""
        chosen = [axis for axis in self.axes if axis.name in names]
        found = []
        for row, own in zip(self._distinct(names)[0].tolist(), self.of_family(names), strict=True):
            values = {axis.name: axis.values[code] for axis, code in zip(chosen, row, strict=True)}
            present: Present = {
                axis.name: np.unique(self.codes[own, place]).tolist()
                for place, axis in enumerate(self.axes)
                if axis.name not in names
            }
            found.append((values, present))
        return found

    def of_family(self, names: Sequence[str]) -> list[Ints]:
        """Of each of these combinations, the variants that have it."""
        _, numbers = self._distinct(names)
        order = np.argsort(numbers, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)

    def _distinct(self, names: Sequence[str]) -> tuple[Codes, Ints]:
        own = [place for place, axis in enumerate(self.axes) if axis.name in names]
        first, numbers = distinct_rows(Variants(self.axes, self.codes, False), own)
        return self.codes[first][:, own], numbers


@dataclass(frozen=True)
class Judged:
    """Sums of a group's variants, the number of sessions, the way they were judged, warnings."""

    sums: Sums
    sessions: int
    way: str
    warnings: list[str]


def judge_in_one_pass(
    builder: Builder,
    group: Group,
    archive: Archive,
    asked: Asked,
    checkpoint: Checkpoint,
    told: Told,
) -> Judged:
    """Sums of all variants of a group.

    Raises NotColumns where declarations do not tell them apart.
    """
    values = {axis.name: axis.values for axis in group.axes}
    families, read = families_of(builder, values, group.combinations)
    _verify(builder, group, families, group.of_family(read))
    plan = PassPlan(builder.label, families)
    ahead = Ahead(archive, asked.horizons)
    members = group.of_family(read)
    boxes = _boxes(families, plan, group, read, asked, len(ahead.table))
    judges: Sequence[Boxes | Bitmaps] = boxes or [
        Bitmaps(_listed(families, plan, group, read, members), asked, len(ahead.table))
    ]
    coordinator = _coordinator(builder, group.loaded, archive, plan)
    sessions = _add_sessions(coordinator, ahead, judges, checkpoint, told)
    way, warnings = _way(families, plan, group, read, judges), coordinator.scope.warnings
    if boxes:
        parts = [(own, one.sums()) for own, one in zip(members, boxes, strict=True)]
        return Judged(joined_sums(parts, len(group.codes)), sessions, way, warnings)
    (bitmaps,) = judges
    assert isinstance(bitmaps, Bitmaps)
    parts = [(bitmaps.places, bitmaps.sums())]
    return Judged(joined_sums(parts, len(group.codes)), sessions, way, warnings)


def _verify(
    builder: Builder, group: Group, families: Sequence[Family], members: Sequence[Ints]
) -> None:
    """Hold some variants, drawn by chance, against what their families say.

    Raises NotColumns where they differ.

    A second look at what traced numbers cannot tell of: code that reads a parameter without asking
    it (math.sqrt).
    """
    family_of = np.empty(len(group.codes), np.int64)
    for number, own in enumerate(members):
        family_of[own] = number
    drawn = np.random.default_rng(0).integers(0, len(group.codes), VERIFIED)
    for variant in np.unique(drawn).tolist():
        codes = dict(zip((axis.name for axis in group.axes), group.codes[variant], strict=True))
        values = {axis.name: axis.values[codes[axis.name]] for axis in group.axes}
        family = families[family_of[variant]]
        if builder.build(values) != family.declared(codes):
            raise NotColumns("its code reads parameters together")


def _coordinator(
    builder: Builder, loaded: LoadedConfig, archive: Archive, plan: PassPlan
) -> SessionCoordinator:
    """A run of the scanner, which looks for what every variant looks for."""

    def make(parameters: dict[str, Any]) -> Any:
        scanner: Any = builder.kind(parameters)
        scanner.plan = lambda: plan.plan
        return scanner

    (block,) = loaded.config.session_data_config.scanners
    with_plan = LoadedConfig(loaded.config, loaded.path, {block.module: make})
    return SessionCoordinator(with_plan, archive, None, False)


def _add_sessions(
    coordinator: SessionCoordinator,
    ahead: Ahead,
    judges: Sequence[Boxes | Bitmaps],
    checkpoint: Checkpoint,
    told: Told,
) -> int:
    """Add the rows of all sessions, from where a sweep before was killed.

    How many sessions there are.
    """
    dates, by_day = coordinator.scope.dates, coordinator.scope.base.is_daily
    last, done = checkpoint.load(judges) or (dt.date.min, 0)
    left = [date for date in dates if date > last]
    if not left:
        return done
    (slot,) = coordinator.manager.slots
    for batch in coordinator.batches(left):
        outcomes = slot.evaluate(batch.cross)
        for number, session in enumerate(batch.sessions):
            if done and block_of(session.date, by_day) != block_of(last, by_day):
                checkpoint.save(last, done, judges, False)
            with plug_in_code("a scan", slot.name, ScannerError):
                found = outcomes.of_session(number).hits
            rows = ahead.rows(batch.cross.of_sessions(number, number + 1), found)
            for judge in judges:
                judge.add(rows)
            last, done = session.date, done + 1
            told(done, len(dates))
    checkpoint.save(last, done, judges, True)
    return done


def _boxes(
    families: Sequence[Family],
    plan: PassPlan,
    group: Group,
    read: Sequence[str],
    asked: Asked,
    symbols: int,
) -> list[Boxes] | None:
    """A grid for each family; None where one of them is none."""
    axes = {axis.name: axis for axis in group.axes if axis.name not in read}
    sizes = {name: len(axis) for name, axis in axes.items()}
    made = []
    for family, tests, own in zip(families, plan.tests, group.of_family(read), strict=True):
        limited = (
            asked.first_hit
            or family.limit
            or family.base.limit is not None
            or family.base.session_limit is not None
        )
        orders = None if limited else strictness_of(tests, sizes)
        if orders is None or not _is_grid(group, sizes, own):
            return None
        made.append(Boxes(tests, sizes, orders, asked.horizons, symbols))
    return made


def _is_grid(group: Group, sizes: Mapping[str, int], own: Ints) -> bool:
    """Whether variants are all combinations of the values of some parameters, in order."""
    if len(own) != math.prod(sizes.values()):
        return False
    places = [place for place, axis in enumerate(group.axes) if axis.name in sizes]
    if not places:
        return True
    codes = tuple(group.codes[own][:, places].T)
    return bool((np.ravel_multi_index(codes, tuple(sizes.values())) == np.arange(len(own))).all())


def _listed(
    families: Sequence[Family],
    plan: PassPlan,
    group: Group,
    read: Sequence[str],
    members: Sequence[Ints],
) -> list[Listed]:
    names = {axis.name: place for place, axis in enumerate(group.axes) if axis.name not in read}
    return [
        Listed(
            family,
            tests,
            rank,
            {name: group.codes[own, place] for name, place in names.items()},
            own,
        )
        for family, tests, rank, own in zip(families, plan.tests, plan.ranks, members, strict=True)
    ]


def _way(
    families: Sequence[Family],
    plan: PassPlan,
    group: Group,
    read: Sequence[str],
    judges: Sequence[Boxes | Bitmaps],
) -> str:
    """How the variants were judged, and why, in words."""
    common = f"{len(plan.plan.clauses)} clauses that all variants share, {plan.columns} columns"
    apart = f", for each of {len(families)} combinations of {', '.join(read)}" if read else ""
    if isinstance(judges[0], Boxes):
        names = ", ".join(judges[0].names) or "no threshold"
        return f"one pass, boxes: a row is added to one cell of a grid of {names}{apart}; {common}"
    (bitmaps,) = judges
    assert isinstance(bitmaps, Bitmaps)
    ranked = any(one.limit or one.base.limit or one.base.session_limit for one in families)
    why = "hits are limited" if ranked else "variants are no grid of thresholds"
    return (
        f"one pass, bitmaps ({why}): {bitmaps.conditions} conditions evaluated once "
        f"each{apart}; {common}"
    )
