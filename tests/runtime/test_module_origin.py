"""A config names modules, and naming one runs it: only what the user has put there, or installed, is imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import ScannerError
from engine.runtime.module_origin import ALLOWED
from engine.scan.load_scanner import load_scanner_class

SCANNER = '''
from pathlib import Path
import polars as pl
from scanners.base import ColumnarScanner

Path(__file__).with_suffix(".ran").touch()

class Own(ColumnarScanner):
    """Finds all."""
    def criteria(self):
        return {"all": pl.col("close") > 0}
'''


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody's folders, in the working folder `here`; what is imported is forgotten."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for variable in (ALLOWED, "PYTHONPATH"):
        monkeypatch.delenv(variable, raising=False)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, name: str) -> Path:
    """A scanner's module, which leaves a file when it is imported."""
    path = folder.joinpath(*name.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SCANNER)
    return path


def ran(path: Path) -> bool:
    return path.with_suffix(".ran").exists()


@pytest.mark.parametrize("name", ["own_scanner", "own_package.own_scanner"])
def test_modules_of_the_folder_where_the_command_is_run(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "here", name)
    assert load_scanner_class(name).__name__ == "Own" and ran(path)


@pytest.mark.parametrize("name", ["foreign_scanner", "foreign_package.inner.foreign_scanner"])
def test_a_module_that_python_would_find_elsewhere_is_not_run(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "elsewhere", name)
    sys.path.insert(0, str(tmp_path / "elsewhere"))
    with pytest.raises(
        ScannerError,
        match=f"is in {tmp_path / 'elsewhere'}, from where nothing is imported.*--allow-modules",
    ):
        load_scanner_class(name)
    assert not ran(path)


@pytest.mark.parametrize("variable", [ALLOWED, "PYTHONPATH"])
def test_folders_that_the_user_names(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "elsewhere", "allowed_scanner")
    monkeypatch.setenv(variable, f"{tmp_path / 'none'}:{tmp_path / 'elsewhere'}")
    if variable == "PYTHONPATH":  # which Python reads when it starts
        sys.path.insert(0, str(tmp_path / "elsewhere"))
    assert load_scanner_class("allowed_scanner").__name__ == "Own" and ran(path)


def test_a_package_that_is_installed_in_place(tmp_path: Path) -> None:
    """`pip install --editable` leaves the package where it is, and says whose it is."""
    path = write(tmp_path / "elsewhere", "edited.scanner")
    info = tmp_path / "elsewhere" / "edited-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: edited\nVersion: 1\n")
    (info / "top_level.txt").write_text("edited\n")
    sys.path.insert(0, str(tmp_path / "elsewhere"))
    assert load_scanner_class("edited.scanner").__name__ == "Own" and ran(path)


@pytest.mark.parametrize("name", ["antigravity", "this", "os", "sys", "idlelib.run"])
def test_pythons_own_modules_are_not_run(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ScannerError, match="Python's own; name yours otherwise"):
        load_scanner_class(name)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "name",
    [
        "../here/own",
        "here/own",
        "",
        ".",
        ".own",
        "own..x",
        "own\0",
        "no_such",
        "a b",
        "/etc/passwd",
    ],
)
def test_what_is_no_name_of_a_module_finds_nothing(name: str, tmp_path: Path) -> None:
    write(tmp_path / "here", "own")
    with pytest.raises(ScannerError):
        load_scanner_class(name)


def test_the_running_program_may_name_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ScannerError, match="no scanner class"):
        load_scanner_class("__main__")
