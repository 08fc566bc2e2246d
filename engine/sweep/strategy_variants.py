"""Variants that trade: each has an account of its own, and what can be shared of their runs is
computed once.

1. `groups_of`      variants together whose scans are the same: one replay of the archive is enough
                    for them
2. `_together`      so many accounts at a time are walked over the sessions (variants_desk.py)
3. `_alone`         a strategy that decides bar by bar, or a scanner that scans symbol by symbol,
                    runs by itself for each variant
4. `TradingFigures` of each variant what summary.json of its run says of the account and its trades,
   and its daily returns
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from engine.analysis.metrics import metrics
from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.errors import SessionFileError
from engine.panel.bars import Floats
from engine.progress import Progress
from engine.runs.trading_summary import Benchmark, defined, trade_statistics
from engine.session.coordinator import SessionCoordinator
from engine.session.scope import base_interval
from engine.session.session_record import SessionTables
from engine.sweep.accounts import Account
from engine.sweep.variants_desk import VariantsDesk, families_of
from engine.trading.rules import Records
from engine.trading.trading_desk import TradingDesk

AT_ONCE = 2_000  # accounts in memory together
BY_BAR = "one by one: {} decides bar by bar in Python, which no compiled code can share"
BY_SYMBOL = "one by one: {} scans symbol by symbol, and what it finds is not foreseen"
SHARED = "together: {} variants over the signals of {} scans of the archive"


@dataclass(frozen=True)
class TradingFigures:
    """What variants traded.

    figures  a row a variant: equity and cash at the end, metrics of the returns, figures of the
             trades, failures of strategies
    returns  float64[variants, sessions]: the return of each session; NaN where a variant has no
             such session
    dates    the sessions
    way      how the variants were run, and why
    """

    figures: pl.DataFrame
    returns: Floats
    dates: list[dt.date]
    way: str

    def daily(self) -> pl.DataFrame:
        """A row a variant and session: number, session, return."""
        numbers, days = self.returns.shape
        return pl.DataFrame(
            {
                "number": np.repeat(np.arange(numbers, dtype=np.uint32), days),
                "session": pl.Series(self.dates, dtype=pl.Date).gather(
                    np.tile(np.arange(days), numbers)
                ),
                "return": self.returns.reshape(-1),
            }
        ).filter(pl.col("return").is_not_nan())


@dataclass(frozen=True)
class Traded:
    """One variant's account at the end: the equity of each session's end, cash, columns of its
    trades.
    """

    dates: Sequence[dt.date]
    starting_cash: float
    equity: Floats
    cash: float
    trades: Mapping[str, list[Any]]
    failures: int

    @property
    def returns(self) -> Floats:
        """float64[sessions], as of `trading_summary`."""
        before = np.concatenate([[self.starting_cash], self.equity[:-1]])
        found: Floats = self.equity / before - 1.0
        return found

    def figures(self, benchmark: Benchmark | None) -> dict[str, Any]:
        """As in the block `trading` of summary.json."""
        measured = metrics(self.returns, benchmark.returns if benchmark else None)
        trades = trade_statistics(self.trades)
        return {
            "final_equity": float(self.equity[-1]),
            "final_cash": self.cash,
            **{name: defined(value) for name, value in measured.items()},
            "trades": trades.pop("count"),
            **trades,
            "failures": self.failures,
        }


def judge_trading(
    configs: Sequence[LoadedConfig], archive: Archive, progress: Progress
) -> TradingFigures:
    """Run the strategies of all configs, which differ in anything.

    Raises BarsweepError as their runs do.
    """
    found: list[tuple[dict[str, Any], Traded] | None] = [None] * len(configs)
    ways: dict[str, int] = {}
    groups = groups_of(configs, archive)
    told = _Told(progress, len(configs))
    for numbers in groups:
        own = [configs[number] for number in numbers]
        reason = why_alone(own[0], archive)
        ways[reason or SHARED] = ways.get(reason or SHARED, 0) + len(numbers)
        run = _alone if reason else _together
        for first in range(0, len(own), 1 if reason else AT_ONCE):
            some = slice(first, first + (1 if reason else AT_ONCE))
            for number, one in zip(numbers[some], run(own[some], archive, told), strict=True):
                found[number] = one
    done = [one for one in found if one is not None]
    dates = sorted({date for _, one in done for date in one.dates})
    way = "; ".join(name.format(count, len(groups)) for name, count in ways.items())
    return TradingFigures(
        pl.DataFrame([figures for figures, _ in done], infer_schema_length=None),
        _by_date([one for _, one in done], dates),
        dates,
        way,
    )


class _Told:
    """Tells how many variants are done, by sessions."""

    def __init__(self, progress: Progress, variants: int):
        self._progress, self._variants, self._before = progress, variants, 0

    def sessions(self, accounts: int, done: int, of: int) -> None:
        """So many sessions of some accounts are done."""
        self._progress("variants", self._before + accounts * done // of, self._variants)
        if done == of:
            self._before += accounts


def _by_date(traded: Sequence[Traded], dates: Sequence[dt.date]) -> Floats:
    places = {date: place for place, date in enumerate(dates)}
    returns = np.full((len(traded), len(dates)), np.nan)
    for row, one in zip(returns, traded, strict=True):
        row[[places[date] for date in one.dates]] = one.returns
    return returns


# -- which variants go together


def groups_of(configs: Sequence[LoadedConfig], archive: Archive) -> list[list[int]]:
    """Numbers of configs that differ only in strategies, account and costs."""
    groups: dict[str, list[int]] = {}
    for number, loaded in enumerate(configs):
        groups.setdefault(_scan_side(loaded, archive), []).append(number)
    return list(groups.values())


def _scan_side(loaded: LoadedConfig, archive: Archive) -> str:
    """All of a config that decides what is scanned, and when strategies decide."""
    content = loaded.config.model_dump(mode="json", exclude={"account", "costs", "sweep"})
    for one in content["strategies"]:
        for name in ("config", "max_open_positions", "max_percent"):
            one.pop(name)
    return json.dumps(content, sort_keys=True)


def why_alone(loaded: LoadedConfig, archive: Archive) -> str | None:
    """Why variants of a config cannot share a replay; None where they can."""
    for family in families_of([loaded.config], base_interval(loaded, archive)):
        if not family.by_columns:
            return BY_BAR.format(family.slots[0].name)
    for slot in SessionCoordinator(loaded, archive).manager.slots:
        if not slot.columnar:
            return BY_SYMBOL.format(slot.name)
    return None


# -- running them


def _together(
    configs: Sequence[LoadedConfig], archive: Archive, told: _Told
) -> list[tuple[dict[str, Any], Traded]]:
    """Accounts over one replay."""
    desk = VariantsDesk(
        [one.config for one in configs], archive, base_interval(configs[0], archive)
    )
    try:
        coordinator = SessionCoordinator(configs[0], archive, desk, quality=False)
        dates = coordinator.scope.dates
        for done, _ in enumerate(coordinator.records(), 1):
            told.sessions(len(configs), done, len(dates))
    except SessionFileError as error:
        return _together(configs, _without(configs[0], archive, error), told)
    desk.end_run()
    benchmark = _benchmark(configs[0], archive, coordinator)
    traded = [of_account(account, dates) for account in desk.accounts]
    return [(one.figures(benchmark), one) for one in traded]


def _alone(
    configs: Sequence[LoadedConfig], archive: Archive, told: _Told
) -> list[tuple[dict[str, Any], Traded]]:
    """One config by the ordinary way of a run."""
    (loaded,) = configs
    desk = TradingDesk(loaded.config, archive, base_interval(loaded, archive))
    ends: list[dict[str, Any]] = []
    trades: list[pl.DataFrame] = []
    try:
        coordinator = SessionCoordinator(loaded, archive, desk, quality=False)
        dates = coordinator.scope.dates
        for done, record in enumerate(coordinator.records(), 1):
            rows = SessionTables([record])
            trades += rows.trading("trades")
            ends.append(rows.trading("equity")[0].row(-1, named=True))
            told.sessions(1, done, len(dates))
    except SessionFileError as error:
        return _alone(configs, _without(loaded, archive, error), told)
    trades.append(desk.end_run()["trades"])
    traded = Traded(
        dates,
        loaded.config.account.starting_cash,
        np.array([end["equity"] for end in ends]),
        ends[-1]["cash"],
        pl.concat(trades).to_dict(as_series=False),
        desk.failures,
    )
    return [(traded.figures(_benchmark(loaded, archive, coordinator)), traded)]


def _without(loaded: LoadedConfig, archive: Archive, error: SessionFileError) -> Archive:
    """The archive without a session that cannot be read, where the config says to go on."""
    if loaded.config.backtest_config.on_corrupt == "stop":
        raise error
    return archive.without([error.date])


def _benchmark(
    loaded: LoadedConfig, archive: Archive, coordinator: SessionCoordinator
) -> Benchmark | None:
    symbol = loaded.config.session_data_config.benchmark
    return Benchmark.of(archive, coordinator.scope.dates, symbol, coordinator.needs.symbols)


def of_account(account: Account, dates: Sequence[dt.date]) -> Traded:
    """What an account came to."""
    closed = np.concatenate(account.trades)
    rows = np.concatenate([closed, account.open_trades])
    return Traded(
        dates,
        account.config.account.starting_cash,
        np.array(account.equity),
        float(account.broker.ledger.account[0]["cash"]) / account.broker.scale,
        _columns_of(rows, len(closed), account.broker.scale),
        account.failures,
    )


def _columns_of(rows: Records, closed: int, scale: float) -> dict[str, list[Any]]:
    """Columns of trades.parquet that figures are made of; the first `closed` rows are over."""
    costs = np.rint((rows["commission"] + rows["slippage"] + rows["interest"]) * scale) / scale
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = rows["pnl"] / (rows["quantity"] * rows["entry_price"])
    named = ("pnl", "quantity", "entry_price", "bars", "mae", "mfe")
    costs_of = ("commission", "slippage", "interest", "dividends")
    return {
        **{name: rows[name].tolist() for name in (*named, *costs_of)},
        "return": returns.tolist(),
        "costs": costs.tolist(),
        "open": (np.arange(len(rows)) >= closed).tolist(),
    }
