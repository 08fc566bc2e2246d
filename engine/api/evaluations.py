"""What hits did next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from engine.analysis.evaluate import Evaluation, Evaluator
from engine.analysis.exact_sums import LEAST_SESSIONS
from engine.analysis.forward_returns import HORIZONS
from engine.api.notebook_html import facts_html
from engine.api.open_market import OpenMarket, folder_of, open_market
from engine.api.progress_display import telling
from engine.api.scan_options import Spell
from engine.api.scan_sources import loaded_from
from engine.archive.archive import Archive
from engine.archive.disk.atomic import atomic_path
from engine.archive.reference.universe import load_universe
from engine.errors import ConfigError
from engine.progress import Progress
from engine.report.evaluation_page import (
    NAMES,
    evaluation_page,
    exit_lines,
    group_horizon,
    horizon_table,
    percent,
    plain,
)
from engine.runs.growing_tables import whole_frame, whole_table
from engine.schema import HITS_SCHEMA


@dataclass(frozen=True)
class Evaluated:
    """Returns of hits from the next bar's open, over several horizons, and over what the symbols
    that did not hit did (excess).

    evaluations  the figures of each scanner
    rows         each hit with its returns, `return_<horizon>` and `excess_<horizon>`; None where
                 they were not kept
    """

    evaluations: list[Evaluation]
    rows: pl.DataFrame | None = field(default=None, repr=False)
    title: str = "Evaluation"
    sells_at_last: str | None = (
        "last_price"  # the option that would sell at the last price; None where that was done
    )

    @property
    def table(self) -> pl.DataFrame:
        """A row a scanner and horizon: hits, win_rate, mean, median, excess and its interval low to
        high, t, deflated_t.

        Rates and returns are shares: 0.01 is one percent.
        """
        rows = [
            (
                one.scanner,
                horizon,
                own["count"],
                own["win_rate"],
                own["mean"],
                own["median"],
                over.get("mean"),
                over.get("low"),
                over.get("high"),
                over.get("t"),
                over.get("deflated_t"),
            )
            for one in self.evaluations
            for horizon in HORIZONS
            for own, over in [(one.returns[horizon], one.excess[horizon])]
            if own["count"]
        ]
        floats = ("win_rate", "mean", "median", "excess", "low", "high", "t", "deflated_t")
        schema = {
            "scanner": pl.String(),
            "horizon": pl.String(),
            "hits": pl.Int64(),
            **dict.fromkeys(floats, pl.Float64()),
        }
        return pl.DataFrame(rows, schema=schema, orient="row")

    @property
    def groups(self) -> pl.DataFrame:
        """Excess by time of day, year, rank and fifths of each feature: scanner, kind, group,
        horizon, hits, win_rate, mean, t.
        """
        rows = [
            (
                one.scanner,
                kind,
                group,
                horizon,
                own["count"],
                own["win_rate"],
                own["mean"],
                own["t"],
            )
            for one in self.evaluations
            for kind, named in one.groups.items()
            for group, figures in named.items()
            for horizon, own in figures.items()
            if own["count"]
        ]
        texts = dict.fromkeys(("scanner", "kind", "group", "horizon"), pl.String())
        floats = dict.fromkeys(("win_rate", "mean", "t"), pl.Float64())
        return pl.DataFrame(rows, schema={**texts, "hits": pl.Int64(), **floats}, orient="row")

    def page(self, path: str | Path) -> Path:
        """Write a page with plots to an HTML file (extra `charts`)."""
        with atomic_path(Path(path)) as temporary:
            temporary.write_text(evaluation_page(self.title, self.evaluations), encoding="utf-8")
        return Path(path)

    def as_dicts(self) -> list[dict[str, Any]]:
        """The figures for JSON."""
        return [one.as_dict() for one in self.evaluations]

    def in_words(
        self,
    ) -> Iterator[tuple[str, tuple[Any, Any], list[str], str, list[tuple[Any, ...]]]]:
        """For printing, a scanner each: a sentence, heads and rows by horizon, what has no price,
        the groups' title and rows.
        """
        for one in self.evaluations:
            horizon, groups = group_horizon(one), []
            for kind, named in one.groups.items():
                for group, figures in named.items():
                    own = figures.get(horizon, {"count": 0})
                    if own["count"]:
                        shown = percent(own["win_rate"], 1), percent(own["mean"]), plain(own["t"])
                        groups.append((kind, group, own["count"], *shown))
            told = f"{one.scanner}: {_span(one)}; variants tried: {one.tried}"
            title = f"mean excess, {NAMES[horizon]} (no t of fewer than {LEAST_SESSIONS} sessions)"
            yield told, horizon_table(one), self._exits(one), title, groups

    def _exits(self, one: Evaluation) -> list[str]:
        """Which hits have no price at a horizon, or are sold at the last one, in words."""
        after = {"next_open", "next_close", "day5"} & set(one.left_out)
        hint = (
            f"; with {self.sells_at_last} those after the session are sold at their last one"
            if self.sells_at_last
            else ""
        )
        return [line + (hint if after else "") for line in exit_lines(one)]

    def _repr_html_(self) -> str:
        facts = {one.scanner: _span(one) for one in self.evaluations}
        return facts_html(
            facts or {"hits": "none"}, ("by horizon", self.table), ("groups", self.groups)
        )


def evaluate(
    hits: pl.DataFrame | str | Path,
    *,
    archive: str | Path | OpenMarket | None = None,
    universe: str | None = None,
    tried: int | None = None,
    last_price: bool = False,
    out: str | Path | None = None,
    keep_rows: bool = True,
    on_progress: Progress | None = None,
    spell: Spell = str,
) -> Evaluated:
    """Say what hits did next: a frame of hits, a hits.parquet, or a run directory, whose archive is
    known.

    universe   symbols that hits are compared with: a file, a membership .parquet or .csv, or "all"
               (default)
    tried      how many variants were tried; of a run, counted in its folder where left out
    last_price  whether what has no price at a horizon is sold at its last one; else it has no
                return there
    out        also write each hit with its returns to this .parquet file
    keep_rows  whether `rows` are in memory
    """
    folder = Path(hits) if not isinstance(hits, pl.DataFrame) and Path(hits).is_dir() else None
    source = (
        hits
        if isinstance(hits, pl.DataFrame)
        else Path(hits) / "hits.parquet"
        if folder
        else Path(hits)
    )
    _check(source, out, spell)
    if archive is None and folder is None:
        raise ConfigError("no archive", expected=f"{spell('archive')} FOLDER for a hits file")
    place = folder_of(archive)
    bars = (
        loaded_from(folder, place, spell=spell)[1] if folder else open_market(archive or "").archive
    )
    return evaluate_hits(
        source,
        bars,
        universe=universe,
        tried=tried or (_variants(folder) if folder else 1),
        last_price=last_price,
        out=out,
        keep_rows=keep_rows,
        on_progress=on_progress,
        name=folder.name if folder else None,
        spell=spell,
    )


def evaluate_hits(
    hits: pl.DataFrame | Path,
    archive: Archive,
    *,
    universe: str | None = None,
    tried: int = 1,
    last_price: bool = False,
    out: str | Path | None = None,
    keep_rows: bool = True,
    on_progress: Progress | None = None,
    name: str | None = None,
    spell: Spell = str,
) -> Evaluated:
    """Evaluate hits over an archive."""
    _check(hits, out, str)
    members = load_universe(universe, archive, Path).members if universe else None
    evaluator, frames = Evaluator(hits, archive, members, tried, last_price), []
    with (
        telling(on_progress) as progress,
        whole_table(Path(out), {}) if out else nullcontext() as table,
    ):
        for _, month in groupby(
            evaluator.sessions(progress), key=lambda session: (session[0].year, session[0].month)
        ):
            if table is None and not keep_rows:
                for _ in month:
                    pass
                continue
            rows = pl.concat([rows for _, rows in month], how="diagonal_relaxed")
            frames += [rows] if keep_rows else []
            if table:
                table.add(rows)
    found = whole_frame(frames, HITS_SCHEMA) if keep_rows else None
    title = f"Evaluation of {name or (hits.name if isinstance(hits, Path) else 'hits')}"
    return Evaluated(
        evaluator.evaluations(), found, title, None if last_price else spell("last_price")
    )


def _span(one: Evaluation) -> str:
    return f"{one.hits:,} hits in {one.sessions} sessions, {one.first} to {one.last}"


def _check(hits: pl.DataFrame | Path, out: str | Path | None, spell: Spell) -> None:
    if isinstance(hits, Path) and not hits.is_file():
        raise ConfigError("no such file", where=hits, expected="a hits.parquet, or a run directory")
    if out is not None and Path(out).suffix != ".parquet":
        raise ConfigError(f"{spell('out')} {out}", expected="a .parquet file")


def _variants(run: Path) -> int:
    """How many configs of the run's name have been run into the same folder: each is a variant that
    was tried.
    """
    names: list[tuple[bool, str, str]] = []
    for manifest in run.absolute().parent.glob("*/manifest.json"):
        try:
            content = json.loads(manifest.read_text(encoding="utf-8"))
            names.append(
                (
                    manifest.parent == run.absolute(),
                    content["config"]["session_name"],
                    content["config_digest"],
                )
            )
        except (OSError, ValueError, KeyError):
            continue
    own = next((name for is_own, name, _ in names if is_own), None)
    return max(1, len({digest for _, name, digest in names if name == own}))
