"""Hits of the built-in scanners on the real bars against plain Polars and TA-Lib over the source file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
import talib

from engine.archive.archive import Archive
from tests.data import real_data
from tests.running import config, hits

DAYS = (dt.date(2018, 4, 12), dt.date(2018, 4, 13))
EVERY_15 = [{"start": "09:35", "end": "15:50", "interval": "15m"}]
OPEN = dt.time(9, 30)
Found = set[tuple[dt.datetime, str]]


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    """The source's bars: symbol, start, known (both New York), date, minute, prices, volume."""
    start = pl.col("timestamp").dt.convert_time_zone("America/New_York").dt.replace_time_zone(None)
    frame = (
        pl.read_parquet(real_data("us_1min_2018.parquet"))
        .with_columns(start=start)
        .sort("symbol", "start")
    )
    return frame.with_columns(
        date=pl.col("start").dt.date(),
        known=pl.col("start") + pl.duration(minutes=1),
        minute=(pl.col("start") - pl.col("start").dt.truncate("1d")).dt.total_minutes() - 570,
    )


@pytest.fixture(scope="module")
def daily(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.group_by("symbol", "date", maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )


def ticks(step: int = 15, first: int = 5, last: int = 380) -> list[dt.datetime]:
    return [
        dt.datetime.combine(day, OPEN) + dt.timedelta(minutes=m)
        for day in DAYS
        for m in range(first, last + 1, step)
    ]


def snapshot(bars: pl.DataFrame, tick: dt.datetime) -> pl.DataFrame:
    """The session so far of every symbol that has traded in it."""
    known = bars.filter(pl.col("date") == tick.date(), pl.col("known") <= tick)
    typical = (pl.col("high") + pl.col("low") + pl.col("close")) / 3
    return known.group_by("symbol", maintain_order=True).agg(
        pl.col("open").first().alias("session_open"),
        pl.col("high").max().alias("top"),
        pl.col("low").min().alias("bottom"),
        pl.col("close").last(),
        pl.col("volume").sum().alias("so_far"),
        pl.len().alias("bars"),
        vwap=(typical * pl.col("volume")).sum() / pl.col("volume").sum(),
        last_high=pl.col("high").last(),
        high_before=pl.col("high").head(pl.len() - 1).max(),
    )


def rvol(bars: pl.DataFrame, tick: dt.datetime, sessions: int) -> pl.DataFrame:
    minute = (tick - dt.datetime.combine(tick.date(), OPEN)).seconds // 60
    days = bars["date"].unique().sort().to_list()
    before = [day for day in days if day < tick.date()][-sessions:]
    early = bars.filter(pl.col("minute") < minute)
    usual = (
        early.filter(pl.col("date").is_in(before))
        .group_by("symbol")
        .agg(usual=pl.col("volume").sum() / sessions)
    )
    now = (
        early.filter(pl.col("date") == tick.date())
        .group_by("symbol")
        .agg(now=pl.col("volume").sum())
    )
    return now.join(usual, on="symbol").select("symbol", rvol=pl.col("now") / pl.col("usual"))


def before(daily: pl.DataFrame, day: dt.date, sessions: int, **values: pl.Expr) -> pl.DataFrame:
    """Aggregates of each symbol's last daily bars before a day; symbols that have fewer are left out."""
    last = daily.filter(pl.col("date") < day).group_by("symbol", maintain_order=True).tail(sessions)
    made = last.group_by("symbol", maintain_order=True).agg(pl.len().alias("n"), **values)
    return made.filter(pl.col("n") == sessions).drop("n")


def scanned(
    archive: Archive, module: str, schedule: Any = EVERY_15, **settings: Any
) -> pl.DataFrame:
    scanner = {"module": f"scanners.{module}", "regular_session": schedule, "config": settings}
    found = hits(config([scanner], start=str(DAYS[0]), end=str(DAYS[1])), archive)
    return found.with_columns(
        pl.col("tick").dt.convert_time_zone("America/New_York").dt.replace_time_zone(None)
    )


def pairs(found: pl.DataFrame) -> Found:
    return set(found.select("tick", "symbol").rows())


def expected(make: Callable[[dt.datetime], pl.DataFrame], at: list[dt.datetime]) -> Found:
    return {(tick, symbol) for tick in at for symbol in make(tick)["symbol"]}


@pytest.mark.parametrize("direction", ["up", "down", "both"])
def test_gap(direction: str, us2018: Archive, bars: pl.DataFrame, daily: pl.DataFrame) -> None:
    def naive(tick: dt.datetime) -> pl.DataFrame:
        usual = before(
            daily, tick.date(), 20, average=pl.col("volume").mean(), last=pl.col("close").last()
        )
        gap = pl.col("session_open") / pl.col("last") - 1
        size = {"up": gap, "down": -gap, "both": gap.abs()}[direction]
        rows = snapshot(bars, tick).join(usual, on="symbol")
        return rows.filter(pl.col("session_open") >= 5, size >= 0.005, pl.col("average") >= 1e6)

    found = scanned(
        us2018,
        "gap_scanner",
        direction=direction,
        min_gap=0.005,
        min_average_volume=1e6,
        limit=None,
    )
    assert pairs(found) == expected(naive, ticks())
    assert len(found) > 100


def test_hybrid(us2018: Archive, bars: pl.DataFrame, daily: pl.DataFrame) -> None:
    def naive(tick: dt.datetime) -> pl.DataFrame:
        last = before(daily, tick.date(), 1, last=pl.col("close").last())
        rows = snapshot(bars, tick).join(last, on="symbol").join(rvol(bars, tick, 10), on="symbol")
        return rows.filter(
            pl.col("close") >= 5,
            pl.col("close") / pl.col("last") - 1 >= 0.01,
            pl.col("close") >= pl.col("vwap"),
            pl.col("rvol") >= 1.2,
        )

    found = scanned(us2018, "hybrid_scanner", min_gap=0.01, min_rvol=1.2, limit=None)
    assert pairs(found) == expected(naive, ticks())
    assert len(found) > 100


def test_relative_volume(us2018: Archive, bars: pl.DataFrame, daily: pl.DataFrame) -> None:
    def naive(tick: dt.datetime) -> pl.DataFrame:
        usual = before(
            daily,
            tick.date(),
            20,
            turnover=(pl.col("close") * pl.col("volume")).mean(),
            reach=100 * ((pl.col("high") / pl.col("low")).mean() - 1),
        )
        rows = snapshot(bars, tick).join(rvol(bars, tick, 14), on="symbol").join(usual, on="symbol")
        return rows.filter(
            pl.col("close") >= 5,
            pl.col("turnover") >= 2e7,
            pl.col("turnover") <= 1e9,
            pl.col("reach") >= 1.5,
            pl.col("rvol") >= 1.5,
        )

    found = scanned(
        us2018,
        "relative_volume_scanner",
        min_rvol=1.5,
        min_dollar_volume=2e7,
        max_dollar_volume=1e9,
        min_range=1.5,
        limit=None,
    )
    assert pairs(found) == expected(naive, ticks())
    assert len(found) > 200
    assert all(part["rvol"].is_sorted(descending=True) for part in found.partition_by("tick"))


def test_opening_range(us2018: Archive, bars: pl.DataFrame, daily: pl.DataFrame) -> None:
    def naive(tick: dt.datetime) -> pl.DataFrame:
        symbols, ranges = [], []
        for (symbol,), own in (
            daily.filter(pl.col("date") < tick.date()).partition_by("symbol", as_dict=True).items()
        ):
            if len(own) > 14:
                symbols.append(symbol)
                ranges.append(
                    talib.ATR(
                        own["high"].to_numpy(), own["low"].to_numpy(), own["close"].to_numpy(), 14
                    )[-1]
                )
        atr = pl.DataFrame({"symbol": symbols, "atr": ranges})
        volume = before(daily, tick.date(), 14, average=pl.col("volume").mean())
        rows = (
            snapshot(bars, tick)
            .join(rvol(bars, tick, 14), on="symbol")
            .join(volume, on="symbol")
            .join(atr, on="symbol")
        )
        rows = rows.filter(
            pl.col("session_open") >= 5,
            pl.col("atr") >= 0.5,
            pl.col("average") >= 1e6,
            pl.col("rvol") >= 1,
        )
        return rows.sort("rvol", descending=True).head(20)

    at = [{"start": "09:35", "end": "09:35", "interval": "1m"}]
    found = scanned(us2018, "opening_range_scanner", at)
    opening = [dt.datetime.combine(day, dt.time(9, 35)) for day in DAYS]
    assert pairs(found) == expected(naive, opening)
    rows = pl.concat([naive(tick).with_columns(tick=pl.lit(tick)) for tick in opening])
    both = found.join(rows.select("tick", "symbol", "top", "bottom"), on=["tick", "symbol"])
    assert both["range_high"].equals(both["top"].alias("range_high")) and both["range_low"].equals(
        both["bottom"].alias("range_low")
    )


def test_close_range_position(us2018: Archive, bars: pl.DataFrame, daily: pl.DataFrame) -> None:
    def naive(tick: dt.datetime) -> pl.DataFrame:
        usual = before(
            daily, tick.date(), 20, reach=100 * ((pl.col("high") / pl.col("low")).mean() - 1)
        )
        rows = snapshot(bars, tick).join(rvol(bars, tick, 10), on="symbol").join(usual, on="symbol")
        place, reach = (
            (pl.col("close") - pl.col("bottom")) / (pl.col("top") - pl.col("bottom")),
            100 * (pl.col("top") / pl.col("bottom") - 1),
        )
        return rows.filter(
            pl.col("close") >= 5,
            pl.col("top") > pl.col("bottom"),
            (place >= 0.8) | (place <= 0.2),
            reach <= 0.6 * pl.col("reach"),
            pl.col("rvol") >= 1.2,
        )

    found = scanned(us2018, "crp_scanner", within_minutes=35, limit=None)
    assert pairs(found) == expected(naive, ticks(last=35))
    assert len(found) > 50


@pytest.mark.parametrize("kind", ["session", "days"])
def test_new_high(kind: str, us2018: Archive, bars: pl.DataFrame, daily: pl.DataFrame) -> None:
    def naive(tick: dt.datetime) -> pl.DataFrame:
        rows = snapshot(bars, tick).filter(pl.col("close") >= 5)
        if kind == "session":
            return rows.filter(pl.col("last_high") > pl.col("high_before"))
        days = before(daily, tick.date(), 10, ceiling=pl.col("high").max())
        return rows.join(days, on="symbol").filter(pl.col("top") >= pl.col("ceiling"))

    found = scanned(us2018, "new_high_scanner", kind=kind, days=10)
    assert pairs(found) == expected(naive, ticks())
    assert len(found) > 100


def test_vwap_reclaim(us2018: Archive, bars: pl.DataFrame) -> None:
    typical = (pl.col("high") + pl.col("low") + pl.col("close")) / 3
    today = bars.filter(pl.col("date").is_in(DAYS)).with_columns(
        vwap=(typical * pl.col("volume")).cum_sum().over("symbol", "date")
        / pl.col("volume").cum_sum().over("symbol", "date")
    )
    at = ticks()
    wanted: Found = set()
    for (symbol, _), own in today.partition_by("symbol", "date", as_dict=True).items():
        sides, known = (
            np.sign(own["close"].to_numpy() - own["vwap"].to_numpy()),
            own["known"].to_list(),
        )
        for tick in (t for t in at if t.date() == own["date"][0]):
            seen = sides[: sum(1 for k in known if k <= tick)].tolist()
            runs: list[list[float]] = []
            for side in seen:
                if runs and (side in (runs[-1][0], 0)):
                    runs[-1][1] += 1
                else:
                    runs.append([side, 1])
            if (
                len(runs) > 1
                and runs[-1][0] == 1
                and runs[-1][1] <= 5
                and runs[-2][0] == -1
                and runs[-2][1] >= 15
                and own["close"][len(seen) - 1] >= 5
            ):
                wanted.add((tick, str(symbol)))
    found = scanned(us2018, "vwap_reclaim_scanner", min_rvol=0, limit=None)
    assert pairs(found) == wanted
    assert len(found) > 50


def fives(bars: pl.DataFrame, since: dt.date) -> pl.DataFrame:
    part = bars.filter(pl.col("date") >= since)
    made = part.group_by_dynamic("start", every="5m", group_by="symbol").agg(
        pl.col("high").max(), pl.col("low").min(), pl.col("close").last(), pl.col("volume").sum()
    )
    return made.with_columns(known=pl.col("start") + pl.duration(minutes=5))


def test_breakout(us2018: Archive, bars: pl.DataFrame) -> None:
    wide = fives(bars, dt.date(2018, 4, 11)).with_columns(
        ceiling=pl.col("high").shift(1).rolling_max(5).over("symbol"),
        floor=pl.col("low").shift(1).rolling_min(5).over("symbol"),
        usual=pl.col("volume").shift(1).rolling_mean(5).over("symbol"),
    )
    broken, ratio, reach = (
        pl.col("close") / pl.col("ceiling") - 1,
        pl.col("volume") / pl.col("usual"),
        pl.col("ceiling") / pl.col("floor") - 1,
    )
    score = (
        40 * pl.min_horizontal(1.0, broken / 0.015)
        + 40 * pl.min_horizontal(1.0, ratio / 4.5)
        + 20 * (1 - reach / 0.03)
    )
    ripe = wide.filter(
        pl.col("close").is_between(20, 2000),
        reach <= 0.03,
        broken >= 0.005,
        pl.col("volume") >= 10_000,
        ratio >= 1.5,
    )
    wanted: list[tuple[dt.datetime, str, float]] = []
    for day in DAYS:
        first = dt.datetime.combine(day, OPEN) + dt.timedelta(minutes=5)
        # a bar stays the latest until the next one is complete: with a trade in every five minutes, for one tick
        own = ripe.filter(
            pl.col("known").is_between(first, first + dt.timedelta(minutes=380))
        ).with_columns(score=score)
        best = own.sort(["known", "score", "symbol"], descending=[False, True, False]).unique(
            "symbol", keep="first", maintain_order=True
        )
        wanted += best.head(3).select("known", "symbol", "score").rows()
    schedule = [{"start": "09:35", "end": "15:55", "interval": "5m"}]
    found = scanned(us2018, "breakout_scanner", schedule, min_price=20)
    assert found.select("tick", "symbol").rows() == [row[:2] for row in wanted] and len(found) == 6
    assert found["score"].to_list() == pytest.approx([row[2] for row in wanted], rel=1e-9)
    everyone = scanned(us2018, "breakout_scanner", schedule, min_price=20, per_session=None)
    assert pairs(everyone) >= pairs(found) and everyone["symbol"].n_unique() > 10


def test_technical(us2018: Archive, bars: pl.DataFrame) -> None:
    at, wanted, unsure = ticks(), set(), set()
    for (symbol,), own in (
        fives(bars, dt.date(2018, 2, 16)).partition_by("symbol", as_dict=True).items()
    ):
        close, known = own["close"].to_numpy(), own["known"].to_list()
        rsi, (_, _, histogram) = talib.RSI(close, 14), talib.MACD(close, 12, 26, 9)
        upper, _, lower = talib.BBANDS(close, 20, 2.0, 2.0)
        place = {k: i for i, k in enumerate(known)}
        for tick in at:
            i = max(
                (
                    place[k]
                    for k in (tick - dt.timedelta(minutes=5 * n) for n in range(78))
                    if k in place
                ),
                default=None,
            )
            if i is None:
                continue
            votes = (
                (rsi[i] < 30) * 1
                - (rsi[i] > 70) * 1
                + np.sign(histogram[i])
                + (close[i] < lower[i]) * 1
                - (close[i] > upper[i]) * 1
            )
            near = abs(rsi[i] - 30) < 1e-6 or abs(rsi[i] - 70) < 1e-6 or abs(histogram[i]) < 1e-9
            if near or abs(close[i] - lower[i]) < 1e-9 or abs(close[i] - upper[i]) < 1e-9:
                unsure.add((tick, str(symbol)))
            if votes / 3 >= 0.6:
                wanted.add((tick, str(symbol)))
    found = pairs(scanned(us2018, "technical_scanner", min_price=0, limit=None))
    assert found - unsure == wanted - unsure
    assert len(found) > 10 and len(unsure) < 50


def test_daily_screen_over_five_hundred_symbols_and_five_years(sp500: Archive) -> None:
    scanner = {
        "module": "scanners.daily_screen",
        "regular_session": [{"at": "close"}],
        "config": {"limit": None},
    }
    found = hits(config([scanner]), sp500)
    frame = sp500.read_daily(["close", "volume"], None, None)
    mean = {n: pl.col("close").rolling_mean(n).over("symbol") for n in (50, 150, 200)}
    rows = frame.with_columns(
        turnover=(pl.col("close") * pl.col("volume")).rolling_mean(20).over("symbol"),
        a=mean[50],
        b=mean[150],
        c=mean[200],
        low=pl.col("close").rolling_min(252).over("symbol"),
        high=pl.col("close").rolling_max(252).over("symbol"),
        strength=100 * (pl.col("close") / pl.col("close").shift(252).over("symbol") - 1),
    ).filter(
        pl.col("turnover") > 5e6,
        pl.col("close") > pl.col("a"),
        pl.col("a") > pl.col("b"),
        pl.col("b") > pl.col("c"),
        pl.col("close") >= 1.3 * pl.col("low"),
        pl.col("close") >= 0.75 * pl.col("high"),
    )
    both = found.join(
        rows,
        left_on=["session", "symbol"],
        right_on=["date", "symbol"],
        how="full",
        suffix="_naive",
    )
    # two symbols without a bar that day are seen at their last one, and a sum in another order lies beside a threshold
    assert len(both.filter(pl.col("symbol").is_null() | pl.col("symbol_naive").is_null())) <= 3
    assert len(found) > 40_000
    assert ((both["strength"] - both["strength_naive"]).abs() < 1e-9).all()


def test_before_the_open_a_daily_screen_sees_yesterday(sp500: Archive) -> None:
    scanners = [
        {
            "module": "scanners.daily_screen",
            "name": "close",
            "regular_session": [{"at": "close"}],
            "config": {"limit": None},
        },
        {
            "module": "scanners.daily_screen",
            "name": "open",
            "pre_session": True,
            "config": {"limit": None},
        },
    ]
    found = hits(config(scanners, start="2017-06-01", end="2017-07-31"), sp500)
    days = found["session"].unique().sort().to_list()
    following = dict(pairwise(days))
    closes, opens = (
        set(found.filter(pl.col("scanner") == n).select("session", "symbol").rows())
        for n in ("close", "open")
    )
    shifted = {(following[day], symbol) for day, symbol in closes if day in following}
    assert shifted == {pair for pair in opens if pair[0] != days[0]}


def test_criteria_in_words_find_what_their_twin_finds(us2018: Archive) -> None:
    words = {
        "price": "close > 5",
        "up_on_the_day": "close / prev_close - 1 > 0.02",
        "above_vwap": "close > session_vwap",
        "strong_rsi": "rsi_14 > 65",
        "above_sma": "close > sma_20",
    }
    found = scanned(
        us2018,
        "criteria_scanner",
        criteria=words,
        features={"change": "close / prev_close - 1"},
        rank_by="change",
    )
    twin = scanned(us2018, "momentum_scanner", min_change=0.02, min_rsi=65.0)
    columns = ["tick", "symbol", "rank", "change"]
    assert found.select(columns).equals(twin.select(columns)) and len(found) > 100
