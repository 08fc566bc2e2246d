"""Figures as text: on the screen, and as a block of RESULTS.md."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.archive.disk.atomic import atomic_path
from engine.errors import RunError

HEAD = "# Results\n"


def rows(figures: dict[str, Any]) -> list[tuple[str, ...]]:
    """Name and value of each figure."""
    bars, bare = figures["bars"], figures["decode"]
    shown: list[tuple[str, ...]] = [
        (
            "archive",
            f"{figures['symbols']:,} symbols, {figures['sessions']:,} sessions, {bars:,} bars",
        ),
        ("scanners", ", ".join(figures["scanners"])),
        ("found", f"{figures['hits']:,} hits at {figures['ticks']:,} ticks"),
        (
            "decode " + ", ".join(figures["columns"]),
            f"{bare:.2f} s, {bars / bare / 1e6:.1f} million bars/s",
        ),
        ("scan", f"{figures['scan']:.2f} s, {figures['million_bars_a_second']:.1f} million bars/s"),
        ("scan over decode", f"{figures['scan_over_decode']:.2f}"),
        ("a tick", f"{figures['tick_us']:.0f} us"),
        *(
            (f"  {phase}", f"{seconds:.2f} s")
            for phase, seconds in figures["phases"].items()
            if phase != "in_all"
        ),
        ("process start to first session", f"{figures['start_to_first_session']:.2f} s"),
        ("compiling, the first time", f"{figures['compile']:.1f} s"),
        ("peak memory", f"{figures['peak_mb']:.0f} MB"),
    ]
    for name, peer in figures["against"].items():
        same = f"the same {peer['hits']:,} hits" + (
            f" but {peer['rounding']} by rounding" if peer["rounding"] else ""
        )
        shown.append(
            (
                f"against {name}",
                f"{peer['seconds']:.1f} s, {peer['times']:.1f} times as long, {same}",
            )
        )
    return shown


def machine_line(machine: dict[str, str]) -> str:
    """What the figures were measured on, in a sentence."""
    versions = ", ".join(
        f"{name} {version}"
        for name, version in machine.items()
        if name not in ("processor", "cores")
    )
    return f"{machine['cores']} cores of {machine['processor']}; {versions}."


def record(
    path: Path,
    note: str,
    machine: dict[str, str],
    table: Sequence[tuple[str, ...]],
    columns: tuple[str, ...],
) -> None:
    """Put a block on top of a results file; it is made where there is none."""
    before = path.read_text(encoding="utf-8") if path.exists() else HEAD
    if not before.startswith(HEAD):
        raise RunError(
            "no file of results",
            where=path,
            expected=f"a file that begins with {HEAD.strip()!r}, or none",
        )
    lines = [
        "",
        f"## {dt.date.today()}: {note}",
        "",
        machine_line(machine),
        "",
        _line(columns),
        _line(["---"] * len(columns)),
    ]
    block = "\n".join([*lines, *map(_line, table)])
    first = before.find("\n## ")
    head, rest = (before[:first], before[first:]) if first >= 0 else (before.rstrip("\n"), "")
    with atomic_path(path) as temporary:
        temporary.write_text(head.rstrip("\n") + "\n" + block + "\n" + rest, encoding="utf-8")


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"
