"""What summary.json says of trades and orders."""

from __future__ import annotations

import datetime as dt
import math
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.runs.trading_summary import trading_summary
from engine.schema import EQUITY_SCHEMA, ORDERS_SCHEMA, TRADES_SCHEMA

DAY = dt.date(2020, 3, 2)
NOON = dt.datetime(2020, 3, 2, 17, 0, tzinfo=dt.UTC)
EMPTY: dict[Any, Any] = {
    pl.Float64(): 0.0,
    pl.Int64(): 0,
    pl.String(): "x",
    pl.Date(): DAY,
    pl.Boolean(): False,
    pl.UInt32(): 0,
}


def frame(schema: dict[str, Any], rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows with what they do not name filled in."""
    filled = [
        {
            name: NOON if name not in row and kind not in EMPTY else row.get(name, EMPTY.get(kind))
            for name, kind in schema.items()
        }
        for row in rows
    ]
    return pl.DataFrame(filled, schema=schema, orient="row")


def summary(
    folder: Path,
    trades: list[dict[str, Any]],
    orders: list[dict[str, Any]] | None = None,
    files: int = 1,
) -> Any:
    """The summary of tables that are written in so many row groups."""
    groups = max(1, len(trades) // files)
    frame(TRADES_SCHEMA, trades).write_parquet(folder / "trades.parquet", row_group_size=groups)
    frame(ORDERS_SCHEMA, orders or []).write_parquet(folder / "orders.parquet")
    frame(EQUITY_SCHEMA, [{"equity": 100.0}]).write_parquet(folder / "equity.parquet")
    return trading_summary(folder, "America/New_York", 100.0, None)


def test_a_trade_closed_without_a_reason_is_not_open(tmp_path: Path) -> None:
    trades = [
        {"exit_reason": None},
        {"exit_reason": None, "open": True, "exit_time": None},
        {"exit_reason": "out"},
    ]
    found = summary(tmp_path, trades)
    assert {name: row["count"] for name, row in found["by"]["exit_reason"].items()} == {
        "none": 1,
        "open": 1,
        "out": 1,
    }
    assert found["trades"]["open"] == 1


def test_orders_are_counted_by_how_they_ended(tmp_path: Path) -> None:
    orders = [
        {"status": status, "status_reason": reason}
        for status, reason in (
            ("filled", None),
            ("open", None),
            ("cancelled", "position_closed"),
            ("filled", None),
        )
    ]
    assert summary(tmp_path, [{}], orders)["orders"] == {
        "cancelled": {"position_closed": 1},
        "filled": {"completely": 2},
        "open": {"none": 1},
    }


@pytest.mark.parametrize("files", [1, 7, 50])
def test_sums_do_not_depend_on_how_the_trades_are_laid_out(files: int, tmp_path: Path) -> None:
    """Figures of every size: their sum in doubles is another one in every order."""
    draw = random.Random(5)
    names = [name for name, kind in TRADES_SCHEMA.items() if kind == pl.Float64()]
    trades = [
        {name: draw.uniform(-1, 1) * 10 ** draw.randint(0, 9) for name in names} for _ in range(400)
    ]
    trades = [
        trade | {"symbol": draw.choice("AB"), "exit_reason": draw.choice(("x", "y"))}
        for trade in trades
    ]
    found = summary(tmp_path, trades, files=files)
    draw.shuffle(trades)
    assert summary(tmp_path, trades, files=files) == found
    figures = found["trades"]
    assert figures["entered_value"] == round(
        math.fsum(t["quantity"] * t["entry_price"] for t in trades), 10
    )
    assert figures["pnl"] == round(math.fsum(t["pnl"] for t in trades), 10)
    assert found["by"]["symbol"]["A"]["pnl"] == round(
        math.fsum(t["pnl"] for t in trades if t["symbol"] == "A"), 10
    )
    won, lost = ([t["pnl"] for t in trades if (t["pnl"] > 0) is side] for side in (True, False))
    assert figures["profit_factor"] == round(math.fsum(won) / -math.fsum(lost), 10)
    assert (figures["largest_win"], figures["win_rate"]) == (round(max(won), 10), len(won) / 400)


def test_without_trades_there_is_little_to_say(tmp_path: Path) -> None:
    assert summary(tmp_path, [])["trades"] == {"count": 0, "pnl": 0.0}
