"""Symbols that a source tells apart stay apart, or the import says which two would be one."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import zipfile
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.archive.ingest.lean import ticker_intervals
from engine.archive.ingest.recognise import InPlaceOptions, init_in_place
from engine.archive.reference.corporate_actions import read_actions
from engine.archive.reference.tickers import read_tickers
from engine.archive.vendor_files.source_columns import FILE_NAME
from engine.archive.vendor_files.source_options import SourceOptions
from engine.archive.vendor_files.spelling import SPELLED, two_series, two_spellings
from engine.errors import ArchiveError, BarImportError, BarsweepError
from engine.schema import BAR_SCHEMA
from tests.archive import test_vendors
from tests.cli.barsweep import Barsweep

ALL = list(BAR_SCHEMA)
DATE = dt.date(2018, 3, 13)
HEAD = "timestamp,open,high,low,close,volume"


def minutes(price: float, count: int = 5) -> list[str]:
    return [f"2018-03-13T13:{30 + n}:00Z,{price},{price},{price},{price},100" for n in range(count)]


def write(path: Path, head: str, rows: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def closes(root: Path) -> dict[str, list[float]]:
    bars = Archive.open(root).read_session(DATE, ALL)
    return {
        symbol: own["close"].to_list()
        for (symbol,), own in bars.partition_by("symbol", as_dict=True).items()
    }


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "txt", "parquet", "zip"])
def test_dots_belong_to_symbols(ending: str, barsweep: Barsweep, tmp_path: Path) -> None:
    """Two classes of one company, each in a file of its name."""
    prices = {"BRK.A": 300_000.0, "BRK.B": 200.0, "brk": 1.0, "A.B.C": 7.0}
    for name, price in prices.items():
        content = "\n".join([HEAD, *minutes(price)]) + "\n"
        path = tmp_path / "source" / f"{name}.{ending}"
        path.parent.mkdir(exist_ok=True)
        if ending == "parquet":
            pl.read_csv(content.encode(), try_parse_dates=True).write_parquet(path)
        elif ending == "zip":
            with zipfile.ZipFile(path, "w") as file:
                file.writestr(f"{name}.csv", content)
        elif ending == "csv.gz":
            path.write_bytes(gzip.compress(content.encode()))
        else:
            path.write_text(content)
    done = barsweep(
        "archive",
        "import",
        tmp_path / "source",
        "--archive",
        tmp_path / "archive",
        "--label",
        "open",
        "--symbol-from-filename",
        "--quiet",
    )
    assert done.status == 0, done.err
    assert closes(tmp_path / "archive") == {
        name.upper(): [price] * 5 for name, price in prices.items()
    }


def two(
    folder: Path, first: str, second: str, head: str, rows: list[str], other: list[str]
) -> list[Path]:
    return [write(folder / first, head, rows), write(folder / second, head, other)]


MASSIVE = "ticker,volume,open,close,high,low,window_start,transactions"
STOOQ = "Date,Open,High,Low,Close,Volume"
# what is written, layout or None, options -> the two that would be one
COLLISIONS = {
    "capitals of file names": (
        lambda f: two(f, "abc.csv", "ABC.csv", HEAD, minutes(1), minutes(2)),
        {"label": "open", "reading": SourceOptions(symbol_pattern=FILE_NAME)},
        ("'ABC' and 'abc'", "ABC"),
    ),
    "capitals in a column": (
        lambda f: [
            write(
                f / "a.csv",
                f"symbol,{HEAD}",
                [f"ABRpD,{r}" for r in minutes(1)] + [f"ABRPD,{r}" for r in minutes(2)],
            )
        ],
        {"label": "open"},
        ("'ABRPD' and 'ABRpD'", "ABRPD"),
    ),
    "a dash and a dot": (
        lambda f: two(
            f,
            "BRK-B.csv",
            "BRK.B.csv",
            "Date,Open,High,Low,Close,Adj Close,Volume",
            ["2018-03-13,1,1,1,1,1,1"],
            ["2018-03-13,2,2,2,2,2,2"],
        ),
        {},
        ("'BRK-B' and 'BRK.B'", "BRK.B"),
    ),
    "two markets of stooq": (
        lambda f: two(
            f,
            "vod_us_d.csv",
            "vod_uk_d.csv",
            STOOQ,
            ["2018-03-13,1,1,1,1,1"],
            ["2018-03-13,2,2,2,2,2"],
        ),
        {},
        ("'vod_uk_d' and 'vod_us_d'", "VOD"),
    ),
    "two markets of stooq's database": (
        lambda f: [
            write(
                f / f"data/daily/{m}/vod.{m}.txt",
                "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
                [f"VOD.{m.upper()},D,20180313,000000,1,1,1,1,1,0"],
            )
            for m in ("us", "uk")
        ],
        {},
        ("'VOD.UK' and 'VOD.US'", "VOD"),
    ),
    "suffixes of the tape": (
        lambda f: [
            write(
                f / "us_stocks_sip/minute_aggs_v1/a.csv",
                MASSIVE,
                [f"{s},1,1,1,1,1,1520947800000000000,7" for s in ("BACpL", "BAC.PRL")],
            )
        ],
        {},
        ("'BAC.PRL' and 'BACpL'", "BAC.PRL"),
    ),
}


@pytest.mark.parametrize("name", COLLISIONS)
def test_two_that_would_be_one_are_refused(name: str, tmp_path: Path) -> None:
    make, options, (pair, symbol) = COLLISIONS[name]
    make(tmp_path / "source")  # type: ignore[no-untyped-call]
    with pytest.raises(BarImportError) as refused:
        import_bars([tmp_path / "source"], tmp_path / "archive", ImportOptions(**options))  # type: ignore[arg-type]
    assert f"{pair} would be one symbol, {symbol} in session 2018-03-13" in str(refused.value)
    assert (
        not (tmp_path / "archive/archive.json").exists()
        and not (tmp_path / "archive/.import").exists()
    )


def test_two_venues_of_a_nautilus_catalog_are_refused(us2018: Archive, tmp_path: Path) -> None:
    test_vendors.nautilus(test_vendors.minutes(us2018), tmp_path / "source", False)
    for folder in sorted((tmp_path / "source/data/bar").iterdir()):
        other = folder.parent / folder.name.replace("XNAS", "ARCX")
        other.mkdir()
        for file in folder.iterdir():
            table = pq.ParquetFile(file).read()
            metadata = {
                key: value.replace(b"XNAS", b"ARCX") for key, value in table.schema.metadata.items()
            }
            pq.write_table(table.replace_schema_metadata(metadata), other / file.name)
    with pytest.raises(
        BarImportError, match=r"'AAPL.ARCX' and 'AAPL.XNAS' would be one symbol, AAPL"
    ):
        import_bars([tmp_path / "source"], tmp_path / "archive", ImportOptions())


def test_spellings_of_different_sessions_are_one_symbol(tmp_path: Path) -> None:
    """A source that writes in capitals from some day on; with --append too, which sees both where a session has both."""
    first = write(tmp_path / "a.csv", f"symbol,{HEAD}", [f"abc,{row}" for row in minutes(1)])
    second = write(
        tmp_path / "b.csv",
        f"symbol,{HEAD}",
        [f"ABC,{row.replace('03-13', '03-14')}" for row in minutes(2)],
    )
    third = write(
        tmp_path / "c.csv",
        f"symbol,{HEAD}",
        [f"Abc,{row.replace('13:3', '14:3')}" for row in minutes(3)],
    )
    for path in (first, second):
        import_bars([path], tmp_path / "archive", ImportOptions(label="open"))
    assert (
        Archive.open(tmp_path / "archive").symbols() == ["ABC"]
        and len(Archive.open(tmp_path / "archive").sessions()) == 2
    )
    with pytest.raises(BarImportError, match="'Abc' and 'abc' would be one symbol"):
        import_bars(
            [first, second, third], tmp_path / "archive", ImportOptions(label="open", append=True)
        )


def test_a_symbol_of_two_series_is_refused(tmp_path: Path) -> None:
    """Files of one name and two markets, and a column that has two series under one name."""
    for market, price in (("us", 30.0), ("uk", 200.0)):
        write(tmp_path / "source" / market / "VOD.csv", HEAD, minutes(price, 20))
    options = ImportOptions(label="open", reading=SourceOptions(symbol_pattern=FILE_NAME))
    with pytest.raises(
        BarImportError,
        match=r"VOD has two different bars at 20 of 20 times: two series under one symbol in session 2018-03-13",
    ):
        import_bars([tmp_path / "source"], tmp_path / "archive", options)
    write(tmp_path / "source/uk/VOD.csv", HEAD, minutes(30.0, 20))  # the same bars twice are one
    assert import_bars([tmp_path / "source"], tmp_path / "archive", options).copies_dropped == 20


def test_days_of_two_series_are_refused(tmp_path: Path) -> None:
    days = [dt.date(2018, 3, 1) + dt.timedelta(days=n) for n in range(28)]
    for market, price in (("us", 30.0), ("uk", 200.0)):
        write(
            tmp_path / "source" / market / "VOD.csv",
            HEAD,
            [f"{day},{price},{price},{price},{price},1" for day in days],
        )
    reading = SourceOptions(timezone="UTC", symbol_pattern=FILE_NAME)
    with pytest.raises(
        BarImportError,
        match=r"VOD has two different bars at 20 of 20 times: two series under one symbol in 2018",
    ):
        import_bars(
            [tmp_path / "source"],
            tmp_path / "archive",
            ImportOptions(label="open", interval="1d", reading=reading),
        )


@pytest.mark.parametrize("names", [("brk.b.csv", "BRK.B.csv"), ("BRK.A.csv", "BRK.B.csv")])
def test_in_place_as_in_an_import(names: tuple[str, str], tmp_path: Path) -> None:
    for number, name in enumerate(names):
        write(tmp_path / str(DATE) / name, HEAD, minutes(1.0 + number))
    options = InPlaceOptions("open", files="{date}/{symbol}.csv")
    if names[0].upper() != names[1].upper():
        init_in_place(tmp_path, tmp_path, options)
        assert closes(tmp_path) == {"BRK.A": [1.0] * 5, "BRK.B": [2.0] * 5}
        return
    with pytest.raises(ArchiveError, match=r"'BRK.B' and 'brk.b' would be one symbol, BRK.B"):
        init_in_place(tmp_path, tmp_path, options)


def test_two_series_in_place_are_refused(tmp_path: Path) -> None:
    for market, price in (("us", 30.0), ("uk", 200.0)):
        write(tmp_path / market / str(DATE) / "VOD.csv", HEAD, minutes(price, 20))
    with pytest.raises(ArchiveError, match="VOD has two different bars at 20 of 20 times"):
        init_in_place(tmp_path, tmp_path, InPlaceOptions("open", files="*/{date}/{symbol}.csv"))


@pytest.mark.parametrize("read", [read_actions, read_tickers])
def test_tables_of_two_spellings_are_refused(read: object, tmp_path: Path) -> None:
    head = "symbol,ex_date,cash_dividend" if read is read_actions else "symbol,ticker,start_date"
    rows = (
        ["ABRpD,2018-03-13,1", "ABRPD,2018-03-14,1"]
        if read is read_actions
        else ["ABRpD,A,2018-03-13", "ABRPD,B,2018-03-14"]
    )
    path = write(tmp_path / "table.csv", head, rows)
    with pytest.raises(ArchiveError, match=r"'ABRPD' and 'ABRpD' would be one symbol, ABRPD"):
        read(path)  # type: ignore[operator]
    rows[1] = rows[1].replace("ABRPD", "ABR.B")
    assert sorted(read(write(path, head, rows))["symbol"]) == ["ABR.B", "ABRPD"]  # type: ignore[operator]


def test_leans_files_of_two_spellings_are_refused(tmp_path: Path) -> None:
    for name in ("brk.b", "BRK.B"):
        (tmp_path / f"{name}.csv").write_text("19980102,brk.b\n20501231,brk.b\n")
    with pytest.raises(ArchiveError, match=r"'BRK.B' and 'brk.b' would be one symbol, BRK.B"):
        ticker_intervals(tmp_path)


# -- properties


@given(
    st.lists(st.tuples(st.sampled_from(["A", "a", "B", "b.", "B."]), st.booleans()), max_size=12)
)
@settings(max_examples=60, deadline=None)
def test_two_spellings_against_a_walk(rows: list[tuple[str, bool]]) -> None:
    """With SPELLED null where a symbol is written as it is stored."""
    spelled = [name for name, _ in rows]
    frame = pl.DataFrame(
        {
            "symbol": [n.upper() for n in spelled],
            SPELLED: [None if n == n.upper() else n for n in spelled],
        },
        schema={"symbol": pl.String, SPELLED: pl.String},
    )
    ways = {
        symbol: {name for name in spelled if name.upper() == symbol}
        for symbol in {name.upper() for name in spelled}
    }
    assert (two_spellings(frame) is not None) == any(len(names) > 1 for names in ways.values())


@given(st.integers(0, 60), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_some_rows_that_contradict_others_are_no_second_series(twice: int, times: int) -> None:
    """Below ten, or a quarter of the times, they are put aside."""
    at = [
        dt.datetime(2018, 3, 13, 14, tzinfo=dt.UTC) + dt.timedelta(minutes=n) for n in range(times)
    ]
    kept = pl.DataFrame({"symbol": ["A"] * times, "timestamp": at})
    told = two_series(kept, kept.head(twice))
    found = min(twice, times)
    assert (told is not None) == (found >= 10 and found >= 0.25 * times)


def test_a_databento_download_of_two_publishers_in_two_files(tmp_path: Path) -> None:
    """Each file has one; together they are two series."""
    for publisher in (1, 2):
        rows = [
            f"{1520947800 + 60 * n}000000000,33,{publisher},1,{publisher},{publisher},{publisher},{publisher},9"
            for n in range(20)
        ]
        write(
            tmp_path / "source" / f"p{publisher}.ohlcv-1m.csv",
            "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume",
            rows,
        )
    spans = {"AAPL": [{"d0": "2018-03-01", "d1": "2018-04-01", "s": "1"}]}
    (tmp_path / "source/symbology.json").write_text(
        json.dumps({"result": spans, "stype_in": "raw_symbol"})
    )
    with pytest.raises(BarsweepError, match="AAPL has two different bars at 20 of 20 times"):
        import_bars([tmp_path / "source"], tmp_path / "archive", ImportOptions())
