"""`previous` and crossings against Polars' shift over all ticks, however the sessions are evaluated."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from engine.analysis.explain import explain
from engine.archive.archive import Archive
from engine.audit.look_ahead import AuditOptions, audit_look_ahead
from engine.errors import ConfigError, ScannerError, StrategyError
from engine.progress import silent
from engine.scan import filter_grid, replay
from engine.scan.expression_language import parse_condition, parse_value
from engine.scan.previous import crosses_above, previous
from engine.session.coordinator import SessionCoordinator
from engine.session.play_mode import PlayMode
from engine.session.session_record import SessionTables
from engine.strategies.base import ColumnarStrategy
from engine.trading.signal_plan import SignalPlan
from scanners.base import BaseScanner, ScanContext, ScanResult
from tests.running import EVERY_5_MINUTES, config, hits
from tests.trading.runs import config as trading_config
from tests.trading.runs import trade

MINUTES = {"average": "sma_20_1m", "wait": "zscore_20_1m", "vwap": "session_vwap", "age": "bar_age"}
DAYS = {"average": "sma_5_1d", "momentum": "ema_9_1d", "high": "session_high", "last": "prev_close"}
RATIO = "close / prev_close"
CLOSE = [{"at": "close"}]
PARTS = [
    {"start": "09:30", "end": "10:30", "interval": "7m"},
    {"start": "13:30", "end": "16:00", "interval": "11m"},
]
SPAN = {"start": "2017-11-20", "end": "2017-12-01"}  # an early close and a split among them
DAILY_SPAN = {"start": "2017-12-01", "end": "2018-01-05"}  # two blocks; splits on 2017-12-04 or so


def scanner(
    name: str,
    schedule: Any,
    criteria: dict[str, str],
    features: dict[str, str],
    before: bool = False,
) -> dict[str, Any]:
    return {
        "module": "scanners.criteria_scanner",
        "name": name,
        "regular_session": schedule,
        "pre_session": before,
        "config": {"criteria": criteria, "features": features},
    }


def everything(schedule: Any, columns: dict[str, str], before: bool = False) -> dict[str, Any]:
    """Every symbol at every tick, with its columns, for Polars to shift."""
    return scanner(
        "all",
        schedule,
        {"any": "not known(close) or known(close)"},
        {"close": "close", **columns, "ratio": RATIO},
        before,
    )


def asked(schedule: Any, columns: dict[str, str], before: bool = False) -> dict[str, Any]:
    """The same by previous, with crossings of the first column."""
    names = {"close": "close", **columns, "ratio": RATIO, "lead": f"rank({RATIO})"}
    features = {name: f"previous({text})" for name, text in names.items()}
    first = columns["average"]
    features |= {
        "up": f"if(crosses_above(close, {first}), 1, 0)",
        "down": f"if(crosses_below(close, {first}), 1, 0)",
    }
    return scanner("asked", schedule, {"any": "not known(close) or known(close)"}, features, before)


def shifted(
    found: pl.DataFrame, columns: dict[str, str], over: tuple[str, ...], unknown: pl.Expr
) -> pl.DataFrame:
    """What `asked` should find: each column at the row before, of `over`; null where `unknown`."""
    names = ["close", *columns, "ratio"]
    # of a scan before the open and one that is scheduled at it, one
    rows = (
        found.filter(pl.col("scanner") == "all").unique(("symbol", "tick")).sort("symbol", "tick")
    )
    before = [
        pl.when(unknown)
        .then(None)
        .otherwise(pl.col(name).shift(1).over(over))
        .alias(f"{name}_before")
        for name in names
    ]
    rows = rows.with_columns(before)
    above, below = pl.col("close") > pl.col("average"), pl.col("close") < pl.col("average")
    was_not_above = pl.col("close_before") <= pl.col("average_before")
    was_not_below = pl.col("close_before") >= pl.col("average_before")
    made = rows.select(
        "session",
        "tick",
        "symbol",
        *(pl.col(f"{name}_before").alias(name) for name in names),
        pl.col("ratio_before")
        .rank("min", descending=True)
        .over("tick")
        .cast(pl.Float64)
        .alias("lead"),
        (above & was_not_above).fill_null(False).cast(pl.Float64).alias("up"),
        (below & was_not_below).fill_null(False).cast(pl.Float64).alias("down"),
    )
    return made.sort("tick", "symbol")


def of(found: pl.DataFrame, like: pl.DataFrame) -> pl.DataFrame:
    return (
        found.filter(pl.col("scanner") == "asked")
        .select(like.columns)
        .unique(("symbol", "tick"))
        .sort("tick", "symbol")
    )


class TestMinutes:
    @pytest.mark.parametrize("at_once", [True, False], ids=["at once", "tick by tick"])
    @pytest.mark.parametrize(
        ("schedule", "before"), [(EVERY_5_MINUTES, False), (PARTS, True)], ids=["often", "in parts"]
    )
    def test_it_is_the_tick_before_of_the_scanners_schedule(
        self,
        schedule: Any,
        before: bool,
        at_once: bool,
        demo: Archive,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if not at_once:
            monkeypatch.setattr(PlayMode, "of", lambda *asked: PlayMode("a test", "a test"))
        other = scanner(
            "other",
            [{"start": "09:33", "end": "15:58", "interval": "3m"}],
            {"up": "close > prev_close"},
            {},
        )
        scanners = [other, everything(schedule, MINUTES, before), asked(schedule, MINUTES, before)]
        found = hits(config(scanners, **SPAN), demo)
        expected = shifted(found, MINUTES, ("session", "symbol"), pl.lit(False))
        assert_frame_equal(of(found, expected), expected, check_exact=True)
        assert expected["up"].sum() > 100 and expected["down"].sum() > 100
        first = expected.filter(pl.col("tick") == pl.col("tick").min().over("session"))
        assert first["close"].null_count() == len(first) > 0

    def test_columns_that_wait_and_few_rows_that_are_left(self, demo: Archive) -> None:
        """Later clauses are read for the symbols that are left, and shifted where they stand."""
        narrow = {
            "up": "close > prev_close * 1.002",
            "crossed": "crosses_above(close, sma_20_1m)",
            "top": "previous(rank(close)) <= 20",
        }
        found = hits(
            config(
                [
                    scanner("narrow", EVERY_5_MINUTES, narrow, {"z": "previous(zscore_20_1m)"}),
                    asked(EVERY_5_MINUTES, MINUTES),
                    everything(EVERY_5_MINUTES, MINUTES),
                ],
                **SPAN,
            ),
            demo,
        )
        narrowed = found.filter(pl.col("scanner") == "narrow")
        every = found.filter(pl.col("scanner") == "asked").select(
            "tick", "symbol", pl.col("up").alias("crossed"), pl.col("wait")
        )
        joined = narrowed.select("tick", "symbol", "z").join(every, on=("tick", "symbol"))
        assert len(joined) == len(narrowed) > 20
        assert joined["crossed"].to_list() == [1.0] * len(joined)
        assert joined["z"].equals(joined["wait"].alias("z"), null_equal=True)

    def test_explain_sees_the_same(self, demo: Archive) -> None:
        loaded = config(
            [scanner("one", EVERY_5_MINUTES, {"crossed": "crosses_above(close, sma_20_1m)"}, {})],
            **SPAN,
        )
        found = hits(loaded, demo)
        for row in found.sample(5, seed=3).iter_rows(named=True):
            at = row["tick"].astimezone(dt.timezone(dt.timedelta(hours=-5))).replace(tzinfo=None)
            answer = explain(loaded, demo, None, row["symbol"], at)
            assert answer.hit and answer.passed and answer.nearest == answer.tick
            was, now = answer.clauses[0].sides
            assert (
                was.text == "previous(close) <= previous(sma_20_1m)"
                and was.left <= was.right
                and now.left > now.right
            )
            assert answer.columns["previous(close)"] == was.left
        first = explain(loaded, demo, None, "AAPL", dt.datetime(2017, 11, 21, 9, 35))
        assert not first.passed and first.clauses[0].sides[0].left is None

    def test_one_look_a_session_is_told_of(self, demo: Archive) -> None:
        coordinator = SessionCoordinator(
            config([scanner("once", CLOSE, {"up": "close > previous(close)"}, {})], **SPAN), demo
        )
        assert all(len(SessionTables([record]).hits) == 0 for record in coordinator.sessions())
        assert any(
            "no value at a session's first tick" in text for text in coordinator.scope.warnings
        )

    def test_the_audit_finds_nothing(self, demo: Archive) -> None:
        loaded = config([asked(EVERY_5_MINUTES, MINUTES)], **SPAN)
        audit = audit_look_ahead(
            loaded, demo, AuditOptions(ticks=2, sessions=1, before=1, seed=3), silent
        )
        assert audit.differences == [] and len(audit.replays) >= 4


def split_since_the_session_before(archive: Archive) -> pl.Expr:
    """At the first tick of a session, where the symbol's prices are of another scale than in the session before."""
    splits = archive.corporate_actions().filter(
        pl.col("split_ratio").is_not_null(), pl.col("split_ratio") != 1
    )
    assert splits["ex_date"].is_between(dt.date(2017, 12, 1), dt.date(2018, 1, 5)).any()
    days = [
        (pl.col("session") == ex_date) & (pl.col("symbol") == symbol)
        for ex_date, symbol in splits.select("ex_date", "symbol").rows()
    ]
    return (pl.col("tick") == pl.col("tick").min().over("session")) & pl.any_horizontal(days)


class TestDays:
    def run(self, demo: Archive, before: bool, **more: Any) -> pl.DataFrame:
        scanners = [everything(CLOSE, DAYS, before), asked(CLOSE, DAYS, before)]
        return hits(
            config(scanners, interval="1d", benchmark="AAPL", **{**DAILY_SPAN, **more}), demo
        )

    @pytest.mark.parametrize("before", [False, True], ids=["close", "open and close"])
    @pytest.mark.parametrize("sessions", [1, 2, 7, 1000])
    def test_it_is_the_last_tick_of_the_session_before(
        self, sessions: int, before: bool, demo: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(replay, "CELLS", sessions * 30)
        monkeypatch.setattr(filter_grid, "MANY_ROWS", 100)
        found = self.run(demo, before)
        # a year is a block: what it knows of the session before it comes of its own warm-up, and a symbol that trades now and then
        # may not be warm
        edge = pl.col("session") == dt.date(2018, 1, 2)
        start = pl.col("session") == dt.date(2017, 12, 1)
        expected = shifted(found, DAYS, ("symbol",), split_since_the_session_before(demo)).filter(
            ~start
        )
        mine = of(found, expected).filter(~start)
        assert_frame_equal(mine.filter(~edge), expected.filter(~edge), check_exact=True)
        warmed = ["average", "momentum", "up", "down"]
        assert_frame_equal(mine.drop(warmed), expected.drop(warmed), check_exact=True)
        for name in warmed[:2]:
            pairs = pl.DataFrame(
                {"mine": mine.filter(edge)[name], "theirs": expected.filter(edge)[name]}
            )
            assert (
                pairs.drop_nulls()
                .select(pl.col("mine") / pl.col("theirs") - 1)
                .to_series()
                .abs()
                .max()
                < 1e-8
            )
            assert pairs["mine"].null_count() <= pairs["theirs"].null_count() + 1 < len(pairs) / 5
        assert expected["up"].sum() > 20 and mine["close"].null_count() < len(mine) / 10

    @pytest.mark.parametrize("start", ["2017-11-20", "2017-12-05", "2018-01-02", "2018-01-03"])
    def test_a_run_that_begins_elsewhere_finds_the_same(self, start: str, demo: Archive) -> None:
        whole, later = self.run(demo, False, start="2017-11-06"), self.run(demo, False, start=start)
        assert later.equals(
            whole.filter(pl.col("session") >= pl.lit(start).str.to_date()), null_equal=True
        )
        first = later.filter(
            pl.col("scanner") == "asked", pl.col("session") == pl.col("session").min()
        )
        assert first["close"].null_count() < len(first) / 2

    def test_the_first_session_of_an_archive_has_none(self, demo: Archive) -> None:
        found = self.run(demo, False, start="2017-11-01", end="2017-11-02").filter(
            pl.col("scanner") == "asked"
        )
        known = (
            found.group_by("session")
            .agg(pl.col("close").count())
            .sort("session")["close"]
            .to_list()
        )
        assert known[0] == 0 < known[1]

    def test_session_by_session_beside_a_scan_symbol_by_symbol(self, demo: Archive) -> None:
        own = {
            "module": "tests.scan.test_previous:FindsNothing",
            "name": "own",
            "regular_session": CLOSE,
        }
        scanners = [everything(CLOSE, DAYS), asked(CLOSE, DAYS)]
        alone = hits(config(scanners, interval="1d", **DAILY_SPAN), demo)
        both = hits(config([*scanners, own], interval="1d", **DAILY_SPAN), demo)
        assert (
            both.filter(pl.col("scanner") != "own")
            .select(alone.columns)
            .equals(alone, null_equal=True)
        )

    def test_explain_sees_the_same(self, demo: Archive) -> None:
        loaded = config(
            [scanner("one", CLOSE, {"crossed": "crosses_above(close, sma_5_1d)"}, {})],
            interval="1d",
            **DAILY_SPAN,
        )
        found = hits(loaded, demo)
        for row in [
            *found.sample(3, seed=3).iter_rows(named=True),
            *found.filter(session=dt.date(2018, 1, 2)).iter_rows(named=True),
        ]:
            at = dt.datetime.combine(row["session"], dt.time(16))
            assert explain(loaded, demo, None, row["symbol"], at).hit

    def test_the_audit_finds_nothing(self, demo: Archive) -> None:
        loaded = config([asked(CLOSE, DAYS)], interval="1d", **DAILY_SPAN)
        audit = audit_look_ahead(
            loaded, demo, AuditOptions(ticks=1, sessions=2, before=2, seed=5), silent
        )
        assert audit.differences == [] and len(audit.replays) >= 4


class TestStrategies:
    def test_it_is_the_bar_before(self, demo: Archive) -> None:
        """A strategy that crosses enters one bar after those at which Polars sees the crossing."""
        columns = {"average": "sma_20_1m"}
        every = [{"start": "09:31", "end": "16:00", "interval": "1m"}]
        rows = hits(
            config([everything(every, columns)], start="2017-12-01", end="2017-12-05"), demo
        )
        crossed = shifted(rows, columns, ("session", "symbol"), pl.lit(False)).filter(
            pl.col("up") == 1
        )
        traded = trade(
            trading_config(
                [{"module": "tests.scan.test_previous:Crossing"}],
                start="2017-12-01",
                end="2017-12-05",
                symbols=["AAPL", "KO", "MSFT"],
                scanners=[],
            ),
            demo,
        )["orders"]
        placed = traded.filter(pl.col("reason") == "crossed").select(
            pl.col("placed").alias("tick"), "symbol"
        )
        assert len(placed) > 30
        assert len(placed.join(crossed, on=("tick", "symbol"), how="anti")) == 0

    def test_daily_bars(self, demo: Archive) -> None:
        columns = {"average": "sma_5_1d"}
        rows = hits(config([everything(CLOSE, columns)], interval="1d", **DAILY_SPAN), demo)
        crossed = shifted(rows, columns, ("symbol",), pl.lit(False)).filter(
            pl.col("up") == 1, pl.col("session") > dt.date(2017, 12, 1)
        )
        names = rows["symbol"].unique().to_list()
        loaded = trading_config(
            [{"module": "tests.scan.test_previous:CrossingDays"}],
            symbols=names,
            scanners=[],
            interval="1d",
            **DAILY_SPAN,
        )
        placed = trade(loaded, demo)["orders"].filter(pl.col("reason") == "crossed")
        placed = placed.filter(pl.col("placed").dt.date() > dt.date(2017, 12, 1)).select(
            pl.col("placed").alias("tick"), "symbol"
        )
        assert len(placed) > 10
        assert len(placed.join(crossed, on=("tick", "symbol"), how="anti")) == 0
        audit = audit_look_ahead(
            loaded, demo, AuditOptions(ticks=1, sessions=1, before=3, seed=5), silent
        )
        assert audit.differences == [] and audit.failures == []

    def test_a_side_has_none(self) -> None:
        with pytest.raises(StrategyError, match=r"previous\(side\)"):
            SignalPlan.build("x", OfASide())


class FindsNothing(BaseScanner):
    """Has sessions go one by one, for it may look at anything."""

    def scan(self, context: ScanContext) -> ScanResult:
        return ScanResult(symbols=[])


class Crossing(ColumnarStrategy):
    """Enters where the close crosses its average, and leaves where it crosses back."""

    average = "sma_20_1m"

    def entries(self) -> dict[str, pl.Expr]:
        return {"crossed": crosses_above(pl.col("close"), pl.col(self.average))}

    def exits(self) -> dict[str, pl.Expr]:
        return {"back": pl.col("close") < pl.col(self.average)}


class CrossingDays(Crossing):
    """The same of days."""

    average = "sma_5_1d"


class OfASide(Crossing):
    """Asks for what a row alone has."""

    def size(self) -> pl.Expr:
        return previous(pl.col("side"))


class TestLanguage:
    @pytest.mark.parametrize(
        ("text", "at", "message"),
        [
            ("previous(5) > close", 1, "same at every tick"),
            ("previous(symbol) == 'A'", 10, "same at every tick"),
            ("close > previous(previous(close))", 9, "one tick before"),
            ("previous(crosses_above(close, 5))", 1, "one tick before"),
            ("crosses_above(close)", 1, "1 arguments of crosses_above"),
            ("crosses_above(close, symbol)", 22, "this is a text"),
            ("crosses_abov(close, 5)", 1, "did you mean 'crosses_above'"),
        ],
    )
    def test_a_mistake_points_at_its_character(self, text: str, at: int, message: str) -> None:
        with pytest.raises(ConfigError) as caught:
            parse_condition(text, "criteria.x")
        assert f"at character {at}" in str(caught.value) and message in str(caught.value)

    def test_kinds(self) -> None:
        assert parse_condition(
            "previous(close > 5) and not previous(bar_today)", "x"
        ).meta.root_names() == [
            "previous(close)",
            "previous(bar_today)",
        ]
        assert parse_condition("crosses_below(10, close)", "x").meta.root_names() == [
            "previous(close)",
            "close",
        ]
        assert parse_value("rank(previous(close))", "x").meta.eq(
            parse_value("previous(rank(close))", "x")
        )

    @pytest.mark.parametrize(
        "wrong",
        [
            pl.lit(3),
            pl.col("symbol"),
            pl.col("close", "open"),
            pl.all(),
            previous(pl.col("close")),
            pl.col("close").map_elements(abs, return_dtype=pl.Float64),
            5,
        ],
    )
    def test_what_has_none_is_refused(self, wrong: Any) -> None:
        with pytest.raises(ScannerError):
            previous(wrong)
