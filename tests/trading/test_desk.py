"""What strategies see and do in a run: symbols, locks, failures, splits, dividends, schedules."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.errors import ConfigError, StrategyError
from engine.runs.execute_run import make_desk
from engine.session.coordinator import SessionCoordinator
from tests.running import momentum
from tests.trading import by_hand
from tests.trading.runs import config, trade

HERE = "tests.trading.by_hand"


@pytest.mark.parametrize(
    ("name", "said"), [("Failing", "ValueError: no idea"), ("Leaving", "SystemExit: 0")]
)
def test_a_failing_strategy_is_told_of_and_left_out_for_the_session(
    name: str, said: str, demo: Archive
) -> None:
    strategies = [{"module": f"{HERE}:{name}"}, {"module": "engine.strategies.buy_and_hold"}]
    loaded = config(strategies, start="2017-12-04", end="2017-12-05", symbols=["AAPL"])
    desk = make_desk(loaded, demo)
    assert desk is not None
    records = list(SessionCoordinator(loaded, demo, desk).sessions())
    assert desk.failures == 2
    assert [error for _, error in desk.slots[0].errors] == [said] * 2
    assert (
        sum(len(record.trading["fills"].records) for record in records) == 1
    )  # everything else goes on


def test_a_strategy_can_promote_a_symbol_and_trade_it_at_once(demo: Archive) -> None:
    tables = trade(
        config(
            [{"module": f"{HERE}:Adding"}],
            start="2017-12-04",
            end="2017-12-04",
            symbols=["AAPL"],
            scanners=[momentum(min_change=9.0)],
        ),
        demo,
    )
    (entry,) = tables["fills"].rows(named=True)
    assert (entry["symbol"], entry["reason"]) == ("KO", "added")
    assert entry["time"] == dt.datetime(2017, 12, 4, 15, 0, tzinfo=dt.UTC)
    events = tables["symbols"].filter(pl.col("symbol") == "KO")
    assert events.select("event", "source").rows() == [
        ("promoted", f"{HERE}:Adding"),
        ("locked", "trading"),
    ]


def test_mistakes_are_told_with_what_was_expected(demo: Archive) -> None:
    by_hand.Mistaken.told.clear()
    trade(
        config(
            [{"module": f"{HERE}:Mistaken"}], start="2017-12-04", end="2017-12-04", symbols=["AAPL"]
        ),
        demo,
    )
    column, symbol, none, two, kinds, refusal = by_hand.Mistaken.told
    assert "unknown column 'rsi_14_7m'" in column
    assert "'AAPLE' is not active" in symbol and "did you mean 'AAPL'?" in symbol
    assert "an order with 0 sizes" in none and "an order with 2 sizes" in two
    assert "an order of two kinds" in kinds
    assert refusal == "no_size"


def test_orders_are_seen_cancelled_and_filled_at_the_close(demo: Archive) -> None:
    tables = trade(
        config(
            [{"module": f"{HERE}:Orders"}], start="2017-12-04", end="2017-12-04", symbols=["AAPL"]
        ),
        demo,
    )
    assert tables["orders"].select("reason", "status", "status_reason").rows() == [
        ("far", "cancelled", "cancelled"),
        ("in", "filled", None),
        ("out", "filled", None),
    ]
    close = demo.read_daily(["close"], dt.date(2017, 12, 4), dt.date(2017, 12, 5)).filter(
        pl.col("symbol") == "AAPL"
    )["close"][0]
    assert tables["fills"]["price"][1] == close
    assert tables["fills"]["time"][1] == dt.datetime(2017, 12, 4, 21, 0, tzinfo=dt.UTC)


def hold(**block: Any) -> dict[str, Any]:
    return {"module": "engine.strategies.buy_and_hold", "config": {"size": 1}, **block}


def test_a_strategy_trades_what_its_scanners_found(demo: Archive) -> None:
    scanners = [momentum(min_change=0.005, min_rsi=50.0)]
    strategies = [
        hold(name="all"),
        hold(name="config", scanners=["config"]),
        hold(name="found", scanners=["scanners.momentum_scanner"]),
    ]
    tables = trade(
        config(
            strategies,
            start="2017-12-04",
            end="2017-12-08",
            symbols=["AAPL", "MSFT"],
            scanners=scanners,
        ),
        demo,
    )
    trades = tables["trades"]
    first = tables["hits"].group_by("session", "symbol").agg(pl.col("tick").min())
    found = trades.filter(pl.col("strategy") == "found").join(
        first, left_on=["symbol", "found"], right_on=["symbol", "tick"]
    )
    assert len(found) == len(trades.filter(pl.col("strategy") == "found")) > 3
    assert set(found["scanner"]) == {"scanners.momentum_scanner"}
    assert (found["entry_time"] >= found["found"]).all()
    assert set(trades.filter(pl.col("strategy") == "config")["symbol"]) == {"AAPL", "MSFT"}
    everything = {*found["symbol"], "AAPL", "MSFT"}
    assert set(trades.filter(pl.col("strategy") == "all")["symbol"]) == everything


def test_symbols_are_locked_while_they_have_a_position_or_an_order(demo: Archive) -> None:
    scanner = momentum(min_change=0.004, min_rsi=50.0)
    strategy = {
        "module": "engine.strategies.vwap_pullback",
        "config": {"min_change": 0.004, "after": 5},
    }
    tables = trade(
        config(
            [strategy],
            {"flat_at_close": True},
            start="2017-11-06",
            end="2017-12-08",
            scanners=[scanner],
        ),
        demo,
    )
    events = tables["symbols"].filter(pl.col("event").is_in(["locked", "unlocked"]))
    assert len(tables["trades"]) > 20
    for (symbol,), own in events.group_by("symbol", maintain_order=True):
        assert own["event"].to_list() == ["locked", "unlocked"] * (len(own) // 2)
        spans = list(zip(own["time"].to_list()[::2], own["time"].to_list()[1::2], strict=True))
        for row in tables["trades"].filter(pl.col("symbol") == symbol).iter_rows(named=True):
            assert any(
                start <= row["entry_time"] and row["exit_time"] <= end for start, end in spans
            )


def test_positions_outlive_sessions_splits_and_dividends(demo: Archive) -> None:
    actions = demo.corporate_actions().filter(
        pl.col("split_ratio").is_not_null(),
        pl.col("ex_date").is_between(dt.date(2017, 11, 3), dt.date(2017, 12, 29)),
    )
    symbol, day, ratio = actions.select("symbol", "ex_date", "split_ratio").row(0)
    account = {"lot_size": 0}
    tables = trade(
        config(
            [hold(config={"size": 50})],
            account,
            start="2017-11-01",
            end="2017-12-29",
            symbols=[symbol],
        ),
        demo,
    )
    (one,) = tables["trades"].rows(named=True)
    (bought,) = tables["fills"].rows(named=True)
    assert one["quantity"] == pytest.approx(bought["quantity"] * ratio)
    assert one["entry_price"] == pytest.approx(bought["price"] / ratio)
    ends = (
        tables["equity"]
        .group_by("session", maintain_order=True)
        .agg(pl.col("equity").first().alias("open"), pl.col("equity").last())
    )
    around = ends.filter(pl.col("session").is_between(day - dt.timedelta(days=5), day))
    assert around["open"][-1] == pytest.approx(
        around["equity"][-2], abs=0.01 + 50_000 * 0.05
    )  # a split moves nothing
    paid = demo.corporate_actions().filter(
        pl.col("symbol") == symbol,
        pl.col("cash_dividend") > 0,
        pl.col("ex_date").is_between(dt.date(2017, 11, 3), dt.date(2017, 12, 29)),
    )
    assert (one["dividends"] > 0) == (len(paid) > 0)


def test_the_open_can_be_traded(demo: Archive) -> None:
    strategy = hold(pre_session=True, regular_session=[{"at": "close"}])
    tables = trade(config([strategy], start="2017-12-04", end="2017-12-05", symbols=["AAPL"]), demo)
    (fill,) = tables["fills"].rows(named=True)
    opening = demo.read_session(dt.date(2017, 12, 4), ["symbol", "timestamp", "open"]).filter(
        pl.col("symbol") == "AAPL"
    )
    regular = opening.filter(pl.col("timestamp") >= dt.datetime(2017, 12, 4, 14, 30, tzinfo=dt.UTC))
    assert (fill["time"], fill["price"]) == (regular["timestamp"][0], regular["open"][0])


def test_daily_archives_fill_at_the_next_open(sp500: Archive) -> None:
    tables = trade(config([hold()], start="2015-03-02", end="2015-03-06", symbols=["AAPL"]), sp500)
    (fill,) = tables["fills"].rows(named=True)
    bars = sp500.read_daily(["open"], dt.date(2015, 3, 3), dt.date(2015, 3, 4)).filter(
        pl.col("symbol") == "AAPL"
    )
    assert fill["time"].date() == dt.date(2015, 3, 3)
    assert fill["price"] == bars["open"][0]


def test_runs_do_not_depend_on_where_the_account_is_looked_at(demo: Archive) -> None:
    """The same config twice: the same tables."""
    loaded = config(
        [hold(), {"module": "engine.strategies.vwap_pullback", "config": {"min_change": 0.003}}],
        start="2017-12-01",
        end="2017-12-12",
        symbols=["AAPL"],
        scanners=[momentum(min_change=0.003)],
    )
    first, second = trade(loaded, demo), trade(loaded, demo)
    assert all(first[name].equals(second[name]) for name in first)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (
            {"module": "engine.strategies.by_and_hold"},
            "did you mean 'engine.strategies.buy_and_hold'",
        ),
        (
            {"module": "engine.strategies.buy_and_hold", "config": {"sise": 1}},
            "did you mean 'size'",
        ),
        ({"module": "scanners.gap_scanner"}, "no strategy class"),
        (
            {"module": "engine.strategies.rebalance_top_n", "config": {"rank_by": "roc_20_1dd"}},
            "roc_20_1dd",
        ),
    ],
)
def test_wrong_strategies_are_refused(
    strategy: dict[str, Any], message: str, demo: Archive
) -> None:
    with pytest.raises((StrategyError, ConfigError)) as error:
        make_desk(config([strategy], symbols=["AAPL"]), demo)
    assert message in str(error.value)


def test_a_strategy_of_an_unknown_scanner_is_refused() -> None:
    with pytest.raises(ValueError, match="is no scanner of this config"):
        config([hold(scanners=["scanners.gap"])])
    with pytest.raises(ValueError, match="two strategies are named"):
        config([hold(), hold()])
    with pytest.raises(ValueError, match=r"above 0\.25"):
        config([hold()], {"leverage": 4, "maintenance_margin": 0.3})


def test_what_a_scan_by_symbol_finds_before_the_open_is_traded_at_it(demo: Archive) -> None:
    scanner = {"module": "tests.trading.gaps_by_symbol", "pre_session": True}
    strategy = hold(
        scanners=["tests.trading.gaps_by_symbol"],
        pre_session=True,
        regular_session=[{"at": "close"}],
    )
    tables = trade(
        config(
            [strategy], start="2017-12-04", end="2017-12-05", scanners=[scanner], symbols=["AAPL"]
        ),
        demo,
    )
    assert tables["trades"].select("symbol", "scanner").rows() == [
        ("KO", "tests.trading.gaps_by_symbol")
    ]
    assert (
        tables["trades"]["entry_time"].to_list() == tables["trades"]["found"].to_list()
    )  # the opening bar


RVOL = {"name": "rvol", "params": {"period": 4}}


def test_an_indicator_of_ticks_that_the_config_asks_for_is_known_at_every_bar(
    demo: Archive,
) -> None:
    def read(own: bool, **more: Any) -> list[float]:
        by_hand.Watching.read.clear()
        scanner = momentum(min_change=9.0) | {
            "regular_session": [{"start": "10:00", "end": "15:00", "interval": "30m"}]
        }
        trade(
            config(
                [{"module": f"{HERE}:Watching", "config": {"own": own}}],
                start="2017-12-04",
                end="2017-12-05",
                symbols=["AAPL"],
                scanners=[scanner],
                **more,
            ),
            demo,
        )
        return list(by_hand.Watching.read)

    expected = read(True)
    assert len(set(expected)) > 700  # another one at each bar
    assert read(False, indicators=[RVOL]) == expected


def test_an_indicator_of_ticks_cannot_be_asked_for_in_the_middle_of_a_run_that_trades(
    demo: Archive,
) -> None:
    strategies = [{"module": f"{HERE}:Watching", "config": {"late": True}}]
    loaded = config(
        strategies,
        start="2017-12-04",
        end="2017-12-05",
        symbols=["AAPL"],
        scanners=[momentum(min_change=9.0)],
    )
    desk = make_desk(loaded, demo)
    assert desk is not None
    list(SessionCoordinator(loaded, demo, desk).sessions())
    assert len(desk.slots[0].errors) == 2  # told once a session
    assert all("rvol_4_1m is asked for too late" in error for _, error in desk.slots[0].errors)


PROTECTION = "tests.trading.protection"


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize(
    ("price", "reasons"),
    [
        ("stop_loss", ("no_stop_loss", "stop_loss_on_wrong_side")),
        ("trailing_stop", ("no_stop_loss", "no_stop_loss")),
        ("take_profit", ("not_a_price", "take_profit_on_wrong_side")),
        ("limit", ("not_a_price", "not_a_price")),
    ],
)
def test_an_entry_without_a_declared_price_is_refused_and_told_once(
    price: str, reasons: tuple[str, str], wrong: bool, demo: Archive
) -> None:
    strategy = {
        "module": f"{PROTECTION}:Declared",
        "config": {"price": price, "wrong": wrong, "size": 1},
    }
    tables = trade(config([strategy], start="2017-12-04", end="2017-12-04", symbols=["AAPL"]), demo)
    refused = tables["orders"].filter(pl.col("status") == "rejected")
    assert refused["status_reason"].to_list() == [reasons[wrong]]
    first = tables["fills"]["time"][0]
    assert first >= dt.datetime(2017, 12, 4, 15, 31, tzinfo=dt.UTC)  # the first hour is over


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        ("stop_loss", "no_stop_loss"),
        ("trailing_stop", "no_stop_loss"),
        ("take_profit", "not_a_price"),
        ("limit", "not_a_price"),
        ("stop", "not_a_price"),
        ("trail", "not_a_price"),
    ],
)
def test_nan_is_no_price_in_an_order_by_hand(price: str, reason: str, demo: Archive) -> None:
    from tests.trading.protection import ByHand

    ByHand.told.clear()
    strategy = {"module": f"{PROTECTION}:ByHand", "config": {"price": price}}
    tables = trade(config([strategy], start="2017-12-04", end="2017-12-04", symbols=["AAPL"]), demo)
    assert ByHand.told == [reason]
    assert tables["fills"].is_empty()


def test_a_close_and_an_order_in_the_same_bar_reverse(demo: Archive) -> None:
    tables = trade(
        config(
            [{"module": f"{PROTECTION}:Flipping"}],
            {"flat_at_close": True},
            start="2017-12-04",
            end="2017-12-05",
            symbols=["AAPL"],
        ),
        demo,
    )
    trades = tables["trades"]
    assert trades["side"].to_list() == ["long", "short"] * 12
    assert set(trades["quantity"]) == {10.0}
    cancelled = tables["orders"].filter(pl.col("status") == "cancelled")
    assert cancelled["status_reason"].null_count() == 0 and set(cancelled["kind"]) == {"stop"}
