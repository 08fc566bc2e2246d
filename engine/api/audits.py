"""Audits for look-ahead, and of warm-ups."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import polars as pl

from engine.api.explanations import scanned
from engine.api.notebook_html import facts_html
from engine.api.open_market import OpenMarket, folder_of
from engine.api.progress_display import telling
from engine.api.scan_options import ScanOptions, Spell, check_order
from engine.api.scan_sources import (
    DEFAULT_ARCHIVE,
    ScannerLike,
    is_run_or_config,
    loaded_from,
    universe_overrides,
)
from engine.archive.archive import Archive
from engine.audit.future import FUTURES
from engine.audit.look_ahead import AuditOptions, LookAheadAudit, audit_look_ahead
from engine.audit.warm_up import FACTORS, SETTLED, WarmUpAudit, audit_warm_up
from engine.config.load import LoadedConfig, load_config
from engine.errors import ConfigError
from engine.progress import Progress

OF_A_CONFIG = ("start", "end", "universe", "settings")  # options that a config or a run takes too
DIFFERENCE = ("what", "owner", "name", "symbol", "first_at", "is", "is_then", "values", "replay")


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    options     ticks, sessions, before, seed
    look_ahead  replays and differences
    warm_up     what moves with longer warm-ups; None where that was left out
    """

    options: AuditOptions
    look_ahead: LookAheadAudit
    warm_up: WarmUpAudit | None

    @property
    def clean(self) -> bool:
        """Whether nothing differs, no plug-in failed, and the bars contradict no declaration."""
        return not (self.look_ahead.differences or self.look_ahead.failures or self.look_ahead.bars)

    @property
    def warnings(self) -> list[str]:
        """What is odd, in words."""
        audit = self.look_ahead
        return [
            *audit.warnings,
            *(f"failed, so not audited: {one}" for one in audit.failures),
            *(
                f"the archive's bars are not what they are taken for: {one}; see `barsweep "
                "archive check`"
                for one in audit.bars
            ),
        ]

    @property
    def facts(self) -> dict[str, Any]:
        """What was replayed, and whether anything differs."""
        audit = self.look_ahead
        sessions = sorted({replay.session for replay in audit.replays})
        ticks = sorted({replay.tick for replay in audit.replays if replay.future in FUTURES})
        return {
            "sessions": ", ".join(map(str, sessions)),
            "ticks": ", ".join(
                f"{tick:%Y-%m-%d %H:%M}" if len(sessions) > 1 else f"{tick:%H:%M}" for tick in ticks
            ),
            "replays": f"{len(audit.replays)}: "
            f"{', '.join(dict.fromkeys(replay.future for replay in audit.replays))}",
            "values": f"{audit.values:,} of cross-sections compared",
            "seed": self.options.seed,
            "look-ahead": f"{len(audit.differences)} differences"
            if audit.differences
            else "none found",
            **({"bars": "not what they are taken for"} if audit.bars else {}),
        }

    @property
    def differences(self) -> pl.DataFrame:
        """Values that differ in a replay: the first of each kind, owner and name."""
        rows = [
            (
                one.what,
                one.owner or "-",
                one.name,
                one.symbol or "-",
                f"{one.time:%Y-%m-%d %H:%M}",
                _shown(one.whole),
                _shown(one.other),
                one.count,
                f"{replay.future} at {replay.tick:%H:%M}"
                if replay.future in FUTURES
                else replay.future,
            )
            for replay, one in self.look_ahead.differences
        ]
        schema = {name: pl.Int64() if name == "values" else pl.String() for name in DIFFERENCE}
        return pl.DataFrame(rows, schema=schema, orient="row")

    @property
    def warm_up_facts(self) -> dict[str, Any]:
        """How many indicators and hits move with longer warm-ups; empty where that was left out."""
        warm = self.warm_up
        if warm is None:
            return {}
        kinds = (warm.movements, warm.moving, warm.settled, warm.appearing, warm.cut_short)
        indicators, moving, settled, appearing, short = (
            {one.indicator for one in some} for some in kinds
        )
        longer = " and ".join(f"{factor:g}" for factor in FACTORS)
        found, others = (
            sum(hits for _, _, hits, _ in warm.hits),
            sum(other for *_, other in warm.hits),
        )
        return {
            "warm-up": f"{len(moving)} of {len(indicators)} indicators move with {longer} times "
            "as long a one",
            **(
                {"settled": f"move by {SETTLED:g} of their values at most: {_listed(calm)}"}
                if (calm := settled - moving)
                else {}
            ),
            **(
                {"appear": f"have values only with one of the two: {_listed(appearing)}"}
                if appearing
                else {}
            ),
            "hits": f"{others:,} others, of {found:,}" if others else "the same",
            **(
                {"cut short": f"the archive begins too late to try it: {_listed(short)}"}
                if short
                else {}
            ),
        }

    @property
    def moving(self) -> pl.DataFrame:
        """The indicators that move or appear with a longer warm-up."""
        warm = self.warm_up
        rows = [
            (
                one.indicator,
                one.sessions,
                one.there,
                f"{one.factor:g}",
                one.moved,
                one.values,
                f"{one.change:.1e}",
                one.appeared,
                one.symbol or "-",
                one.session,
            )
            for one in (warm.movements if warm else ())
            if warm and (one in warm.moving or one in warm.appearing)
        ]
        texts, counts = pl.String(), pl.Int64()
        schema = {
            "indicator": texts,
            "warm-up": counts,
            "there": counts,
            "times": texts,
            "moved": counts,
            "of": counts,
            "largest change": texts,
            "appeared": counts,
            "symbol": texts,
            "session": pl.Date(),
        }
        return pl.DataFrame(rows, schema=schema, orient="row")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        audit, warm = self.look_ahead, self.warm_up
        found = [
            {"session": replay.session, "cut": replay.tick, "future": replay.future}
            | dataclasses.asdict(one)
            for replay in audit.replays
            for one in replay.differences
        ]
        return {
            "options": dataclasses.asdict(self.options),
            "replays": [
                {
                    "session": one.session,
                    "tick": one.tick,
                    "future": one.future,
                    "differences": len(one.differences),
                }
                for one in audit.replays
            ],
            "values": audit.values,
            "differences": found,
            "failures": audit.failures,
            "warnings": audit.warnings,
            "bars": audit.bars,
            "warm_up": None
            if warm is None
            else {
                "indicators": [dataclasses.asdict(one) for one in warm.movements],
                "hits": [
                    dict(zip(("session", "factor", "hits", "others"), one, strict=True))
                    for one in warm.hits
                ],
            },
        }

    def _repr_html_(self) -> str:
        return facts_html(
            self.facts | self.warm_up_facts,
            ("differences", self.differences),
            ("moving", self.moving),
        )


def audit(
    source: ScannerLike | Path | None,
    *,
    archive: str | Path | OpenMarket | None = None,
    ticks: int = 5,
    sessions: int = 1,
    before: int = 3,
    seed: int = 0,
    warm_up: bool = True,
    on_progress: Progress | None = None,
    spell: Spell = str,
    **options: Unpack[ScanOptions],
) -> Audit:
    """Prove that nothing looks ahead: replay random ticks with the future cut off, and with another
    one.

    source    a session config or a run directory (its options: start, end, universe, settings), or
              a scanner in any form that `scan` takes, with its options
    ticks     random ticks a session
    sessions  random sessions
    before    sessions to replay before the audited one, so that strategies hold something
    seed      draws sessions, ticks and futures
    warm_up   also replay with longer warm-ups
    """
    if isinstance(source, str | Path) and source and is_run_or_config(source):
        place = folder_of(archive)
        loaded, bars = _changed_config(Path(source), place, options, spell)
    else:
        loaded, bars = scanned(source, archive, spell, options)
    return audit_of(loaded, bars, AuditOptions(ticks, sessions, before, seed), warm_up, on_progress)


def audit_of(
    loaded: LoadedConfig,
    archive: Archive,
    options: AuditOptions,
    warm_up: bool,
    on_progress: Progress | None,
) -> Audit:
    """Audit a config."""
    with telling(on_progress) as progress:
        found = audit_look_ahead(loaded, archive, options, progress)
        return Audit(
            options, found, audit_warm_up(loaded, archive, options, progress) if warm_up else None
        )


def _changed_config(
    path: Path, archive: Path | str | None, options: ScanOptions, spell: Spell
) -> tuple[LoadedConfig, Archive]:
    """A config or a run's, with what the options change."""
    given = {name: value for name, value in options.items() if value}
    strange = [name for name in given if name not in OF_A_CONFIG]
    if strange:
        known = ", ".join(spell(name) for name in OF_A_CONFIG[:-1])
        raise ConfigError(
            f"{spell(strange[0])} with a config",
            where=path,
            expected=f"{known} and {spell('settings')} KEY=VALUE",
        )
    check_order(options.get("start"), options.get("end"), spell)
    loaded, bars = loaded_from(path, archive, DEFAULT_ARCHIVE, spell)
    changes = [
        f"backtest_config.{key}_date={given[key]}" for key in ("start", "end") if key in given
    ]
    changes += universe_overrides(loaded, options.get("universe"))
    settings = options.get("settings") or {}
    asked = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    if path.is_dir() and (changes or asked):
        raise ConfigError(
            "changes to a run",
            where=path,
            expected="a run directory as it is, or a config to change",
        )
    return (load_config(path, [*asked, *changes]) if changes or asked else loaded), bars


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
