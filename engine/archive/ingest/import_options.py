"""What an import is told, and what it works out from the source's layout."""

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

    label                  which end of a bar the source labels: open or close
    exchange               market identifier code; that of the archive or XNYS where neither this nor the layout says
    interval               of the bars; found from their spacing where the layout does not say
    merge_opening_auction  rows that end at the open hold the auction alone, and belong to the first bar
    layout                 of vendors.LAYOUTS, or "columns" for any file by its columns; None recognizes it
    trust_label            import bars that lie beside the exchange's sessions by one interval all the same
    append                 read only files that are new or changed; leave sessions that are the same; refuse to lose symbols
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
    """The files to read and how: what is not said by hand is the layout's."""
    found: VendorLayout | None = None
    if options.reading.query is None and options.layout != COLUMNS:
        found = _named(options.layout, files) if options.layout else recognize(files)
    chosen = found if found and (found.own or options.layout) else None
    if found and not chosen and not options.label:
        raise _undeclared(found)
    files = _of_layout(files, chosen, options.reading.query is not None)
    if (options.label or (chosen and chosen.label)) not in ("open", "close"):
        raise _undeclared(None)
    given = layout.read_manifest(archive).exchange if (archive / layout.MANIFEST).exists() else None
    reading = _overlaid(chosen.reading, options.reading) if chosen else options.reading
    if reading.query is not None:
        reading = replace(reading, reader=read_duckdb)
    return files, replace(
        options,
        label=options.label or (chosen.label if chosen else None),
        reading=reading,
        exchange=options.exchange
        or (chosen.exchange if chosen and chosen.exchange != "XNYS" else None)
        or given
        or "XNYS",
        interval=options.interval or _told_interval(files, chosen),
        layout=chosen.name if chosen else COLUMNS,
    )


def _named(name: str, files: list[Path]) -> VendorLayout | None:
    """The layout of a name; BarImportError where the files are another vendor's beyond doubt."""
    named = layout_named(name)
    own = recognize([file for file in files if named is None or named.holds(file)], named)
    if own is not named and own and own.own:
        raise BarImportError(
            f"the files look like {own.what}",
            where=f"--layout {name}",
            expected=f"files of {name}",
            fix=f"give --layout {own.name}, or --layout {COLUMNS} and say the rest by hand",
        )
    return named


def _of_layout(files: list[Path], chosen: VendorLayout | None, queried: bool) -> list[Path]:
    kinds = ("duckdb", "db") if queried else ("parquet", "csv", "zip", "txt")
    kept = [file for file in files if (chosen.holds(file) if chosen else ending(file) in kinds)]
    if chosen is None:  # beside others a .txt is a note
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


def _undeclared(like: VendorLayout | None) -> BarImportError:
    looks = (
        f"the files look like {like.what}: give --layout {like.name} if they are. Otherwise "
        if like
        else ""
    )
    return BarImportError(
        "which end of a bar the source's timestamps label is not declared",
        where="--label",
        expected="open (the bar's start) or close (its end), or a layout that says so (`barsweep archive layouts`)",
        fix=f"{looks}look at the first bar of a session: 09:30 is an open label, 09:31 a close label of minute bars",
    )


def _overlaid(base: SourceOptions, given: SourceOptions) -> SourceOptions:
    """The layout's options under those given by hand."""
    plain = SourceOptions()
    said = {
        f.name: getattr(given, f.name)
        for f in fields(given)
        if getattr(given, f.name) != getattr(plain, f.name)
    }
    return replace(base, **said | {"columns": {**base.columns, **given.columns}})


def _told_interval(files: list[Path], chosen: VendorLayout | None) -> str | None:
    if chosen is None:
        return None
    told = {chosen.interval(file): file for file in files}
    if len(told) > 1:
        names = ", ".join(f"{name} ({file})" for name, file in told.items())
        raise BarImportError(
            f"bars of {len(told)} intervals: {names}",
            where=f"layout {chosen.name}",
            expected="one interval an import",
            fix="import one folder after the other",
        )
    return next(iter(told))
