"""A flame graph of a scan, by py-spy, which looks into the process from outside."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.fresh import write_spec
from bench.workload import Workload
from engine.archive.disk.atomic import atomic_path
from engine.errors import RunError

RATE = 500  # samples a second


def write_flame_graph(workload: Workload, out: Path) -> None:
    """Scan in a process of its own under py-spy; `out` is an SVG. RunError where that cannot be done."""
    spy = shutil.which("py-spy") or str(Path(sys.executable).with_name("py-spy"))
    if not Path(spy).exists():
        raise RunError(
            "py-spy is not installed", where="--profile", fix="pip install 'barsweep[bench]'"
        )
    with (
        tempfile.TemporaryDirectory(prefix="barsweep-bench-") as folder,
        atomic_path(out) as temporary,
    ):
        spec = write_spec(workload, Path(folder))
        command = [
            spy,
            "record",
            "--format",
            "flamegraph",
            "--rate",
            str(RATE),
            "--threads",
            "--output",
            str(temporary),
            "--",
            sys.executable,
            "-m",
            "bench.fresh",
            str(spec),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not temporary.exists():
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise RunError(
                f"py-spy failed: {said}",
                where="--profile",
                fix="on macOS and in containers it may need more rights",
            )
