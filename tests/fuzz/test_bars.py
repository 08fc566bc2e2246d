"""Bars of any values, times and order: imported, scanned with indicators, traded."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import open_archive
from engine.archive.archive import Archive
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.archive.quality.check_bars import check_archive
from engine.archive.vendor_files.source_options import SourceOptions
from engine.errors import BarsweepError
from engine.schema import BAR_SCHEMA
from tests.fuzz.cases import TEXTS, answer, cases

INDICATORS = (
    "sma_5_1m",
    "rsi_14_1m",
    "macd_12_26_9_5m.signal",
    "bollinger_bands_20_2_1m.upper",
    "vwap_1m",
    "rvol_2_1m",
    "atr_14_1d",
    "obv_1m",
    "rolling_max_20_1d",
    "supertrend_10_3_1m.line",
)
OPEN = dt.datetime(2018, 3, 1, 14, 30, tzinfo=dt.UTC)
EXTREME = [
    dt.datetime(1, 1, 1),
    dt.datetime(1677, 9, 21),
    dt.datetime(1969, 12, 31, 23, 59),
    dt.datetime(2018, 3, 3),
    dt.datetime(2018, 3, 11, 7),
    dt.datetime(2262, 4, 12),
    dt.datetime(9999, 12, 31, 23, 59),
]
PRICE = (
    st.floats(0.01, 1000)
    | st.sampled_from([1.0, 10.0, 0.0, -1.0, 5e-324, 1e-300, 1e300, 1.7e308])
    | st.none()
    | st.floats()
)
VOLUME = st.floats(0, 1e9) | st.sampled_from([0.0, -1.0, 5e-324, 1e300]) | st.none() | st.floats()
TIME = (
    st.integers(0, 4 * 390).map(lambda m: OPEN + dt.timedelta(days=m // 390, minutes=m % 390))
    | st.sampled_from([moment.replace(tzinfo=dt.UTC) for moment in EXTREME])
    | st.datetimes(timezones=st.just(dt.UTC))
    | st.none()
)
SYMBOL = st.sampled_from(["A", "B", "c ", "../../x", "", "é", "A/B", "<b>", "A\nB"]) | st.none()


@st.composite
def bars(draw: st.DrawFn) -> pl.DataFrame:
    """A few bars of any values, and most often some that are right among them, in no order, some of them twice."""
    price = draw(st.sampled_from([st.floats(0.01, 1000), PRICE]))
    rows: list[tuple[Any, ...]] = draw(
        st.lists(st.tuples(SYMBOL, TIME, price, PRICE, PRICE, price, VOLUME), max_size=8)
    )
    level = draw(st.sampled_from([10.0, 1e-300, 1e150, 1e300]))
    right = draw(st.sampled_from([0, 30, 60]))
    rows += [
        (
            "A",
            OPEN + dt.timedelta(minutes=m),
            level,
            level * 1.5,
            level,
            level * (1 + m % 3 / 4),
            float(m % 5),
        )
        for m in range(right)
    ]
    rows += rows[: draw(st.integers(0, 3))]
    if draw(st.booleans()):
        rows.reverse()
    return pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row")


def scanned(archive: Archive) -> int:
    """Hits of a scan that computes indicators, over all that the archive holds."""
    where = " and ".join(f"(known({key}) or not known({key}))" for key in INDICATORS)
    features = {f"f{number}": key for number, key in enumerate(INDICATORS)}
    if archive.manifest.base.name != "1m":
        where, features = "known(close)", {"f": "sma_2_1d", "g": "atr_14_1d"}
    found = open_archive(archive.path, keep=0).scan(where=where, features=features, keep_hits=False)
    assert not found.failures
    return found.kept


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bars")


def fresh(folder: Path) -> Path:
    target = folder / "archive"
    shutil.rmtree(target, ignore_errors=True)
    return target


def imported(source: Path, folder: Path, **options: Any) -> Archive | BarsweepError:
    """The archive that an import makes; it holds good bars only, and a scan of it ends."""
    target = fresh(folder)
    summary = answer(
        "import",
        lambda: import_bars([source], target, ImportOptions(**{"label": "open"} | options)),
    )
    if isinstance(summary, BarsweepError):
        return summary
    assert (
        summary.rows_read
        == summary.rows_written
        + summary.copies_dropped
        + summary.auctions_merged
        + sum(summary.quarantined.values())
    )
    archive = Archive.open(target)
    assert [f for f in check_archive(archive) if f.fault] == []
    assert not (target / ".import").exists()
    assert not isinstance(answer("", lambda: scanned(archive)), BarsweepError)
    return archive


@cases(15, 1_000)
@given(
    bars(),
    st.sampled_from(["open", "close"]),
    st.sampled_from([None, "1m", "5m", "1d"]),
    st.sampled_from(["XNYS", "24/7"]),
    st.booleans(),
)
def test_any_bars_are_imported_and_scanned(
    folder: Path, frame: pl.DataFrame, label: str, interval: str | None, exchange: str, merge: bool
) -> None:
    frame.write_parquet(folder / "source.parquet")
    imported(
        folder / "source.parquet",
        folder,
        label=label,
        interval=interval,
        exchange=exchange,
        merge_opening_auction=merge,
    )


CELL = st.one_of(
    st.floats().map(str),
    st.integers().map(str),
    TEXTS,
    st.sampled_from(["10.5", "2018-03-01 14:30", "2018-03-01T14:31:00Z", '"', "1,5"]),
)
HEADS = ["symbol", "timestamp", "open", "high", "low", "close", "volume"]


@cases(40, 3_000)
@given(
    st.lists(st.lists(CELL, min_size=5, max_size=8), max_size=5),
    st.permutations(HEADS),
    st.booleans(),
    st.binary(max_size=20),
    st.sampled_from([None, "UTC", "America/New_York"]),
    st.sampled_from([None, "s", "ms", "us", "ns"]),
)
def test_any_csv(
    folder: Path,
    rows: list[list[str]],
    heads: list[str],
    whole: bool,
    noise: bytes,
    zone: str | None,
    unit: str | None,
) -> None:
    text = "\n".join([",".join(heads if whole else heads[1:]), *(",".join(row) for row in rows)])
    (folder / "source.csv").write_bytes(text.encode("utf-8", "replace") + noise)
    imported(folder / "source.csv", folder, interval="1m", reading=SourceOptions({}, zone, unit))


DTYPES = [
    pl.String,
    pl.Int64,
    pl.Float32,
    pl.UInt8,
    pl.Date,
    pl.Time,
    pl.Datetime("ns"),
    pl.Datetime("ms", "UTC"),
    pl.Boolean,
    pl.Categorical,
    pl.Binary,
]


@cases(20, 1_500)
@given(
    st.dictionaries(st.sampled_from(HEADS), st.sampled_from(DTYPES), max_size=3),
    st.lists(st.sampled_from(HEADS), max_size=1),
    st.dictionaries(TEXTS, TEXTS, max_size=1),
    st.sampled_from([None, "UTC", "America/New_York"]),
    st.sampled_from([None, "s", "ms", "us", "ns"]),
)
def test_columns_of_other_dtypes(
    folder: Path,
    dtypes: dict[str, Any],
    dropped: Sequence[str],
    columns: dict[str, str],
    zone: str | None,
    unit: str | None,
) -> None:
    rows = [("A", OPEN + dt.timedelta(minutes=m), 10.0, 11.0, 9.0, 10.0, 5.0) for m in range(3)]
    frame = pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row").drop(dropped)
    for name, dtype in dtypes.items():
        if name in frame.columns:
            try:
                frame = frame.with_columns(pl.col(name).cast(dtype, strict=False))
            except pl.exceptions.PolarsError:
                frame = frame.with_columns(pl.lit(None, dtype).alias(name))
    frame.write_parquet(folder / "typed.parquet")
    imported(
        folder / "typed.parquet", folder, interval="1m", reading=SourceOptions(columns, zone, unit)
    )
