"""`barsweep archive actions` and `tickers`, and what `scan` prints of survivorship."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from engine.archive.archive import Archive
from tests.cli.barsweep import Barsweep
from tests.lean import bare_archive, factor_files, map_files


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return bare_archive(tmp_path / "archive").path


def test_factor_files_and_tables_are_brought_in_and_shown(
    barsweep: Barsweep, archive: Path, tmp_path: Path
) -> None:
    assert (
        barsweep("archive", "actions", "--archive", archive).out
        == "symbol\tex_date\tsplit_ratio\tcash_dividend\n"
    )
    called = barsweep(
        "archive",
        "actions",
        "--archive",
        archive,
        "--lean-factors",
        factor_files(tmp_path / "factors"),
    )
    assert called.status == 0 and called.err == ""
    told = dict(line.split("  ", 1) for line in called.out.splitlines())
    assert (told["splits"].strip(), told["dividends"].strip(), told["added"].strip()) == (
        "32",
        "822",
        "853",
    )
    shown = barsweep("archive", "actions", "--archive", archive, "--symbol", "aapl").out
    assert (
        "AAPL\t2014-06-09\t7\t-\n" in shown
        and "AAPL\t2020-11-06\t-\t0.20" in shown
        and "IBM" not in shown
    )
    table = tmp_path / "actions.csv"
    table.write_text("symbol,ex_date,split_ratio\nAAPL,2014-06-09,7.0\nAAPL,2014-06-10,2\n")
    called = barsweep(
        "archive", "actions", "--archive", archive, "--table", table, "--format", "json"
    )
    assert json.loads(called.out) | {"absent": []} == {
        "splits": 2,
        "dividends": 0,
        "added": 1,
        "changed": 0,
        "removed": 0,
        "total": 854,
        "absent": [],
        "skipped": [],
    }
    called = barsweep(
        "archive",
        "actions",
        "--archive",
        archive,
        "--table",
        table,
        "--replace",
        "--format",
        "json",
    )
    assert json.loads(called.out)["total"] == 2
    assert json.loads(barsweep("archive", "actions", "--archive", archive, "--format", "json").out)[
        1
    ] == {"symbol": "AAPL", "ex_date": "2014-06-10", "split_ratio": 2.0, "cash_dividend": None}


def test_map_files_are_brought_in_and_shown(
    barsweep: Barsweep, archive: Path, tmp_path: Path
) -> None:
    called = barsweep(
        "archive", "tickers", "--archive", archive, "--lean-maps", map_files(tmp_path / "maps")
    )
    assert called.status == 0 and "WM 2,465" in called.err
    assert (
        "WM\tWMI\t1998-07-17\t2009-08-05\n"
        in barsweep("archive", "tickers", "--archive", archive, "--symbol", "wm").out
    )
    table = tmp_path / "actions.csv"
    table.write_text("ticker,ex_date,dividend\nWMI,2005-03-01,0.2\n")
    assert barsweep("archive", "actions", "--archive", archive, "--table", table).status == 0
    again = barsweep("archive", "tickers", "--archive", archive, "--lean-maps", tmp_path / "maps")
    assert "1 corporate actions name a ticker" in again.err
    called = barsweep(
        "archive", "actions", "--archive", archive, "--table", table, "--by-ticker", "--replace"
    )
    assert called.status == 0 and Archive.open(archive).corporate_actions()["symbol"].to_list() == [
        "WM"
    ]
    table.write_text("ticker,ex_date,dividend\nGOOG,2012-01-03,1.5\n")
    called = barsweep(
        "archive",
        "actions",
        "--archive",
        archive,
        "--table",
        table,
        "--by-ticker",
        "--format",
        "json",
    )
    assert called.status == 0 and Archive.open(archive).corporate_actions()["symbol"].to_list() == [
        "GOOGL",
        "WM",
    ]
    called = barsweep(
        "scan",
        "--archive",
        archive,
        "--where",
        "close > prev_close",
        "--universe",
        _goog(tmp_path),
        "--quiet",
        "--start",
        "2014-04-01",
        "--end",
        "2014-04-04",
        "--format",
        "csv",
    )
    rows = [line.split(",") for line in called.out.splitlines()]
    places = [rows[0].index(name) for name in ("session", "symbol", "ticker")]
    assert {
        (day, symbol, ticker)
        for day, symbol, ticker in ([row[p] for p in places] for row in rows[1:])
    } == {
        ("2014-04-01", "GOOGL", "GOOG"),
        ("2014-04-02", "GOOGL", "GOOG"),
        ("2014-04-03", "GOOG", "GOOG"),
    }


def _goog(folder: Path) -> Path:
    (folder / "list.txt").write_text("GOOG\n")
    return folder / "list.txt"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("actions", "--table", "a.csv", "--lean-factors", "b"),
            "--table and --lean-factors; expected one of them",
        ),
        (("actions", "--replace"), "nothing to bring in; expected --table or --lean-factors"),
        (("actions", "--table", "none.csv"), "none.csv: no such file"),
        (
            ("actions", "--lean-factors", "none"),
            "none: no files; expected a folder or zip of LEAN's files",
        ),
        (
            ("actions", "--table", "{table}", "--by-ticker"),
            "no symbol map to say whose the tickers are",
        ),
        (("tickers", "--table", "{table}"), "no column ticker"),
        (("tickers", "--replace"), "nothing to bring in"),
    ],
)
def test_one_message_and_status_2(
    arguments: tuple[str, ...], message: str, barsweep: Barsweep, archive: Path, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("symbol,ex_date,cash_dividend\nA,2012-01-03,1\n")
    before = sorted(archive.iterdir())
    called = barsweep(
        "archive",
        arguments[0],
        "--archive",
        archive,
        *(word.format(table=table) for word in arguments[1:]),
    )
    assert called.status == 2 and message in called.err and "Traceback" not in called.err
    assert sorted(archive.iterdir()) == before


def test_a_scan_prints_what_its_universe_leaves_out(
    demo: Archive, barsweep: Barsweep, tmp_path: Path
) -> None:
    start = dt.date(2017, 1, 1)
    rows = {
        "symbol": ["AAPL", "MSFT", "NOPE", "KO"],
        "start_date": [start] * 4,
        "end_date": [None, dt.date(2020, 1, 1), None, dt.date(2017, 6, 1)],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "members.parquet")
    called = barsweep(
        "scan",
        "--archive",
        demo.path,
        "--where",
        "close > 10",
        "--universe",
        tmp_path / "members.parquet",
        "--quiet",
    )
    lines = called.out.splitlines()
    place = next(number for number, line in enumerate(lines) if "without data" in line)
    told = dict(zip(lines[place].split("\t"), lines[place + 1].split("\t"), strict=True))
    assert (told["members"], told["without data"], told["left later"]) == ("3", "1", "1")
