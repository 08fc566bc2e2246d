"""The catalogue knows indicators by their files, and imports one when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import IndicatorError
from engine.indicators.catalogue import CATALOGUE, Catalogue
from tests.data import PROJECT

FOLDER = PROJECT / "engine" / "indicators"
ASKED = """
import sys
from engine.indicators.catalogue import CATALOGUE
from engine.indicators.key import IndicatorKey
assert len(CATALOGUE) > 100 and "rsi" in CATALOGUE
IndicatorKey.parse("sma_20_1d")
print([name for name in sys.modules if name.count(".") == 3 and ".indicators." in name])
"""


def test_an_indicator_is_imported_when_it_is_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKED], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert done.stdout == "['engine.indicators.overlays.sma']\n"


@pytest.mark.parametrize("name", [file.stem for file in FOLDER.glob("*/[a-z]*.py")])
def test_file_function_and_indicator_have_one_name(name: str) -> None:
    row = CATALOGUE[name]
    assert row.name == row.kernel.py_func.__name__ == name
    assert row.kernel.py_func.__module__ == f"engine.indicators.{row.group}.{name}"
    assert (FOLDER / row.group / f"{name}.py").is_file()


def test_a_file_that_registers_nothing_of_its_name_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_up_group").mkdir()
    (tmp_path / "made_up_group" / "made_up.py").write_text('"""Nothing."""\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    found = Catalogue(tmp_path)
    found._modules["made_up"] = "made_up_group.made_up"
    with pytest.raises(IndicatorError, match=r"made_up_group\.made_up.*named like its file"):
        found["made_up"]


def test_iteration_names_every_indicator_once() -> None:
    names = list(CATALOGUE)
    assert len(names) == len(set(names)) == len(CATALOGUE)
    with pytest.raises(KeyError):
        CATALOGUE["no_such_indicator"]
