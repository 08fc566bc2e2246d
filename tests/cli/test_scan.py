"""`barsweep scan` and `barsweep show`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numba
import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.cli.output import tell_of_compiling
from tests.cli.barsweep import Barsweep
from tests.running import config, hits, momentum

SPAN = ("--start", "2017-11-20", "--end", "2017-11-28")


def test_a_scan_finds_what_a_run_finds(barsweep: Barsweep, demo: Archive, tmp_path: Path) -> None:
    out = tmp_path / "hits.parquet"
    called = barsweep(
        "scan",
        "scanners.momentum_scanner",
        "--archive",
        demo.path,
        *SPAN,
        "--schedule",
        "09:35-15:55/5m",
        "--set",
        "min_change=0.005",
        "--set",
        "min_rsi=55",
        "--out",
        out,
        "--quiet",
    )
    assert called.status == 0 and called.err == ""
    assert "funnel" not in called.err and "above_vwap" in called.out
    expected = hits(
        config([momentum(min_change=0.005, min_rsi=55.0)], start=SPAN[1], end=SPAN[3]), demo
    )
    found = pl.read_parquet(out)
    assert len(found) > 50 and found.equals(expected.select(found.columns))


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_formats_hold_the_same_hits(
    suffix: str, barsweep: Barsweep, demo: Archive, tmp_path: Path
) -> None:
    command = (
        "scan",
        "--where",
        "close > prev_close * 1.01 and rsi_14 > 60",
        "--feature",
        "change=close / prev_close - 1",
        "--archive",
        demo.path,
        *SPAN,
        "--quiet",
    )
    barsweep(*command, "--out", tmp_path / "a.parquet")
    barsweep(*command, "--out", tmp_path / f"a.{suffix}")
    printed = barsweep(*command, "--format", suffix).out
    expected = pl.read_parquet(tmp_path / "a.parquet")
    text = (tmp_path / f"a.{suffix}").read_text()
    assert printed.strip() == text.strip()
    read = pl.read_csv(io.StringIO(text)) if suffix == "csv" else pl.DataFrame(json.loads(text))
    assert read["symbol"].to_list() == expected["symbol"].to_list() and len(expected) > 50
    assert read["change"].to_list() == pytest.approx(expected["change"].to_list())


def test_several_scanners_share_a_pass_and_each_symbol_is_kept_once(
    barsweep: Barsweep, demo: Archive, tmp_path: Path
) -> None:
    modules = ("scanners.momentum_scanner", "scanners.gap_scanner")
    arguments = (
        "--archive",
        demo.path,
        *SPAN,
        "--set",
        "min_gap=0.001",
        "--set",
        "min_change=0.005",
        "--quiet",
    )
    barsweep("scan", *modules, *arguments, "--out", tmp_path / "both.parquet")
    both = pl.read_parquet(tmp_path / "both.parquet")
    for module, key in zip(modules, ("min_change=0.005", "min_gap=0.001"), strict=True):
        barsweep(
            "scan",
            module,
            "--archive",
            demo.path,
            *SPAN,
            "--set",
            key,
            "--quiet",
            "--out",
            tmp_path / "one.parquet",
        )
        one = pl.read_parquet(tmp_path / "one.parquet")
        assert (
            both.filter(pl.col("scanner") == module)
            .select(one.columns)
            .drop("promoted")
            .equals(one.drop("promoted"))
            and len(one) > 20
        )
    barsweep("scan", *modules, *arguments, "--first-hit", "--out", tmp_path / "first.parquet")
    first = pl.read_parquet(tmp_path / "first.parquet")
    assert first.equals(
        both.unique(["scanner", "symbol", "session"], keep="first", maintain_order=True)
    )


def test_daily_bars_of_an_archive_that_has_minutes_too(
    barsweep: Barsweep, demo: Archive, tmp_path: Path
) -> None:
    called = barsweep(
        "scan",
        "--where",
        "close > sma_5_1d and volume > 0",
        "--interval",
        "1d",
        "--archive",
        demo.path,
        "--quiet",
        "--out",
        tmp_path / "d.parquet",
    )
    assert called.status == 0
    found = pl.read_parquet(tmp_path / "d.parquet")
    daily = demo.read_daily(["close"], None, None).with_columns(
        mean=pl.col("close").rolling_mean(5).over("symbol")
    )
    splits = (
        demo.corporate_actions().filter(pl.col("split_ratio").is_not_null())["symbol"].to_list()
    )
    whole = (
        daily.group_by("symbol")
        .len()
        .filter(pl.col("len") == len(demo.sessions("1d")))["symbol"]
        .to_list()
    )
    plain = [symbol for symbol in whole if symbol not in splits]
    expected = (
        daily.filter(pl.col("close") > pl.col("mean"), pl.col("symbol").is_in(plain))
        .select("date", "symbol")
        .rows()
    )
    assert set(
        found.filter(pl.col("symbol").is_in(plain)).select("session", "symbol").rows()
    ) == set(expected)
    assert len(expected) > 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--where", "close > smaa"], "did you mean 'sma'"),
        (["scanners.momentum_scanner", "--set", "min_pric=3"], "did you mean 'min_price'"),
        ([], "no scanner"),
        (["scanners.momentum_scaner"], "did you mean 'scanners.momentum_scanner'"),
        (["scanners.momentum_scanner", "--schedule", "nine"], "START-END/INTERVAL"),
        (["scanners.momentum_scanner", "--interval", "7x"], "--interval"),
        (["scanners.momentum_scanner", "--start", "soon"], "a date such as 2018-03-01"),
        (["scanners.momentum_scanner", "--out", "x.xlsx"], ".parquet"),
        (["--where", "rsi_14 > 5", "--interval", "1d"], "cannot be made of 1d bars"),
        (["scanners.gap_scanner", "--feature", "x=1"], "--where"),
    ],
)
def test_mistakes_are_told_in_one_message(
    arguments: list[str], message: str, barsweep: Barsweep, demo: Archive
) -> None:
    called = barsweep("scan", *arguments, "--archive", demo.path, "--quiet")
    assert called.status == 2 and message in called.err and "Traceback" not in called.err


def test_a_session_of_a_run_is_drawn_with_its_hits(
    barsweep: Barsweep, demo: Archive, tmp_path: Path
) -> None:
    path = tmp_path / "config.json"
    path.write_text(
        json.dumps(
            {
                "mode": "backtest",
                "session_data_config": {"scanners": [momentum(min_change=0.002, min_rsi=52.0)]},
            }
        )
    )
    assert (
        barsweep(
            "run", path, "--archive", demo.path, "--out", tmp_path / "runs", *SPAN, "--quiet"
        ).status
        == 0
    )
    (run,) = (tmp_path / "runs").iterdir()
    found = pl.read_parquet(run / "hits.parquet")
    symbol, session = found.select("symbol", "session").row(0)
    listed = barsweep("show", run, "--symbol", symbol)
    assert len(listed.out.splitlines()) == 1 + len(found.filter(pl.col("symbol") == symbol))
    drawn = barsweep("show", run, "--symbol", symbol, "--session", session)
    text = Path(drawn.out.strip()).read_text()
    count = len(found.filter(pl.col("symbol") == symbol, pl.col("session") == session))
    assert text.count("rank 1:") + text.count("rank 2:") > 0 and count > 0
    assert "rsi_14_1m" in text and "scanners.momentum_scanner" in text and 'src="http' not in text
    explained = barsweep("explain", run, "--symbol", symbol, "--at", f"{session} 10:00")
    assert explained.status == 0 and "clause" in explained.out
    assert "NOPE" in barsweep("show", run, "--symbol", "NOPE").err
    assert barsweep("show", run, "--symbol", symbol, "--session", "2017-11-25").status == 2
    found.filter(pl.col("symbol") != symbol).write_parquet(run / "hits.parquet")
    assert barsweep("show", run, "--symbol", symbol).out == f"no hits of {symbol} in {run}\n"


def test_hits_are_listed_in_the_exchanges_time(barsweep: Barsweep, demo: Archive) -> None:
    called = barsweep(
        "scan",
        "--where",
        "close > 0",
        "--archive",
        demo.path,
        "--start",
        "2017-11-20",
        "--end",
        "2017-11-20",
        "--schedule",
        "15:30-15:30/5m",
        "--quiet",
    )
    assert called.status == 0 and "2017-11-20 15:30\twhere\t" in called.out


def test_a_run_whose_daily_indicators_never_warm_up_says_so(
    barsweep: Barsweep, demo: Archive
) -> None:
    where, sessions = (
        ("scan", "--where", "close > sma_200_1d or close > sma_3_1d", "--archive", demo.path),
        len(demo.sessions("1d")),
    )
    assert sessions < 200
    called = barsweep(*where, *SPAN)
    before = sum(f"{date}" <= SPAN[3] for date in demo.sessions("1d"))
    assert (
        f"the archive has {before} sessions by its end: sma_200_1d (200)\n" in called.err
        and "sma_3_1d" not in called.err
    )


@pytest.mark.parametrize("command", ["explain", "audit"])
def test_a_run_that_is_not_there_is_not_taken_for_a_module(
    command: str, barsweep: Barsweep, demo: Archive
) -> None:
    at = ("--symbol", "AAPL", "--at", "2017-11-20 10:00") if command == "explain" else ()
    called = barsweep(command, "runs/nothing", *at)
    assert (
        called.status == 2
        and called.err == "error: runs/nothing: no such run directory or config\n"
    )


def test_compiling_is_told_of_once(capfd: pytest.CaptureFixture[str]) -> None:
    with tell_of_compiling(False):
        for add in (lambda x: x + 1, lambda x: x + 2):
            numba.njit(add)(1)
    with tell_of_compiling(True):
        numba.njit(lambda x: x + 3)(1)
    assert capfd.readouterr().err.count("compiling kernels") == 1
