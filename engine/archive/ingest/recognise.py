"""Writes archive.json for files in place: finds how a folder's paths encode dates and symbols."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.in_place import KEYS, ForeignFiles
from engine.archive.ingest.probe import LOOKED_AT, interval_of
from engine.archive.missing_parts import missing_interval
from engine.archive.quality.declared_doubts import longer_bars
from engine.archive.vendor_files.read_columns import names_symbol, read_columns
from engine.archive.vendor_files.source_options import SourceOptions
from engine.archive.vendor_files.source_paths import source_files
from engine.archive.vendor_files.template import Template
from engine.archive.vendor_files.text_blocks import USUAL, TextOptions
from engine.clock.calendar import ExchangeCalendar
from engine.clock.interval import Interval
from engine.errors import ArchiveError
from engine.progress import Progress, silent

# Patterns of dates in paths and their templates, the least ambiguous first.
DATE_FORMS = (
    (r"year=\d{4}/month=\d{1,2}/day=\d{1,2}", "year={date:%Y}/month={date:%-m}/day={date:%-d}"),
    (r"\d{4}-\d{2}-\d{2}", "{date}"),
    (r"(?<!\d)\d{8}(?!\d)", "{date:%Y%m%d}"),
    (r"\d{4}_\d{2}_\d{2}", "{date:%Y_%m_%d}"),
    (r"\d{4}/\d{2}/\d{2}(?!\d)", "{date:%Y/%m/%d}"),
)
READ = re.compile(r"\.(parquet|(csv|txt)(\.gz|\.zst)?|zip)$")
FOLDERS = ((r"(^|/)\d{4}/\d{2}/", r"\1{date:%Y/%m}/"), (r"(^|/)\d{4}/", r"\1{date:%Y}/"))


@dataclass(frozen=True)
class InPlaceOptions:
    """What is declared of files in place.

    label     which end of a bar the files' timestamps label: open or close
    files     template of the files' paths; found from the paths where None
    interval  interval of the bars; found from the distances between them where None
    """

    label: str | None
    exchange: str = "XNYS"
    files: str | None = None
    interval: str | None = None
    columns: Mapping[str, str] | None = None
    timezone: str | None = None
    epoch_unit: str | None = None
    source: str = ""
    time_format: str | None = None
    text: TextOptions = USUAL
    repeated_hour: str | None = None
    no_volume: bool = False


def init_in_place(
    folder: Path, root: Path, options: InPlaceOptions, progress: Progress = silent
) -> Archive:
    """Read the files below `folder` once, then write archive.json into `root`.

    Raises BarsweepError.
    """
    if options.label not in ("open", "close"):
        raise ArchiveError(
            "which end of a bar the files' timestamps label is not declared",
            where="--label",
            expected="open (the bar's start) or close (its end)",
            fix="look at the first bar of a session: 09:30 is an open label, "
            "09:31 a close label of minute bars",
        )
    manifest = _manifest(folder, root, options)
    archive = Archive(root, manifest)
    assert isinstance(archive.files, ForeignFiles)
    if not archive.files.catalogue(progress).rows:
        raise missing_interval(root, archive.files, manifest.base.name)
    if longer := longer_bars(archive, manifest.base, archive.sessions(manifest.base.name)):
        raise ArchiveError(
            f"{longer}: longer than {manifest.base.name}, they would be seen before they are over",
            where=folder,
            expected=f"bars of {manifest.base.name}",
            fix="give the --interval they have",
        )
    layout.write_manifest(root, manifest)
    return archive


def _refuse_imported(root: Path) -> None:
    """Raise ArchiveError where `root` is an archive of imported bars."""
    if layout.is_imported(root) or (
        (root / layout.MANIFEST).exists() and layout.read_manifest(root).in_place is None
    ):
        raise ArchiveError(
            "an archive of imported bars is here",
            where=root,
            expected="a folder without one",
            fix="give another --archive",
        )


def _manifest(folder: Path, root: Path, options: InPlaceOptions) -> layout.ArchiveManifest:
    """The manifest of the files below `folder`; raises BarsweepError."""
    _refuse_imported(root)
    paths = [path for path in source_files([folder]) if READ.search(path.name.lower())]
    reading = SourceOptions(
        options.columns or {},
        options.timezone,
        options.epoch_unit,
        options.time_format,
        text=options.text,
        repeated_hour=options.repeated_hour,
        no_volume=options.no_volume,
    )
    names = [path.relative_to(folder).as_posix() for path in paths]
    files = options.files or _template(names, folder, names_symbol(paths[0], reading))
    template = Template(files, "--files")
    dates = {
        path: match[0]
        for path, name in zip(paths, names, strict=True)
        if (match := template.match(name))
    }
    if not dates:
        raise ArchiveError(
            f"no file matches {files!r}",
            where=folder,
            expected=f"files like {names[0]}",
            fix="give another --files",
        )
    interval = (
        options.interval or _interval_of_files(dates, reading, options, template.names_symbol).name
    )
    return layout.ArchiveManifest(
        exchange=options.exchange,
        source=options.source or folder.resolve().name,
        intervals=(Interval.parse(interval).name,),
        in_place=_in_place(os.path.relpath(folder.resolve(), root.resolve()), files, options),
    )


def _in_place(root: str, files: str, options: InPlaceOptions) -> layout.InPlace:
    """The `in_place` block of archive.json; `root` is relative to its folder."""
    return layout.InPlace(
        root=root,
        files=files,
        label=options.label,
        columns=dict(options.columns or {}),
        timezone=options.timezone,
        epoch_unit=options.epoch_unit,
        time_format=options.time_format,
        header=options.text.names,
        skip_lines=options.text.skip_lines,
        encoding=options.text.encoding,
        strip=options.text.strip,
        decimal_comma=options.text.decimal_comma,
        repeated_hour=options.repeated_hour,
        no_volume=options.no_volume,
    )


def _interval_of_files(
    files: Mapping[Path, dt.date],
    reading: SourceOptions,
    options: InPlaceOptions,
    one_symbol_a_file: bool,
) -> Interval:
    """The interval of the files' bars, from as many of the first files as are needed."""
    calendar, label = ExchangeCalendar.of(options.exchange), options.label or "open"
    pieces = (
        (
            file,
            read_columns(
                file,
                replace(reading, near=date),
                KEYS,
                str(file) if one_symbol_a_file else None,
            )[0],
        )
        for file, date in files.items()
    )
    interval = interval_of(islice(pieces, LOOKED_AT), calendar, label)
    if interval is None:
        raise ArchiveError(
            "no rows",
            where=next(iter(files)),
            expected="bars in the first files",
            fix="give --interval",
        )
    return interval


def _template(names: list[str], folder: Path, has_symbol: bool) -> str:
    """The first template guessed from the first file's path that every file matches."""
    for guess in _guesses(names[0], has_symbol):
        template = Template(guess, folder)
        if all(template.match(name) for name in names):
            return guess
    likely = [Template(guess, folder) for guess in _guesses(names[0], has_symbol)[:1]]
    other = next((name for like in likely for name in names if not like.match(name)), None)
    raise ArchiveError(
        "how the files are laid out by date cannot be told",
        where=folder,
        expected="one or several files a session, with the "
        f"date in their path; the first is {names[0]}"
        + (f", and {other} is named otherwise" if other else ""),
        fix='give --files, such as "date={date}/*.parquet" or "{date:%Y%m%d}.csv", '
        "or `barsweep archive import` them",
    )


def _guesses(name: str, has_symbol: bool) -> list[str]:
    found = []
    for pattern, place in DATE_FORMS:
        if not re.search(pattern, name):
            continue
        dated = re.sub(pattern, lambda _, place=place: place, name)  # type: ignore[misc]
        for folders, by_year in FOLDERS:
            dated = re.sub(folders, by_year, dated, count=1)
        dated = re.sub(r"symbol=[^/]+", "symbol={symbol}", dated)
        folder, _, file = dated.rpartition("/")
        ending = "".join(re.findall(r"\.(?:parquet|csv|txt|gz|zst|zip)", file))
        rest = "*" if has_symbol or "{symbol}" in dated else "{symbol}"
        prefix = f"{folder}/" if folder else ""
        found += [dated, f"{prefix}{rest}{ending}"] if "{date" in folder else [dated]
    return [guess for guess in found if has_symbol or "{symbol}" in guess]
