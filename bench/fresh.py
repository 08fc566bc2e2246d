"""One scan in a process of its own: how soon it starts, how much memory it takes.

python -m bench.fresh SPEC, where SPEC is a JSON file with `archive` and `config`. Prints a line of
JSON: seconds from the start of the process to the end of its first session and to the end of the
scan, and peak memory in MB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.workload import Workload


@dataclass(frozen=True)
class Fresh:
    """first_session, whole: seconds since the process was started; peak_mb: most memory it held."""

    first_session: float
    whole: float
    peak_mb: float


def fresh_scan(workload: Workload, environment: Mapping[str, str] | None = None) -> Fresh:
    """Scan in a new process. With `environment` the variables are added to this process's."""
    with tempfile.TemporaryDirectory(prefix="barsweep-bench-") as folder:
        spec = write_spec(workload, Path(folder))
        started = time.time()
        command = [sys.executable, "-m", "bench.fresh", str(spec)]
        done = subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        found = json.loads(done.stdout.splitlines()[-1])
        return Fresh(
            found["first_session_at"] - started, found["done_at"] - started, found["peak_mb"]
        )


def cold_scan(workload: Workload) -> Fresh:
    """Scan in a new process that finds no compiled kernels."""
    with tempfile.TemporaryDirectory(prefix="barsweep-bench-") as cache:
        return fresh_scan(workload, {"NUMBA_CACHE_DIR": cache})


def write_spec(workload: Workload, folder: Path) -> Path:
    """What `main` reads."""
    spec = folder / "spec.json"
    spec.write_text(json.dumps({"archive": str(workload.path), "config": workload.config}))
    return spec


def main() -> None:
    """Scan as the spec says."""
    from engine.api import open_archive
    from engine.runtime.peak_memory import peak_memory_mb

    spec = json.loads(Path(sys.argv[1]).read_text())
    told: list[float] = []
    with tempfile.TemporaryDirectory(prefix="barsweep-bench-") as folder:
        market = open_archive(spec["archive"], keep=0)
        out = Path(folder) / "hits.parquet"
        market.scan(
            spec["config"],
            out=out,
            keep_hits=False,
            on_progress=lambda *_: told.append(time.time()),
        )
    print(
        json.dumps(
            {"first_session_at": told[0], "done_at": time.time(), "peak_mb": peak_memory_mb()}
        )
    )


if __name__ == "__main__":
    main()
