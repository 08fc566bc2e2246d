"""Forward returns against a naive calculation, and what evaluation says of them."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.panel.symbol_table import SymbolTable
from engine.results.evaluate import Evaluator, Tally, deflated
from engine.results.outcomes import DAYS, HORIZONS, MINUTES, Forward
from tests.cli.barsweep import Barsweep
from tests.data import real_data
from tests.runs import config, hits, momentum

SILENT = lambda *_: None  # noqa: E731


@pytest.fixture(scope="module")
def found(us2018: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hits") / "hits.parquet"
    hits(config([momentum(min_change=0.02, min_rsi=65.0)]), us2018).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def evaluated(found: Path, us2018: Archive) -> pl.DataFrame:
    return pl.concat([rows for _, rows in Evaluator(found, us2018).sessions(SILENT)])


def naive(bars: pl.DataFrame, days: list[dt.date], symbol: str, tick: dt.datetime) -> dict[str, float]:
    """The returns of one hit from the source's bars, bar by bar."""
    own = bars.filter(pl.col("symbol") == symbol)
    day = tick.astimezone(dt.UTC).date()
    today = own.filter(pl.col("date") == day)
    close_at = dt.datetime.combine(day, dt.time(20 if day >= dt.date(2018, 3, 11) else 21), dt.UTC)
    after = today.filter(pl.col("timestamp") >= tick)
    later = [own.filter(pl.col("date") == d) for d in [d for d in days if d > day][:DAYS]]
    entry = after["open"][0] if len(after) else later[0]["open"][0]
    out = dict.fromkeys(HORIZONS, math.nan)
    for minutes in MINUTES:
        until = tick + dt.timedelta(minutes=minutes)
        done = after.filter(pl.col("timestamp") + pl.duration(minutes=1) <= until)
        if len(done) and until <= close_at:
            out[f"m{minutes}"] = done["close"][-1] / entry - 1
    if len(after):
        out |= {
            "close": after["close"][-1] / entry - 1,
            "mfe": after["high"].max() / entry - 1,
            "mae": after["low"].min() / entry - 1,
        }
    if later and len(later[0]):
        out |= {
            "next_open": later[0]["open"][0] / entry - 1 if len(after) else math.nan,
            "next_close": later[0]["close"][-1] / entry - 1,
        }
    if len(later) == DAYS and len(later[-1]):
        out["day5"] = later[-1]["close"][-1] / entry - 1
    return out


def test_forward_returns_equal_a_naive_calculation(evaluated: pl.DataFrame) -> None:
    bars = (
        pl.read_parquet(real_data("us_1min_2018.parquet"))
        .sort("symbol", "timestamp")
        .with_columns(date=pl.col("timestamp").dt.date())
    )
    days = bars["date"].unique().sort().to_list()
    sample = evaluated.sample(60, seed=4)
    for row in sample.iter_rows(named=True):
        for horizon, expected in naive(bars, days, row["symbol"], row["tick"]).items():
            value = row[f"return_{horizon}"]
            assert (value is None) == math.isnan(expected), (row["symbol"], row["tick"], horizon)
            if value is not None:
                assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert sample["return_m60"].null_count() < 40 and sample["return_day5"].null_count() < 40


def test_no_return_reaches_before_the_hit(us2018: Archive) -> None:
    """Entry and exits are bars that start at or after the tick: the returns of the prefix are the returns of the whole."""
    date, table = dt.date(2018, 3, 5), SymbolTable(us2018.symbols())
    session = us2018.calendar.session(date)
    ticks = session.open + np.arange(5, 380, 25) * 60_000_000
    one = Forward(us2018).outcomes(date, ticks, table)
    bars = us2018.read_session(date, ["symbol", "timestamp", "open"])
    for tick in range(0, len(ticks), 4):
        first = bars.filter(pl.col("timestamp").dt.epoch("us") >= int(ticks[tick])).group_by("symbol", maintain_order=True).first()
        entry = dict(first.select("symbol", "open").rows())
        for symbol in ("AAPL", "TSLA", "F"):
            low = one.returns["mae"][tick, table.id(symbol)]
            later = us2018.read_session(date, ["symbol", "timestamp", "low"]).filter(
                pl.col("symbol") == symbol, pl.col("timestamp").dt.epoch("us") >= int(ticks[tick])
            )
            assert low == pytest.approx(later["low"].min() / entry[symbol] - 1, rel=1e-12)


def test_excess_is_over_the_symbols_that_did_not_hit(evaluated: pl.DataFrame, us2018: Archive) -> None:
    tick = evaluated.group_by("tick").len().sort("len", "tick", descending=True)["tick"][0]
    rows = evaluated.filter(pl.col("tick") == tick)
    table = SymbolTable(us2018.symbols())
    returns = Forward(us2018).outcomes(rows["session"][0], np.array([int(tick.timestamp() * 1e6)]), table).returns["close"][0]
    rest = [returns[i] for i, name in enumerate(table.names) if name not in set(rows["symbol"]) and not np.isnan(returns[i])]
    difference = rows["return_close"] - rows["excess_close"]
    assert difference.to_list() == pytest.approx([float(np.mean(rest))] * len(rows), rel=1e-9)


def test_figures_are_those_of_the_rows(found: Path, us2018: Archive, evaluated: pl.DataFrame) -> None:
    (one,) = Evaluator(found, us2018, tried=10).run(SILENT)
    values = evaluated["return_m30"].drop_nulls()
    figures = one.returns["m30"]
    assert (one.hits, figures["count"]) == (len(evaluated), len(values))
    assert figures["mean"] == pytest.approx(values.mean(), rel=1e-9)
    assert figures["win_rate"] == pytest.approx((values > 0).mean(), rel=1e-12)
    assert figures["median"] == pytest.approx(values.median(), abs=1e-4)
    excess = evaluated.select("session", x="excess_m30").drop_nulls()
    residual = excess.with_columns(r=pl.col("x") - pl.col("x").mean()).group_by("session").agg(pl.col("r").sum())
    groups = len(residual)
    error = math.sqrt((residual["r"] ** 2).sum() * groups / (groups - 1)) / len(excess)
    assert one.excess["m30"]["t"] == pytest.approx(excess["x"].mean() / error, rel=1e-6)
    assert one.excess["m30"]["low"] < one.excess["m30"]["mean"] < one.excess["m30"]["high"]
    for kind in ("time of day", "rank", "year", "change"):
        assert sum(g["m30"]["count"] for g in one.groups[kind].values() if "m30" in g) == len(excess)


def test_what_many_variants_would_have_come_to_is_taken_off() -> None:
    rng = np.random.default_rng(1)
    best = rng.standard_normal((20_000, 50)).max(axis=1).mean()
    assert deflated(3.0, 50) == pytest.approx(3.0 - best, abs=0.05)
    assert deflated(3.0, 1) == 3.0 and deflated(None, 9) is None and deflated(-1.0, 9) == -1.0


def test_the_sums_of_a_tally_are_those_of_its_returns() -> None:
    rng, tally, parts = np.random.default_rng(3), Tally(True), []
    for _ in range(40):
        parts.append(rng.normal(0.001, 0.02, int(rng.integers(0, 30))))
        tally.add(parts[-1])
    everything = np.concatenate(parts)
    figures = tally.figures()
    assert figures["count"] == len(everything) and figures["mean"] == pytest.approx(everything.mean(), rel=1e-12)
    assert figures["median"] == pytest.approx(float(np.median(everything)), abs=1e-4)
    assert Tally(True).figures() == {"count": 0}


def test_daily_hits_are_entered_at_the_next_open(sp500: Archive, tmp_path: Path) -> None:
    scanner = {"module": "scanners.daily_screen", "regular_session": [{"at": "close"}], "config": {"limit": 5}}
    hits(config([scanner], start="2017-01-03", end="2017-02-28"), sp500).write_parquet(tmp_path / "hits.parquet")
    rows = pl.concat([rows for _, rows in Evaluator(tmp_path / "hits.parquet", sp500).sessions(SILENT)])
    daily = sp500.read_daily(["open", "close"], None, None).with_columns(
        expected=pl.col("close").shift(-5).over("symbol") / pl.col("open").shift(-1).over("symbol") - 1,
        next=pl.col("close").shift(-1).over("symbol") / pl.col("open").shift(-1).over("symbol") - 1,
    )
    both = rows.join(daily.select("symbol", "date", "expected", "next"), left_on=["symbol", "session"], right_on=["symbol", "date"])
    assert len(both) > 100 and rows["return_m5"].null_count() == len(rows)
    assert (both["return_day5"] - both["expected"]).abs().max() < 1e-12
    assert (both["return_next_close"] - both["next"]).abs().max() < 1e-12


def test_a_split_after_the_hit_is_undone(demo: Archive) -> None:
    symbol, ex_date, _ = demo.corporate_actions().filter(pl.col("split_ratio").is_not_null()).select(
        "symbol", "ex_date", "split_ratio"
    ).row(0)  # fmt: skip
    before = max(date for date in demo.sessions() if date < ex_date)
    session, table = demo.calendar.session(before), SymbolTable([symbol])
    outcomes = Forward(demo).outcomes(before, np.array([session.close - 60_000_000]), table)
    assert all(abs(outcomes.returns[h][0, 0]) < 0.3 for h in ("next_open", "next_close", "day5"))


def test_the_command(barsweep: Barsweep, found: Path, us2018: Archive, tmp_path: Path) -> None:
    page, out = tmp_path / "page.html", tmp_path / "rows.parquet"
    called = barsweep("evaluate", found, "--archive", us2018.path, "--html", page, "--out", out, "--format", "json", "--quiet")
    assert called.status == 0 and called.err == ""
    (one,) = json.loads(called.out)
    assert one["hits"] == pl.read_parquet(out).height == pl.read_parquet(found).height
    text = page.read_text()
    assert "to the close" in text and 'src="http' not in text
    assert "+5 min" in barsweep("evaluate", found, "--archive", us2018.path).out
    assert "no archive" in barsweep("evaluate", found).err
    assert barsweep("evaluate", tmp_path / "none.parquet", "--archive", us2018.path).status == 2
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    assert "no column session" in barsweep("evaluate", tmp_path / "other.parquet", "--archive", us2018.path).err
