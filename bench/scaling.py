"""Cost against size: more symbols, more sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.fresh import fresh_scan
from bench.workload import Workload, bench_archive, median, pairs
from engine.errors import RunError
from engine.progress import Progress

SYMBOLS = (500, 1_000, 2_000, 5_000, 10_000)
SESSIONS = (5, 10, 20, 40, 60)
FIXED_SYMBOLS, FIXED_SESSIONS = 2_000, 25

Make = Callable[[Path], Workload]  # an archive's folder -> what is measured on it


def measure_scaling(
    root: Path, seed: int, make: Make, repeats: int, progress: Progress
) -> list[dict[str, Any]]:
    """A row a size: symbols, sessions, bars, decode and scan in seconds, peak memory in MB."""
    by_symbols = [(count, FIXED_SESSIONS) for count in SYMBOLS]
    whole = make(bench_archive(root, FIXED_SYMBOLS, SESSIONS[-1], seed, progress))
    found = []
    for done, (symbols, sessions) in enumerate(
        [*by_symbols, *((FIXED_SYMBOLS, count) for count in SESSIONS)]
    ):
        progress("sizes", done, len(SYMBOLS) + len(SESSIONS))
        if done < len(by_symbols):
            workload = make(bench_archive(root, symbols, sessions, seed, progress))
        else:
            workload = whole.between(whole.dates[0], whole.dates[sessions - 1])
        workload.scan()
        runs = pairs(repeats, workload)
        found.append(
            {
                "varied": "symbols" if done < len(by_symbols) else "sessions",
                "symbols": symbols,
                "sessions": sessions,
                "bars": runs[0][1].bars,
                "decode": median([bare for bare, _ in runs]),
                "scan": median([scan.seconds for _, scan in runs]),
                "peak_mb": fresh_scan(workload).peak_mb,
            }
        )
    return found


def write_plot(found: list[dict[str, Any]], out: Path) -> None:
    """Seconds against bars, and memory, as one HTML page; RunError where plotly is missing."""
    try:
        import plotly.graph_objects as go
        from plotly.subplots import make_subplots
    except ModuleNotFoundError:
        raise RunError(
            "plotly is not installed", where="--scaling", fix="pip install 'barsweep[bench]'"
        ) from None
    page = make_subplots(rows=1, cols=2, subplot_titles=("seconds", "peak memory, MB"))
    for varied in ("symbols", "sessions"):
        own = [row for row in found if row["varied"] == varied]
        bars, labels = (
            [row["bars"] for row in own],
            [f"{row['symbols']:,} x {row['sessions']}" for row in own],
        )
        for name, column in (("scan", "scan"), ("decode", "decode")):
            values = [row[column] for row in own]
            page.add_trace(
                go.Scatter(
                    x=bars,
                    y=values,
                    text=labels,
                    name=f"{name}, more {varied}",
                    mode="lines+markers",
                ),
                1,
                1,
            )
        memory = [row["peak_mb"] for row in own]
        page.add_trace(
            go.Scatter(
                x=bars, y=memory, text=labels, name=f"memory, more {varied}", mode="lines+markers"
            ),
            1,
            2,
        )
    page.update_xaxes(title_text="bars", rangemode="tozero")
    page.update_yaxes(rangemode="tozero")
    page.write_html(out, include_plotlyjs=True)
