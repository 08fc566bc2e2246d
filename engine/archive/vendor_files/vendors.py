"""Bars as vendors deliver them: one literal row a layout, with what must be known to import it
right.

A new layout touches this file only (and its test): one row of LAYOUTS; docs are generated from it.
A vendor with an encoding of its own also needs a reader, a function `(Part, SourceOptions) ->
frames` named in the row's `reading` (readers.py has those of the vendors below).

A layout is named by hand, or recognized where its paths or its first line cannot be another's.
Which end of a bar the timestamps label comes from the vendor's own documentation (`url`): a wrong
label is a look-ahead of one bar.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path

from engine.archive.vendor_files import nautilus_reader, readers
from engine.archive.vendor_files.readers import first_line
from engine.archive.vendor_files.source_options import SourceOptions
from engine.errors import BarImportError, did_you_mean
from engine.schema import BAR_VALUES, PRICE_COLUMNS

EASTERN = "America/New_York"


@dataclass(frozen=True)
class VendorLayout:
    """How a vendor's files are read.

    label       which end of a bar its timestamps label
    paths       what the path of each of its files looks like; others in a folder are left alone
    first_line  what the first line of a text file, or the column names of a Parquet file, look
                like; "" where paths tell all
    own         no other vendor's files look so, and it is recognized; otherwise it is suggested,
                and has to be named
    by_path     the intervals, by what of a path tells them; none is found from the spacing of the
                bars
    note        what to know before importing
    """

    name: str
    what: str
    url: str
    label: str
    paths: str
    first_line: str = ""
    own: bool = True
    exchange: str = "XNYS"
    by_path: tuple[tuple[str, str], ...] = ()
    reading: SourceOptions = field(default_factory=SourceOptions)
    note: str = ""

    @property
    def zone(self) -> str:
        """The zone of timestamps that carry none."""
        return self.reading.timezone or "UTC"

    def holds(self, path: Path) -> bool:
        """Whether a path looks like one of its files."""
        return re.search(self.paths, path.absolute().as_posix()) is not None

    def interval(self, path: Path) -> str | None:
        """The interval that a path tells."""
        found = (
            (re.search(pattern, path.absolute().as_posix()), name) for pattern, name in self.by_path
        )
        return next((match.expand(name) for match, name in found if match), None)


# Names as the consolidated tape's CQS plan writes them end in lower case, p (preferred), r (rights)
# and w (when issued): as upper
# case ABRpD and ABRPD would be one. CMS writes PR, RT, WI.
# https://www.nasdaqtrader.com/trader.aspx?id=CQSsymbolconvention
CQS = (
    (r"^([A-Z.]+)p([A-Z]?)", "$1.PR$2"),
    (r"^([A-Z.]+)r(w?)$", "$1.RT$2"),
    (r"^([A-Z.]+)w$", "$1.WI"),
)
DASHES = ((r"-P([A-Z])$", ".PR$1"), (r"-([A-Z])$", ".$1"))  # BAC-PL, BRK-B

LAYOUTS = {
    layout.name: layout
    for layout in (
        VendorLayout(
            "massive",
            "Massive (Polygon) flat files, us_stocks_sip/minute_aggs_v1 and day_aggs_v1",
            "https://massive.com/docs/flat-files/stocks/minute-aggregates",
            "open",
            r"\.(csv|csv\.gz|parquet)$",
            r"^ticker,volume,open,close,high,low,window_start,transactions$",
            by_path=((r"minute_aggs", "1m"), (r"day_aggs", "1d")),
            reading=SourceOptions(epoch_unit="ns", symbol_rules=CQS),
            note="prices as traded; BACpL becomes BAC.PRL",
        ),
        VendorLayout(
            "databento",
            "Databento OHLCV, CSV and Parquet",
            "https://databento.com/docs/schemas/ohlcv",
            "open",
            r"\.(csv|csv\.gz|csv\.zst|parquet)$",
            r"^(?=.*\bts_event\b)(?=.*\bpublisher_id\b)(?=.*\binstrument_id\b)(?=.*\brtype\b)",
            by_path=((r"ohlcv-1m", "1m"), (r"ohlcv-1h", "1h"), (r"ohlcv-1d", "1d")),
            reading=SourceOptions(
                {"timestamp": "ts_event"},
                timezone="UTC",
                epoch_unit="ns",
                reader=readers.read_databento,
            ),
            note="instrument ids take their names from the symbology.json beside the file; bars "
            "of one publisher only",
        ),
        VendorLayout(
            "alpaca",
            "Alpaca bars: alpaca-py's frames as CSV or Parquet, or the API's JSON",
            "https://docs.alpaca.markets/reference/stockbars",
            "open",
            r"\.(json|csv|csv\.gz|parquet)$",
            r'^symbol,timestamp,open,high,low,close,volume,trade_count,vwap$|^\{\s*"bars"\s*:',
            reading=SourceOptions(timezone="UTC", reader=readers.read_alpaca),
            note="ask for adjustment=raw",
        ),
        VendorLayout(
            "lean",
            "LEAN equity/usa/minute and equity/usa/daily",
            "https://www.quantconnect.com/docs/v2/lean-engine/data-format/us-equity",
            "open",
            readers.LEAN.pattern,
            by_path=((r"/minute/", "1m"), (r"/daily/", "1d")),
            reading=SourceOptions(
                timezone=EASTERN,
                header=("time", *BAR_VALUES),
                price_divisor=10_000,
                reader=readers.read_lean,
            ),
            note="trade bars; quotes, hours and seconds are left alone",
        ),
        VendorLayout(
            "nautilus",
            "NautilusTrader catalog, data/bar",
            "https://nautilustrader.io/docs/latest/concepts/data/catalog/",
            "close",
            r"/[^/]+\.[^/.]+-\d+-(MINUTE|HOUR|DAY)-[A-Z]+-(EXTERNAL|INTERNAL)/[^/]+\.parquet$",
            by_path=(
                (r"-(\d+)-MINUTE-", r"\1m"),
                (r"-(\d+)-HOUR-", r"\1h"),
                (r"-(\d+)-DAY-", r"\1d"),
            ),
            reading=SourceOptions(
                reader=nautilus_reader.read_nautilus, symbol_rules=((r"\.[^.]+$", ""),)
            ),
            note="ts_init is the close; AAPL.XNAS becomes AAPL",
        ),
        VendorLayout(
            "binance",
            "Binance klines, CSV or the .zip they come in",
            "https://github.com/binance/binance-public-data",
            "open",
            r"/[A-Z0-9_]+-\d+[a-z]+-\d{4}-\d\d(-\d\d)?\.(zip|csv)$",
            r"^(open_time,|\d{13,16},)",
            exchange="24/7",
            by_path=((r"-(\d+[a-z]+)-\d{4}-", r"\1"),),
            reading=SourceOptions(
                {"timestamp": "open_time", "trade_count": "count"},
                epoch_unit="us",
                symbol_pattern=r"^([A-Z0-9_]+)-",
                header=("open_time", *BAR_VALUES, "close_time", "quote_volume", "count"),
                reader=readers.read_binance,
            ),
            note="times are milliseconds, microseconds from 2025",
        ),
        VendorLayout(
            "firstrate",
            "FirstRate Data, one file a symbol",
            "https://firstratedata.com/about/FAQ",
            "open",
            r"/[A-Za-z.\-]+_(full_)?(1min|5min|30min|1hour|1day)(_\w+)?\.(txt|csv)$",
            r"^(timestamp|datetime|date),|^\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?,[\d.]+,",
            own=False,
            by_path=((r"_(\d+)min", r"\1m"), (r"_1hour", "1h"), (r"_1day", "1d")),
            reading=SourceOptions(
                timezone=EASTERN,
                symbol_pattern=r"^([A-Za-z.\-]+?)_",
                header=("timestamp", *BAR_VALUES),
            ),
            note="take the UNADJUSTED files",
        ),
        VendorLayout(
            "kibot",
            "Kibot minutes, one file a symbol",
            "http://www.kibot.com/Data_Format.aspx",
            "open",
            r"\.(txt|csv)$",
            r"^\d\d/\d\d/\d{4},\d\d:\d\d,[\d.]+,[\d.]+,[\d.]+,[\d.]+,\d+$",
            own=False,
            reading=SourceOptions(
                timezone=EASTERN,
                symbol_pattern=r"^(.+)\.(?:txt|csv)$",
                header=("date", "time", *BAR_VALUES),
                time_format="%m/%d/%Y %H:%M",
            ),
            note="take the unadjusted files",
        ),
        VendorLayout(
            "kibot-daily",
            "Kibot days, one file a symbol",
            "http://www.kibot.com/Data_Format.aspx",
            "open",
            r"\.(txt|csv)$",
            r"^\d\d/\d\d/\d{4},[\d.]+,[\d.]+,[\d.]+,[\d.]+,\d+$",
            own=False,
            by_path=(("", "1d"),),
            reading=SourceOptions(
                timezone=EASTERN,
                symbol_pattern=r"^(.+)\.(?:txt|csv)$",
                header=("date", *BAR_VALUES),
                time_format="%m/%d/%Y",
            ),
            note="take the unadjusted files",
        ),
        VendorLayout(
            "yahoo",
            "Yahoo Finance days, one file a symbol",
            "https://finance.yahoo.com/quote/AAPL/history",
            "open",
            r"\.csv$",
            r"^Date,Open,High,Low,Close,Adj Close,Volume$",
            by_path=(("", "1d"),),
            reading=SourceOptions(
                timezone="UTC", symbol_pattern=r"^(.+)\.csv$", symbol_rules=DASHES
            ),
            note="prices are adjusted for splits; Adj Close, adjusted for dividends too, is not "
            "used",
        ),
        VendorLayout(
            "stooq",
            "Stooq days as the site's CSV, one file a symbol",
            "https://stooq.com/q/d/",
            "open",
            r"/[^/]+_[a-z]{2}_d\.csv$",
            r"^Date,Open,High,Low,Close,Volume$",
            by_path=(("", "1d"),),
            reading=SourceOptions(
                timezone="UTC", symbol_pattern=r"^(.+)_[a-z]{2}_d\.csv$", symbol_rules=DASHES
            ),
            note="prices are adjusted for splits and dividends",
        ),
        VendorLayout(
            "stooq-bulk",
            "Stooq daily database, data/daily/us/...",
            "https://stooq.com/db/h/",
            "open",
            r"/daily/.*\.txt$",
            r"^<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
            by_path=(("", "1d"),),
            reading=SourceOptions(
                {"symbol": "<TICKER>", "date": "<DATE>"}
                | {name: f"<{name.upper()}>" for name in PRICE_COLUMNS}
                | {"volume": "<VOL>"},
                timezone="UTC",
                time_format="%Y%m%d",
                symbol_rules=((r"\.[A-Z]{2}$", ""), *DASHES),
            ),
            note="prices are adjusted for splits and dividends; AAPL.US becomes AAPL",
        ),
    )
}
LOOKED_AT = 20  # lists and notes may lie before the bars
RENAMED = {"polygon": "massive"}
COLUMNS = "columns"  # any file, by the names of its columns


def layout_named(name: str) -> VendorLayout | None:
    """The layout of a name, None for "columns"; raises BarImportError where there is none."""
    name = RENAMED.get(name, name)
    if name != COLUMNS and name not in LAYOUTS:
        raise BarImportError(
            f"--layout {name}: no such layout",
            expected=f"one of {', '.join([*LAYOUTS, COLUMNS])}",
            fix=did_you_mean(name, LAYOUTS),
        )
    return LAYOUTS.get(name)


def recognize(files: Sequence[Path], first: VendorLayout | None = None) -> VendorLayout | None:
    """The first layout that a file is of, judged by its path and its first line; None where none
    is.

    first  the one to try before the others
    """
    look = cache(first_line)
    for layout in [*([first] if first else []), *LAYOUTS.values()]:
        held = (file for file in files if layout.holds(file))
        if any(
            re.search(layout.first_line, look(file)) if layout.first_line else True
            for file in islice(held, LOOKED_AT)
        ):
            return layout
    return None
