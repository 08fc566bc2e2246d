"""Templates of a strategy, a session config and a test to start from."""

from __future__ import annotations

import json
from pathlib import Path

from engine.errors import StrategyError
from engine.scan.scanner_skeleton import write_files

STRATEGY = '''"""{title}."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from engine.strategies.base import ColumnarStrategy, StrategyParams


class {cls}(ColumnarStrategy):
    """What it trades, and where the idea is from."""

    once_a_session = True

    class Params(StrategyParams):
        until: int = Field(330, ge=1, description="no entry after so many minutes from the open")
        stop: float = Field(0.01, gt=0, description="stop's distance from the entry; 0.01 is 1 %")

    def entries(self) -> dict[str, pl.Expr]:
        """Any of these opens a long position; naming an indicator provisions it."""
        up = (pl.col("close") > pl.col("session_vwap")) & (pl.col("close") > pl.col("sma_20_5m"))
        return {{"above_vwap": up & (pl.col("minute") <= self.params.until)}}

    def exits(self) -> dict[str, pl.Expr]:
        """Any of these closes it."""
        return {{"below_vwap": pl.col("close") < pl.col("session_vwap")}}

    def stop_loss(self) -> pl.Expr:
        """The stop that protects it."""
        return pl.col("close") * (1 - self.params.stop)
'''
TEST = '''"""The strategy {name} on a small made-up market."""

from pathlib import Path

import polars as pl

from engine.archive.archive import Archive
from engine.archive.ingest.demo import make_demo
from engine.config.load import load_config
from engine.runs.execute_run import execute_run

CONFIG = Path(__file__).parent / "{name}.json"


def test_{name}_trades_and_its_accounts_add_up(tmp_path: Path) -> None:
    make_demo(tmp_path / "demo", symbols=20, sessions=10)
    config, archive = load_config(CONFIG), Archive.open(tmp_path / "demo")
    run = execute_run(config, archive, tmp_path / "runs", lambda *_: None)
    trades = pl.read_parquet(run.path / "trades.parquet")
    assert run.failures == 0
    assert len(trades) > 0
    assert abs(trades["pnl"].sum() - (run.trading["trading"]["final_equity"] - 100_000)) < 0.01
'''


def write_strategy(name: str, folder: Path) -> list[Path]:
    """Write NAME.py, NAME.json and test_NAME.py into a folder.

    Raises StrategyError rather than replace a file.
    """
    config = {
        "session_name": name.replace("_", " "),
        "mode": "backtest",
        "session_data_config": {
            "scanners": [
                {
                    "module": "scanners.momentum_scanner",
                    "regular_session": [{"start": "09:35", "end": "15:00", "interval": "5m"}],
                    "config": {"universe": "all", "min_change": 0.005},
                }
            ]
        },
        "strategies": [{"module": name, "config": {}}],
        "account": {"starting_cash": 100000, "max_open_positions": 10, "flat_at_close": True},
        "costs": {"commission_per_share": 0.005, "minimum_commission": 1.0, "slippage_bps": 2.0},
    }
    cls = "".join(part.capitalize() for part in name.split("_"))
    texts = {
        f"{name}.py": STRATEGY.format(title=name.replace("_", " ").capitalize(), cls=cls),
        f"{name}.json": json.dumps(config, indent=2) + "\n",
        f"test_{name}.py": TEST.format(name=name),
    }
    return write_files(name, folder, texts, "my_strategy", StrategyError)
