"""Corporate actions out of tables and LEAN's factor files."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.ingest.demo import make_demo
from engine.archive.ingest.lean import _ratio, factor_actions
from engine.archive.reference import corporate_actions as actions
from engine.archive.reference.small_tables import write_table
from engine.errors import ArchiveError
from engine.schema import CORPORATE_ACTIONS_SCHEMA
from tests.lean import factor_files
from tests.running import config, hits

HEAD = "symbol,ex_date,split_ratio,cash_dividend\n"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    make_demo(tmp_path / "market", symbols=8, sessions=10)
    return Archive.open(tmp_path / "market")


def table(folder: Path, text: str) -> Path:
    path = folder / "actions.csv"
    path.write_text(text)
    return path


def split(archive: Archive, symbol: str) -> dict[dt.date, float]:
    rows = archive.corporate_actions().filter(
        pl.col("symbol") == symbol, pl.col("split_ratio").is_not_null()
    )
    return dict(rows.select("ex_date", "split_ratio").rows())


def test_splits_of_lean_are_those_the_companies_announced(lean: Archive) -> None:
    """Investor relations of Apple and AIG, United States Commodity Funds, iShares: ratio and first day of trading adjusted."""
    assert split(lean, "AAPL") == {
        dt.date(2000, 6, 21): 2.0,
        dt.date(2005, 2, 28): 2.0,
        dt.date(2014, 6, 9): 7.0,
        dt.date(2020, 8, 31): 4.0,
    }
    assert split(lean, "AIG")[dt.date(2009, 7, 1)] == 0.05
    assert split(lean, "USO") == {dt.date(2020, 4, 29): 0.125}
    assert split(lean, "EEM") == {dt.date(2005, 6, 9): 3.0, dt.date(2008, 7, 24): 3.0}
    assert split(lean, "GOOG")[dt.date(2015, 4, 27)] == pytest.approx(
        1.0027, abs=1e-6
    )  # a share in 370, paid in shares


def test_dividends_of_lean_are_those_that_were_paid(lean: Archive) -> None:
    """Apple's dividend history, per share as it was on the day; factors of seven digits leave half a cent."""
    rows = lean.corporate_actions().filter(
        pl.col("symbol") == "AAPL", pl.col("cash_dividend").is_not_null()
    )
    told = dict(rows.select("ex_date", "cash_dividend").rows())
    paid = {
        dt.date(2012, 8, 9): 2.65,
        dt.date(2013, 5, 9): 3.05,
        dt.date(2014, 5, 8): 3.29,
        dt.date(2014, 8, 7): 0.47,
        dt.date(2018, 5, 11): 0.73,
        dt.date(2020, 8, 7): 0.82,
        dt.date(2020, 11, 6): 0.205,
        dt.date(2021, 2, 5): 0.205,
    }
    assert {date: told[date] for date in paid} == pytest.approx(paid, abs=0.005)


def test_factors_come_back_from_what_they_were_turned_into(lean: Archive, tmp_path: Path) -> None:
    """LEAN's own way to make them: pf(i) = pf(i+1) (close - dividend) / close, sf(i) = sf(i+1) / ratio, from the last row back."""
    found, skipped = factor_actions(lean, factor_files(tmp_path / "factors"))
    told = {
        (symbol, date): (ratio or 1.0, cash or 0.0) for symbol, date, ratio, cash in found.rows()
    }
    assert skipped == ()
    for symbol in ("AAPL", "AIG", "IBM", "USO"):
        lines = [
            line.split(",")
            for line in (tmp_path / "factors" / f"{symbol.lower()}.csv").read_text().split()
        ]
        price = splits = 1.0
        for date, price_factor, split_factor, reference in reversed(lines[:-1]):
            ex_date = lean.calendar.sessions(
                dt.datetime.strptime(date, "%Y%m%d").date() + dt.timedelta(days=1),
                dt.date(2050, 1, 1),
            )[0]
            ratio, cash = told.get((symbol, ex_date.date), (1.0, 0.0))
            price, splits = price * (1.0 - cash / float(reference)), splits / ratio
            assert float(price_factor) == pytest.approx(price, rel=2e-4)
            assert float(split_factor) == pytest.approx(splits, rel=1e-4)


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.001, 1.0))
def test_rounded_factors_give_the_whole_ratio(new: int, old: int, later: float) -> None:
    ratio = new / old
    if old == 1 or new == 1 or max(new, old) <= 20:
        later_factor = round(later, 7)
        assert _ratio(later_factor / (later_factor / ratio * (1 + 2e-5))) == ratio


def test_a_zip_and_a_file_are_read_as_a_folder_is(lean: Archive, tmp_path: Path) -> None:
    folder = factor_files(tmp_path / "factors")
    with zipfile.ZipFile(tmp_path / "factors.zip", "w") as packed:
        for path in folder.glob("*.csv"):
            packed.write(path, f"factor_files/{path.name}")
    whole, _ = factor_actions(lean, folder)
    assert factor_actions(lean, tmp_path / "factors.zip")[0].equals(whole)
    assert factor_actions(lean, folder / "aapl.csv")[0].equals(
        whole.filter(pl.col("symbol") == "AAPL")
    )


def test_without_a_reference_price_the_close_is_the_archives(lean: Archive, tmp_path: Path) -> None:
    """Older factor files have three columns."""
    whole, _ = factor_actions(lean, factor_files(tmp_path / "factors"))
    own = whole.filter(pl.col("symbol") == "AAPL")
    path = tmp_path / "aapl.csv"
    path.write_text(
        "\n".join(
            line.rpartition(",")[0]
            for line in (tmp_path / "factors" / "aapl.csv").read_text().split()
        )
    )
    found, skipped = factor_actions(lean, path)
    assert skipped == () and found.drop("cash_dividend").equals(own.drop("cash_dividend"))
    assert found["cash_dividend"].drop_nulls().to_list() == pytest.approx(
        own["cash_dividend"].drop_nulls().to_list(), rel=1e-3
    )
    nobody = tmp_path / "nobody.csv"
    nobody.write_text(path.read_text())
    found, skipped = factor_actions(lean, nobody)
    assert (
        found["cash_dividend"].is_null().all()
        and len(skipped) == len(own) - 4
        and "without a reference price" in skipped[0]
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2014-06-06,1,1,1", "line 2 is '2014-06-06,1,1,1'; expected date, price factor"),
        ("20140606,1", "line 2"),
        ("20140606,0,1,1", "line 2"),
    ],
)
def test_a_line_that_is_no_factor_row_is_named(
    line: str, message: str, lean: Archive, tmp_path: Path
) -> None:
    (tmp_path / "aapl.csv").write_text(f"20140101,0.9,0.5,10\n{line}\n20501231,1,1,0\n")
    with pytest.raises(ArchiveError, match=message):
        factor_actions(lean, tmp_path / "aapl.csv")


def test_rows_that_lean_skips_are_skipped(lean: Archive, tmp_path: Path) -> None:
    (tmp_path / "newl.csv").write_text(
        "19980102,0.8,1e+07,1\n20010101,0.8,inf,1\n20140606,1,0.5,10\n20501231,1,1,0\n"
    )
    found, _ = factor_actions(lean, tmp_path / "newl.csv")
    assert found.rows() == [("NEWL", dt.date(2014, 6, 9), 2.0, None)]


def test_a_table_is_merged_and_replaced(archive: Archive, tmp_path: Path) -> None:
    before = archive.corporate_actions()
    (symbol, ex_date) = before.select("symbol", "ex_date").row(0)
    path = table(
        tmp_path,
        f"{HEAD}{symbol},{ex_date},5,\nAAPL,2017-11-06,,0.5\nNOPE,2017-11-06,1.0,0.25\nKO,2017-11-06,1,0\n",
    )
    summary = actions.bring_in(archive, actions.read_actions(path))
    assert (summary.splits, summary.dividends, summary.added, summary.changed, summary.removed) == (
        1,
        2,
        2,
        1,
        0,
    )
    assert summary.absent == ("NOPE",) and summary.total == len(before) + 2
    after = archive.corporate_actions()
    assert (
        after.filter(pl.col("symbol") == symbol, pl.col("ex_date") == ex_date)["split_ratio"].item()
        == 5.0
    )
    again = actions.bring_in(archive, actions.read_actions(path))
    assert (again.added, again.changed) == (0, 0) and archive.corporate_actions().equals(after)
    summary = actions.bring_in(archive, actions.read_actions(path), replace=True)
    assert (
        summary.total == 3 == len(archive.corporate_actions())
        and summary.removed == len(before) - 1
    )


def test_splits_and_dividends_come_in_tables_of_their_own(archive: Archive, tmp_path: Path) -> None:
    """What a table does not say stays; 1 and 0 say that there was none."""
    day, told = dt.date(2017, 11, 6), []
    for text in (
        "split_ratio\nZ,2017-11-06,4",
        "cash_dividend\nZ,2017-11-06,0.5",
        "split_ratio\nZ,2017-11-06,1",
        "cash_dividend\nZ,2017-11-06,0",
    ):
        actions.bring_in(archive, actions.read_actions(table(tmp_path, f"symbol,ex_date,{text}\n")))
        told.append(archive.corporate_actions().filter(pl.col("symbol") == "Z").rows())
    assert told == [[("Z", day, 4.0, None)], [("Z", day, 4.0, 0.5)], [("Z", day, None, 0.5)], []]


def test_an_ex_date_that_is_no_session_takes_effect_at_the_next(
    archive: Archive, tmp_path: Path
) -> None:
    """2017-11-05 was a Sunday."""
    symbol = archive.symbols()[0]
    path = table(tmp_path, f"{HEAD}{symbol},2017-11-05,4,\n")
    actions.bring_in(archive, actions.read_actions(path), replace=True)
    scanner = {
        "module": "scanners.criteria_scanner",
        "pre_session": True,
        "config": {
            "universe": [symbol],
            "criteria": {"any": "prev_close > 0"},
            "features": {"before": "prev_close"},
        },
    }
    seen = dict(hits(config([scanner], interval="1d"), archive).select("session", "before").rows())
    closes = dict(
        archive.read_daily(["close"], None, None)
        .filter(pl.col("symbol") == symbol)
        .select("date", "close")
        .rows()
    )
    friday, monday = dt.date(2017, 11, 3), dt.date(2017, 11, 6)
    assert seen[friday] == closes[dt.date(2017, 11, 2)] and seen[monday] == pytest.approx(
        closes[friday] / 4
    )
    bars = archive.read_daily(["close"], None, None).filter(pl.col("symbol") == symbol)
    assert actions.at_bars(bars, archive.corporate_actions()).filter(pl.col("split_ratio") != 1.0)[
        "date"
    ].to_list() == [monday]


def test_other_names_orders_and_dtypes_are_understood(tmp_path: Path) -> None:
    rows = {
        "Ticker": ["aapl", "aapl", "msft"],
        "execution_date": [dt.date(2017, 11, 6)] * 3,
        "cash_amount": ["0.5", "", ""],
        "split": [None, 2, 2],
        "declared": [1, 2, 3],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "actions.parquet")
    found = actions.read_actions(tmp_path / "actions.parquet")
    assert found.schema == pl.Schema(CORPORATE_ACTIONS_SCHEMA)
    assert found.rows() == [
        ("AAPL", dt.date(2017, 11, 6), 2.0, 0.5),
        ("MSFT", dt.date(2017, 11, 6), 2.0, None),
    ]
    path = table(
        tmp_path,
        "date,symbol,ratio\n20171106,KO,3\n11/07/2017,KO,0.1\n2017-11-08,KO,3:2\n2017-11-09,KO,1/20\n",
    )
    assert actions.read_actions(path)["split_ratio"].to_list() == [3.0, 0.1, 1.5, 0.05]
    path = table(
        tmp_path,
        "\ufeffDate,Stock Splits,Symbol\n2014-06-09 00:00:00-04:00,7.0,AAPL\n2020-08-31T00:00:00,4.0,AAPL\n",
    )
    assert actions.read_actions(path)["ex_date"].to_list() == [
        dt.date(2014, 6, 9),
        dt.date(2020, 8, 31),
    ]
    path = table(
        tmp_path,
        "ticker,execution_date,split_from,split_to\nAAPL,2020-08-31,1,4\nUSO,2020-04-29,8,1\n",
    )
    assert actions.read_actions(path)["split_ratio"].to_list() == [4.0, 0.125]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows"),
        (HEAD, "no rows"),
        (
            "ex_date,split_ratio\n2017-11-06,2\n",
            "no column symbol; expected a column symbol or ticker",
        ),
        ("symbol,ex_dat,split_ratio\nA,2017-11-06,2\n", "no column ex_date.*did you mean 'ex_dat'"),
        (
            f"{HEAD}A,2017-11-06,0,\n",
            "split_ratio of A on 2017-11-06 is 0.0; expected new shares for one old",
        ),
        (f"{HEAD}A,2017-11-06,-2,\n", "split_ratio of A"),
        (f"{HEAD}A,2017-11-06,,-1\n", "cash_dividend of A on 2017-11-06 is -1.0"),
        (f"{HEAD}A,2017-11-06,nan,\n", "split_ratio of A"),
        (f"{HEAD}A,2017-11-06,four,\n", "split_ratio is 'four' in row 1; expected a number"),
        (f"{HEAD}A,6.11.2017,2,\n", "ex_date is '6.11.2017' in row 1; expected a date"),
        (f"{HEAD},2017-11-06,2,\n", "symbol is missing in row 1"),
        (
            f"{HEAD}A,2017-11-06,2,\nA,2017-11-06,3,\n",
            "A has two different splits or dividends on 2017-11-06",
        ),
        (f"{HEAD}A,2017-11-06,,\n", "no split_ratio and no cash_dividend"),
    ],
)
def test_a_bad_table_changes_nothing_and_says_what_is_wrong(
    text: str, message: str, archive: Archive, tmp_path: Path
) -> None:
    before = (archive.path / layout.ACTIONS).read_bytes()
    with pytest.raises(ArchiveError, match=message):
        actions.bring_in(archive, actions.read_actions(table(tmp_path, text)))
    assert (archive.path / layout.ACTIONS).read_bytes() == before
    assert not list(archive.path.glob(".*.tmp"))


def test_actions_by_ticker_are_those_of_who_had_it(lean: Archive, tmp_path: Path) -> None:
    rows = "GOOG,2014-04-03,2,\nGOOG,2014-04-02,,1\nWM,2005-01-03,,0.2\nMSFT,2005-01-03,,0.1\n"
    found = actions.by_ticker(lean, actions.read_actions(table(tmp_path, HEAD + rows)))
    assert found.select("symbol", "ex_date").rows() == [
        ("GOOG", dt.date(2014, 4, 3)),
        ("GOOGL", dt.date(2014, 4, 2)),
        ("MSFT", dt.date(2005, 1, 3)),
    ]


def test_a_damaged_table_of_the_archive_is_named(archive: Archive) -> None:
    (archive.path / layout.ACTIONS).write_bytes(b"PAR1")
    with pytest.raises(ArchiveError, match=r"corporate_actions\.parquet: cannot be read"):
        archive.corporate_actions()


def test_a_table_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A file stands where the archive's folder was, so that it holds for root as well."""
    found = actions.read_actions(table(tmp_path, f"{HEAD}A,2017-11-06,2,\n"))
    here = tmp_path / "file"
    here.write_text("")
    with pytest.raises(ArchiveError, match=r"corporate_actions\.parquet: cannot be written"):
        write_table(here / layout.ACTIONS, found)
