"""What the documentation says of the code is made from the code; what it links to is there."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from tests.data import PROJECT

PAGES = [PROJECT / "README.md", PROJECT / "ARCHITECTURE.md", *sorted((PROJECT / "docs").glob("*.md"))]


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
    from engine.scan.module_loader import load_scanner_class

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    blocks = re.findall(r"```python\n(.*?)```", (PROJECT / "docs/scanners.md").read_text(), re.DOTALL)
    for number, block in enumerate(blocks):
        (tmp_path / f"documented_{number}.py").write_text(block)
    first, second = (load_scanner_class(f"documented_{number}") for number in range(len(blocks)))
    assert issubclass(first, ColumnarScanner) and first({"min_rvol": 3}).plan().limit == 20
    assert issubclass(second, BaseScanner)
