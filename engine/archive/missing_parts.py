"""Errors for parts of an archive that its archive.json or its other bars promise, and that are
gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.archive.disk import layout
from engine.archive.disk.session_files import SessionFiles
from engine.archive.in_place import ForeignFiles
from engine.errors import ArchiveError


def missing_interval(root: Path, files: SessionFiles, interval: str) -> ArchiveError:
    """The error of an interval that archive.json names and that has no bars."""
    if isinstance(files, ForeignFiles):
        reasons = ", ".join(
            f"{count:,} {reason}" for reason, count in files.catalogue().left_out.most_common()
        )
        return ArchiveError(
            "no bars in the files" + (f"; rows left out: {reasons}" if reasons else ""),
            where=files.root / files.template,
            expected="bars of the exchange's sessions",
            fix="look at exchange, timezone, epoch_unit and label in archive.json",
        )
    return ArchiveError(
        f"no {interval} bars, though archive.json names them",
        where=root / "bars" / f"interval={interval}",
        expected="the files of every interval that archive.json names",
        fix="put them back, or import the bars again "
        f"(without bars that you do not want: take {interval} out of archive.json)",
    )


def years_without_days(files: SessionFiles, intervals: Sequence[str]) -> ArchiveError | None:
    """The error of the first year with intraday sessions and no file of daily bars, else None.

    Symbols and earlier closes are read from daily bars.
    """
    years = layout.daily_years(files.daily_root)
    for interval in intervals if "1d" in intervals else ():
        dates = files.dates(interval) if interval != "1d" else []
        for year in sorted({date.year for date in dates} - set(years)):
            sessions = sum(date.year == year for date in dates)
            return ArchiveError(
                f"no daily bars of {year}, though there are {sessions} sessions of {interval} bars",
                where=layout.daily_file(files.daily_root, year).parent,
                expected="a file of daily bars a year",
                fix="put it back, or import the sessions of that year again",
            )
    return None
