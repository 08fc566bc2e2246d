"""Four factors and the 500 largest of each day against zipline's Pipeline, bars and hits in memory.

Prints symbol-days a second of both, and whether both find the same.

    python -m bench.against_zipline     (pip install zipline-reloaded)

Pipeline has the bars as frames, a row a session; what is in a session's row it takes for known
then, as barsweep does at the close.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import numpy as np
import pandas as pd
import polars as pl
from sqlalchemy import create_engine
from zipline.assets import AssetDBWriter, AssetFinder
from zipline.pipeline import Pipeline
from zipline.pipeline.data import USEquityPricing
from zipline.pipeline.domain import US_EQUITIES
from zipline.pipeline.engine import SimplePipelineEngine
from zipline.pipeline.factors import AverageDollarVolume, Returns, SimpleMovingAverage
from zipline.pipeline.loaders.frame import DataFrameLoader

from bench.daily import daily_archive, daily_workload
from bench.goals import DAILY_SYMBOLS, DAYS
from bench.workload import Workload, median
from engine.api import open_archive

LOOK_BACK = 60  # sessions before the first that all factors have a value in
SESSIONS_A_CHUNK = 252


def pipeline(workload: Workload) -> tuple[Callable[[], pd.DataFrame], int]:
    """A function that runs the screen of bench.daily, and the symbol-days that it scans."""
    bars = (
        open_archive(workload.path)
        .archive.read_daily(["close", "volume"], None, None)
        .sort("date", "symbol")
    )
    symbols, days = (
        bars["symbol"].unique().sort().to_list(),
        pd.DatetimeIndex(bars["date"].unique().sort().to_list()),
    )
    ids = np.arange(len(symbols))
    loaders = {
        name: DataFrameLoader(
            column,
            pd.DataFrame(bars[name].to_numpy().reshape(len(days), -1), index=days, columns=ids),
        )
        for name, column in (("close", USEquityPricing.close), ("volume", USEquityPricing.volume))
    }
    database = create_engine("sqlite://")
    life = {"start_date": days[0], "end_date": days[-1], "auto_close_date": days[-1]}
    equities = pd.DataFrame(
        {"symbol": symbols, "asset_name": symbols, "exchange": "NYSE", **life}, index=ids
    )
    exchanges = pd.DataFrame(
        {"exchange": ["NYSE"], "canonical_name": ["NYSE"], "country_code": ["US"]}
    )
    AssetDBWriter(database).write(equities=equities, exchanges=exchanges)
    engine = SimplePipelineEngine(
        lambda column: loaders[column.name], AssetFinder(database), default_domain=US_EQUITIES
    )
    size = AverageDollarVolume(window_length=20)
    trend = (
        USEquityPricing.close.latest
        / SimpleMovingAverage(inputs=[USEquityPricing.close], window_length=50)
        - 1
    )
    factors = {
        "momentum": Returns(window_length=61),
        "reversal": Returns(window_length=6),
        "trend": trend,
        "size": size,
    }
    screen = Pipeline(columns=factors, screen=size.top(500))
    run = partial(
        engine.run_chunked_pipeline, screen, days[LOOK_BACK], days[-1], SESSIONS_A_CHUNK
    )  # sooner done than at once
    return run, (len(days) - LOOK_BACK) * len(symbols)


@click.command()
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=Path("parquet_data"),
    show_default=True,
    help="Where bench markets are kept.",
)
@click.option("--repeats", default=5, show_default=True)
def main(root: Path, repeats: int) -> None:
    """Measure both by turns."""
    workload = daily_workload(daily_archive(root, DAILY_SYMBOLS, DAYS, 7))
    run, symbol_days = pipeline(workload)
    kept = open_archive(workload.path)
    theirs = {(day.date(), asset.symbol) for day, asset in run().index}
    hits = workload.hits().filter(pl.col("session") >= min(theirs)[0])
    ours = set(hits.select("session", "symbol").iter_rows())
    workload.scan_kept(kept)
    rates: dict[str, list[float]] = {"barsweep": [], "zipline": []}
    for _ in range(repeats):
        scan = workload.scan_kept(kept)
        rates["barsweep"].append(scan.bars / scan.seconds / 1e6)
        started = time.perf_counter()
        run()
        rates["zipline"].append(symbol_days / (time.perf_counter() - started) / 1e6)
    for name, each in rates.items():
        click.echo(f"{name:10} {median(each):5.1f} million symbol-days/s")
    click.echo(
        f"found by both: {len(ours & theirs):,}; by barsweep alone: {len(ours - theirs)}; by "
        f"zipline alone: {len(theirs - ours)}"
    )


if __name__ == "__main__":
    main()
