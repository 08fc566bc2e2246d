"""The figures of a workload."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.fresh import cold_scan, fresh_scan
from bench.peers.check import run_peer
from bench.phases import stopwatch
from bench.workload import Workload, median, pairs
from engine.api import open_archive

LIBRARIES = ("polars", "numba", "numpy", "pyarrow")


def measure(workload: Workload, repeats: int, against: Sequence[str]) -> dict[str, Any]:
    """All figures; times in seconds but where the name says otherwise."""
    workload.scan()  # compiles, and reads the files into the system's cache
    runs = pairs(repeats, workload)
    decode, seconds = median([bare for bare, _ in runs]), median([scan.seconds for _, scan in runs])
    last = runs[-1][1]
    with stopwatch() as watch:
        timed = workload.scan()
    fresh, cold = fresh_scan(workload), cold_scan(workload)
    return {
        "archive": str(workload.path),
        "symbols": len(open_archive(workload.path, keep=0).symbols()),
        "sessions": len(workload.dates),
        "scanners": list(last.result.summary.scanners),
        "columns": workload.columns,
        "bars": last.bars,
        "ticks": last.ticks,
        "hits": last.result.kept,
        "decode": decode,
        "scan": seconds,
        "scan_over_decode": median([scan.seconds / bare for bare, scan in runs]),
        "million_bars_a_second": last.bars / seconds / 1e6,
        "tick_us": seconds / max(1, last.ticks) * 1e6,
        "phases": {**watch.seconds, "in_all": timed.seconds},
        "start_to_first_session": fresh.first_session,
        "peak_mb": fresh.peak_mb,
        "compile": cold.whole - fresh.whole,
        "against": {name: _peer(name, workload, seconds) for name in against},
        "machine": machine(),
    }


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    libraries = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
    } | libraries


def _peer(name: str, workload: Workload, seconds: float) -> dict[str, float]:
    peer = run_peer(name, workload)
    return {
        "seconds": peer.seconds,
        "times": peer.seconds / seconds,
        "hits": peer.found,
        "rounding": peer.rounding,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
