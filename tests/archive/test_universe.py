"""Universes, point in time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.reference.universe import load_universe
from engine.errors import UniverseError
from tests.data import real_data


def load(spec: object, archive: Archive):
    return load_universe(spec, archive, Path)


def test_a_text_file_with_comments_blanks_repetitions_and_lower_case(
    demo: Archive, tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    path.write_text("# mine\n\naapl  # a comment\nMSFT\nAAPL\n  nope \n")
    universe = load(str(path), demo)
    assert universe.members(dt.date(2018, 1, 2)) == ["AAPL", "MSFT"]
    assert universe.unknown == ["NOPE"]


def test_membership_holds_up_to_but_not_including_its_end(demo: Archive, tmp_path: Path) -> None:
    path = tmp_path / "members.parquet"
    pl.DataFrame(
        {
            "symbol": ["AAPL", "MSFT", "NOPE"],
            "start_date": [dt.date(2017, 1, 1)] * 3,
            "end_date": [dt.date(2017, 11, 8), None, None],
        }
    ).write_parquet(path)
    universe = load(str(path), demo)
    assert universe.members(dt.date(2017, 11, 7)) == ["AAPL", "MSFT"]
    assert universe.members(dt.date(2017, 11, 8)) == ["MSFT"]
    assert universe.everyone(dt.date(2017, 11, 1), dt.date(2017, 11, 30)) == ["AAPL", "MSFT"]
    assert universe.unknown == ["NOPE"]


def test_real_membership(us2018: Archive) -> None:
    path = real_data("sp500_membership_1996_2025.parquet")
    members = set(load(str(path), us2018).members(dt.date(2018, 3, 1)))
    table = pl.read_parquet(path)
    expected = {
        s
        for s, a, b in table.rows()
        if a <= dt.date(2018, 3, 1) and (b is None or b > dt.date(2018, 3, 1))
    }
    assert members == expected & set(us2018.symbols())
    assert "AAPL" in members and "ROKU" not in members


def test_top_by_dollar_volume_knows_only_earlier_sessions(demo: Archive) -> None:
    universe = load({"top_dollar_volume": 5, "sessions": 3}, demo)
    dates = demo.sessions("1d")
    assert universe.members(dates[0]) == []
    for date in (dates[4], dates[20]):
        before = [d for d in dates if d < date][-3:]
        turnover = (
            demo.read_daily(["close", "volume"], before[0], date)
            .with_columns(t=pl.col("close") * pl.col("volume"))
            .group_by("symbol")
            .agg(pl.col("t").sum())
            .sort("t", descending=True)
        )
        assert universe.members(date) == sorted(turnover["symbol"].head(5))


def test_all(demo: Archive) -> None:
    assert load("all", demo).members(dt.date(2020, 1, 1)) == demo.symbols()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (5, "is no universe"),
        ("", "is no universe"),
        ([], "names no symbols"),
        (["NOPE"], "none of its 1 symbols"),
        ({"top_dollar_volum": 5}, "did you mean 'top_dollar_volume'"),
        ({"top_dollar_volume": 0}, "positive whole numbers"),
        ({"top_dollar_volume": True}, "positive whole numbers"),
    ],
)
def test_a_wrong_universe_says_what_is_wrong(spec: object, message: str, demo: Archive) -> None:
    with pytest.raises(UniverseError, match=message):
        load(spec, demo)


def test_wrong_membership_files(demo: Archive, tmp_path: Path) -> None:
    path = tmp_path / "members.parquet"
    path.write_bytes(b"")
    with pytest.raises(UniverseError, match="cannot be read"):
        load(str(path), demo)
    pl.DataFrame({"symbol": ["AAPL"]}).write_parquet(path)
    with pytest.raises(
        UniverseError, match="no column start_date; expected a column start_date or start"
    ):
        load(str(path), demo)
    pl.DataFrame({"symbol": ["AAPL"], "start_date": ["2017-01-01"]}).write_parquet(path)
    with pytest.raises(UniverseError, match="no column end_date"):
        load(str(path), demo)


def test_a_membership_csv_is_read_as_the_parquet_file_is_and_one_column_is_a_list(
    demo: Archive, tmp_path: Path
) -> None:
    path = tmp_path / "members.csv"
    path.write_text("ticker,start_date,end_date\naapl,2017-01-01,2017-11-08\nMSFT,2017-01-01,\n")
    universe = load(str(path), demo)
    assert universe.members(dt.date(2017, 11, 7)) == ["AAPL", "MSFT"] and universe.members(
        dt.date(2017, 11, 8)
    ) == ["MSFT"]
    assert universe.leavers(dt.date(2017, 11, 1), dt.date(2017, 11, 7)) == ["AAPL"]
    path.write_text("AAPL\nMSFT\n")
    assert load(str(path), demo).members(dt.date(2017, 11, 8)) == ["AAPL", "MSFT"]
    path.write_text("ticker,start_date,end_date\naapl,soon,\n")
    with pytest.raises(UniverseError, match="start_date is 'soon' in row 1; expected a date"):
        load(str(path), demo)


def test_whoever_comes_back_has_left_and_whoever_only_goes_on_has_not(
    demo: Archive, tmp_path: Path
) -> None:
    first, gone, back = dt.date(2017, 1, 1), dt.date(2017, 6, 1), dt.date(2017, 9, 1)
    rows = [
        ("AAPL", first, gone),
        ("AAPL", back, None),
        ("MSFT", first, gone),
        ("MSFT", gone, None),
        ("KO", first, None),
    ]
    pl.DataFrame(rows, schema=["symbol", "start_date", "end_date"], orient="row").write_parquet(
        tmp_path / "members.parquet"
    )
    universe = load(str(tmp_path / "members.parquet"), demo)
    assert universe.leavers(first, gone) == ["AAPL"]
    assert universe.leavers(back, dt.date(2017, 12, 1)) == []
