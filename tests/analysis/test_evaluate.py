"""Forward returns against a naive calculation, and what evaluation says of them."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.analysis.evaluate import Evaluator
from engine.analysis.exact_sums import LEAST_SESSIONS
from engine.analysis.forward_returns import DAYS, HORIZONS, MINUTES, Forward
from engine.analysis.tally import Tally, deflated
from engine.archive.archive import Archive
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.panel.symbol_table import SymbolTable
from tests.cli.barsweep import Barsweep
from tests.data import real_data
from tests.running import config, hits, momentum

SILENT = lambda *_: None  # noqa: E731


@pytest.fixture(scope="module")
def found(us2018: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hits") / "hits.parquet"
    hits(config([momentum(min_change=0.02, min_rsi=65.0)]), us2018).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def evaluated(found: Path, us2018: Archive) -> pl.DataFrame:
    return pl.concat([rows for _, rows in Evaluator(found, us2018).sessions(SILENT)])


def naive(
    bars: pl.DataFrame, days: list[dt.date], symbol: str, tick: dt.datetime
) -> dict[str, float]:
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
        first = (
            bars.filter(pl.col("timestamp").dt.epoch("us") >= int(ticks[tick]))
            .group_by("symbol", maintain_order=True)
            .first()
        )
        entry = dict(first.select("symbol", "open").rows())
        for symbol in ("AAPL", "TSLA", "F"):
            low = one.returns["mae"][tick, table.id(symbol)]
            later = us2018.read_session(date, ["symbol", "timestamp", "low"]).filter(
                pl.col("symbol") == symbol, pl.col("timestamp").dt.epoch("us") >= int(ticks[tick])
            )
            assert low == pytest.approx(later["low"].min() / entry[symbol] - 1, rel=1e-12)


def test_excess_is_over_the_symbols_that_did_not_hit(
    evaluated: pl.DataFrame, us2018: Archive
) -> None:
    tick = evaluated.group_by("tick").len().sort("len", "tick", descending=True)["tick"][0]
    rows = evaluated.filter(pl.col("tick") == tick)
    table = SymbolTable(us2018.symbols())
    returns = (
        Forward(us2018)
        .outcomes(rows["session"][0], np.array([int(tick.timestamp() * 1e6)]), table)
        .returns["close"][0]
    )
    rest = [
        returns[i]
        for i, name in enumerate(table.names)
        if name not in set(rows["symbol"]) and not np.isnan(returns[i])
    ]
    difference = rows["return_close"] - rows["excess_close"]
    assert difference.to_list() == pytest.approx([float(np.mean(rest))] * len(rows), rel=1e-9)


def test_figures_are_those_of_the_rows(
    found: Path, us2018: Archive, evaluated: pl.DataFrame
) -> None:
    (one,) = Evaluator(found, us2018, tried=10).run(SILENT)
    values = evaluated["return_m30"].drop_nulls()
    figures = one.returns["m30"]
    assert (one.hits, figures["count"]) == (len(evaluated), len(values))
    assert figures["mean"] == pytest.approx(values.mean(), rel=1e-9)
    assert figures["win_rate"] == pytest.approx((values > 0).mean(), rel=1e-12)
    assert figures["median"] == pytest.approx(values.median(), abs=1e-4)
    excess = evaluated.select("session", x="excess_m30").drop_nulls()
    residual = (
        excess.with_columns(r=pl.col("x") - pl.col("x").mean())
        .group_by("session")
        .agg(pl.col("r").sum())
    )
    groups = len(residual)
    error = math.sqrt((residual["r"] ** 2).sum() * groups / (groups - 1)) / len(excess)
    assert one.excess["m30"]["t"] == pytest.approx(excess["x"].mean() / error, rel=1e-6)
    assert one.excess["m30"]["low"] < one.excess["m30"]["mean"] < one.excess["m30"]["high"]
    for kind in ("time of day", "rank", "year", "change"):
        assert sum(g["m30"]["count"] for g in one.groups[kind].values() if "m30" in g) == len(
            excess
        )


def test_no_figure_depends_on_the_order_of_hits(
    found: Path, us2018: Archive, evaluated: pl.DataFrame
) -> None:
    hits = pl.read_parquet(found)
    one, other = (
        Evaluator(rows, us2018).run(SILENT)[0].as_dict()
        for rows in (hits, hits.sample(fraction=1.0, shuffle=True, seed=3).sort("session"))
    )
    assert one["returns"] == other["returns"] and one["excess"] == other["excess"]
    for horizon in HORIZONS:  # sums are exact
        values = evaluated[f"return_{horizon}"].drop_nulls().to_list()
        assert one["returns"][horizon]["mean"] == math.fsum(values) / len(values)


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
    assert figures["count"] == len(everything) and figures["mean"] == pytest.approx(
        everything.mean(), rel=1e-12
    )
    assert figures["median"] == pytest.approx(float(np.median(everything)), abs=1e-4)
    assert Tally(True).figures() == {"count": 0}


def test_daily_hits_are_entered_at_the_next_open(sp500: Archive, tmp_path: Path) -> None:
    scanner = {
        "module": "scanners.daily_screen",
        "regular_session": [{"at": "close"}],
        "config": {"limit": 5},
    }
    hits(config([scanner], start="2017-01-03", end="2017-02-28"), sp500).write_parquet(
        tmp_path / "hits.parquet"
    )
    rows = pl.concat(
        [rows for _, rows in Evaluator(tmp_path / "hits.parquet", sp500).sessions(SILENT)]
    )
    daily = sp500.read_daily(["open", "close"], None, None).with_columns(
        expected=pl.col("close").shift(-5).over("symbol") / pl.col("open").shift(-1).over("symbol")
        - 1,
        next=pl.col("close").shift(-1).over("symbol") / pl.col("open").shift(-1).over("symbol") - 1,
    )
    both = rows.join(
        daily.select("symbol", "date", "expected", "next"),
        left_on=["symbol", "session"],
        right_on=["symbol", "date"],
    )
    assert len(both) > 100 and rows["return_m5"].null_count() == len(rows)
    assert (both["return_day5"] - both["expected"]).abs().max() < 1e-12
    assert (both["return_next_close"] - both["next"]).abs().max() < 1e-12


def test_a_split_after_the_hit_is_undone(demo: Archive) -> None:
    symbol, ex_date, _ = (
        demo.corporate_actions()
        .filter(pl.col("split_ratio").is_not_null())
        .select("symbol", "ex_date", "split_ratio")
        .row(0)
    )
    before = max(date for date in demo.sessions() if date < ex_date)
    session, table = demo.calendar.session(before), SymbolTable([symbol])
    outcomes = Forward(demo).outcomes(before, np.array([session.close - 60_000_000]), table)
    assert all(abs(outcomes.returns[h][0, 0]) < 0.3 for h in ("next_open", "next_close", "day5"))


def test_the_command(barsweep: Barsweep, found: Path, us2018: Archive, tmp_path: Path) -> None:
    page, out = tmp_path / "page.html", tmp_path / "rows.parquet"
    called = barsweep(
        "evaluate",
        found,
        "--archive",
        us2018.path,
        "--html",
        page,
        "--out",
        out,
        "--format",
        "json",
        "--quiet",
    )
    assert called.status == 0 and called.err == ""
    (one,) = json.loads(called.out)
    assert one["hits"] == pl.read_parquet(out).height == pl.read_parquet(found).height
    text = page.read_text()
    assert "to the close" in text and 'src="http' not in text
    assert "+5 min" in barsweep("evaluate", found, "--archive", us2018.path).out
    assert "no archive" in barsweep("evaluate", found).err
    assert barsweep("evaluate", tmp_path / "none.parquet", "--archive", us2018.path).status == 2
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    assert (
        "no column session"
        in barsweep("evaluate", tmp_path / "other.parquet", "--archive", us2018.path).err
    )


DAYS_OF_A_STOP = [dt.date(2018, 3, day) for day in (1, 2, 5, 6, 7, 8, 9, 12)]


@pytest.fixture(scope="module")
def stopping(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Daily bars of five symbols: E stops for good after its third session, at less than half, D does not trade on the sixth."""
    gone = {"E": set(range(3, 8)), "D": {5}}
    rows = [
        {
            "symbol": symbol,
            "timestamp": dt.datetime.combine(date, dt.time(14, 30), dt.UTC),
            "open": 10.0,
            "high": 12.0,
            "low": 3.0,
            "close": 4.0 if symbol == "E" and number == 2 else 10.0 + 0.1 * number,
            "volume": 1000,
        }
        for symbol in "ABCDE"
        for number, date in enumerate(DAYS_OF_A_STOP)
        if number not in gone.get(symbol, ())
    ]
    folder = tmp_path_factory.mktemp("stopping")
    pl.DataFrame(rows).write_parquet(folder / "bars.parquet")
    import_bars([folder / "bars.parquet"], folder / "archive", ImportOptions(label="open"))
    return Archive.open(folder / "archive")


def written(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "hits.parquet"
    close = dt.datetime(2018, 3, 1, 21, 0, tzinfo=dt.UTC)
    ticks = [close + (row["session"] - dt.date(2018, 3, 1)) for row in rows]  # type: ignore[operator]
    ranks = [row.get("rank", 1) for row in rows]
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.Series("tick", ticks, dtype=pl.Datetime("us", "UTC")),
        pl.Series("rank", ranks, dtype=pl.UInt32),
    )
    frame.write_parquet(path)
    return path


class TestStops:
    def rows(self, symbols: str) -> list[dict[str, object]]:
        return [
            {"session": DAYS_OF_A_STOP[0], "scanner": "s", "symbol": symbol} for symbol in symbols
        ]

    def test_what_has_no_price_is_left_out_and_told_of(
        self, stopping: Archive, tmp_path: Path
    ) -> None:
        (one,) = Evaluator(written(tmp_path, self.rows("ADE")), stopping).run(SILENT)
        assert (
            one.returns["day5"]["count"] == 1
            and one.left_out == {"day5": 2}
            and one.at_last_price == {}
        )
        assert one.returns["day5"]["mean"] == pytest.approx(10.5 / 10 - 1)
        assert one.returns["next_close"]["count"] == 3

    def test_the_last_price_is_an_exit(self, stopping: Archive, tmp_path: Path) -> None:
        (one,) = Evaluator(written(tmp_path, self.rows("ADE")), stopping, last_price=True).run(
            SILENT
        )
        assert (
            one.returns["day5"]["count"] == 3
            and one.left_out == {}
            and one.at_last_price == {"day5": 2}
        )
        assert one.returns["day5"]["mean"] == pytest.approx(((10.5 + 10.4 + 4.0) / 10 - 3) / 3)
        assert one.returns["day5"]["win_rate"] == pytest.approx(2 / 3)

    def test_others_are_sold_alike(self, stopping: Archive, tmp_path: Path) -> None:
        hits = written(tmp_path, self.rows("A"))
        for last_price, others in ((False, [10.5, 10.5]), (True, [10.5, 10.5, 10.4, 4.0])):
            (one,) = Evaluator(hits, stopping, last_price=last_price).run(SILENT)
            expected = 0.05 - (np.mean(others) / 10 - 1)
            assert one.excess["day5"]["mean"] == pytest.approx(expected)

    @pytest.mark.parametrize("last_price", [False, True])
    def test_the_archives_end_is_no_stop(
        self, last_price: bool, stopping: Archive, tmp_path: Path
    ) -> None:
        rows = [{"session": DAYS_OF_A_STOP[5], "scanner": "s", "symbol": "A"}]
        (one,) = Evaluator(written(tmp_path, rows), stopping, last_price=last_price).run(SILENT)
        assert one.returns["day5"] == {"count": 0} and one.returns["next_close"]["count"] == 1
        assert one.left_out == {} == one.at_last_price

    def test_who_never_trades_again_is_not_entered(self, stopping: Archive, tmp_path: Path) -> None:
        rows = [{"session": DAYS_OF_A_STOP[2], "scanner": "s", "symbol": "E"}]
        (one,) = Evaluator(written(tmp_path, rows), stopping, last_price=True).run(SILENT)
        assert one.left_out == {"next_close": 1, "day5": 1} and one.returns["day5"] == {"count": 0}

    def test_within_a_session(self, us2018: Archive, tmp_path: Path) -> None:
        """A hit in the last minutes of a symbol's last session is sold at that session's close."""
        date, table = dt.date(2018, 3, 5), SymbolTable(us2018.symbols())
        ticks = us2018.calendar.session(date).open + np.arange(5, 390, 55) * 60_000_000
        plain, sold = (
            Forward(us2018, last_price=last).outcomes(date, ticks, table) for last in (False, True)
        )
        for horizon in HORIZONS:
            a, b = plain.returns[horizon], sold.returns[horizon]
            at_last = sold.last.get(horizon, np.zeros(a.shape, bool))
            assert (
                np.array_equal(a[~at_last], b[~at_last], equal_nan=True)
                and np.isnan(a[at_last]).all()
            )
        assert not plain.last and not any(
            np.isnan(sold.returns[horizon][there]).any() for horizon, there in sold.last.items()
        )

    def test_the_command_tells(self, barsweep: Barsweep, stopping: Archive, tmp_path: Path) -> None:
        hits = written(tmp_path, self.rows("ADE"))
        plain = barsweep("evaluate", hits, "--archive", stopping.path, "--quiet").out
        assert (
            "left out, for their symbols have no price then" in plain
            and "+5 sessions 2" in plain
            and "--last-price" in plain
        )
        sold = barsweep("evaluate", hits, "--archive", stopping.path, "--quiet", "--last-price").out
        assert "sold at the last price before" in sold and "left out" not in sold
        (one,) = json.loads(
            barsweep(
                "evaluate", hits, "--archive", stopping.path, "--quiet", "--format", "json"
            ).out
        )
        assert one["left_out"] == {"day5": 2}


@pytest.fixture(scope="module")
def two(us2018: Archive, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame]:
    """Two scanners with a feature of the same name in other units, and one that only one of them has."""
    path = tmp_path_factory.mktemp("two") / "hits.parquet"
    often = [{"start": "09:45", "end": "15:45", "interval": "30m"}]
    criteria = {"module": "scanners.criteria_scanner", "regular_session": often}
    scanners = [
        criteria
        | {
            "name": "share",
            "config": {
                "criteria": {"up": "close > prev_close * 1.02"},
                "features": {"change": "close / prev_close - 1"},
                "rank_by": "change",
            },
        },
        criteria
        | {
            "name": "percent",
            "config": {
                "criteria": {"up": "close > prev_close * 1.01"},
                "features": {"change": "100 * (close / prev_close - 1)", "price": "close"},
                "rank_by": "price",
            },
        },
    ]
    found = hits(config(scanners), us2018)
    found.write_parquet(path)
    return path, found


class TestGroups:
    def test_fifths_are_of_the_scanners_own_hits(
        self, two: tuple[Path, pl.DataFrame], us2018: Archive
    ) -> None:
        path, _ = two
        evaluator = Evaluator(path, us2018)
        rows = pl.concat([rows for _, rows in evaluator.sessions(SILENT)], how="diagonal_relaxed")
        for one in evaluator.evaluations():
            own = rows.filter(pl.col("scanner") == one.scanner)
            known = own.filter(pl.col("excess_close").is_not_null())
            assert "none" not in one.groups["change"] and ("price" in one.groups) == (
                one.scanner == "percent"
            )
            edges = [own["change"].quantile(share, "linear") for share in (0.2, 0.4, 0.6, 0.8)]
            fifth = 1 + pl.sum_horizontal(
                [pl.col("change") > edge for edge in edges]
            )  # each contains its upper edge
            expected = (
                known.with_columns(fifth=fifth)
                .group_by("fifth")
                .agg(pl.len(), pl.col("excess_close").mean())
            )
            for fifth, count, mean in expected.iter_rows():
                figures = one.groups["change"][f"quintile {fifth}"]["close"]
                assert (figures["count"], figures["mean"]) == (count, pytest.approx(mean, rel=1e-9))
            counts = [group["close"]["count"] for group in one.groups["change"].values()]
            assert max(counts) < 1.3 * min(counts)

    def test_groups_come_in_their_order(
        self, two: tuple[Path, pl.DataFrame], us2018: Archive
    ) -> None:
        for one in Evaluator(two[0], us2018).run(SILENT):
            assert list(one.groups)[:3] == ["time of day", "year", "rank"]
            assert list(one.groups["rank"]) == ["1", "2-3", "4-10", "11+"]
            assert list(one.groups["time of day"]) == sorted(one.groups["time of day"])
            assert list(one.groups["change"]) == [f"quintile {number}" for number in range(1, 6)]

    def test_no_win_rate_of_the_best_and_the_worst_on_the_way(
        self, two: tuple[Path, pl.DataFrame], us2018: Archive
    ) -> None:
        for one in Evaluator(two[0], us2018).run(SILENT):
            for horizon in HORIZONS:
                rates = [figures[horizon]["win_rate"] for figures in (one.returns, one.excess)]
                rates += [
                    group[horizon]["win_rate"]
                    for kind in one.groups.values()
                    for group in kind.values()
                    if horizon in group
                ]
                assert (None in rates) == (horizon in ("mfe", "mae")) and len(
                    {rate is None for rate in rates}
                ) == 1

    def test_features_that_are_called_as_kinds_of_groups_are(
        self, stopping: Archive, tmp_path: Path
    ) -> None:
        rows = [
            {"session": DAYS_OF_A_STOP[0], "scanner": "s", "symbol": symbol, "year": number}
            for number, symbol in enumerate("ABC")
        ]
        (one,) = Evaluator(written(tmp_path, rows), stopping).run(SILENT)
        assert list(one.groups["year"]) == ["2018"] and "quintile 1" in one.groups["feature year"]


class TestFewSessions:
    @pytest.mark.parametrize(
        ("sessions", "told"),
        [(1, False), (2, False), (LEAST_SESSIONS - 1, False), (LEAST_SESSIONS, True)],
    )
    def test_no_t_and_no_interval(self, sessions: int, told: bool) -> None:
        for whole in (False, True):
            rng, tally = np.random.default_rng(1), Tally(whole)
            for _ in range(sessions):
                tally.add(rng.normal(0.01, 0.02, 5))
            figures = tally.figures()
            assert (figures["t"] is not None) == told
            assert not whole or (figures["low"] is not None) == told

    def test_two_hits_have_none_in_the_table(
        self, barsweep: Barsweep, stopping: Archive, tmp_path: Path
    ) -> None:
        rows = [{"session": date, "scanner": "s", "symbol": "A"} for date in DAYS_OF_A_STOP[:2]]
        out = barsweep(
            "evaluate", written(tmp_path, rows), "--archive", stopping.path, "--quiet"
        ).out
        rows_of_figures = [
            line
            for line in out.splitlines()
            if line.startswith(("+5 sessions", "next close", "year", "rank"))
        ]
        assert len(rows_of_figures) == 4 and all(
            line.split("\t")[-1] == "-" for line in rows_of_figures
        )

    @given(st.floats(1e-6, 0.2), st.integers(1, 9))
    def test_equal_returns_have_no_t(self, value: float, count: int) -> None:
        """Of equal returns the spread is the difference of equal sums, which may round to above 0."""
        tally = Tally(False)
        for _ in range(30):
            tally.add(np.full(count, value))
        assert tally.figures()["t"] is None

    def test_returns_of_nothing_are_no_wins(self) -> None:
        tally = Tally(False)
        tally.add(np.array([0.0, 0.01, -0.01, 0.0]))
        assert tally.figures()["win_rate"] == 0.25
