"""Scanner classes by module path."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from engine.errors import ScannerError, did_you_mean
from engine.scan.base import BaseScanner


def load_scanner_class(module_path: str) -> type[BaseScanner]:
    """The scanner class of a module such as `scanners.gap_scanner`, or of `package.module:ClassName`.

    Raises ScannerError where the module cannot be imported, holds no scanner class, or more than one.
    """
    module_name, _, class_name = module_path.partition(":")
    module = _import(module_name)
    classes = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, BaseScanner) and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    }  # fmt: skip
    if class_name:
        if class_name not in classes:
            raise ScannerError(
                f"no scanner class {class_name!r}", where=module_name, expected=f"one of {', '.join(classes) or 'none'}",
                fix=did_you_mean(class_name, classes),
            )  # fmt: skip
        return classes[class_name]
    if len(classes) != 1:
        found = f"{len(classes)} scanner classes ({', '.join(classes)})" if classes else "no scanner class"
        raise ScannerError(
            f"{found} in the module", where=module_name,
            expected="one concrete subclass of scanners.base.BaseScanner",
            fix=f"name one: {module_name}:{next(iter(classes))}" if classes else None,
        )  # fmt: skip
    return next(iter(classes.values()))


def _import(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:  # a console script does not look in the current folder for the user's own modules
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise ScannerError(
                f"no module {name!r}", where="scanner", expected="an importable module path", fix=_suggestion(name)
            ) from None
        raise ScannerError(f"cannot be imported: {error}", where=name) from error
    except Exception as error:  # whatever a user's module raises while it is imported
        raise ScannerError(f"cannot be imported: {type(error).__name__}: {error}", where=name) from error


def _suggestion(name: str) -> str | None:
    return did_you_mean(name, built_in_scanners())


def built_in_scanners() -> list[str]:
    """Module paths of the scanners that come with barsweep."""
    spec = importlib.util.find_spec("scanners")
    folders = list(spec.submodule_search_locations or []) if spec else []
    return [f"scanners.{m.name}" for m in pkgutil.iter_modules(folders) if m.name != "base"]
