"""What a market keeps of the bars that it has decoded, and that nobody can tell but by the clock."""

from __future__ import annotations

import pickle
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import barsweep as bs
from engine.archive import archive as archives
from engine.archive.archive import Archive
from engine.archive.decoded_archive import KeptArchive, KeptBars
from engine.archive.disk import session_files
from engine.archive.ingest.demo import make_demo

WHERE = "close > rolling_max_3_1d and rsi_14 > 50"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The bar files that are decoded, in order."""
    found: list[Path] = []

    def noting(real: Callable[..., pl.DataFrame]) -> Callable[..., pl.DataFrame]:
        def read(path: Path, columns: Any) -> pl.DataFrame:
            found.append(path)
            return real(path, columns)

        return read

    for module in (archives, session_files):
        monkeypatch.setattr(module, "read_bars", noting(module.read_bars))
    return found


def test_a_second_scan_decodes_nothing(us2018: Archive, reads: list[Path]) -> None:
    """44 real sessions: under 0.4 s where the first takes 1 s, as there is nothing left but to compute."""
    market = bs.open_archive(us2018.path)
    first = market.scan("close > rolling_max_20_1d and rvol_20 > 2", schedule="09:35-15:55/5m")
    assert len(reads) >= 44
    reads.clear()
    second = market.scan("close > rolling_max_20_1d and rvol_20 > 2", schedule="09:35-15:55/5m")
    assert reads == [] and second.hits.equals(first.hits) and second.kept == 3538
    market.scan("close > open", schedule="09:35-15:55/1h")
    assert {path.parent.name[:5] for path in reads} == {"date="} and len(
        reads
    ) == 44  # what is new: the opens
    market.forget()
    assert market.scan("close > rolling_max_20_1d", start="2018-04-20").kept and len(reads) > 44


@pytest.mark.parametrize("name", ["demo", "lean", "sp500"])
def test_hits_are_those_of_an_archive_that_keeps_nothing(
    name: str, request: pytest.FixtureRequest
) -> None:
    """Of minutes with splits, of days with a map of tickers, of days without."""
    path = request.getfixturevalue(name).path
    warm, cold = bs.open_archive(path), bs.open_archive(path, keep=0)
    for where in (
        "close > prev_close * 1.02",
        "volume > 0 and close > prev_close * 1.02 and atr_3_1d > 0",
    ):
        expected = cold.scan(where, keep_hits=True).hits
        for _ in range(2):
            assert warm.scan(where).hits.equals(expected) and len(expected) > 100
    assert warm.symbols() == cold.symbols() and warm.sessions() == cold.sessions()


def test_columns_are_those_of_the_file_in_any_order_of_asking(demo: Archive, lean: Archive) -> None:
    for plain, interval in ((demo, "1m"), (lean, "1d")):
        kept = KeptArchive(plain.path, plain.manifest, kept=KeptBars(1 << 30))
        if interval == "1d":
            year = plain.daily_years()[-1]
            for _ in range(2):
                a, b = plain.read_daily_year(year, ["close"]), kept.read_daily_year(year, ["close"])
                assert (
                    list(a.symbols) == list(b.symbols)
                    and (a.columns["close"] == b.columns["close"]).all()
                )
            continue
        date = plain.sessions()[3]
        for columns in (
            ["close"],
            ["symbol", "close"],
            ["volume", "close"],
            ["symbol", "timestamp", "volume"],
            ["close"],
        ):
            assert kept.read_session(date, columns).equals(plain.read_session(date, columns))
        assert kept.read_session_index(date) is not None


def test_bars_under_a_map_of_tickers_keep_their_order(tmp_path: Path) -> None:
    """With symbols rows come in the symbols' order, without them in the file's: what is kept of the one is not the other's."""
    make_demo(tmp_path / "demo", symbols=8, sessions=2)
    names = Archive.open(tmp_path / "demo").symbols()
    (tmp_path / "map.csv").write_text(
        f"symbol,ticker,start_date,end_date\nZZZ,{names[0]},2000-01-01,\n"
    )
    bs.tickers(tmp_path / "demo", table=tmp_path / "map.csv")
    plain = Archive.open(tmp_path / "demo")
    kept = KeptArchive(plain.path, plain.manifest, kept=KeptBars(1 << 30))
    date = plain.sessions()[0]
    for columns in (
        ["close"],
        ["symbol", "close"],
        ["close"],
        ["symbol", "volume"],
        ["symbol", "close", "volume"],
        ["volume"],
    ):
        assert kept.read_session(date, columns).equals(plain.read_session(date, columns))
    assert "ZZZ" in kept.read_session(date, ["symbol"])["symbol"]


def test_files_that_have_changed_are_read_again(tmp_path: Path) -> None:
    make_demo(tmp_path / "demo", symbols=8, sessions=4)
    make_demo(tmp_path / "other", symbols=8, sessions=5, seed=8)
    market = bs.open_archive(tmp_path / "demo")
    before = market.scan("close > 0", schedule="10:00-15:00/1h").hits
    shutil.copytree(tmp_path / "other/bars", tmp_path / "demo/bars", dirs_exist_ok=True)
    after = market.scan("close > 0", schedule="10:00-15:00/1h").hits
    expected = bs.scan(tmp_path / "demo", "close > 0", schedule="10:00-15:00/1h").hits
    assert after.equals(expected) and not after.equals(before) and len(market.sessions()) == 5
    (sorted((tmp_path / "demo/bars/interval=1m").iterdir())[1] / "bars.parquet").write_bytes(
        b"PAR1"
    )
    with pytest.raises(bs.BarsweepError, match="not a readable Parquet file"):
        market.scan("close > 0", schedule="10:00-15:00/1h")
    shutil.rmtree(tmp_path / "demo")
    with pytest.raises(bs.BarsweepError, match="no such folder"):
        market.scan("close > 0")


def test_no_more_is_kept_than_may_be(demo: Archive, reads: list[Path]) -> None:
    market = bs.open_archive(demo.path, keep=300_000)
    expected = bs.open_archive(demo.path, keep=0).scan("close > prev_close * 1.01").hits
    for _ in range(2):
        reads.clear()
        assert market.scan("close > prev_close * 1.01").hits.equals(expected)
    kept = market.read()
    assert (
        isinstance(kept, KeptArchive)
        and 0 < kept._kept.bytes <= 300_000
        and 0 < len(reads) < 45 + 2
    )


def test_a_worker_gets_the_archive_alone(demo: Archive) -> None:
    market = bs.open_archive(demo.path)
    market.scan("close > prev_close", end="2017-11-20")
    sent = pickle.dumps(market.read())
    assert len(sent) < 5_000 and type(pickle.loads(sent)) is Archive


def test_threads_share_a_market(demo: Archive) -> None:
    market, found = bs.open_archive(demo.path), []
    wheres = [
        "close > prev_close * 1.01",
        "rsi_14 > 70",
        "close > sma_3_1d",
        "close > session_vwap * 1.01",
    ]
    threads = [
        threading.Thread(target=lambda where=where: found.append((where, market.scan(where).hits)))
        for where in wheres
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for where, hits in found:
        assert hits.equals(bs.open_archive(demo.path, keep=0).scan(where).hits)


def test_what_is_kept_is_of_a_file_as_it_is() -> None:
    bars = KeptBars(100)
    assert bars.get("a", (1,), lambda _: 60, lambda: "first") == "first"
    assert bars.get("a", (1,), lambda _: 60, lambda: "again") == "first"
    assert (
        bars.get("b", (1,), lambda _: 60, lambda: "too much") == "too much"
        and bars.find("b", (1,)) is None
    )
    assert bars.get("a", (2,), lambda _: 30, lambda: "changed") == "changed" and bars.bytes == 30
    bars.forget()
    assert bars.bytes == 0 and bars.find("a", (2,)) is None
