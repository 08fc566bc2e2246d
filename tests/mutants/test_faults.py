"""The faults that `make mutants` draws, and its tables, which must follow the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants import trial
from tests.mutants.__main__ import main
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.faults import draw, faults_of, read_faults
from tests.mutants.table import MIRRORS, Mirror

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("x = a < b", ["a < b -> a <= b", "a < b -> a >= b"]),
        ("x = 0 < a == b", ["0 -> -1", "0 -> 1", "0 < a == b -> 0 < a != b",
                            "0 < a == b -> 0 <= a == b", "0 < a == b -> 0 >= a == b"]),
        ("x = a is not None", ["a is not None -> a is None"]),
        ("x = a * (b - c)", ["a * (b - c) -> a / (b - c)", "b - c -> b + c"]),
        ("x += y", ["x += y -> x -= y"]),
        ("x = a and not b", ["a and (not b) -> a", "a and (not b) -> a or not b",
                             "a and (not b) -> not b", "not b -> b"]),
        ("x = [a for a in b if a]", ["[a for a in b if a] -> [a for a in b]"]),
        ("x = -y", ["-y -> y"]),
        ("x = f(True)", ["True -> False"]),
        ("x = m & ~n", ["m & ~n -> m | ~n", "~n -> n"]),
        ("def f(a: int | None) -> int | None: ...", []),
        ('x = f"{a + 1}" + "b"', []),
        ("@cache(maxsize=1)\ndef f(): ...", []),
    ],
)  # fmt: skip
def test_faults_of_a_line(source: str, changes: list[str]) -> None:
    found = faults_of("a.py", source)
    assert [fault.change for fault in found] == changes
    assert all(ast.dump(ast.parse(f.source)) != ast.dump(ast.parse(source)) for f in found)


@pytest.mark.parametrize("file", MIRRORS)
def test_each_fault_is_one_change_of_one_place(file: str) -> None:
    source = (ROOT / file).read_text(encoding="utf-8")
    lines, found = source.splitlines(), read_faults(ROOT, file)
    assert len({(fault.line, fault.change) for fault in found}) == len(found) > 0
    for fault in found[::29]:
        ast.parse(fault.source)
        changed = fault.source.splitlines()
        assert len(changed) == len(lines) and lines[fault.line - 1].strip() == fault.text
        assert changed[: fault.line - 1] == lines[: fault.line - 1]
    for test in MIRRORS[file].tests:
        assert (ROOT / test).exists(), f"{test}, which is to mirror {file}"


def test_what_changes_nothing_is_a_fault_of_a_line_that_is_there() -> None:
    for file, entries in EQUIVALENT.items():
        known = {(fault.text, fault.change) for fault in read_faults(ROOT, file)}
        assert not set(entries) - known, f"entries of {file} in tests/mutants/equivalent.py"
        assert all(len(why) > 10 for why in entries.values())


def test_a_draw_is_told_by_its_seed() -> None:
    found = read_faults(ROOT, "engine/clock/interval.py")
    assert draw(found, 5, 1) == draw(found, 5, 1) != draw(found, 5, 2)
    assert len(set(draw(found, 5, 1))) == 5 and draw(found, None, 1) == found
    assert draw(found, 10**6, 1) == found


def test_a_fault_is_noticed_or_survives_and_the_work_tree_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "work"
    (root / "tests").mkdir(parents=True)
    source = "def f(a, b):\n    return a + b * 0\n"
    (root / "code.py").write_text(source)
    (root / "tests" / "test_code.py").write_text(
        "from code_of import f\n\ndef test_f():\n    assert f(2, 3) == 2\n"
    )
    (root / "code.py").rename(root / "code_of.py")
    monkeypatch.setattr("tests.mutants.__main__.ROOT", root)
    monkeypatch.setattr("tests.mutants.__main__.MIRRORS", {"code_of.py": Mirror(("tests",))})
    monkeypatch.setattr("tests.mutants.__main__.copy_tree", _copy)
    monkeypatch.setattr(trial, "_import_libraries", _enter)
    assert main(["--all"]) == 1
    told = capfd.readouterr().out
    assert "code_of.py:2: return a + b * 0" in told
    assert "a + b * 0 -> a - b * 0\n    SURVIVED" in told and "b * 0 -> b / 0" not in told
    assert told.split("code_of.py ")[-1].split()[:2] == ["4", "3"]
    assert (root / "code_of.py").read_text() == source


def _copy(root: Path, into: Path) -> Path:
    import shutil

    return Path(shutil.copytree(root, into / "tree"))


def _enter(tree: Path, compiled: bool) -> None:
    import os
    import sys

    os.chdir(tree)
    sys.path.insert(0, str(tree))
    for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
        del sys.modules[name]
