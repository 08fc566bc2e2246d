"""Jumps like splits in real bars: all that are known are found, and what else is found is a corporate action or a crash."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.quality.check_bars import check_archive
from engine.archive.quality.split_jumps import JUMP, NO_JUMP, RATIOS, ratio_text, split_jumps
from engine.archive.reference import corporate_actions as actions
from engine.schema import CORPORATE_ACTIONS_SCHEMA
from tests.lean import bare_archive, lean_archive

CRISES = {
    ("BAC", dt.date(2009, 2, 27)),
    ("USO", dt.date(2020, 3, 9)),
}  # 5.27 to 4.32 as Citigroup is rescued; the oil price war


def found(archive: Archive) -> dict[tuple[str, dt.date], str]:
    return {(symbol, date): kind for kind, symbol, date, _ in split_jumps(archive)}


def test_with_its_actions_a_real_archive_has_next_to_no_jumps(lean: Archive) -> None:
    assert found(lean) == dict.fromkeys(CRISES, JUMP)  # of 63,000 bars and 24 years


def test_every_real_split_that_is_left_out_is_found(lean: Archive, tmp_path: Path) -> None:
    archive = lean_archive(tmp_path / "archive")
    known = archive.corporate_actions()
    actions.bring_in(
        archive,
        known.with_columns(split_ratio=pl.lit(None, pl.Float64)).filter(
            pl.col("cash_dividend").is_not_null()
        ),
        True,
    )
    bars = archive.read_daily(["close"], None, None)
    firsts = bars.group_by("symbol").agg(pl.col("date").min().alias("first"))
    there = known.join(
        bars, left_on=["symbol", "ex_date"], right_on=["symbol", "date"], how="semi"
    ).join(firsts, on="symbol")
    splits = there.filter(
        pl.col("ex_date") > pl.col("first"), ~pl.col("split_ratio").is_between(0.8, 1.24)
    )
    expected = set(splits.select("symbol", "ex_date").rows())
    assert len(expected) == 17 and expected | CRISES == set(found(archive))
    told = {(symbol, date): text for _, symbol, date, text in split_jumps(archive)}
    assert told["AAPL", dt.date(2014, 6, 9)] == "645.57 to 92.69, as in a 7:1 split"
    assert told["AIG", dt.date(2009, 7, 1)] == "1.13 to 19.7, as in a 1:20 split"


def test_in_five_years_of_adjusted_bars_all_that_is_found_is_a_spin_off_a_stock_dividend_or_a_special_dividend(
    sp500: Archive,
) -> None:
    """Of 619,000 bars. Companies' announcements: Ingersoll-Rand and Allegion, Discovery's class C shares, KLA-Tencor's 16.50 a share,
    eBay and PayPal, NiSource and Columbia, Symantec's 4.00 a share, Citrix and GoTo, HPE with DXC and with Micro Focus, Vornado and JBG."""
    assert set(found(sp500)) == {
        ("IR", dt.date(2013, 12, 2)),
        ("DISCK", dt.date(2014, 8, 7)),
        ("KLAC", dt.date(2014, 11, 26)),
        ("EBAY", dt.date(2015, 7, 20)),
        ("NI", dt.date(2015, 7, 2)),
        ("SYMC", dt.date(2016, 3, 4)),
        ("CTXS", dt.date(2017, 2, 1)),
        ("HPE", dt.date(2017, 4, 3)),
        ("HPE", dt.date(2017, 9, 1)),
        ("VNO", dt.date(2017, 7, 18)),
    }


def test_minute_bars_of_a_quarter_have_none(us2018: Archive) -> None:
    assert found(us2018) == {}


def test_bars_that_are_adjusted_already_are_told_of(sp500: Archive, tmp_path: Path) -> None:
    """The same splits over vendor-adjusted bars would be adjusted for twice."""
    for name in ("archive.json", "bars"):
        (tmp_path / name).symlink_to(sp500.path / name)
    archive = Archive.open(tmp_path)
    rows = [
        ("AAPL", dt.date(2014, 6, 9), 7.0, None),
        ("GOOGL", dt.date(2014, 4, 3), 2.0, None),
        ("KLAC", dt.date(2014, 11, 26), None, 16.5),
    ]
    actions.bring_in(archive, pl.DataFrame(rows, schema=CORPORATE_ACTIONS_SCHEMA, orient="row"))
    told = found(archive)
    assert {key for key, kind in told.items() if kind == NO_JUMP} == {
        ("AAPL", dt.date(2014, 6, 9)),
        ("GOOGL", dt.date(2014, 4, 3)),
    }
    assert ("KLAC", dt.date(2014, 11, 26)) not in told  # its dividend explains it
    (finding,) = [f for f in check_archive(archive) if f.where == "1d 2014-06-09 AAPL"]
    assert (
        finding.kind == NO_JUMP
        and "though the split is 7:1" in finding.example
        and not finding.fault
    )


def test_check_tells_of_splits_that_are_left_out(tmp_path: Path) -> None:
    archive = bare_archive(tmp_path)
    told = {f.where: f.example for f in check_archive(archive) if f.kind == JUMP}
    assert told["1d 2020-08-31 AAPL"] == "499.23 to 127.67, as in a 4:1 split"
    (tmp_path / layout.ACTIONS).write_bytes(b"")
    assert any(
        "corporate_actions.parquet: cannot be read" in f.example and f.fault
        for f in check_archive(archive)
    )


@settings(deadline=None)
@given(st.sampled_from(RATIOS.tolist()))
def test_a_ratio_is_told_in_whole_shares(ratio: float) -> None:
    new, old = map(int, ratio_text(ratio).split(":"))
    assert new / old == pytest.approx(ratio)
