"""What the documentation says of the code is made from the code; what it links to is there."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.archive.archive import Archive
from engine.trading.strategy_skeleton import write_strategy
from tests.data import PROJECT
from tests.trading.runs import config, trade

PAGES = [
    PROJECT / "README.md",
    PROJECT / "ARCHITECTURE.md",
    *sorted((PROJECT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_generated_parts_are_up_to_date(page: Path) -> None:
    spec = importlib.util.spec_from_file_location("generate", PROJECT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert page.read_text() == generate.render(page.read_text()), "run `python docs/generate.py`"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_json_examples_are_json(page: Path) -> None:
    for block in re.findall(r"```json\n(.*?)```", page.read_text(), re.DOTALL):
        json.loads(block)


def test_scanner_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two classes that docs/scanners.md shows load, and the columnar one's declarations hold."""
    from engine.scan.base import BaseScanner, ColumnarScanner
    from engine.scan.load_scanner import load_scanner_class

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    blocks = re.findall(
        r"```python\n(.*?)```", (PROJECT / "docs/scanners.md").read_text(), re.DOTALL
    )
    for number, block in enumerate(blocks):
        (tmp_path / f"documented_{number}.py").write_text(block)
    first, second = (load_scanner_class(f"documented_{number}") for number in range(len(blocks)))
    assert issubclass(first, ColumnarScanner) and first({"min_rvol": 3}).plan().limit == 20
    assert issubclass(second, BaseScanner)


def test_examples_of_the_readme_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.runtime.module_loader import load_class
    from engine.scan.load_scanner import load_scanner_class
    from engine.trading.strategy_runtime import STRATEGIES

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    scanner, strategy, *_ = re.findall(
        r"```python\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL
    )
    (tmp_path / "readme_scanner.py").write_text(scanner)
    (tmp_path / "readme_strategy.py").write_text(strategy)
    assert {key.name for key in load_scanner_class("readme_scanner")().plan().indicators} == {
        "rvol_20_1m",
        "rolling_max_20_1d",
    }
    assert list(load_class("readme_strategy", STRATEGIES)().entries()) == ["held"]


def test_strategy_examples_trade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo: Archive
) -> None:
    """The two classes that docs/trading.md shows, traded over the demo market."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    blocks = re.findall(
        r"```python\n(.*?)```", (PROJECT / "docs/trading.md").read_text(), re.DOTALL
    )
    for number, block in enumerate(blocks):
        (tmp_path / f"shown_{number}.py").write_text(block)
        tables = trade(
            config(
                [{"module": f"shown_{number}"}],
                start="2017-12-01",
                end="2017-12-08",
                symbols=["AAPL", "MSFT"],
            ),
            demo,
        )
        assert len(tables["trades"]) > 0
    assert len(blocks) == 2


def test_a_new_strategy_passes_its_own_test(tmp_path: Path) -> None:
    write_strategy("made_up", tmp_path)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_made_up.py"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
