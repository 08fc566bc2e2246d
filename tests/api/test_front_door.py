"""The front door: what it takes, that it gives what the commands give, and what it refuses."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import barsweep as bs
from engine.archive.archive import Archive
from scanners.momentum_scanner import MomentumScanner
from tests.cli.barsweep import Barsweep
from tests.data import PROJECT
from tests.running import EVERY_5_MINUTES, momentum

SPAN: Any = {"start": "2017-11-20", "end": "2017-11-28"}
BACKWARDS: Any = {"start": SPAN["end"], "end": dt.date(2017, 11, 20)}
WHERE = "close > prev_close * 1.01 and rsi_14 > 60"
EASY = {"min_change": 0.005, "min_rsi": 55.0}


class Rising(bs.ColumnarScanner):
    """Of this module."""

    class Params(bs.ScannerParams):
        least: float = 1.005

    rank_by = "change"

    def features(self) -> dict[str, pl.Expr]:
        return {"change": pl.col("close") / pl.col("prev_close")}

    def criteria(self) -> dict[str, pl.Expr]:
        return {"up": pl.col("close") > pl.col("prev_close") * self.params.least}


@pytest.fixture
def market(demo: Archive) -> bs.Market:
    return bs.open_archive(demo.path)


# -- the same as the commands


@pytest.mark.parametrize("first_hit", [False, True])
def test_hits_are_the_tables_that_the_command_writes(
    first_hit: bool, market: bs.Market, barsweep: Barsweep, tmp_path: Path
) -> None:
    arguments = (
        "scanners.gap_scanner",
        "--where",
        WHERE,
        "--feature",
        "change=close / prev_close - 1",
        "--set",
        "min_gap=0.001",
    )
    out = tmp_path / "a.parquet"
    called = barsweep(
        "scan",
        *arguments,
        "--archive",
        market.path,
        "--start",
        SPAN["start"],
        "--end",
        SPAN["end"],
        "--out",
        out,
        *(["--first-hit"] if first_hit else []),
        "--quiet",
    )
    scan = market.scan(
        "scanners.gap_scanner",
        where=WHERE,
        features={"change": "close / prev_close - 1"},
        first_hit=first_hit,
        settings={"min_gap": 0.001},
        out=tmp_path / "b.parquet",
        **SPAN,
    )
    assert (
        called.status == 0
        and scan.kept == len(scan.hits) > 50
        and set(scan.hits["scanner"]) == {"scanners.gap_scanner", "where"}
    )
    assert out.read_bytes() == (tmp_path / "b.parquet").read_bytes()
    written = pl.read_parquet(out)
    assert written.schema == scan.hits.schema and written.equals(scan.hits)


def test_a_scan_without_hits_has_the_columns_of_the_file(market: bs.Market, tmp_path: Path) -> None:
    scan = market.scan("close < 0", out=tmp_path / "none.parquet", **SPAN)
    written = pl.read_parquet(tmp_path / "none.parquet")
    assert scan.kept == 0 and written.schema == scan.hits.schema and scan._repr_html_()


def test_tickers_stand_in_the_hits(lean: Archive, tmp_path: Path) -> None:
    for _ in range(2):
        scan = bs.scan(
            lean.path, "close > prev_close * 1.05", start="2010-01-01", out=tmp_path / "a.parquet"
        )
        assert (
            pl.read_parquet(tmp_path / "a.parquet").equals(scan.hits)
            and "ticker" in scan.hits.columns
            and scan.kept > 50
        )


def test_an_evaluation_is_that_of_the_command(
    market: bs.Market, barsweep: Barsweep, tmp_path: Path
) -> None:
    scan = market.scan(WHERE, out=tmp_path / "hits.parquet", **SPAN)
    called = barsweep(
        "evaluate",
        tmp_path / "hits.parquet",
        "--archive",
        market.path,
        "--out",
        tmp_path / "rows.parquet",
        "--format",
        "json",
    )
    evaluated = scan.evaluate()
    assert json.loads(called.out) == json.loads(json.dumps(evaluated.as_dicts()))
    assert evaluated.rows is not None and pl.read_parquet(tmp_path / "rows.parquet").equals(
        evaluated.rows
    )
    close = evaluated.table.row(by_predicate=pl.col("horizon") == "close", named=True)
    assert close["mean"] == pytest.approx(evaluated.rows["return_close"].mean()) and 0 < close[
        "hits"
    ] <= len(scan.hits)


def test_a_run_leaves_what_the_command_leaves(
    market: bs.Market, barsweep: Barsweep, tmp_path: Path
) -> None:
    config = PROJECT / "session_configs/vwap_pullback.json"
    easy = {
        "session_data_config.scanners.0.config.min_change": 0.004,
        "session_data_config.scanners.0.config.min_rsi": 50,
        "strategies.0.config.min_change": 0.004,
    }
    sets = [part for key, value in easy.items() for part in ("--set", f"{key}={value}")]
    span = ("--start", "2017-12-04", "--end", "2017-12-08")
    assert (
        barsweep(
            "run",
            config,
            "--archive",
            market.path,
            "--out",
            tmp_path / "a",
            *span,
            *sets,
            "--no-report",
        ).status
        == 0
    )
    told: list[tuple[str, int, int]] = []
    run = bs.run(
        config,
        archive=market,
        start="2017-12-04",
        end=dt.date(2017, 12, 8),
        overrides=easy,
        out=tmp_path / "b",
        report=False,
        on_progress=lambda *one: told.append(one),
    )
    assert told[-1] == ("sessions: 2017-12-08", 5, 5)
    (other,) = (tmp_path / "a").iterdir()
    for name in ("hits", "scans", "symbols", "quality", "orders", "fills", "trades", "equity"):
        assert (other / f"{name}.parquet").read_bytes() == (
            run.path / f"{name}.parquet"
        ).read_bytes(), name
    assert (
        len(run.trades) > 5 and run.metrics == run.summary["trading"]["metrics"] and not run.failed
    )
    assert run.equity.equals(pl.read_parquet(other / "equity.parquet")) and run.hits.equals(
        bs.open_run(other).hits
    )
    again = bs.run(run.path)
    assert (
        again.path.parent == run.path.parent
        and again.changed == ()
        and bs.diff(run.path, again.path).same
    )
    assert run.report(tmp_path / "page.html").stat().st_size > 1000
    symbol, tick = run.hits.select("symbol", "tick").row(0)
    assert (
        run.explain(symbol, tick).hit
        and run.show(symbol).table.height > 0
        and run.evaluate().table.height > 5
    )


def test_configs_as_dicts_and_models_are_the_file(market: bs.Market, tmp_path: Path) -> None:
    path = PROJECT / "session_configs/minimal.json"
    content = json.loads(path.read_text())
    for config in (content, bs.check_config(path).config):
        run = bs.run(config, archive=market, start="2017-11-20", end="2017-11-20", out=tmp_path)
        assert (
            run.manifest["config_digest"]
            == bs.run(
                path, archive=market, start="2017-11-20", end="2017-11-20", out=tmp_path
            ).manifest["config_digest"]
        )
    assert content == json.loads(path.read_text())  # what was given is as it was


def test_an_explanation_is_that_of_the_command(market: bs.Market, barsweep: Barsweep) -> None:
    called = barsweep(
        "explain",
        "--where",
        WHERE,
        "--archive",
        market.path,
        "--symbol",
        "AAPL",
        "--at",
        "2017-11-21 10:00",
        "--format",
        "json",
    )
    expected = json.loads(called.out)
    for answer in (
        market.explain("aapl", "2017-11-21 10:00", WHERE),
        bs.explain(WHERE, "AAPL", "2017-11-21 10:00", archive=market),
    ):
        assert json.loads(json.dumps(answer.as_dict(), default=str)) == expected
    assert market.near_misses("2017-11-21 10:00", WHERE).table.columns[0] == "symbol"


def test_a_tick_with_a_zone_is_converted(market: bs.Market) -> None:
    scan = market.scan(WHERE, **SPAN)
    symbol, tick = scan.hits.select("symbol", "tick").row(0)
    assert tick.tzinfo is not None and scan.explain(symbol, tick).hit
    assert scan.explain(symbol, tick.isoformat()).hit


# -- scanners in any form


def test_a_scanner_by_name_class_and_instance(market: bs.Market) -> None:
    named = market.scan("scanners.momentum_scanner", settings=EASY, **SPAN).hits
    assert len(named) > 50
    assert market.scan(MomentumScanner, settings=EASY, **SPAN).hits.equals(named)
    assert market.scan(MomentumScanner(**EASY), **SPAN).hits.equals(named)
    config = {
        "mode": "backtest",
        "backtest_config": {"start_date": SPAN["start"], "end_date": SPAN["end"]},
        "session_data_config": {"scanners": [momentum(**EASY)]},
    }
    assert market.scan(config).hits.equals(named)


def test_classes_that_no_module_holds(market: bs.Market, tmp_path: Path) -> None:
    class Local(Rising):
        """Of a cell."""

    of_module = market.scan(Rising(least=1.01), **SPAN).hits
    local = market.scan(Local(least=1.01), **SPAN).hits
    assert set(local["scanner"]) == {"Local"} and len(local) > 20
    assert local.drop("scanner").equals(of_module.drop("scanner"))
    several = market.scan(Local, Local(least=1.01), Rising, **SPAN)
    counts = dict(several.hits["scanner"].value_counts().iter_rows())
    assert counts["Local.2"] == len(local) and counts["Local.1"] == counts[
        "tests.api.test_front_door"
    ] > len(local)
    shared = market.scan(Local(least=1.01), workers=2, **SPAN)
    assert shared.hits.equals(local) and any("no module holds" in text for text in shared.warnings)
    assert several.explain(*local.select("symbol", "tick").row(0), scanner="Local.2").hit
    assert market.audit(Local(least=1.01), ticks=1, warm_up=False, **SPAN).clean
    block = {"module": Local, "config": {"least": 1.01}, "regular_session": EVERY_5_MINUTES}
    config = {"mode": "backtest", "session_data_config": {"scanners": [block]}}
    assert bs.run(config, archive=market, out=tmp_path, **SPAN).hits.equals(local)


def test_what_an_instance_was_given_counts(market: bs.Market) -> None:
    limited = Rising(least=1.0)
    limited.limit = 1
    scan = market.scan(limited, **SPAN)
    assert (
        scan.hits["rank"].max() == 1 and limited.universe is None
    )  # the scanner itself is not run


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: Rising(leest=3), "unknown key 'leest' (got 3), did you mean 'least'?"),
        (lambda m: Rising({"least": 3}, least=4), "least given twice"),
        (lambda m: m.scan("close > smaa"), "where: "),
        (lambda m: m.scan("scanners.momentun_scanner"), "did you mean 'scanners.momentum_scanner'"),
        (lambda m: m.scan(), 'or where "EXPRESSION"'),
        (lambda m: m.scan("close > 1", where="close > 2"), "several expressions"),
        (lambda m: m.scan("close > 1", schedul="close"), "did you mean 'schedule'"),
        (lambda m: m.scan("close > 1", schedule="nine"), "START-END/INTERVAL"),
        (lambda m: m.scan("close > 1", start="soon"), "start_date"),
        (
            lambda m: m.scan("scanners.gap_scanner", features={"x": "close"}),
            "features without where",
        ),
        (lambda m: m.scan("scanners.gap_scanner", settings={"min_gapp": 1}), "settings min_gapp"),
        (lambda m: m.scan(Rising(), universe=["AAPL"]), "settings universe"),
        (lambda m: m.scan(dict), "is no scanner"),
        (
            lambda m: m.scan({"mode": "backtest", "session_data_config": {}}, start="2017-11-20"),
            "start with a config",
        ),
        (lambda m: m.scan("close > 1", keep_hits=False, **SPAN).hits, "keep_hits=True"),
        (lambda m: m.explain("AAPL", "noon", "close > 1"), "at 'noon'"),
        (lambda m: m.evaluate(pl.DataFrame({"session": []})), "no column tick"),
        (lambda m: bs.evaluate(pl.DataFrame()), "no archive"),
        (lambda m: bs.open_archive("nowhere"), "nowhere: no such folder"),
        (lambda m: bs.open_run(m.path), "no run directory"),
        (
            lambda m: bs.run({"mode": "backtest", "sesion_data_config": {}}),
            "did you mean 'session_data_config'",
        ),
        (
            lambda m: m.scan("close > 1", **BACKWARDS),
            "start 2017-11-28 is after end 2017-11-20: the two are reversed",
        ),
        (
            lambda m: m.quality(**BACKWARDS),
            "start 2017-11-28 is after end 2017-11-20: the two are reversed",
        ),
        (
            lambda m: bs.run({"mode": "backtest", "session_data_config": {}}, **BACKWARDS),
            "start 2017-11-28 is after end 2017-11-20",
        ),
        (
            lambda m: bs.audit("close > 1", archive=m, **BACKWARDS),
            "start 2017-11-28 is after end 2017-11-20: the two are reversed",
        ),
    ],
)
def test_mistakes_are_told_as_a_program_knows_them(
    call: Any, message: str, market: bs.Market
) -> None:
    with pytest.raises(bs.BarsweepError) as told:
        call(market)
    assert message in str(told.value) and "--" not in str(told.value)


# -- the rest of the commands


def test_archives_are_made_filled_and_looked_at(tmp_path: Path) -> None:
    made = bs.demo(tmp_path / "demo", symbols=8, sessions=3)
    assert (
        not bs.make_demo(tmp_path / "demo", symbols=8, sessions=3)
        and made.exchange == "XNYS"
        and made.intervals == ("1m", "1d")
    )
    bars = made.archive.read_session(
        made.sessions()[0], ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
    )
    bars.write_parquet(tmp_path / "bars.parquet")
    told = bs.import_archive(tmp_path / "bars.parquet", archive=tmp_path / "own", label="open")
    assert told.rows_written == len(bars)
    own = bs.open_archive(tmp_path / "own")
    assert own.sessions() == made.sessions()[:1] and own.check().table.columns == [
        "level",
        "kind",
        "where",
        "count",
        "example",
    ]
    quality = own.quality("AAPL", out=tmp_path / "quality.parquet")
    assert (
        quality.table["symbol"].to_list() == ["AAPL"]
        and len(pl.read_parquet(tmp_path / "quality.parquet")) == 1
    )
    assert bs.diff_archives(tmp_path / "own", tmp_path / "own") == [] and bs.info(
        own
    ).symbols == len(own.symbols())
    (tmp_path / "actions.csv").write_text(
        "symbol,ex_date,split_ratio,cash_dividend\nAAPL,2017-11-02,2,\n"
    )
    summary = bs.actions(tmp_path / "own", table=tmp_path / "actions.csv")
    assert isinstance(summary, bs.ActionsSummary) and summary.splits == 1
    assert len(bs.actions(tmp_path / "own")) == 1 and len(bs.tickers(tmp_path / "own")) == 0  # type: ignore[arg-type]
    folder = tmp_path / "flat"
    folder.mkdir()
    bars.write_parquet(folder / f"{made.sessions()[0]}.parquet")
    assert bs.read_in_place(folder, label="open").bars == len(bars)
    for page in (own, quality, own.check(), made.show("AAPL", "rsi_14_1m")):
        assert "<table" in page._repr_html_()


def test_plug_ins_are_listed_and_described(tmp_path: Path) -> None:
    assert "scanners.gap_scanner" in dict(bs.scanners()) and "engine.strategies.gap_fade" in dict(
        bs.strategies()
    )
    assert (
        bs.describe_scanner("scanners.gap_scanner").rules
        and bs.describe_strategy("engine.strategies.gap_fade").parameters
    )
    assert (
        bs.describe_indicator("rsi_14_5m").columns == ("rsi_14_5m",) and len(bs.indicators()) > 50
    )
    assert [path.name for path in bs.new_scanner("mine", tmp_path)] == [
        "mine.py",
        "mine.json",
        "test_mine.py",
    ]
    assert bs.config_schema()["title"] == "SessionConfig" and len(bs.layouts()) > 5


def test_every_name_of_the_door_is_there_and_documented() -> None:
    for name in bs.__all__:
        value = getattr(bs, name)
        assert name == "__version__" or value.__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'skan'"):
        bs.skan  # noqa: B018


def test_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "barsweep", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
    )
    assert done.stdout.startswith("barsweep, version")
