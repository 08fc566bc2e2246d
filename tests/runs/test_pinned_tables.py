"""Every table of every config, pinned: a snapshot of what the code answered, so that a change of structure changes no result.

The digests in `pinned_tables.json` are no oracle. A change that is meant to change results writes them anew, and says so:

    python -m tests.runs.test_pinned_tables
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

import polars as pl
import pytest

from engine import api
from engine.archive.archive import Archive
from engine.archive.ingest.demo import make_demo
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from tests.data import PROJECT, real_data
from tests.lean import lean_archive

PINS = Path(__file__).with_name("pinned_tables.json")
CONFIGS = sorted(path.stem for path in (PROJECT / "session_configs").glob("*.json"))
REAL = [
    ("us2018", "us2018"),
    ("us2018", "opening_range_breakout"),
    ("us2018", "gap_and_go"),
    ("us2018", "technical"),
    ("sp500", "daily_screen"),
    ("lean", "daily_screen"),
    ("sp500", "rebalance_top_n"),
]
CASES = [("demo", name) for name in CONFIGS if name != "us2018"] + REAL
NOT_PINNED = {"timings"}  # wall time


def digests(archive: Archive, name: str, folder: Path) -> dict[str, str]:
    """Table -> digest of a config's run over an archive: names, types and every value, floats to the last bit."""
    overrides = {
        "exchange": "XNYS",
        "backtest_config.start_date": None,
        "backtest_config.end_date": None,
    }
    config = PROJECT / f"session_configs/{name}.json"
    run = api.run(
        config, archive=archive.path, overrides=overrides, out=folder, audit=False, report=False
    )
    tables = {path.stem: pl.read_parquet(path) for path in sorted(run.path.glob("*.parquet"))}
    return {table: digest(frame) for table, frame in tables.items() if table not in NOT_PINNED}


def digest(frame: pl.DataFrame) -> str:
    """sha256 of a frame's schema and of its values; CSV holds the shortest text that reads back as the same double."""
    text = f"{frame.height}\n{frame.schema}\n" + frame.write_csv(null_value="\\N")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize(("archive", "name"), CASES)
def test_tables_are_those_that_are_pinned(
    archive: str, name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    pinned = json.loads(PINS.read_text())[f"{archive}: {name}"]
    assert digests(request.getfixturevalue(archive), name, tmp_path) == pinned


def main() -> None:
    """Write the digests of the code as it is."""
    pins: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_demo(root / "demo", symbols=30, sessions=45)
        for name, source in (("us2018", "us_1min_2018"), ("sp500", "sp500_daily_2013_2018")):
            import_bars([real_data(f"{source}.parquet")], root / name, ImportOptions(label="open"))
        archives = {name: Archive.open(root / name) for name in ("demo", "us2018", "sp500")}
        archives["lean"] = lean_archive(root / "lean")
        for archive, name in CASES:
            pins[f"{archive}: {name}"] = digests(archives[archive], name, root / "runs" / archive)
            print(archive, name, len(pins[f"{archive}: {name}"]))
    PINS.write_text(json.dumps(pins, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
