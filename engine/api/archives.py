"""Archives are made, filled and compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import available_timezones

from engine.api.market import Market, open_archive
from engine.api.progress_display import telling
from engine.api.scan_options import Day, Spell, date_of
from engine.archive.archive import Archive
from engine.archive.in_place import ForeignFiles
from engine.archive.ingest.demo import DEFAULT_START
from engine.archive.ingest.demo import make_demo as make_demo_market
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.import_summary import ImportSummary
from engine.archive.ingest.importer import import_bars
from engine.archive.ingest.recognise import InPlaceOptions, init_in_place
from engine.archive.quality.archive_diff import Difference
from engine.archive.quality.archive_diff import diff_archives as compare_archives
from engine.archive.quality.declared_doubts import shifted_label
from engine.archive.reading_cost import ReadingCost, reading_cost
from engine.archive.vendor_files.source_columns import FILE_NAME
from engine.archive.vendor_files.source_options import SourceOptions
from engine.archive.vendor_files.text_blocks import TextOptions
from engine.archive.vendor_files.unread import EARLIER, LATER, ORDER
from engine.archive.vendor_files.vendors import LAYOUTS
from engine.errors import ConfigError, did_you_mean
from engine.progress import Progress


@dataclass(frozen=True)
class Layout:
    """A vendor's layout that import knows."""

    layout: str
    bars: str
    label: str | None
    zone: str | None
    recognized: str
    note: str
    documented_at: str


@dataclass(frozen=True)
class InPlaceArchive:
    """Files that are read where they lie, and what was found in them.

    left_out  why rows are no bars -> how many
    doubts    what speaks against something that was declared, in words
    """

    path: Path
    files: str
    interval: str
    sessions: list[dt.date]
    symbols: int
    bars: int
    out_of_order: int
    left_out: dict[str, int]
    doubts: list[str]

    def reading_cost(self) -> ReadingCost | None:
        """What reading a session in place costs against an import.

        None where the bars are daily.
        """
        return reading_cost(Archive.open(self.path), self.sessions[-1])


def demo(
    archive: str | Path = "parquet_data/demo",
    *,
    symbols: int = 100,
    sessions: int = 117,
    seed: int = 7,
    start: Day = DEFAULT_START,
    force: bool = False,
    on_progress: Progress | None = None,
) -> Market:
    """A synthetic market that looks like one, made where it is not there yet.

    The same options make the same bytes.
    """
    make_demo(
        archive,
        symbols=symbols,
        sessions=sessions,
        seed=seed,
        start=start,
        force=force,
        on_progress=on_progress,
    )
    return open_archive(archive)


def make_demo(
    archive: str | Path,
    *,
    symbols: int = 100,
    sessions: int = 117,
    seed: int = 7,
    start: Day = DEFAULT_START,
    force: bool = False,
    on_progress: Progress | None = None,
) -> bool:
    """As `demo`; True where the market was made, False where it was there already.

    `force` replaces what the folder holds.
    """
    first = date_of(start)
    assert first is not None
    with telling(on_progress) as progress:
        return make_demo_market(
            Path(archive), symbols, sessions, seed, first, force=force, progress=progress
        )


def import_archive(
    *sources: str | Path,
    archive: str | Path,
    label: str | None = None,
    layout: str | None = None,
    append: bool = False,
    exchange: str | None = None,
    timezone: str | None = None,
    epoch_unit: str | None = None,
    time_format: str | None = None,
    interval: str | None = None,
    columns: Mapping[str, str] | None = None,
    price_divisor: float = 1.0,
    symbol_from_filename: bool = False,
    header: str | Sequence[str] | None = None,
    skip_lines: int = 0,
    encoding: str = "utf-8",
    strip: str = "",
    decimal_comma: bool = False,
    repeated_hour: str | None = None,
    no_volume: bool = False,
    merge_opening_auction: bool = False,
    trust_label: bool = False,
    query: str | None = None,
    source: str = "",
    on_progress: Progress | None = None,
    spell: Spell = str,
) -> ImportSummary:
    """Import bar files, or folders of them, into an archive: a vendor's layout, any Parquet or CSV,
    a query of DuckDB.

    All sources of one call are one import: a session it holds replaces the archive's. An import
    that was interrupted goes on when it is called again. Rows that cannot be bars are put aside
    with the reason, never dropped.

    label                  which end of a bar the source's timestamps label: "open" or "close"; the
                           layout's where it says so
    layout                 the vendor's (`layouts`), or "columns"; recognized where left out
    append                 read new and changed files only; leave sessions that are the same
    exchange               market identifier code, or "24/7"; the layout's or the archive's, else
                           XNYS
    timezone               of times that carry none, such as "America/New_York"; dates need none
    epoch_unit             of timestamps that are whole numbers: "s", "ms", "us", "ns"
    time_format            of timestamps that are text, such as "%d.%m.%Y %H:%M"; found where they
                           tell it
    interval               of the bars; found from their spacing where left out
    columns                our name -> the source's
    price_divisor          what prices are divided by
    symbol_from_filename   the symbol is the file's name without its ending: BRK.A of BRK.A.csv
    header                 columns of text files without a header: names, or one text with commas
                           between them
    skip_lines             lines of text files before their header, or before the first row with
                           `header`
    encoding               of text files, such as "latin-1"
    strip                  characters to take out of numbers that are text, such as "$,"
    decimal_comma          numbers that are text have a comma before their decimals
    repeated_hour          which hour it is that the clock of `timezone` tells twice in autumn:
                           "earlier", "later", or "order"
                           where both are there, one after the other
    no_volume              the source records no volume: where none is, 0 is stored, which says
                           nothing
    merge_opening_auction  a bar that ends at the open is the auction's, part of the first bar
    trust_label            import bars that seem to be labelled by their other end all the same
    query                  SQL that answers bars, asked of DuckDB files
    source                 where the bars come from, in words, for archive.json
    """
    if not price_divisor > 0:
        raise ConfigError(
            f"{spell('price_divisor')} {price_divisor:g}", expected="a number above 0"
        )
    _check_zone(timezone, spell)
    _check_hour(repeated_hour, spell)
    reading = SourceOptions(
        dict(columns or {}),
        timezone,
        epoch_unit,
        time_format,
        FILE_NAME if symbol_from_filename else None,
        price_divisor=price_divisor,
        text=_text(header, skip_lines, encoding, strip, decimal_comma, spell),
        repeated_hour=repeated_hour,
        no_volume=no_volume,
        query=query,
    )
    options = ImportOptions(
        label,
        exchange,
        interval,
        source,
        merge_opening_auction,
        layout,
        append,
        reading,
        trust_label,
    )
    with telling(on_progress) as progress:
        return import_bars([Path(one) for one in sources], Path(archive), options, progress)


def read_in_place(
    folder: str | Path,
    *,
    archive: str | Path | None = None,
    label: str | None = None,
    files: str | None = None,
    exchange: str = "XNYS",
    timezone: str | None = None,
    epoch_unit: str | None = None,
    time_format: str | None = None,
    interval: str | None = None,
    columns: Mapping[str, str] | None = None,
    header: str | Sequence[str] | None = None,
    skip_lines: int = 0,
    encoding: str = "utf-8",
    strip: str = "",
    decimal_comma: bool = False,
    repeated_hour: str | None = None,
    no_volume: bool = False,
    source: str = "",
    on_progress: Progress | None = None,
    spell: Spell = str,
) -> InPlaceArchive:
    """Make an archive of a folder whose files are laid out by date already, without importing them.

    archive  where archive.json goes; the folder of the files where left out
    files    paths of the files, such as "date={date}/*.parquet"; found by looking where left out
    The rest as of `import_archive`.
    """
    _check_zone(timezone, spell)
    _check_hour(repeated_hour, spell)
    options = InPlaceOptions(
        label,
        exchange,
        files,
        interval,
        dict(columns or {}),
        timezone,
        epoch_unit,
        source,
        time_format,
        _text(header, skip_lines, encoding, strip, decimal_comma, spell),
        repeated_hour,
        no_volume,
    )
    with telling(on_progress) as progress:
        made = init_in_place(Path(folder), Path(archive or folder), options, progress)
    assert isinstance(made.files, ForeignFiles)
    catalogue, base = made.files.catalogue(), made.manifest.base
    sessions = made.sessions(base.name)
    shifted = shifted_label(made, base, sessions)
    return InPlaceArchive(
        made.path,
        made.files.template,
        base.name,
        sessions,
        len(made.symbols()),
        catalogue.rows,
        catalogue.out_of_order,
        dict(catalogue.left_out),
        [f"is {spell('label')} {label} right? {shifted}"] if shifted else [],
    )


def layouts() -> list[Layout]:
    """The vendors' layouts that import knows."""
    return [
        Layout(v.name, v.what, v.label, v.zone, "yes" if v.own else "suggested", v.note, v.url)
        for v in LAYOUTS.values()
    ]


def diff_archives(
    a: str | Path, b: str | Path, *, on_progress: Progress | None = None
) -> list[Difference]:
    """Compare two archives bar by bar: sessions, symbols and rows that only one has or that
    differ."""
    with telling(on_progress) as progress:
        return compare_archives(Archive.open(a), Archive.open(b), progress)


def _text(
    header: str | Sequence[str] | None,
    skip_lines: int,
    encoding: str,
    strip: str,
    decimal_comma: bool,
    spell: Spell,
) -> TextOptions:
    """How text files are written; ConfigError for an option that cannot be."""
    given = header.split(",") if isinstance(header, str) and header else header or ()
    names = tuple(name.strip() for name in given)
    if "" in names or len(set(names)) < len(names):
        raise ConfigError(
            f"{spell('header')} {','.join(names)}",
            expected="names, each another, with commas between them",
        )
    if skip_lines < 0:
        raise ConfigError(
            f"{spell('skip_lines')} {skip_lines}", expected="a number of lines, 0 or more"
        )
    if any(sign.isalnum() or sign in "+-" for sign in strip):
        raise ConfigError(
            f"{spell('strip')} {strip}",
            expected="characters that are no part of a number, such as '$,'",
        )
    return TextOptions(names, skip_lines, encoding, strip, decimal_comma)


def _check_hour(name: str | None, spell: Spell) -> None:
    if name not in (None, EARLIER, LATER, ORDER):
        raise ConfigError(
            f"{spell('repeated_hour')} {name}", expected=f"{EARLIER}, {LATER} or {ORDER}"
        )


def _check_zone(name: str | None, spell: Spell) -> None:
    if name is not None and name not in available_timezones():
        raise ConfigError(
            f"{spell('timezone')} {name}",
            expected="a zone such as America/New_York or UTC",
            fix=did_you_mean(name, available_timezones()),
        )
