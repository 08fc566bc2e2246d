"""How commands print: tables and progress bars on a terminal, plain lines when piped."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from engine.progress import Progress, silent
from engine.text import lines, one_line

if TYPE_CHECKING:
    import polars as pl

    from engine.api import ReadingCost


def say(*told: object, err: bool = False) -> None:
    """Lines on stdout, or with `err` on stderr: each of `told` is one, whatever it holds.

    An empty one where nothing is told.
    """
    for line in told or ("",):
        click.echo(one_line(line), err=err)


def say_lines(text: str, err: bool = False) -> None:
    """Text of several lines, of which the ends are meant."""
    click.echo(lines(text), err=err)


def print_json(content: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(content, indent=2, default=str))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on stdout: drawn on a terminal, tab-separated with a header when piped.

    Numbers are set to the right.
    """
    text = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        click.echo("\t".join(map(one_line, columns)))
        for row in text:
            click.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text  # which is no markup

    table = Table(
        title=Text(one_line(title)) if title else None, title_justify="left", header_style="bold"
    )
    for number, name in enumerate(columns):
        right = bool(rows) and all(isinstance(row[number], int | float) for row in rows)
        table.add_column(
            Text(one_line(name)), justify="right" if right else "left", overflow="fold"
        )
    for row in text:
        table.add_row(*map(Text, row))
    Console().print(table)


def print_frame(title: str, frame: pl.DataFrame, columns: Sequence[str] | None = None) -> None:
    """A frame as a table; `columns` head it instead of its own names."""
    print_table(title, columns or frame.columns, frame.rows())


def print_scanners(scanners: pl.DataFrame, funnel: pl.DataFrame, left_out: pl.DataFrame) -> None:
    """Counts of each scanner, the funnel, and what universes leave out."""
    print_frame("scanners", scanners)
    rows = [
        (name, step, left, "-" if share is None else f"{share:.3f} %")
        for name, step, left, share in funnel.rows()
    ]
    say()
    print_table(
        "funnel: symbols left after each clause, all scans together",
        ("scanner", "clause", "left", "share"),
        rows,
    )
    if len(left_out):
        told = [["not told" if cell is None else cell for cell in row] for row in left_out.rows()]
        say()
        print_table("survivorship: what the universe leaves out", left_out.columns, told)


def print_warnings(warnings: Sequence[str]) -> None:
    """What is odd, on stderr."""
    for warning in warnings:
        say(f"warning: {warning}", err=True)


def print_summaries(modules: Sequence[tuple[str, str]], what: str, output_format: str) -> None:
    """Modules of plug-ins, and what each does."""
    if output_format == "json":
        print_json([{"module": path, "summary": summary} for path, summary in modules])
    else:
        print_table("", ("module", what), modules)


def print_facts(facts: dict[str, Any]) -> None:
    """Names and values on stdout, one a line."""
    width = max(map(len, facts))
    for name, value in facts.items():
        say(f"{name:<{width}}  {_cell(value)}")


def sparkline(name: str, values: Sequence[float | None], width: int = 80) -> str:
    """Values as one line of blocks, from the lowest to the highest; a blank where there is none."""
    step = max(1, -(-len(values) // width))
    shown = [
        next((v for v in reversed(values[i : i + step]) if v is not None), None)
        for i in range(0, len(values), step)
    ]
    known = [value for value in shown if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    blocks = "▁▂▃▄▅▆▇█"
    line = "".join(
        " " if v is None else blocks[int((v - low) / (high - low) * 7.999) if high > low else 3]
        for v in shown
    )
    return f"{name:<28} {line}  {_cell(low)} to {_cell(high)}" if known else f"{name:<28} no value"


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """progress(what, done, total) on stderr: a bar with the time left on a terminal, a line every
    tenth when piped.
    """
    if quiet:
        yield silent
    elif not sys.stderr.isatty():
        yield _plain_progress()
    else:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            tasks: dict[str, Any] = {}

            def show(what: str, done: int, total: int) -> None:
                name = what.partition(":")[0]
                if name not in tasks:
                    tasks[name] = bars.add_task(one_line(what), total=total)
                bars.update(tasks[name], completed=done, total=total, description=one_line(what))

            yield show


@contextmanager
def tell_of_compiling(quiet: bool) -> Iterator[None]:
    """Say on stderr, once, that kernels are being compiled: nothing else is to be seen
    meanwhile."""
    if quiet:
        yield
        return
    from engine.runtime.compiling import told_of_compiling

    with told_of_compiling(
        lambda: say("compiling kernels, this once: their code is kept", err=True)
    ):
        yield


def tell_reading_cost(cost: ReadingCost | None, sessions: int = 1, seconds: float = 0.0) -> None:
    """What reading in place costs against an imported archive, on stderr.

    Nothing for one that is imported.

    sessions, seconds  of the scan that is over, where there was one
    """
    if cost is None:
        return
    spent = (
        f"about {sessions * cost.in_place / 1000:.1f} s of reading for {sessions} sessions in "
        f"a scan of {seconds:.1f} s"
    )
    share = f"; {spent}" if seconds else ""
    say(
        f"read in place: a session takes {cost.in_place:.0f} ms (decode {cost.decode:.0f}, "
        f"convert {cost.convert:.0f}, sort "
        f"{cost.sort:.0f}), imported {cost.imported:.0f} ms (both measured on {cost.date}, all "
        f"columns){share}; "
        "`barsweep archive import` makes it so",
        err=True,
    )


def _plain_progress() -> Progress:
    def show(what: str, done: int, total: int) -> None:
        if total and (done == total or done * 10 // total > (done - 1) * 10 // total):
            say(f"{what} {done}/{total}", err=True)

    return show


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return one_line(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if abs(value) >= 1 or value == round(value, 2) else f"{value:.4g}"
