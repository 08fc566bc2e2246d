"""Corporate actions of an archive: splits and cash dividends by ex-date.

They come from a table (`read_actions`) or from LEAN's factor files (ingest/lean.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.reference.small_tables import TableForm, read_table, write_table
from engine.clock.calendar import ExchangeCalendar
from engine.errors import ArchiveError
from engine.schema import CORPORATE_ACTIONS_SCHEMA

KEY = ("symbol", "ex_date")
VALUES = ("split_ratio", "cash_dividend")
NONE = {"split_ratio": 1.0, "cash_dividend": 0.0}  # the values that mean "no split", "no dividend"
ALIASES = {
    "symbol": ("ticker", "sym"),
    "ex_date": ("ex_dividend_date", "execution_date", "date"),
    "split_ratio": ("split", "stock_splits", "stock splits", "split_factor", "ratio"),
    "cash_dividend": ("dividend", "dividends", "cash_amount", "amount"),
}
FORM = TableForm(
    schema=CORPORATE_ACTIONS_SCHEMA,
    aliases=ALIASES,
    needed=KEY,
    optional=VALUES,
    quotients={"split_ratio": (("split_to", "split_from"), ("new_rate", "old_rate"))},
    declared=True,
)


@dataclass(frozen=True)
class ActionsSummary:
    """Counts of adding corporate actions to an archive.

    splits, dividends        in the rows that were read
    added, changed, removed  rows of the archive's table
    total                    rows of the archive's table afterwards
    absent                   symbols of the rows that have no bars in the archive
    skipped                  sentences about entries that could not be read as an action
    """

    splits: int
    dividends: int
    added: int
    changed: int
    removed: int
    total: int
    absent: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def read_actions(
    path: Path, time_format: str | None = None, calendar: ExchangeCalendar | None = None
) -> pl.DataFrame:
    """CORPORATE_ACTIONS_SCHEMA of a table (.csv, .parquet) with a header; raises ArchiveError.

    time_format  of dates that are text; found where it is None, with the help of the exchange's
                 calendar

    A row says something of a symbol and ex-date: a split, a dividend, both, or that there was none
    (1.0, 0.0).
    """
    table = read_table(path, FORM, time_format, calendar)
    if table.is_empty():
        raise ArchiveError("no rows", where=path, expected="at least one split or dividend")
    return _one_a_date(_checked(table, path), path)


def bring_in(
    archive: Archive, actions: pl.DataFrame, replace: bool = False, skipped: tuple[str, ...] = ()
) -> ActionsSummary:
    """Merge actions into the archive's table, whole or not at all.

    A row replaces the table's row of the same symbol and ex-date; with `replace` all other rows are
    removed, too.
    """
    symbols, before = archive.symbols(), archive.corporate_actions()
    merged = _without_empty(_merged(before.head(0) if replace else before, actions)).sort(KEY)
    write_table(archive.path / layout.ACTIONS, merged)
    same = merged.join(before, on=list(CORPORATE_ACTIONS_SCHEMA), how="semi", nulls_equal=True)
    known = merged.join(before, on=KEY, how="semi")
    given = _without_empty(actions)
    absent = sorted(set(given["symbol"]) - set(symbols))
    splits, dividends = (int(given[name].is_not_null().sum()) for name in VALUES)
    return ActionsSummary(
        splits,
        dividends,
        len(merged) - len(known),
        len(known) - len(same),
        len(before) - len(known),
        len(merged),
        tuple(absent),
        skipped,
    )


def by_ticker(archive: Archive, actions: pl.DataFrame) -> pl.DataFrame:
    """Actions whose `symbol` is a ticker, under the symbols that had the tickers on the ex-dates.

    Actions of a ticker that belonged to no symbol on its ex-date are left out.
    """
    if not archive.symbol_map:
        raise ArchiveError(
            "has no symbol map to say whose the tickers are",
            where=archive.path,
            fix="bring one in first: `barsweep archive tickers`",
        )
    owners = [archive.symbol_map.owner(symbol, date) for symbol, date in actions.select(KEY).rows()]
    named = actions.with_columns(symbol=pl.Series(owners, dtype=pl.String)).filter(
        pl.col("symbol") != ""
    )
    return _one_a_date(named, "actions by ticker")


def at_bars(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Daily bars (`symbol`, `date`) with `split_ratio` and `cash_dividend`, 1 and 0 where there was
    none.

    A bar gets the actions after the symbol's previous bar, up to and including its own date; a
    symbol's first bar gets all actions up to its date.
    """
    dates = bars.select("symbol", "date").sort("date")
    placed = actions.sort("ex_date").join_asof(
        dates,
        left_on="ex_date",
        right_on="date",
        by="symbol",
        strategy="forward",
        coalesce=False,
        check_sortedness=False,
    )
    ratio, cash = (pl.col(name).fill_null(none) for name, none in NONE.items())
    by_bar = placed.drop_nulls("date").group_by("symbol", "date").agg(ratio.product(), cash.sum())
    joined = bars.join(by_bar, on=["symbol", "date"], how="left", maintain_order="left")
    return joined.with_columns(pl.col(name).fill_null(none) for name, none in NONE.items())


def _merged(before: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    both = before.join(actions, on=KEY, how="full", coalesce=True)
    return both.select(*KEY, *(pl.coalesce(f"{name}_right", name).alias(name) for name in VALUES))


def _without_empty(actions: pl.DataFrame) -> pl.DataFrame:
    """The rows that have a split or a dividend; 1.0 and 0.0 become null."""
    marked = actions.with_columns(
        pl.when(pl.col(name) != none).then(pl.col(name)).alias(name) for name, none in NONE.items()
    )
    return marked.filter(pl.any_horizontal(pl.col(VALUES).is_not_null()))


def _checked(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """The rows that have a value; ArchiveError where a value is out of range."""
    for name, least, expected in (
        (
            "split_ratio",
            table["split_ratio"] > 0,
            "new shares for one old, above 0: 4 for a 4-for-1 split, 0.1 for a 1-for-10",
        ),
        ("cash_dividend", table["cash_dividend"] >= 0, "cash per share, 0 or more"),
    ):
        wrong = (~(least & table[name].is_finite())).fill_null(False).arg_true()
        if len(wrong):
            row = table.row(int(wrong[0]), named=True)
            raise ArchiveError(
                f"{name} of {row['symbol']} on {row['ex_date']} is {row[name]}",
                where=path,
                expected=expected,
            )
    said = table.filter(pl.any_horizontal(pl.col(VALUES).is_not_null()))
    if said.is_empty():
        raise ArchiveError(
            "no split_ratio and no cash_dividend in any row",
            where=path,
            expected="split_ratio (new shares for one old), cash_dividend (per share), or both",
        )
    return said


def _one_a_date(table: pl.DataFrame, where: object) -> pl.DataFrame:
    """A row a symbol and ex-date.

    A split and a dividend of one date may come in rows of their own.
    """
    one = {
        name: pl.col(name).filter(pl.col(name) != none).unique(maintain_order=True)
        for name, none in NONE.items()
    }
    rows = table.group_by(KEY, maintain_order=True).agg(
        pl.any_horizontal(values.len() > 1 for values in one.values()).alias("differ"),
        *(
            pl.coalesce(values.first(), pl.col(name).drop_nulls().first()).alias(name)
            for name, values in one.items()
        ),
    )
    twice = rows.filter("differ")
    if len(twice):
        symbol, date = twice.select(KEY).row(0)
        raise ArchiveError(
            f"{symbol} has two different splits or dividends on {date}",
            where=where,
            expected="one a symbol and ex-date",
            fix="add dividends that were paid together; leave out a row that another corrects",
        )
    return rows.drop("differ").sort(KEY)
