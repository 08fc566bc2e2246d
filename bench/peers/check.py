"""Whether a peer finds what barsweep finds, up to the last bit of a floating-point number."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import polars as pl

from bench.workload import Workload
from engine.api import check_config, open_archive
from engine.errors import ConfigError

PEERS = {"duckdb": "bench.peers.momentum_duckdb", "polars": "bench.peers.momentum_polars"}
SCANNER = "scanners.momentum_scanner"
SCHEDULE = [{"start": "09:35", "end": "15:55", "interval": "5m"}]
LAST_BITS = 1e-9


@dataclass(frozen=True)
class Peer:
    """What a peer took.

    Its hits, ours, and those that only one of the two has because two numbers are equal but for
    rounding.
    """

    seconds: float
    found: int
    ours: int
    rounding: int


def run_peer(name: str, workload: Workload) -> Peer:
    """Run a peer over the workload's archive.

    Raises ConfigError where it answers another question, or finds something else.
    """
    _require_default(name, workload)
    try:
        module = import_module(PEERS[name])
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--against {name}: {error.name} is not installed", fix="pip install 'barsweep[bench]'"
        ) from None
    archive = open_archive(workload.path, keep=0).archive
    started = time.perf_counter()
    theirs = module.find(archive, workload.dates)
    seconds = time.perf_counter() - started
    ours = workload.hits()
    keys = ours.columns
    apart = pl.concat(
        [ours.join(theirs, on=keys, how="anti"), theirs.join(ours, on=keys, how="anti")]
    )
    unexplained = _without_rounding(apart, workload) if len(apart) else apart
    if len(unexplained):
        first = f"{len(unexplained)} hits, the first {unexplained.row(0)}"
        raise ConfigError(f"{name} and barsweep differ in {first}", where=module.__name__)
    return Peer(seconds, len(theirs), len(ours), len(apart))


def _require_default(name: str, workload: Workload) -> None:
    default = _scanners(
        {"session_data_config": {"scanners": [{"module": SCANNER, "regular_session": SCHEDULE}]}}
    )
    scanners = _scanners(workload.config)
    own = ", ".join(scanner.label for scanner in scanners)
    if [scanner.model_copy(update={"name": None}) for scanner in scanners] != default:
        raise ConfigError(
            f"--against {name} with {own}", expected=f"{SCANNER} as it is, every five minutes"
        )


def _scanners(config: dict[str, Any]) -> list[Any]:
    """The scanners' blocks of a config, with all that it leaves out."""
    return check_config({"mode": "backtest", **config}).config.session_data_config.scanners


def _without_rounding(apart: pl.DataFrame, workload: Workload) -> pl.DataFrame:
    """The pairs that a loosened scan does not find, or that a tightened one does."""
    loose, tight = (_shifted(workload, side).hits() for side in (-LAST_BITS, LAST_BITS))
    return pl.concat(
        [
            apart.join(loose, on=apart.columns, how="anti"),
            apart.join(tight, on=apart.columns, how="semi"),
        ]
    )


def _shifted(workload: Workload, by: float) -> Workload:
    """The momentum scan with every threshold raised by a share."""
    up = 1 + by
    clauses = {
        "price": f"close > 5 * {up!r}",
        "up_on_the_day": f"close / prev_close - 1 > 0.03 * {up!r}",
        "above_vwap": f"close > session_vwap * {up!r}",
        "strong_rsi": f"rsi_14_1m > 70 * {up!r}",
        "above_sma": f"close > sma_20_1m * {up!r}",
    }
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": SCHEDULE,
        "config": {"criteria": clauses},
    }
    data = workload.config["session_data_config"] | {"scanners": [scanner]}
    return Workload(workload.path, workload.config | {"session_data_config": data})
