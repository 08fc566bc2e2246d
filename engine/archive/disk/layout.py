"""An archive's layout on disk: paths of its files, and its manifest archive.json."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from engine.archive.disk.atomic import atomic_path
from engine.clock.calendar import EARLIEST, LATEST
from engine.clock.interval import Interval
from engine.errors import ArchiveError, ConfigError

MANIFEST, ACTIONS, SYMBOL_MAP = "archive.json", "corporate_actions.parquet", "symbol_map.parquet"
EXAMPLES = {"date": "date=2018-02-16", "year": "year=2018"}
Value = TypeVar("Value", dt.date, int)
# Keys of a bar file's Parquet metadata: the index (symbols, row counts, timestamps), its CRC-32.
SYMBOLS_KEY, CHECKSUM_KEY = "barsweep.symbols", "barsweep.symbols.crc32"


class InPlace(BaseModel):
    """Files in another layout, one or several a session, that are read in place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: str = Field(".", description="folder of the files, from the folder of archive.json")
    files: str = Field(
        description='path of a session\'s files below root, such as "date={date}/*.parquet", '
        '"{date}.parquet" or '
        '"{date:%Y/%m}/{date:%Y%m%d}.csv.gz"; {symbol} stands for the symbol, * for anything'
    )
    label: Literal["open", "close"] = Field(
        description="which end of a bar the files' timestamps label"
    )
    columns: dict[str, str] = Field(
        {}, description="our column -> theirs, where the usual names do not find it"
    )
    timezone: str | None = Field(None, description="zone of timestamps that carry none")
    epoch_unit: Literal["s", "ms", "us", "ns"] | None = Field(
        None, description="unit of timestamps that are whole numbers"
    )
    time_format: str | None = Field(
        None, description="form of timestamps that are text, as strftime writes it"
    )
    header: tuple[str, ...] = Field((), description="columns of text files without a header")
    skip_lines: int = Field(
        0, ge=0, description="lines of text files before their header, or their first row"
    )
    encoding: str = Field("utf-8", description="of text files")
    strip: str = Field(
        "", description="characters to take out of numbers that are text, such as $,"
    )
    decimal_comma: bool = Field(
        False, description="whether numbers that are text have a comma before their decimals"
    )
    no_volume: bool = Field(
        False, description="whether a volume that is not there is 0, for the files record none"
    )
    repeated_hour: Literal["earlier", "later", "order"] | None = Field(
        None, description="which of the two hours it is that the clock of the timezone tells twice"
    )


class ArchiveManifest(BaseModel):
    """archive.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    exchange: str = Field(description="market identifier code; one archive, one exchange")
    source: str = Field("", description="where the bars come from, in words")
    label: Literal["open"] = Field(
        "open", description="which end of a bar a stored timestamp labels"
    )
    intervals: tuple[str, ...] = Field(
        (), description="intervals that are stored; of files in place the one they hold"
    )
    in_place: InPlace | None = Field(
        None, description="where the bars are, if not below this folder in our own layout"
    )

    @model_validator(mode="after")
    def _one_interval(self) -> ArchiveManifest:
        if self.in_place and len(self.intervals) != 1:
            raise ValueError("intervals: expected one interval, that of the files in place")
        return self

    @field_validator("intervals")
    @classmethod
    def _are_intervals(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """Interval names are parts of paths: only the canonical name is allowed (1h, not 60m)."""
        for name in names:
            if Interval.parse(name).name != name:
                raise ValueError(f"{name!r} is written {Interval.parse(name).name}")
        return names

    @property
    def base(self) -> Interval:
        """The shortest interval that is stored; raises ArchiveError where there is none."""
        if not self.intervals:
            raise ArchiveError(
                "the archive holds no bars",
                where=MANIFEST,
                fix="import bars with `barsweep archive import`",
            )
        return min(
            (Interval.parse(name) for name in self.intervals), key=lambda interval: interval.micros
        )


def is_imported(root: Path) -> bool:
    """Whether a folder is an archive with bars in our own layout."""
    return (root / MANIFEST).is_file() and any((root / "bars").glob("interval=*"))


def session_file(root: Path, interval: str, date: dt.date) -> Path:
    """The file of an intraday session."""
    return root / "bars" / f"interval={interval}" / f"date={date}" / "bars.parquet"


def daily_file(root: Path, year: int) -> Path:
    """The file of a year of daily bars."""
    return root / "bars" / "interval=1d" / f"year={year}" / "bars.parquet"


def session_dates(root: Path, interval: str) -> list[dt.date]:
    """The sessions that have a file, from the layout alone."""
    return _values(root / "bars" / f"interval={interval}", "date", _date)


def daily_years(root: Path) -> list[int]:
    """The years that have a file of daily bars."""
    return _values(root / "bars" / "interval=1d", "year", int)


def _date(text: str) -> dt.date:
    date = dt.date.fromisoformat(text)
    if not EARLIEST <= date <= LATEST:
        raise ValueError
    return date


def _values(folder: Path, key: str, parse: Callable[[str], Value]) -> list[Value]:
    """The values in folder names such as date=2018-02-16 below `folder`, increasing.

    Only folders with a bars.parquet count; ArchiveError for a value that no import writes.
    """
    values = []
    for path in folder.glob(f"{key}=*/bars.parquet"):
        name = path.parent.name.removeprefix(f"{key}=")
        try:
            value = parse(name)
        except ValueError:
            value = None
        if value is None or f"{value}" != name:
            raise ArchiveError(
                f"{name!r} is no {key}",
                where=path.parent,
                expected=EXAMPLES[key],
                fix="move the folder out of the archive",
            )
        values.append(value)
    return sorted(values)


def read_manifest(root: Path) -> ArchiveManifest:
    """archive.json of an archive; raises ArchiveError."""
    path = root / MANIFEST
    if not path.is_file():
        raise ArchiveError(
            "no archive here" if root.exists() else "no such folder",
            where=root,
            expected=f"a folder with {MANIFEST}",
            fix="import bars with `barsweep archive import`, "
            "or make a market with `barsweep archive demo`",
        )
    try:
        return ArchiveManifest(**json.loads(path.read_text()))
    except (ValidationError, ValueError, TypeError) as error:
        first = (
            error.errors()[0]
            if isinstance(error, ValidationError)
            else {"loc": (), "msg": str(error)}
        )
        key = ".".join(map(str, first["loc"]))
        raise ArchiveError(
            f"not readable: {key} {first['msg']}".replace("  ", " "),
            where=path,
            expected="an archive of format 1",
        ) from None
    except ConfigError as error:
        raise ArchiveError(error.what, where=path) from None


def write_manifest(root: Path, manifest: ArchiveManifest) -> None:
    """Write archive.json atomically.

    Options of files in place only where they are not the default.
    """
    content = manifest.model_dump(mode="json", exclude_none=True)
    if manifest.in_place:
        always = manifest.in_place.model_dump(
            mode="json", include={"root", "files", "label", "columns"}
        )
        content["in_place"] = always | manifest.in_place.model_dump(
            mode="json", exclude_defaults=True
        )
    with atomic_path(root / MANIFEST) as path:
        path.write_text(json.dumps(content, indent=2) + "\n")
