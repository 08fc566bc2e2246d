"""A scanner, a session config and a test to start from."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from pathlib import Path

from engine.archive.disk.atomic import atomic_path
from engine.errors import BarsweepError, ScannerError

SCANNER = '''"""{title}."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, ScannerParams


class {cls}(ColumnarScanner):
    """What it finds, and where the idea is from."""

    class Params(ScannerParams):
        min_price: float = Field(5.0, description="close must be at least this, in currency")
        min_change: float = Field(0.02, description="least change of the day; 0.02 is 2 %")
        limit: int | None = Field(20, ge=1, description="hits a tick, best first; null: all")

    rank_by = "change"

    def __init__(self, config: dict[str, Any] | None = None):
        super().__init__(config)
        self.limit = self.params.limit

    def features(self) -> dict[str, pl.Expr]:
        """Logged with each hit."""
        return {{"close": pl.col("close"), "change": pl.col("close") / pl.col("prev_close") - 1}}

    def criteria(self) -> dict[str, pl.Expr]:
        """All must hold; naming an indicator provisions it."""
        return {{
            "price": pl.col("close") >= self.params.min_price,
            "up": pl.col("close") / pl.col("prev_close") - 1 >= self.params.min_change,
            "above_average": pl.col("close") > pl.col("sma_20_5m"),
        }}
'''
TEST = '''"""The scanner {name} on a small made-up market."""

from pathlib import Path

from engine.archive.archive import Archive
from engine.archive.ingest.demo import make_demo
from engine.config.load import load_config
from engine.session.coordinator import SessionCoordinator
from engine.session.session_record import SessionTables

CONFIG = Path(__file__).parent / "{name}.json"


def test_{name}_finds_what_it_says(tmp_path: Path) -> None:
    make_demo(tmp_path, symbols=20, sessions=10)
    coordinator = SessionCoordinator(load_config(CONFIG), Archive.open(tmp_path))
    hits = SessionTables(list(coordinator.records())).hits
    assert coordinator.manager.failures == 0
    assert len(hits) > 0
    assert (hits["change"] >= 0.02).all() and (hits["close"] >= 5).all()
'''


def write_skeleton(name: str, folder: Path) -> list[Path]:
    """Write NAME.py, NAME.json and test_NAME.py into a folder.

    Raises ScannerError rather than replace a file.
    """
    config = {
        "session_name": name.replace("_", " "),
        "mode": "backtest",
        "session_data_config": {
            "scanners": [
                {
                    "module": name,
                    "regular_session": [{"start": "09:35", "end": "15:55", "interval": "5m"}],
                    "config": {},
                }
            ]
        },
    }
    cls = "".join(part.capitalize() for part in name.split("_"))
    texts = {
        f"{name}.py": SCANNER.format(title=name.replace("_", " ").capitalize(), cls=cls),
        f"{name}.json": json.dumps(config, indent=2) + "\n",
        f"test_{name}.py": TEST.format(name=name),
    }
    return write_files(name, folder, texts, "my_scanner", ScannerError)


def write_files(
    name: str, folder: Path, texts: Mapping[str, str], example: str, refused: type[BarsweepError]
) -> list[Path]:
    """Write files, all or none.

    Raises where the name is no module's, or rather than replace a file.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise refused(
            f"{name!r} cannot be a module's name",
            expected=f"lower case letters, digits and _, such as {example}",
        )
    paths = [folder / file for file in texts]
    there = [str(path) for path in paths if path.exists()]
    if there:
        raise refused(
            f"already there: {', '.join(there)}", where=folder, fix="choose another name or folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in zip(paths, texts.values(), strict=True):
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return paths
