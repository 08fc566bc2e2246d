"""The moving average cross on backtesting.py's own GOOG data, against backtesting.py itself."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.clock.calendar import ExchangeCalendar
from engine.schema import TIMESTAMP
from tests.trading.runs import config, trade

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from backtesting import Backtest, Strategy
    from backtesting.lib import crossover
    from backtesting.test import GOOG, SMA

SHARES, CASH = 10, 100_000


class SmaCross(Strategy):  # type: ignore[misc]
    """backtesting.py's own example, with a fixed size."""

    def init(self) -> None:
        self.fast, self.slow = (self.I(SMA, self.data.Close, n) for n in (10, 20))

    def next(self) -> None:
        if crossover(self.fast, self.slow):
            self.position.close()
            self.buy(size=SHARES)
        elif crossover(self.slow, self.fast):
            self.position.close()
            self.sell(size=SHARES)


@pytest.fixture(scope="module")
def goog(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("goog")
    calendar = ExchangeCalendar.of("XNYS")
    opens = [calendar.session(day.date()).open for day in GOOG.index]
    frame = pl.from_pandas(GOOG.reset_index(drop=True)).rename(str.lower)
    stamped = frame.with_columns(
        pl.Series("timestamp", opens).cast(TIMESTAMP),
        symbol=pl.lit("GOOG"),
        volume=pl.col("volume").cast(float),
    )
    stamped.write_parquet(folder / "goog.parquet")
    import_bars([folder / "goog.parquet"], folder / "archive", ImportOptions(label="open"))
    return Archive.open(Path(folder / "archive"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("commission", [0.0, 0.002])
def test_trades_and_final_equity_are_equal(goog: Archive, commission: float) -> None:
    test = Backtest(GOOG, SmaCross, cash=CASH, commission=commission)
    stats = test.run()
    theirs = stats["_trades"]
    strategy = {
        "module": "engine.strategies.moving_average_cross",
        "config": {"fast": 10, "slow": 20, "size": SHARES, "size_unit": "shares"},
    }
    # cash is kept to 8 decimals, because backtesting.py does not round it
    account = {"starting_cash": CASH, "currency_decimals": 8}
    tables = trade(
        config([strategy], account, {"commission_percent": 100 * commission}, symbols=["GOOG"]),
        goog,
    )
    ours = tables["trades"]
    closed = ours.filter(~pl.col("open"))
    # One difference: a position that is still open at the end is a trade of ours and none of theirs.
    assert len(theirs) == len(closed) > 80
    assert len(ours) == len(closed) + 1
    rows: list[dict[str, Any]] = theirs.to_dict("records")
    for own, other in zip(closed.sort("entry_time").iter_rows(named=True), rows, strict=True):
        assert own["quantity"] * (1 if own["side"] == "long" else -1) == other["Size"]
        assert own["entry_time"].date() == other["EntryTime"].date()
        assert own["exit_time"].date() == other["ExitTime"].date()
        assert own["entry_price"] == pytest.approx(other["EntryPrice"], rel=1e-9)
        assert own["exit_price"] == pytest.approx(other["ExitPrice"], rel=1e-9)
        assert own["pnl"] == pytest.approx(other["PnL"], abs=1e-6)
    assert tables["equity"]["equity"][-1] == pytest.approx(
        stats["_equity_curve"]["Equity"].iloc[-1], abs=1e-5
    )
    daily = tables["equity"].group_by("session", maintain_order=True).last()["equity"].to_numpy()
    assert daily == pytest.approx(stats["_equity_curve"]["Equity"].to_numpy(), abs=1e-5)
