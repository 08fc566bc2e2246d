"""Why a symbol was found, or why not."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import polars as pl

from engine.analysis import explain as explaining
from engine.analysis.explain import ClauseAnswer, Explanation, NearMiss
from engine.api.notebook_html import facts_html
from engine.api.open_market import OpenMarket, folder_of, open_market
from engine.api.scan_options import ScanOptions, Spell
from engine.api.scan_sources import ScannerLike, is_run_or_config, loaded_from
from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.errors import ConfigError

SIDES = dict.fromkeys(("clause", "holds", "comparison", "left", "sign", "right"), pl.String())


@dataclass(frozen=True)
class Answer:
    """What a scanner saw of a symbol at a tick, and what it made of it; `explanation` has it all."""

    explanation: Explanation

    @property
    def hit(self) -> bool:
        """Whether it was a hit."""
        return self.explanation.hit

    @property
    def why(self) -> str:
        """The answer in words: "a hit", or what kept the symbol from being one."""
        one = self.explanation
        if one.hit:
            return "a hit"
        if not one.in_universe:
            return "no hit: not in the scanner's universe"
        failed = [clause.name for clause in one.clauses if not clause.holds]
        if failed:
            return f"no hit: fails {', '.join(failed)}"
        over = one.limit is not None and one.rank is not None and one.rank > one.limit
        return (
            f"no hit: rank {one.rank} is over the limit of {one.limit}"
            if over
            else "no hit: cut by the session's limit"
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What there is to tell beside clauses and columns."""
        one = self.explanation
        cut = {"per tick": one.limit, "per session": one.session_limit}
        limits = ", ".join(f"{name} {limit}" for name, limit in cut.items() if limit is not None)
        return {
            "scanner": one.scanner,
            "symbol": one.symbol,
            "tick": f"{one.tick:%Y-%m-%d %H:%M %Z}",
            "answer": self.why,
            "in universe": "yes" if one.in_universe else "no",
            "had a bar": "yes" if one.had_bar else "no",
            "rank": one.rank,
            "cut": limits or "none",
            "nearest pass": f"{one.nearest:%H:%M}" if one.nearest else "none in this session",
        }

    @property
    def clauses(self) -> pl.DataFrame:
        """A row a comparison of each clause: clause, holds, comparison, left, sign, right."""
        rows = [row for clause in self.explanation.clauses for row in _rows(clause)]
        return pl.DataFrame(rows, schema=SIDES, orient="row")

    @property
    def columns(self) -> pl.DataFrame:
        """The columns and features that it saw: column, value."""
        rows = [(name, _shown(value)) for name, value in self.explanation.columns.items()]
        return pl.DataFrame(
            rows, schema={"column": pl.String(), "value": pl.String()}, orient="row"
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self.explanation)

    def __repr__(self) -> str:
        return f"{self.explanation.symbol} at {self.explanation.tick:%Y-%m-%d %H:%M}: {self.why}"

    def _repr_html_(self) -> str:
        return facts_html(self.facts, ("clauses", self.clauses), ("columns", self.columns))


@dataclass(frozen=True)
class NearMisses:
    """The symbols that failed exactly one clause of a scanner at a tick."""

    scanner: str
    misses: list[NearMiss]

    @property
    def table(self) -> pl.DataFrame:
        """A row a comparison that failed: symbol, clause, comparison, left, sign, right."""
        rows = [
            (miss.symbol, *row[:1], *row[2:])
            for miss in self.misses
            for row in _rows(miss.clause)
            if row[4].startswith("not") or not row[4]
        ]
        return pl.DataFrame(
            rows,
            schema={"symbol": pl.String()} | {k: v for k, v in SIDES.items() if k != "holds"},
            orient="row",
        )

    def as_dicts(self) -> list[dict[str, Any]]:
        """For JSON."""
        return [dataclasses.asdict(miss) for miss in self.misses]

    def _repr_html_(self) -> str:
        return facts_html({"scanner": self.scanner}, ("one clause failed", self.table))


def explain(
    source: ScannerLike | Path | None,
    symbol: str,
    at: str | dt.datetime,
    *,
    archive: str | Path | OpenMarket | None = None,
    scanner: str | None = None,
    spell: Spell = str,
    **options: Unpack[ScanOptions],
) -> Answer:
    """Say why a symbol was found at a tick (exchange time), or why it was not.

    source   a run directory, a session config, or a scanner in any form that `scan` takes, with its options; None with `where`
    archive  a run's own where left out
    scanner  which of several scanners
    """
    tick = tick_of(at, spell)
    return answer_of(*_source(source, archive, spell, options), symbol, tick, scanner)


def near_misses(
    source: ScannerLike | Path | None,
    at: str | dt.datetime,
    *,
    archive: str | Path | OpenMarket | None = None,
    scanner: str | None = None,
    spell: Spell = str,
    **options: Unpack[ScanOptions],
) -> NearMisses:
    """The symbols that failed exactly one clause at a tick; as `explain`."""
    tick = tick_of(at, spell)
    return misses_of(*_source(source, archive, spell, options), tick, scanner)


def answer_of(
    loaded: LoadedConfig, archive: Archive, symbol: str, at: str | dt.datetime, scanner: str | None
) -> Answer:
    """Explain a config's scan."""
    return Answer(explaining.explain(loaded, archive, scanner, symbol.upper(), _local(at, archive)))


def misses_of(
    loaded: LoadedConfig, archive: Archive, at: str | dt.datetime, scanner: str | None
) -> NearMisses:
    """Near misses of a config's scan."""
    return NearMisses(*explaining.near_misses(loaded, archive, scanner, _local(at, archive)))


def _local(at: str | dt.datetime, archive: Archive) -> dt.datetime:
    """A time of the exchange; one with a zone, such as a hit's tick, is converted."""
    tick = tick_of(at)
    return tick.astimezone(archive.calendar.tz).replace(tzinfo=None) if tick.tzinfo else tick


def tick_of(at: str | dt.datetime, spell: Spell = str) -> dt.datetime:
    """A date and a time, as it is told."""
    if isinstance(at, dt.datetime):
        return at
    try:
        return dt.datetime.fromisoformat(at)
    except ValueError:
        expected = 'a date and a time of the exchange such as "2018-03-01 09:45"'
        raise ConfigError(f"{spell('at')} {at!r}", expected=expected) from None


def _source(
    source: ScannerLike | Path | None,
    archive: str | Path | OpenMarket | None,
    spell: Spell,
    options: ScanOptions,
) -> tuple[LoadedConfig, Archive]:
    if isinstance(source, str | Path) and source and is_run_or_config(source):
        return loaded_from(Path(source), folder_of(archive), spell=spell)
    return scanned(source, archive, spell, options)


def scanned(
    source: ScannerLike | Path | None,
    archive: str | Path | OpenMarket | None,
    spell: Spell,
    options: ScanOptions,
) -> tuple[LoadedConfig, Archive]:
    """The config of a scanner with options, and the archive that it is looked at over; ConfigError where there is none."""
    if archive is None:
        raise ConfigError(
            "no archive", expected=f"{spell('archive')} FOLDER for a scanner's module"
        )
    market, one = (
        open_market(archive, keep=0, spell=spell),
        str(source) if isinstance(source, Path) else source,
    )
    return market.loaded(*([one] if one else []), **options), market.archive


def _rows(clause: ClauseAnswer) -> list[tuple[str, str, str, str, str, str]]:
    holds = "yes" if clause.holds else "NO"
    if not clause.sides:
        return [(clause.name, holds, clause.expression, "", "", "")]
    return [
        (
            clause.name,
            holds,
            side.text,
            _shown(side.left),
            side.sign if side.holds else f"not {side.sign}",
            _shown(side.right),
        )
        for side in clause.sides
    ]


def _shown(value: Any) -> str:
    return (
        f"{value:,.6g}" if isinstance(value, float) else "no value" if value is None else str(value)
    )
