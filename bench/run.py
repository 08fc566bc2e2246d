"""A run against decoding the same columns and nothing else, in one process.

python -m bench.run [--symbols N] [--sessions N] [--repeats N] [--archive FOLDER]

Makes (or reuses) a demo market, runs the momentum scanner every five minutes over all of it, and prints seconds, bars a second, the
ratio to the bare decode, microseconds a tick and peak memory. The first run compiles and is reported apart.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from pathlib import Path

from engine.archive.archive import Archive
from engine.archive.demo import make_demo
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.session.coordinator import SessionCoordinator
from engine.session.record import in_blocks

SCANNER = {"module": "scanners.momentum_scanner", "regular_session": [{"start": "09:35", "end": "15:55", "interval": "5m"}]}
COLUMNS = ["timestamp", "high", "low", "close", "volume"]


def decode(archive: Archive) -> float:
    """Seconds to decode the columns the scanner needs."""
    started = time.perf_counter()
    for date in archive.sessions():
        archive.read_session(date, COLUMNS)
    return time.perf_counter() - started


def scan(archive: Archive) -> tuple[float, int, int, int]:
    """Seconds of a run, and its bars, scans and hits."""
    config = SessionConfig(mode="backtest", session_data_config={"scanners": [SCANNER]})  # type: ignore[arg-type]
    started = time.perf_counter()
    sessions = SessionCoordinator(LoadedConfig(config, Path("bench.json")), archive).sessions()
    counts = [
        (sum(record.bars for record in block.records), len(block.scans), len(block.hits), len(block.symbols), len(block.quality))
        for block in in_blocks(sessions)
    ]
    return time.perf_counter() - started, *(sum(column) for column in list(zip(*counts, strict=True))[:3])  # type: ignore[return-value]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=5_000)
    parser.add_argument("--sessions", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--archive", type=Path)
    given = parser.parse_args()
    path = given.archive or Path("parquet_data") / f"bench-{given.symbols}x{given.sessions}"
    make_demo(path, given.symbols, given.sessions)
    archive = Archive.open(path)
    first, *_ = scan(archive)
    pairs = [(decode(archive), scan(archive)) for _ in range(given.repeats)]
    bare, seconds = statistics.median(d for d, _ in pairs), statistics.median(s[0] for _, s in pairs)
    _, bars, scans, hits = pairs[0][1]
    print(f"{given.symbols} symbols, {given.sessions} sessions, {bars:,} bars, {scans:,} ticks, {hits:,} hits")
    print(f"first run             {first:8.2f} s")
    print(f"decode, nothing else  {bare:8.2f} s  {bars / bare / 1e6:6.1f} million bars/s")
    print(f"scan                  {seconds:8.2f} s  {bars / seconds / 1e6:6.1f} million bars/s")
    print(f"scan over decode      {statistics.median(s[0] / d for d, s in pairs):8.2f}")
    print(f"a tick                {seconds / scans * 1e6:8.0f} us")
    print(f"peak memory           {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")


if __name__ == "__main__":
    main()
