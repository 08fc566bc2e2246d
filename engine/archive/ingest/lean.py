"""LEAN's factor files and map files, as corporate actions and as a symbol map.

Both come a file a symbol: a folder of `aapl.csv`, one such file, or a zip of them
(`factor_files_20210401.zip`). The file's name is the symbol; LEAN keeps an earlier holder of a
ticker as `FB.1`.

A row of a factor file is `date, price factor, split factor[, reference price]`: its factors turn
prices as traded up to and including its date into adjusted ones. So between a row and the next, at
the session after the row's date (LEAN's CorporateFactorRow.GetSplit and GetDividend,
Dividend.ComputeDistribution):

    split_ratio   = next split factor / split factor              new shares for one old
    cash_dividend = reference price * (1 - price factor / next price factor)

where the reference price is the close as traded on the row's date. Factors are rounded, so a
quotient within 0.01 % of a ratio of whole numbers up to 20 (or of a whole number, or of one over
it) is that ratio, and a dividend is rounded to a hundredth of a cent.

A row of a map file is `date, ticker[, exchange]`: the last date of that ticker. The first row is
the first date; a last date in 2050 is still to come.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import polars as pl

from engine.archive.archive import Archive
from engine.archive.vendor_files.spelling import two_spellings, with_spelling
from engine.archive.vendor_files.text_pieces import UNREADABLE
from engine.errors import ArchiveError
from engine.schema import CORPORATE_ACTIONS_SCHEMA, SYMBOL_MAP_SCHEMA

STILL = dt.date(2050, 1, 1)
MOST_BYTES = 32 << 20  # of a file in a zip; a century of factors has less than one
TOLERANCE = 1e-4  # of a quotient of factors that are rounded to six or seven digits
WHOLE = 20  # the largest number in a ratio such as 3:2
DECIMALS = 4  # of a dividend
LEAST = 1e-9  # of a change of the price factor
WEEKS = dt.timedelta(days=21)  # in which every exchange has a session
FACTORS = (
    "date, price factor, split factor[, reference price], such as "
    "20140606,0.9011818,0.0357143,645.57"
)


class Factors(NamedTuple):
    """A row of a factor file; `reference` is 0 where it has none."""

    date: dt.date
    price: float
    split: float
    reference: float


def factor_actions(archive: Archive, source: Path) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """CORPORATE_ACTIONS_SCHEMA of LEAN's factor files, and what could not be computed; raises
    ArchiveError.

    Where a file gives no reference price, it is the archive's close of that day.
    """
    rows: list[tuple[str, dt.date, float | None, float | None]] = []
    skipped: list[str] = []
    for symbol, where, lines in _files(source):
        factors = sorted(
            _factors(line, where, number)
            for number, line in enumerate(lines, 1)
            if not _is_lossy(line)
        )
        for this, after in pairwise(factors):
            ratio, cash, trouble = (
                _ratio(after.split / this.split),
                *_dividend(archive, symbol, this, after),
            )
            if trouble:
                skipped.append(f"{symbol} {this.date}: {trouble}")
            if ratio != 1.0 or cash:
                rows.append(
                    (
                        symbol,
                        _next_session(archive, this.date),
                        ratio if ratio != 1.0 else None,
                        cash or None,
                    )
                )
    return pl.DataFrame(rows, schema=CORPORATE_ACTIONS_SCHEMA, orient="row"), tuple(skipped)


def ticker_intervals(source: Path) -> pl.DataFrame:
    """SYMBOL_MAP_SCHEMA of LEAN's map files; raises ArchiveError."""
    rows: list[tuple[str, str, dt.date, dt.date | None]] = []
    for symbol, where, lines in _files(source):
        dated = [_mapping(line, where, number) for number, line in enumerate(lines, 1)]
        start = dated[0][0]
        for last, ticker in dated[1:] or dated:
            end = last + dt.timedelta(days=1)
            rows.append((symbol, ticker, start, None if last >= STILL else end))
            start = end
    return pl.DataFrame(rows, schema=SYMBOL_MAP_SCHEMA, orient="row")


def _files(source: Path) -> Iterator[tuple[str, str, list[str]]]:
    """(symbol, where, lines) of each file, in the order of symbols."""
    found = sorted(_texts(source))
    if not found:
        raise ArchiveError(
            "no files",
            where=source,
            expected="a folder or zip of LEAN's files, such as aapl.csv, or one of them",
        )
    spelled = pl.Series("spelled", [name for name, _ in found])
    told = two_spellings(
        with_spelling(pl.DataFrame({"symbol": spelled.str.to_uppercase()}), spelled)
    )
    twice = spelled.filter(spelled.is_duplicated())
    if told or len(twice):
        raise ArchiveError(
            told or f"two files of {twice[0]}", where=source, expected="one file a symbol"
        )
    for name, text in found:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if lines:
            yield name.upper(), f"{source}, {name}.csv", lines


def _texts(source: Path) -> Iterator[tuple[str, str]]:
    try:
        if source.suffix == ".zip":
            with zipfile.ZipFile(source) as archive:
                for name in archive.namelist():
                    if name.endswith(".csv"):
                        if archive.getinfo(name).file_size > MOST_BYTES:
                            raise ArchiveError(
                                f"{name} holds more than {MOST_BYTES >> 20} MB",
                                where=source,
                                expected="a factor or map file",
                            )
                        yield (
                            Path(name).name.removesuffix(".csv"),
                            io.TextIOWrapper(archive.open(name), "utf-8").read(),
                        )
        else:
            for path in [source] if source.is_file() else source.glob("*.csv"):
                yield path.name.removesuffix(".csv"), path.read_text(encoding="utf-8")
    except (*UNREADABLE, UnicodeDecodeError) as error:
        raise ArchiveError(
            f"cannot be read: {error}",
            where=source,
            expected="a folder, a .csv or a .zip of LEAN's files",
        ) from None


def _factors(line: str, where: str, number: int) -> Factors:
    cells = line.split(",")
    try:
        reference = float(cells[3]) if len(cells) > 3 and cells[3] else 0.0
        row = Factors(
            dt.datetime.strptime(cells[0], "%Y%m%d").date(),
            float(cells[1]),
            float(cells[2]),
            reference,
        )
        if row.price > 0 and row.split > 0:
            return row
    except (ValueError, IndexError):
        pass
    raise ArchiveError(f"line {number} is {line!r}", where=where, expected=FACTORS)


def _is_lossy(line: str) -> bool:
    """As LEAN has it: a factor written as infinite or with an exponent has lost its digits."""
    return "inf" in line.lower() or "e+" in line.lower()


def _mapping(line: str, where: str, number: int) -> tuple[dt.date, str]:
    cells = line.split(",")
    try:
        if cells[1].strip():
            return dt.datetime.strptime(cells[0], "%Y%m%d").date(), cells[1].strip().upper()
    except (ValueError, IndexError):
        pass
    raise ArchiveError(
        f"line {number} is {line!r}",
        where=where,
        expected="date, ticker[, exchange], such as 20140402,goocv,Q",
    )


def _dividend(
    archive: Archive, symbol: str, this: Factors, after: Factors
) -> tuple[float, str | None]:
    """Cash a share between two rows (0 for none), and why it cannot be computed, or None."""
    part = this.price / after.price
    if abs(part - 1.0) < LEAST:
        return 0.0, None
    if part > 1.0:
        return 0.0, "a price factor that falls, which is no dividend"
    price = this.reference if this.reference > 0 else _close(archive, symbol, this.date)
    if price is None:
        return 0.0, "a dividend without a reference price, and without a close in the archive"
    return round(price * (1.0 - part), DECIMALS), None


def _ratio(quotient: float) -> float:
    """The simple ratio that a quotient of rounded factors stands for, else the quotient."""
    for near in (Fraction(quotient).limit_denominator(WHOLE), *_whole(quotient)):
        simple = (
            min(near.numerator, near.denominator) == 1
            or max(near.numerator, near.denominator) <= WHOLE
        )
        if near > 0 and simple and abs(quotient / float(near) - 1.0) < TOLERANCE:
            return float(near)
    return quotient


def _whole(quotient: float) -> Sequence[Fraction]:
    return (Fraction(1, round(1.0 / quotient)),) if round(1.0 / quotient) else ()


def _next_session(archive: Archive, date: dt.date) -> dt.date:
    return archive.calendar.sessions(date + dt.timedelta(days=1), date + WEEKS)[0].date


def _close(archive: Archive, symbol: str, date: dt.date) -> float | None:
    bars = archive.read_daily(["close"], date, date + dt.timedelta(days=1)).filter(
        pl.col("symbol") == symbol
    )
    return bars["close"][0] if len(bars) else None
