"""Vendors' layouts: rows as their documentation shows them, and real bars written as each vendor writes them.

Every writer here says again, from the vendor's documentation, what a file looks like; what is imported from it must be the
archive the bars came from, bar for bar.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.archive.vendor_files.nautilus_reader import fixed_point
from engine.archive.vendor_files.source_options import SourceOptions
from engine.archive.vendor_files.vendors import LAYOUTS
from engine.errors import BarImportError, BarsweepError
from engine.schema import BAR_SCHEMA

EASTERN = ZoneInfo("America/New_York")
DATES = (dt.date(2018, 3, 9), dt.date(2018, 3, 12))  # daylight saving starts between them
SYMBOLS = ("AAPL", "ROKU")


def minutes(us2018: Archive) -> pl.DataFrame:
    frames = [us2018.read_session(date, list(BAR_SCHEMA)) for date in DATES]
    return pl.concat(frames).filter(pl.col("symbol").is_in(SYMBOLS)).sort("symbol", "timestamp")


def days(us2018: Archive) -> pl.DataFrame:
    daily = us2018.read_daily(
        ["timestamp", "open", "high", "low", "close", "volume"],
        DATES[0],
        DATES[1] + dt.timedelta(days=1),
    )
    return daily.filter(pl.col("symbol").is_in(SYMBOLS)).select(*BAR_SCHEMA)


def stored(path: Path, interval: str) -> pl.DataFrame:
    archive = Archive.open(path)
    if interval == "1d":
        return archive.read_daily(
            ["timestamp", "open", "high", "low", "close", "volume"], None, None
        ).select(*BAR_SCHEMA)
    frames = [
        archive.read_session(date, list(BAR_SCHEMA), interval)
        for date in archive.sessions(interval)
    ]
    return pl.concat(frames).sort("symbol", "timestamp")


def packed(path: Path, name: str, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, "\n".join(lines) + "\n")


def text(path: Path, lines: list[str], header: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n")


def ohlcv(bar: dict[str, object]) -> str:
    return f"{bar['open']},{bar['high']},{bar['low']},{bar['close']},{bar['volume']:.0f}"


def local(bar: dict[str, object]) -> dt.datetime:
    return bar["timestamp"].astimezone(EASTERN)  # type: ignore[attr-defined,no-any-return]


def by_symbol(bars: pl.DataFrame) -> list[tuple[str, list[dict[str, object]]]]:
    return [
        (symbol, bars.filter(symbol=symbol).to_dicts()) for symbol in bars["symbol"].unique().sort()
    ]


# -- the writers: bars, a folder, whether they are daily


def massive(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    """A .csv.gz a session; window_start in ns is the start, a day's is midnight in New York."""
    kind = "day_aggs_v1" if daily else "minute_aggs_v1"
    for date in DATES:
        rows = [b for b in bars.to_dicts() if local(b).date() == date]
        path = root / f"us_stocks_sip/{kind}/{date:%Y}/{date:%m}/{date}.csv.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wt") as file:
            file.write("ticker,volume,open,close,high,low,window_start,transactions\n")
            for b in rows:
                start = dt.datetime.combine(date, dt.time(0), EASTERN) if daily else b["timestamp"]
                file.write(
                    f"{b['symbol']},{b['volume']:.0f},{b['open']},{b['close']},{b['high']},{b['low']},"
                    f"{int(start.timestamp())}000000000,7\n"
                )


def databento(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    """A batch download: prices and times as integers, ids instead of symbols, symbology.json beside; a day starts at midnight UTC."""
    ids = {symbol: number for number, symbol in enumerate(SYMBOLS, 38)}
    lines = []
    for b in bars.to_dicts():
        start = (
            dt.datetime.combine(local(b).date(), dt.time(0), dt.UTC) if daily else b["timestamp"]
        )
        prices = ",".join(str(round(b[name] * 10**9)) for name in ("open", "high", "low", "close"))
        lines.append(
            f"{int(start.timestamp())}000000000,{35 if daily else 33},2,{ids[b['symbol']]},{prices},{b['volume']:.0f}"
        )
    header = "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume"
    text(root / f"xnas-itch-20180309.ohlcv-{'1d' if daily else '1m'}.csv", lines, header)
    spans = {
        symbol: [{"d0": "2018-03-01", "d1": "2018-04-01", "s": str(ids[symbol])}]
        for symbol in SYMBOLS
    }
    spans["OLD"] = [
        {"d0": "2017-01-01", "d1": "2018-03-01", "s": "38"}
    ]  # an id that was another's before
    told = {
        "result": spans,
        "stype_in": "raw_symbol",
        "stype_out": "instrument_id",
        "symbols": [*spans],
        "not_found": [],
    }
    (root / "symbology.json").write_text(json.dumps(told))
    (root / "metadata.json").write_text("{}")


def databento_parquet(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    """DBNStore.to_parquet: float prices, UTC timestamps, symbols mapped."""
    starts = bars["timestamp"].dt.cast_time_unit("ns")
    if daily:
        starts = bars["timestamp"].dt.truncate("1d").dt.cast_time_unit("ns")
    root.mkdir()
    bars.select(
        rtype=pl.lit(35 if daily else 33, pl.UInt8),
        publisher_id=pl.lit(2, pl.UInt16),
        instrument_id=pl.lit(1, pl.UInt32),
        open="open",
        high="high",
        low="low",
        close="close",
        volume=pl.col("volume").cast(pl.UInt64),
        symbol="symbol",
        ts_event=starts,
    ).write_parquet(root / f"bars.ohlcv-{'1d' if daily else '1m'}.parquet")


def alpaca(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    """The API's answers, a page a symbol; a day starts at midnight in New York."""
    root.mkdir()
    for symbol, rows in by_symbol(bars):
        page = [
            {
                "t": _alpaca_time(b, daily),
                "o": b["open"],
                "h": b["high"],
                "l": b["low"],
                "c": b["close"],
                "v": int(b["volume"]),
                "n": 9,
                "vw": b["close"],
            }
            for b in rows
        ]
        (root / f"page-{symbol}.json").write_text(
            json.dumps({"bars": {symbol: page}, "next_page_token": None})
        )


def _alpaca_time(b: dict[str, object], daily: bool) -> str:
    start = (
        dt.datetime.combine(local(b).date(), dt.time(0), EASTERN).astimezone(dt.UTC)
        if daily
        else b["timestamp"]
    )
    return f"{start:%Y-%m-%dT%H:%M:%SZ}"


def alpaca_frame(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    """client.get_stock_bars(...).df.to_csv()."""
    root.mkdir()
    frame = bars.with_columns(
        pl.Series(
            "timestamp",
            [
                _alpaca_time(b, daily).replace("T", " ").replace("Z", "+00:00")
                for b in bars.to_dicts()
            ],
        ),
        trade_count=pl.lit(9.0),
        vwap="close",
    )
    frame.write_csv(root / "bars.csv")


def lean(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    """A zip a symbol and day, ms from midnight in New York; days in a zip a symbol; prices in 0.0001; quotes beside."""
    for symbol, rows in by_symbol(bars):
        low, folder = symbol.lower(), root / "equity/usa"
        line = {
            local(b): ",".join(
                str(round(b[name] * 10_000)) for name in ("open", "high", "low", "close")
            )
            for b in rows
        }
        volume = {local(b): f"{b['volume']:.0f}" for b in rows}
        if daily:
            packed(
                folder / f"daily/{low}.zip",
                f"{low}.csv",
                [f"{at:%Y%m%d} 00:00,{line[at]},{volume[at]}" for at in line],
            )
            continue
        for date in DATES:
            ticks = [
                f"{(at.hour * 60 + at.minute) * 60_000},{line[at]},{volume[at]}"
                for at in line
                if at.date() == date
            ]
            packed(
                folder / f"minute/{low}/{date:%Y%m%d}_trade.zip",
                f"{date:%Y%m%d}_{low}_minute_trade.csv",
                ticks,
            )
            packed(
                folder / f"minute/{low}/{date:%Y%m%d}_quote.zip",
                "quote.csv",
                ["34200000,1,1,1,1,1,1,1,1,1,1"],
            )


def nautilus(bars: pl.DataFrame, root: Path, daily: bool, width: int = 16) -> None:
    """A catalog: fixed-point integers of 16 bytes, ts_init and ts_event the close; a day of equities closes with the session."""
    for symbol, rows in by_symbol(bars):
        bar_type = f"{symbol}.XNAS-1-{'DAY' if daily else 'MINUTE'}-LAST-EXTERNAL"
        close = [_nautilus_close(b, daily) for b in rows]
        scale = 10**16 if width == 16 else 10**9

        def column(name: str, rows: list[dict[str, object]] = rows, scale: int = scale) -> pa.Array:
            whole = [round(b[name] * 10**6) * (scale // 10**6) for b in rows]  # type: ignore[operator]
            return pa.array(
                [n.to_bytes(width, "little", signed=True) for n in whole], pa.binary(width)
            )

        names = ["open", "high", "low", "close", "volume"]
        metadata = {
            "bar_type": bar_type,
            "instrument_id": f"{symbol}.XNAS",
            "price_precision": "6",
            "size_precision": "0",
        }
        table = pa.table(
            {name: column(name) for name in names}
            | {key: pa.array(close, pa.uint64()) for key in ("ts_event", "ts_init")}
        )
        path = root / "data/bar" / bar_type / "2018.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(table.replace_schema_metadata(metadata), path)


def _nautilus_close(b: dict[str, object], daily: bool) -> int:
    at = (
        dt.datetime.combine(local(b).date(), dt.time(16), EASTERN)
        if daily
        else local(b) + dt.timedelta(minutes=1)
    )
    return int(at.timestamp()) * 10**9 + (
        0 if daily else 250_000_000
    )  # recorded live, it is initialized a little later


def nautilus_standard(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    """The same of standard precision, 8 bytes."""
    nautilus(bars, root, daily, width=8)


def nautilus_decimal(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    """The same of version 2's catalogs: Decimal128 and UTC timestamps."""
    for symbol, rows in by_symbol(bars):
        bar_type = f"{symbol}.XNAS-1-{'DAY' if daily else 'MINUTE'}-LAST-EXTERNAL"
        close = pa.array([_nautilus_close(b, daily) for b in rows], pa.timestamp("ns", "UTC"))
        prices = {
            n: pa.array([f"{b[n]:.6f}" for b in rows]).cast(pa.decimal128(38, 16))
            for n in ("open", "high", "low", "close", "volume")
        }
        path = root / "data/bar" / bar_type / "2018.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table(prices | {"ts_event": close, "ts_init": close}), path)


def firstrate(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    """A text file a symbol without header, starts in New York's time."""
    for symbol, rows in by_symbol(bars):
        form = "%Y-%m-%d" if daily else "%Y-%m-%d %H:%M:%S"
        text(
            root / f"{symbol}_full_{'1day' if daily else '1min'}_UNADJUSTED.txt",
            [f"{local(b).strftime(form)},{ohlcv(b)}" for b in rows],
        )


def kibot(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    """A text file a symbol without header: MM/DD/YYYY,HH:MM, starts in New York's time; days without the time."""
    for symbol, rows in by_symbol(bars):
        form = "%m/%d/%Y" if daily else "%m/%d/%Y,%H:%M"
        text(root / f"{symbol}.txt", [f"{local(b).strftime(form)},{ohlcv(b)}" for b in rows])


def yahoo(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    """A file a symbol; Adj Close is another scale."""
    for symbol, rows in by_symbol(bars):
        lines = [
            f"{local(b).date()},{b['open']},{b['high']},{b['low']},{b['close']},1.0,{b['volume']:.0f}"
            for b in rows
        ]
        text(root / f"{symbol}.csv", lines, "Date,Open,High,Low,Close,Adj Close,Volume")


def stooq(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    for symbol, rows in by_symbol(bars):
        lines = [f"{local(b).date()},{ohlcv(b)}" for b in rows]
        text(root / f"{symbol.lower()}_us_d.csv", lines, "Date,Open,High,Low,Close,Volume")


def stooq_bulk(bars: pl.DataFrame, root: Path, daily: bool) -> None:
    for symbol, rows in by_symbol(bars):
        lines = [f"{symbol}.US,D,{local(b):%Y%m%d},000000,{ohlcv(b)},0" for b in rows]
        header = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"
        text(root / f"data/daily/us/nasdaq stocks/{symbol.lower()}.us.txt", lines, header)


WRITERS: dict[tuple[str, str], list[Callable[[pl.DataFrame, Path, bool], None]]] = {
    ("massive", "1m"): [massive],
    ("massive", "1d"): [massive],
    ("databento", "1m"): [databento, databento_parquet],
    ("databento", "1d"): [databento, databento_parquet],
    ("alpaca", "1m"): [alpaca, alpaca_frame],
    ("alpaca", "1d"): [alpaca, alpaca_frame],
    ("lean", "1m"): [lean],
    ("lean", "1d"): [lean],
    ("nautilus", "1m"): [nautilus, nautilus_standard, nautilus_decimal],
    ("nautilus", "1d"): [nautilus, nautilus_decimal],
    ("firstrate", "1m"): [firstrate],
    ("firstrate", "1d"): [firstrate],
    ("kibot", "1m"): [kibot],
    ("kibot-daily", "1d"): [kibot],
    ("yahoo", "1d"): [yahoo],
    ("stooq", "1d"): [stooq],
    ("stooq-bulk", "1d"): [stooq_bulk],
}
CASES = [
    (name, interval, writer) for (name, interval), writers in WRITERS.items() for writer in writers
]


@pytest.mark.parametrize(
    ("name", "interval", "writer"), CASES, ids=[f"{w.__name__}-{i}" for n, i, w in CASES]
)
def test_real_bars_written_as_the_vendor_does_are_the_same_archive(
    name: str,
    interval: str,
    writer: Callable[[pl.DataFrame, Path, bool], None],
    us2018: Archive,
    tmp_path: Path,
) -> None:
    bars = days(us2018) if interval == "1d" else minutes(us2018)
    writer(bars, tmp_path / "source", interval == "1d")
    named = None if LAYOUTS[name].own else name
    summary = import_bars([tmp_path / "source"], tmp_path / "archive", ImportOptions(layout=named))
    assert (summary.layout, summary.label, summary.interval) == (
        name,
        LAYOUTS[name].label,
        interval,
    )
    assert (summary.rows_written, summary.sessions_added, dict(summary.quarantined)) == (
        len(bars),
        2,
        {},
    )
    assert stored(tmp_path / "archive", interval).equals(bars)


def test_every_layout_is_tested() -> None:
    assert {name for name, _ in WRITERS} | {"binance"} == set(LAYOUTS)


# Rows that the vendors' own pages show: what is written, and the bar it is.
DOCUMENTED = {
    "massive": (  # massive.com/docs/flat-files/quickstart
        "us_stocks_sip/minute_aggs_v1/2025/04/2025-04-16.csv",
        "ticker,volume,open,close,high,low,window_start,transactions\nAAPL,4930,200.29,200.5,200.63,200.29,1744792500000000000,129\n",
        ("AAPL", "2025-04-16 08:35", 200.29, 200.63, 200.29, 200.5, 4930.0),
    ),
    "alpaca": (  # docs.alpaca.markets/reference/stockbars
        "page.json",
        '{"bars":{"AAPL":[{"t":"2022-01-03T09:00:00Z","o":178.26,"h":178.26,"l":178.21,"c":178.21,"v":1118,"n":65,"vw":178.235733}]},'
        '"next_page_token":null}',
        ("AAPL", "2022-01-03 09:00", 178.26, 178.26, 178.21, 178.21, 1118.0),
    ),
    "lean": (  # github.com/QuantConnect/Lean, Data/equity/readme.md
        "equity/usa/minute/aapl/20140605_trade.zip",
        "15300000,6448000,6448000,6448000,6448000,90\n",
        ("AAPL", "2014-06-05 08:15", 644.8, 644.8, 644.8, 644.8, 90.0),
    ),
    "kibot": (  # kibot.com/api/download_historical_data.aspx
        "WMT.txt",
        "08/31/2011,09:30,12.52,12.68,12.5,12.66,1004620\n08/31/2011,09:35,12.65,12.65,12.58,12.63,696432\n",
        ("WMT", "2011-08-31 13:30", 12.52, 12.68, 12.5, 12.66, 1004620.0),
    ),
    "binance": (  # github.com/binance/binance-public-data
        "BNBUSDT-1h-2025-01.zip",
        "1735689600000000,4.15070000,4.15870000,4.15060000,4.15540000,539.23000000,1735693199999999,2240.39860900,13,401.82,1669.98,0\n",
        ("BNBUSDT", "2025-01-01 00:00", 4.1507, 4.1587, 4.1506, 4.1554, 539.23),
    ),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_rows(name: str, tmp_path: Path) -> None:
    path, content, (symbol, start, *values) = DOCUMENTED[name]
    source = tmp_path / "source" / path
    source.parent.mkdir(parents=True, exist_ok=True)
    packed(
        source, "rows.csv", content.splitlines()
    ) if source.suffix == ".zip" else source.write_text(content)
    interval = {"alpaca": "1m"}.get(name)  # one bar tells no spacing
    summary = import_bars(
        [tmp_path / "source"], tmp_path / "archive", ImportOptions(layout=name, interval=interval)
    )
    first = stored(tmp_path / "archive", summary.interval).row(0)
    assert first == (symbol, dt.datetime.fromisoformat(f"{start}+00:00"), *values)


def test_binance_milliseconds_before_2025_and_headers(tmp_path: Path) -> None:
    """As the pages of 2019 to 2024 show them, spot without and futures with a header; around the clock, every day of the week."""
    header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
    row = "4.15070000,4.15870000,4.15060000,4.15540000,539.23000000,1601510399999,2240.39860900,13,401.82000000,1669.98121300,0"
    packed(
        tmp_path / "source/BNBUSDT-1m-2020-10.zip",
        "BNBUSDT-1m-2020-10.csv",
        [f"1601683140000,{row}"],
    )  # a Saturday
    text(tmp_path / "source/ETHUSDT-1m-2020-10.csv", [f"1601683140000,{row}"], header)
    summary = import_bars([tmp_path / "source"], tmp_path / "archive", ImportOptions())
    archive = Archive.open(tmp_path / "archive")
    assert (summary.layout, archive.exchange, archive.symbols()) == (
        "binance",
        "24/7",
        ["BNBUSDT", "ETHUSDT"],
    )
    bars = archive.read_session(dt.date(2020, 10, 2), ["timestamp", "close", "trade_count"])
    assert bars.unique().rows() == [(dt.datetime(2020, 10, 2, 23, 59, tzinfo=dt.UTC), 4.1554, 13.0)]


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        ("massive", "BRK.A", "BRK.A"),
        ("massive", "BACpL", "BAC.PRL"),
        ("massive", "ABRp", "ABR.PR"),
        ("massive", "XYZr", "XYZ.RT"),
        ("massive", "GEHCw", "GEHC.WI"),
        ("massive", "ABRpAw", "ABR.PRA.WI"),
        ("yahoo", "BRK-B", "BRK.B"),
        ("yahoo", "BAC-PL", "BAC.PRL"),
        ("stooq-bulk", "BRK-B.US", "BRK.B"),
        ("stooq-bulk", "AAPL.US", "AAPL"),
    ],
)
def test_symbol_names(name: str, theirs: str, ours: str, tmp_path: Path) -> None:
    rows = {
        "massive": (
            "2018-03-09.csv",
            "ticker,volume,open,close,high,low,window_start,transactions",
            f"{theirs},1,2,2,2,2,1520605800000000000,1",
        ),
        "yahoo": (
            f"{theirs}.csv",
            "Date,Open,High,Low,Close,Adj Close,Volume",
            "2018-03-09,2,2,2,2,2,1",
        ),
        "stooq-bulk": (
            "daily/x.txt",
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
            f"{theirs},D,20180309,000000,2,2,2,2,1,0",
        ),
    }
    path, header, row = rows[name]
    text(tmp_path / path, [row], header)
    import_bars(
        [tmp_path / path],
        tmp_path / "archive",
        ImportOptions(interval="1m" if name == "massive" else None),
    )
    assert Archive.open(tmp_path / "archive").symbols() == [ours]


@settings(deadline=None)
@given(
    st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=4), min_size=1, max_size=20)
)
def test_fixed_point_is_the_nearest_float(values: list[object]) -> None:
    for width, scale in ((8, 10**9), (16, 10**16)):
        raw = [int(value * scale).to_bytes(width, "little", signed=True) for value in values]  # type: ignore[operator]
        column = pa.array([b"\0" * width, *raw], pa.binary(width)).slice(1)
        assert fixed_point(column, 4).tolist() == [float(value) for value in values]  # type: ignore[arg-type]


def test_fixed_point_as_nautilus_wrote_it() -> None:
    """Price.from_str of 178.54 and 0.00001234 in a catalog of nautilus_trader 1.221."""
    raw = [
        bytes.fromhex("0080fb2dd703c718" + "00" * 8),
        bytes.fromhex("009236bb1c000000" + "00" * 8),
    ]
    assert fixed_point(pa.array(raw, pa.binary(16)), 8).tolist() == [178.54, 0.00001234]
    assert np.isclose(fixed_point(pa.array(raw, pa.binary(16)), 2)[0], 178.54)


@pytest.mark.parametrize("path", ["folder/AAPL.txt", "folder/AAPL_full_1min.csv"])
def test_what_could_be_anothers_is_suggested_and_not_assumed(path: str, tmp_path: Path) -> None:
    row = "03/09/2018,09:30,2,2,2,2,1" if path.endswith("txt") else "2018-03-09 09:30:00,2,2,2,2,1"
    text(tmp_path / path, [row])
    with pytest.raises(BarImportError, match=r"give --layout (kibot|firstrate) if they are"):
        import_bars([tmp_path / "folder"], tmp_path / "archive", ImportOptions())


@pytest.mark.parametrize(
    ("write", "options", "message"),
    [
        (
            lambda root: text(
                root / "a.csv",
                ["1,33,1,1,1,1,1,1,1", "1,33,2,1,1,1,1,1,1"],
                "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume",
            ),
            {"interval": "1m"},
            "2 publishers",
        ),
        (
            lambda root: text(
                root / "a.csv",
                ["1,32,1,1,1,1,1,1,1"],
                "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume",
            ),
            {"interval": "1m"},
            "one second",
        ),
        (
            lambda root: text(
                root / "a.csv",
                ["1,33,1,1,1,1,1,1,1"],
                "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume",
            ),
            {"interval": "1m"},
            "symbology.json",
        ),
        (
            lambda root: [
                text(
                    root / f"us_stocks_sip/{kind}_aggs_v1/a.csv",
                    ["A,1,1,1,1,1,1,1"],
                    "ticker,volume,open,close,high,low,window_start,transactions",
                )
                for kind in ("day", "minute")
            ],
            {},
            "bars of 2 intervals",
        ),
        (
            lambda root: text(root / "a.json", ["{"]),
            {"layout": "alpaca"},
            "an answer of the bars API",
        ),
        (
            lambda root: text(root / "a.csv", ["1"], "x"),
            {"layout": "nautlius"},
            "did you mean 'nautilus'",
        ),
        (
            lambda root: text(root / "a.csv", ["1"], "x"),
            {"layout": "lean"},
            "no bar files of layout lean",
        ),
        (
            lambda root: packed(
                root / "BTCUSDT-3d-2018-03.zip", "a.csv", ["1520553600000,1,1,1,1,1,1,1,1,1,1,1"]
            ),
            {},
            "unknown interval '3d'",
        ),
        (
            lambda root: packed(root / "equity/usa/daily/a.zip", "a.bin", ["1"]),
            {},
            r"holds no \.csv or \.txt, but a\.bin",
        ),
        (lambda root: text(root / "equity/usa/daily/a.zip", ["no zip"]), {}, "cannot be read"),
    ],
)
def test_what_a_layout_cannot_be_says_so(
    write: Callable[[Path], None], options: dict[str, str], message: str, tmp_path: Path
) -> None:
    write(tmp_path / "source")
    with pytest.raises(BarsweepError, match=message):
        import_bars([tmp_path / "source"], tmp_path / "archive", ImportOptions(**options))  # type: ignore[arg-type]
    assert not (tmp_path / "archive/archive.json").exists()


def test_what_is_given_by_hand_goes_before_the_layout(us2018: Archive, tmp_path: Path) -> None:
    bars = minutes(us2018)
    massive(
        bars.with_columns(pl.col("timestamp") + pl.duration(minutes=1)), tmp_path / "source", False
    )
    import_bars(
        [tmp_path / "source"], tmp_path / "archive", ImportOptions(layout="polygon", label="close")
    )
    assert stored(tmp_path / "archive", "1m").equals(bars)


def test_a_query_of_duckdb(us2018: Archive, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    bars = minutes(us2018)
    bars.write_parquet(tmp_path / "bars.parquet")
    with duckdb.connect(str(tmp_path / "market.duckdb")) as connection:
        connection.execute(
            f"create table bars as select symbol as tick, * exclude (symbol) from '{tmp_path / 'bars.parquet'}'"
        )
    reading = SourceOptions({"symbol": "tick"}, query="select * from bars where tick = 'ROKU'")
    import_bars(
        [tmp_path / "market.duckdb"],
        tmp_path / "archive",
        ImportOptions(label="open", reading=reading),
    )
    assert stored(tmp_path / "archive", "1m").equals(bars.filter(symbol="ROKU"))
    for query in ("select * from nothing", "drop table bars"):
        with pytest.raises(BarImportError, match="--query"):
            options = ImportOptions(label="open", reading=SourceOptions(query=query))
            import_bars([tmp_path / "market.duckdb"], tmp_path / "other", options)


MASSIVE = "ticker,volume,open,close,high,low,window_start,transactions\nAAPL,100,10,10.5,11,9,1519914600000000000,3\n"


@pytest.mark.parametrize("name", sorted({*LAYOUTS} - {"massive"}))
def test_a_layout_named_wrongly_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "2018-03-01.csv").write_text(MASSIVE)
    with pytest.raises(BarImportError, match=f"--layout massive|no bar files of layout {name}"):
        import_bars([tmp_path], tmp_path / "archive", ImportOptions(layout=name))


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_columns_of_nobody_are_told_whatever_the_layout(name: str, tmp_path: Path) -> None:
    """Paths that hold for several layouts, with a header that is none of theirs."""
    for path in (
        "BTCUSDT-1m-2018-03.csv",
        "AAPL_1min.txt",
        "aapl_us_d.csv",
        "daily/aapl.us.txt",
        "bars.csv",
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("first,second\n1,2\n")
    with pytest.raises(BarImportError):
        import_bars([tmp_path], tmp_path / "archive", ImportOptions(layout=name, interval="1m"))
