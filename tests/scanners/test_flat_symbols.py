"""Symbols of one price: nothing is above or below its own average, whatever the price is in binary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine.api import open_archive
from engine.archive.archive import Archive
from engine.archive.ingest.importer import ImportOptions, import_bars
from engine.clock.calendar import ExchangeCalendar
from tests.running import EVERY_5_MINUTES, config, tables

SYMBOLS = 500
AVERAGES = (
    "session_vwap sma_20_1m ema_20_1m smma_14_1m wma_10_1m hma_16_1m kama_10_1m dema_20_1m tema_20_1m t3_5_1m "
    "zlema_20_1m vwma_20_1m alma_9_1m keltner_channels_20_1m.middle bollinger_bands_20_1m.middle ema_5_5m"
).split()
ABOVE = [
    *(f"close > {one}" for one in AVERAGES),
    "ema_5_1m > ema_20_1m",
    "macd_12_26_9_1m.macd > 0",
]
BELOW = [
    *(f"close < {one}" for one in AVERAGES),
    "ema_5_1m < ema_20_1m",
    "macd_12_26_9_1m.macd < 0",
]


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Two sessions, each symbol at one price of cents, with volumes that differ from bar to bar."""
    folder: Path = tmp_path_factory.mktemp("flat")
    days = ExchangeCalendar.of("XNYS").sessions(*map(_date, ("2018-03-01", "2018-03-02")))
    times = np.concatenate([np.arange(day.open, day.close, 60_000_000) for day in days])
    prices = np.repeat(np.round(1.37 + 0.37 * np.arange(SYMBOLS), 2), len(times))
    volume = np.random.default_rng(1).integers(1, 10_000, len(prices)).astype(np.float64)
    names = [f"S{number:03}" for number in range(SYMBOLS)]
    pl.DataFrame(
        {
            "symbol": np.repeat(names, len(times)),
            "timestamp": pl.Series(np.tile(times, SYMBOLS)).cast(pl.Datetime("us", "UTC")),
            **dict.fromkeys(("open", "high", "low", "close"), prices),
            "volume": volume,
        }
    ).write_parquet(folder / "bars.parquet")
    import_bars([folder / "bars.parquet"], folder / "archive", ImportOptions(label="open"))
    return Archive.open(folder / "archive")


def _date(text: str):  # type: ignore[no-untyped-def]
    return pl.Series([text]).str.to_date().item()


@pytest.mark.parametrize("conditions", [ABOVE, BELOW], ids=["above", "below"])
def test_nothing_is_beside_its_average(conditions: list[str], flat: Archive) -> None:
    """All in one scan, with a clause that holds for every symbol as the control."""
    features = {f"holds{number}": f"if({one}, 1, 0)" for number, one in enumerate(conditions)}
    features |= {f"known{number}": f"if(known({one.split()[0]}) and known({one.split()[2]}), 1, 0)"
                 for number, one in enumerate(conditions) if not one.endswith(" 0")}  # fmt: skip
    found = open_archive(flat.path, keep=0).scan(
        where="close > 0", features=features, schedule="10:30-16:00/30m"
    )
    hits = found.hits
    assert len(hits) == SYMBOLS * 2 * 12
    for number, one in enumerate(conditions):
        assert hits[f"holds{number}"].sum() == 0, one
        if f"known{number}" in hits.columns:
            second = hits.filter(pl.col("session") == _date("2018-03-02"))
            assert second[f"known{number}"].mean() == 1.0, one


def test_the_vwap_scanner_finds_none(flat: Archive) -> None:
    made = {
        "module": "scanners.vwap_reclaim_scanner",
        "regular_session": EVERY_5_MINUTES,
        "config": {},
    }
    found = tables(config([made]), flat)
    assert found["hits"].is_empty() and found["scans"]["scanned"].min() == SYMBOLS
