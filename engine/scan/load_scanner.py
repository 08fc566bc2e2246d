"""Scanner classes by module path."""

from __future__ import annotations

from engine.errors import ScannerError
from engine.runtime.module_loader import Kind, load_class, modules_in
from engine.scan.base import BaseScanner

SCANNERS = Kind("scanner", BaseScanner, "scanners.base.BaseScanner", "scanners", ScannerError)  # type: ignore[type-abstract]


def load_scanner_class(module_path: str) -> type[BaseScanner]:
    """The scanner class of a module such as `scanners.gap_scanner`, or of
    `package.module:ClassName`.

    Raises ScannerError where the module cannot be imported, or may not be
    (engine/runtime/module_origin.py), and where it holds no scanner class, or more than one.
    """
    return load_class(module_path, SCANNERS)


def built_in_scanners() -> list[str]:
    """Module paths of the scanners that come with barsweep."""
    return modules_in(SCANNERS.package)
