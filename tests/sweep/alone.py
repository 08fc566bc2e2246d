"""A variant scanned and evaluated by itself, which is what its row of a sweep must be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from barsweep import Market, Swept
from engine.results.evaluate import EXCURSIONS
from engine.results.outcomes import HORIZONS


def alone(
    market: Market, config: Any, horizons: Sequence[str] = HORIZONS, first_hit: bool = False
) -> dict[str, dict[str, Any]]:
    """Scanner -> the figures of a config, by a scan and an evaluation."""
    scan = market.scan(config, first_hit=first_hit)
    assert not scan.failures
    evaluated = {one.scanner: one for one in market.evaluate(scan.hits).evaluations}
    scanners = [one.label for one in config.session_data_config.scanners if one.enabled]
    return {
        name: _figures(
            evaluated.get(name), scan.hits.filter(pl.col("scanner") == name), scan.summary, horizons
        )
        for name in scanners
    }


def _figures(one: Any, hits: pl.DataFrame, summary: Any, horizons: Sequence[str]) -> dict[str, Any]:
    found = {
        "hits": len(hits),
        "hits_a_session": len(hits) / summary.sessions,
        "sessions": hits["session"].n_unique(),
        "symbols": hits["symbol"].n_unique(),
    }
    for horizon in horizons:
        own, over = (one.returns[horizon], one.excess[horizon]) if one else ({}, {})
        found[f"count_{horizon}"] = own.get("count", 0)
        if horizon not in EXCURSIONS:
            found[f"win_rate_{horizon}"] = own.get("win_rate")
        found[f"mean_{horizon}"] = own.get("mean")
        found[f"excess_{horizon}"] = over.get("mean")
        found[f"t_{horizon}"] = over.get("t")
    return found


def assert_alone(
    swept: Swept,
    market: Market,
    numbers: Sequence[int],
    horizons: Sequence[str] = HORIZONS,
    first_hit: bool = False,
) -> None:
    """These variants' rows equal, to the last bit, what they come to by themselves."""
    for number in numbers:
        row = swept.variants.row(number, named=True)
        expected = alone(market, swept.show(number), horizons, first_hit)
        for scanner, figures in expected.items():
            prefix = f"{scanner}." if len(expected) > 1 else ""
            found = {name: row[prefix + name] for name in figures}
            assert found == figures, (number, scanner, swept.ways)
