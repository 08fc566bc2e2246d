"""docs/development.md, "Adding a part", followed to the letter: one new file, found where users do.

Each example of the page is written into a copy of the tree, and nothing else there is changed.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.archive.vendor_files import vendors
from tests.data import PROJECT

PAGE = (PROJECT / "docs" / "development.md").read_text()
EXAMPLE = re.compile(r"### Add an? ([\w' ]+)\n.*?`([\w/]+\.py)`:\n\n```python\n(.*?)```", re.DOTALL)
EXAMPLES = {part: (file, code) for part, file, code in EXAMPLE.findall(PAGE)}
COMMAND = "import sys; from engine.cli.main import main; sys.argv[0] = 'barsweep'; main()"
GENERATED = "from docs import generate; print(generate.{}())"


def copy_with(tree: Path, file: str, text: str) -> Path:
    """A copy of the project in `tree`, of links but for the folders of the new file."""
    source = PROJECT
    for name in ("engine", "scanners", "docs", "barsweep"):
        if name != file.partition("/")[0]:
            (tree / name).symlink_to(PROJECT / name)
    for folder in Path(file).parts[:-1]:
        source, tree = source / folder, tree / folder
        tree.mkdir()
        for one in source.iterdir():
            if one.name != "__pycache__" and one.name not in Path(file).parts:
                (tree / one.name).symlink_to(one)
    (tree / Path(file).name).write_text(text)
    return tree


class Tree:
    """The copied tree with the example of one part, and what is said there."""

    def __init__(self, folder: Path, part: str) -> None:
        self.folder = folder
        file, code = EXAMPLES[part]
        assert not (PROJECT / file).exists()
        copy_with(folder, file, code)

    def says(self, code: str, *arguments: str) -> str:
        """What Python prints there."""
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder), "COLUMNS": "200"},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def barsweep(self, *arguments: str) -> str:
        """What a command prints there."""
        return self.says(COMMAND, *arguments)


def test_the_page_has_an_example_of_each_part() -> None:
    assert list(EXAMPLES) == [
        "indicator",
        "scanner",
        "strategy",
        "vendor's layout",
        "command",
    ]
    for file, code in EXAMPLES.values():
        ast.parse(code)
        assert (PROJECT / file).parent.is_dir()
    for title in EXAMPLES:
        text = PAGE.partition(f" {title}\n\n")[2].partition("\n#")[0]
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        assert len(prose.strip().splitlines()) <= 10


def test_an_indicator_is_one_file(tmp_path: Path, demo: Archive) -> None:
    tree = Tree(tmp_path, "indicator")
    assert "internal_bar_strength" in tree.barsweep("indicators", "list")
    assert "(close - low) / (high - low)" in tree.barsweep(
        "indicators", "show", "internal_bar_strength"
    )
    row = next(
        line
        for line in tree.says(GENERATED.format("indicators")).splitlines()
        if "internal_bar_strength" in line
    )
    assert row.startswith("| momentum |")
    scan = """
import sys, barsweep as bs
found = bs.open_archive(sys.argv[1]).scan(
    where="internal_bar_strength_1m >= 0", features={"share": "internal_bar_strength_1m"},
    start="2017-11-01", end="2017-11-01", schedule="10:00-11:00/1h",
)
print(found.hits.select("symbol", "tick", "share").write_csv())
"""
    hits = pl.read_csv(tree.says(scan, str(demo.path)).encode(), try_parse_dates=True)
    assert len(hits) > 20
    bars = demo.read_session(demo.sessions()[0], ["symbol", "timestamp", "high", "low", "close"])
    share = (pl.col("close") - pl.col("low")) / (pl.col("high") - pl.col("low"))
    known = pl.col("timestamp").dt.offset_by("1m").alias("tick")
    expected = bars.select("symbol", known, expected=share)
    hits = hits.with_columns(pl.col("tick").cast(expected.schema["tick"]))
    joined = hits.join(expected, on=["symbol", "tick"])
    assert len(joined) > 20
    assert (joined["share"] - joined["expected"]).abs().max() < 1e-9


def test_a_scanner_is_one_file(tmp_path: Path, demo: Archive) -> None:
    tree = Tree(tmp_path, "scanner")
    name = "scanners.strong_close_scanner"
    assert name in tree.barsweep("scanners", "list")
    assert f"### {name}\n" in tree.says(GENERATED.format("scanners"))
    span = ("--start", "2017-11-01", "--end", "2017-11-01", "--format", "json")
    assert name in tree.barsweep("scan", name, "--archive", str(demo.path), *span)


def test_a_strategy_is_one_file(tmp_path: Path) -> None:
    tree = Tree(tmp_path, "strategy")
    name = "engine.strategies.strong_close"
    assert name in tree.barsweep("strategies", "list")
    assert "20-bar average" in tree.barsweep("strategies", "show", name)
    assert f"### {name}\n" in tree.says(GENERATED.format("strategies"))


def test_a_command_is_one_file(tmp_path: Path, demo: Archive) -> None:
    tree = Tree(tmp_path, "command")
    assert "sessions    Print the dates of an archive's sessions." in tree.barsweep("--help")
    printed = tree.barsweep("sessions", "--archive", str(demo.path)).split()
    assert printed == [str(date) for date in demo.sessions()]
    assert "### barsweep sessions\n" in tree.says(GENERATED.format("commands"))


def test_a_vendors_layout_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row of the page, put among the others, recognizes the vendor's file."""
    code = compile(EXAMPLES["vendor's layout"][1], "docs/development.md", "eval")
    layout = eval(code, dict(vars(vendors)))
    monkeypatch.setitem(vendors.LAYOUTS, layout.name, layout)
    (tmp_path / "bars.csv").write_text(
        "sym,end,o,h,l,c,v\n"
        "AAPL,2018-03-01 09:31,178.5,179.0,178.0,178.8,1000\n"
        "AAPL,2018-03-01 09:32,178.8,179.2,178.7,179.1,500\n"
    )
    summary = import_bars([tmp_path / "bars.csv"], tmp_path / "archive", ImportOptions())
    assert (summary.layout, summary.label, summary.rows_written) == ("example", "close", 2)
    archive = Archive.open(tmp_path / "archive")
    stored = archive.read_session(archive.sessions()[0], ["timestamp"])
    assert stored["timestamp"].dt.strftime("%H:%M").to_list() == ["14:30", "14:31"]
