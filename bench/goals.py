"""What the project promises of its speed on two cores, each figure against its limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.daily import daily_archive, daily_workload
from bench.fresh import fresh_scan
from bench.peers.check import run_peer
from bench.sweep import sweep_goals
from bench.workload import Scan, Workload, bench_archive, median, pairs
from engine.api import open_archive
from engine.indicators.key import IndicatorKey
from engine.progress import Progress

MOMENTUM = "scanners.momentum_scanner"
SYMBOLS, SESSIONS, MANY_SESSIONS = 5_000, 25, 250
DAILY_SYMBOLS, DAYS = 3_000, 1_220
LONG = 3  # repeats at most, of what takes half a minute
OFTEN = 3  # so many times the repeats, for what is as small as the noise
MORE = ("scanners.relative_volume_scanner", "scanners.breakout_scanner", "scanners.gap_scanner")
FURTHER = ("ema", "atr", "roc", "stddev", "williams_r")  # as default on one-minute bars


@dataclass(frozen=True)
class Goal:
    """A figure, how it is shown, and its limit: at most, or at least.

    None where it is told beside another.
    """

    name: str
    value: float
    limit: float | None
    form: str
    at_least: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For the table and for JSON."""
        shown: dict[str, Any] = {
            "goal": self.name,
            "measured": self.form.format(self.value),
            "value": self.value,
        }
        if self.limit is None:
            return shown | {"limit": "-", "met": None}
        met = self.value >= self.limit if self.at_least else self.value <= self.limit
        side = "at least" if self.at_least else "at most"
        return shown | {"limit": f"{side} {self.form.format(self.limit)}", "met": met}


def measure_goals(root: Path, seed: int, repeats: int, progress: Progress) -> list[dict[str, Any]]:
    """Measure all of them, as dicts of `Goal`."""
    path = bench_archive(root, SYMBOLS, SESSIONS, seed, progress)
    base = momentum(path)
    steps: list[Callable[[], list[Goal]]] = [
        lambda: _scan(base, repeats),
        lambda: _marginal(base, repeats),
        lambda: _size(
            base, momentum(bench_archive(root, 2 * SYMBOLS, SESSIONS, seed, progress)), repeats
        ),
        lambda: _fresh(
            base, momentum(bench_archive(root, SYMBOLS, MANY_SESSIONS, seed, progress)), repeats
        ),
        lambda: _workers(bench_archive(root, SYMBOLS, MANY_SESSIONS, seed, progress), repeats),
        lambda: _daily(daily_workload(daily_archive(root, DAILY_SYMBOLS, DAYS, seed)), repeats),
        lambda: [Goal(*goal) for goal in sweep_goals(path, min(LONG, repeats))],
        lambda: _peers(base, repeats),
    ]
    found: list[Goal] = []
    for done, step in enumerate(steps):
        progress("goals", done, len(steps))
        found += step()
    progress("goals", len(steps), len(steps))
    return [goal.as_dict() for goal in found]


def momentum(path: Path, *more: str, **data: Any) -> Workload:
    """The momentum scanner every five minutes, with further settings of the scanners' block."""
    config = open_archive(path, keep=0).config(MOMENTUM, *more).model_dump(mode="json")
    return Workload(path, config | {"session_data_config": config["session_data_config"] | data})


def _scan(base: Workload, repeats: int) -> list[Goal]:
    base.scan()
    runs = pairs(repeats, base)
    ticks = runs[0][1].ticks
    return [
        Goal(
            "scan over decode", median([scan.seconds / bare for bare, scan in runs]), 2.5, "{:.2f}"
        ),
        Goal(
            f"a tick over {SYMBOLS:,} symbols",
            median([scan.seconds / ticks * 1e3 for _, scan in runs]),
            0.5,
            "{:.2f} ms",
        ),
    ]


def _marginal(base: Workload, repeats: int) -> list[Goal]:
    """What comes on top."""
    scanners = base.config["session_data_config"]["scanners"]
    indicators = momentum(base.path, indicators=[{"name": name} for name in FURTHER])
    keys = [IndicatorKey.make(name, {}, "1m").name for name in FURTHER]
    logged = momentum(
        base.path,
        scanners=[scanners[0] | {"module": "bench.indicator_log", "config": {"indicators": keys}}],
    )
    further = momentum(
        base.path,
        scanners=[*scanners, scanners[0] | {"name": "further", "config": {"min_change": 0.05}}],
    )
    goals = [
        ("each further indicator", indicators, len(FURTHER), 4),
        ("each further indicator in the log", logged, len(FURTHER), 4),
        ("each further scanner over the same columns", further, 1, 10),
    ]
    return [
        Goal(name, _on_top(base, more, repeats) / count, limit, "{:.1f} %")
        for name, more, count, limit in goals
    ]


def _on_top(base: Workload, more: Workload, repeats: int) -> float:
    """How much longer a workload takes than another, in percent: by turns, in either order, and
    often, for it is little.
    """
    more.scan()
    runs = []
    for number in range(OFTEN * repeats):
        first, second = (base, more) if number % 2 else (more, base)
        seconds = first.scan().seconds, second.scan().seconds
        runs.append(seconds if number % 2 else seconds[::-1])
    return median([100 * (longer / one - 1) for one, longer in runs])


def _size(base: Workload, double: Workload, repeats: int) -> list[Goal]:
    double.scan()
    ratios = [double.scan().seconds / base.scan().seconds for _ in range(OFTEN * repeats)]
    return [Goal(f"{2 * SYMBOLS:,} symbols over {SYMBOLS:,}", median(ratios), 2.1, "{:.2f}")]


def _fresh(base: Workload, long: Workload, repeats: int) -> list[Goal]:
    runs, whole = [fresh_scan(base) for _ in range(repeats)], fresh_scan(long)
    return [
        Goal(
            "process start to first session",
            median([run.first_session for run in runs]),
            1.5,
            "{:.2f} s",
        ),
        Goal(
            f"peak memory, {SESSIONS} sessions",
            median([run.peak_mb for run in runs]),
            700,
            "{:.0f} MB",
        ),
        Goal(f"peak memory, {MANY_SESSIONS} sessions", whole.peak_mb, 700, "{:.0f} MB"),
    ]


def _workers(path: Path, repeats: int) -> list[Goal]:
    """Two processes against one: where the second does not pay, so that it should not be begun, and
    where it does.
    """
    goals = []
    for name, workload in (
        ("momentum", momentum(path)),
        (f"{1 + len(MORE)} scanners", momentum(path, *MORE)),
    ):
        workload.scan()  # now its files are in memory, which would be waited for else
        # several times: where the second is not begun both are the same, and differ by a tenth all
        # the same
        ratios = [
            workload.scan(2).seconds / workload.scan().seconds for _ in range(min(LONG, repeats))
        ]
        goals.append(
            Goal(
                f"two workers over one, {name}, {MANY_SESSIONS} sessions",
                median(ratios),
                1.05,
                "{:.2f}",
            )
        )
    return goals


def _daily(workload: Workload, repeats: int) -> list[Goal]:
    """Daily bars in memory, hits as a frame (as zipline's Pipeline is measured); and from file to
    file.
    """
    market = open_archive(workload.path)
    scans: list[Callable[[], Scan]] = [lambda: workload.scan_kept(market), workload.scan]
    rates = []
    for scan in scans:
        scan()
        runs = [scan() for _ in range(OFTEN * repeats)]
        rates.append(median([run.bars / run.seconds / 1e6 for run in runs]))
    in_memory, in_files = rates
    form = "{:.1f} million symbol-days/s"
    return [
        Goal(
            "daily: four factors, the 500 largest, bars and hits in memory",
            in_memory,
            15,
            form,
            at_least=True,
        ),
        Goal("the same from bar files to a file of hits", in_files, None, form),
    ]


def _peers(base: Workload, repeats: int) -> list[Goal]:
    seconds = median([base.scan().seconds for _ in range(repeats)])
    return [
        Goal(
            "times as fast as DuckDB",
            run_peer("duckdb", base).seconds / seconds,
            15,
            "{:.0f}",
            at_least=True,
        ),
        Goal(
            "times as fast as Polars",
            run_peer("polars", base).seconds / seconds,
            10,
            "{:.0f}",
            at_least=True,
        ),
    ]
