"""Options of an import: given by hand, completed from the vendor's layout."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from engine.archive.disk import layout
from engine.archive.vendor_files.readers import ending, read_duckdb
from engine.archive.vendor_files.source_options import SourceOptions
from engine.archive.vendor_files.vendors import COLUMNS, VendorLayout, layout_named, recognize
from engine.errors import BarImportError


@dataclass(frozen=True)
class ImportOptions:
    """How to import. What is None comes from the source's layout.

    label                  which end of a bar the source's timestamps label: open or close
    exchange               market identifier code; where neither this nor the layout names one, the
                           archive's, else XNYS
    interval               interval of the bars; where the layout does not name it, it is found from
                           the distances between bars
    merge_opening_auction  rows that end at the open hold the auction alone, and are merged into the
                           first bar
    layout                 name in vendors.LAYOUTS, or "columns" for any file by its columns; None
                           recognizes it
    trust_label            import even bars that lie one interval beside the exchange's sessions
    append                 read only files that are new or changed; leave sessions that are the
                           same; refuse to lose symbols
    reading                how the files' columns, times and numbers are read
    """

    label: str | None = None
    exchange: str | None = None
    interval: str | None = None
    source: str = ""
    merge_opening_auction: bool = False
    layout: str | None = None
    append: bool = False
    reading: SourceOptions = field(default_factory=SourceOptions)
    trust_label: bool = False


def resolve(
    files: list[Path], archive: Path, options: ImportOptions
) -> tuple[list[Path], ImportOptions]:
    """The files to read, and the options completed from the source's layout.

    A layout that other vendors' files may resemble (`own` is False) is used only if it is named.
    """
    likely: VendorLayout | None = None
    if options.reading.query is None and options.layout != COLUMNS:
        likely = _named(options.layout, files) if options.layout else recognize(files)
    chosen = likely if likely and (likely.own or options.layout) else None
    if likely and not chosen and not options.label:
        raise _undeclared(likely)
    files = _of_layout(files, chosen, options.reading.query is not None)
    if (options.label or (chosen and chosen.label)) not in ("open", "close"):
        raise _undeclared(None)
    has_manifest = (archive / layout.MANIFEST).exists()
    archive_exchange = layout.read_manifest(archive).exchange if has_manifest else None
    reading = _overlaid(chosen.reading, options.reading) if chosen else options.reading
    if reading.query is not None:
        reading = replace(reading, reader=read_duckdb)
    return files, replace(
        options,
        label=options.label or (chosen.label if chosen else None),
        reading=reading,
        exchange=options.exchange
        or (chosen.exchange if chosen and chosen.exchange != "XNYS" else None)
        or archive_exchange
        or "XNYS",
        interval=options.interval or _interval_of_paths(files, chosen),
        layout=chosen.name if chosen else COLUMNS,
    )


def _named(name: str, files: list[Path]) -> VendorLayout | None:
    """The layout of a name; BarImportError where the files are certainly another vendor's."""
    named = layout_named(name)
    likely = recognize([file for file in files if named is None or named.holds(file)], named)
    if likely is not named and likely and likely.own:
        raise BarImportError(
            f"the files look like {likely.what}",
            where=f"--layout {name}",
            expected=f"files of {name}",
            fix=f"give --layout {likely.name}, or --layout {COLUMNS} and say the rest by hand",
        )
    return named


def _of_layout(files: list[Path], chosen: VendorLayout | None, queried: bool) -> list[Path]:
    """The files that the layout reads; BarImportError where there are none."""
    kinds = ("duckdb", "db") if queried else ("parquet", "csv", "zip", "txt")
    kept = [file for file in files if (chosen.holds(file) if chosen else ending(file) in kinds)]
    if chosen is None:  # a .txt beside other kinds of files is a readme, not bars
        kept = [file for file in kept if ending(file) != "txt"] or kept
    if kept:
        return kept
    expected = (
        f"paths that match {chosen.paths}"
        if chosen
        else f"files ending in {', '.join('.' + kind for kind in kinds)}"
    )
    duckdb = not queried and ending(files[0]) in ("duckdb", "db")
    raise BarImportError(
        f"no bar files{f' of layout {chosen.name}' if chosen else ''}",
        where=files[0],
        expected=expected,
        fix="give --query 'select ...' to ask a DuckDB file" if duckdb else None,
    )


def _undeclared(likely: VendorLayout | None) -> BarImportError:
    """The error of a label that nobody declares; `likely` is a layout that is worth trying."""
    suggestion = (
        f"the files look like {likely.what}: give --layout {likely.name} if they are. Otherwise "
        if likely
        else ""
    )
    return BarImportError(
        "which end of a bar the source's timestamps label is not declared",
        where="--label",
        expected="open (the bar's start) or close (its end), or a layout that says so "
        "(`barsweep archive layouts`)",
        fix=f"{suggestion}look at the first bar of a session: 09:30 is an open label, "
        "09:31 a close label of minute bars",
    )


def _overlaid(base: SourceOptions, given: SourceOptions) -> SourceOptions:
    """The layout's reading options, replaced by those that were given by hand."""
    defaults = SourceOptions()
    by_hand = {
        f.name: getattr(given, f.name)
        for f in fields(given)
        if getattr(given, f.name) != getattr(defaults, f.name)
    }
    return replace(base, **by_hand | {"columns": {**base.columns, **given.columns}})


def _interval_of_paths(files: list[Path], chosen: VendorLayout | None) -> str | None:
    """The interval that the files' paths name; None where they name none."""
    if chosen is None:
        return None
    intervals = {chosen.interval(file): file for file in files}
    if len(intervals) > 1:
        names = ", ".join(f"{name} ({file})" for name, file in intervals.items())
        raise BarImportError(
            f"bars of {len(intervals)} intervals: {names}",
            where=f"layout {chosen.name}",
            expected="one interval an import",
            fix="import one folder after the other",
        )
    return next(iter(intervals))
