"""Classes of plug-ins by module path.

Why: a config names plug-ins by their modules, so importing them is done to this process at run
time; whatever such a module raises is a message that names it, and it is looked at first where it
would come from (module_origin.py).
The test: tests/runtime/test_module_origin.py, and tests/cli/test_own_modules.py.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import logging
import pkgutil
import traceback
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, TypeVar

from engine.errors import BarsweepError, did_you_mean
from engine.plug_ins import TRACEBACK, error_text
from engine.runtime.module_origin import foreign_folder, make_importable, standard_library

T = TypeVar("T")
log = logging.getLogger("barsweep")


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A kind of plug-ins: what it is called, the class to extend and where that is found, its
    package, its error.
    """

    noun: str
    base: type[T]
    public_base: str
    package: str
    error: type[BarsweepError]


def load_class(module_path: str, kind: Kind[T]) -> type[T]:
    """The class of a kind of plug-ins that a module holds.

    Raises the kind's error where there is none, or more than one.
    """
    module_name, _, class_name = module_path.partition(":")
    module = _import(module_name, kind)
    classes = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, kind.base)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    }
    if class_name:
        if class_name not in classes:
            raise kind.error(
                f"no {kind.noun} class {class_name!r}",
                where=module_name,
                expected=f"one of {', '.join(classes) or 'none'}",
                fix=did_you_mean(class_name, classes),
            )
        return classes[class_name]
    if len(classes) != 1:
        found = (
            f"{len(classes)} {kind.noun} classes ({', '.join(classes)})"
            if classes
            else f"no {kind.noun} class"
        )
        raise kind.error(
            f"{found} in the module",
            where=module_name,
            expected=f"one concrete subclass of {kind.public_base}",
            fix=f"name one: {module_name}:{next(iter(classes))}" if classes else None,
        )
    return next(iter(classes.values()))


def _import(name: str, kind: Kind[Any]) -> ModuleType:
    make_importable()
    folder = foreign_folder(name)
    if folder is not None:
        raise kind.error(
            f"module {name!r} is in {folder}, from where nothing is imported",
            where=kind.noun,
            expected="a module of barsweep, of an installed package, or of the current folder",
            fix="Python's own; name yours otherwise"
            if folder in standard_library()
            else f"if it is yours, allow its folder: barsweep --allow-modules {folder}",
        )
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise kind.error(
                f"no module {name!r}",
                where=kind.noun,
                expected="an importable module path",
                fix=did_you_mean(name, modules_in(kind.package))
                or "run the command in its folder, or give --allow-modules FOLDER",
            ) from None
        raise _unimportable(name, kind, error) from error
    except (Exception, SystemExit) as error:  # whatever a user's module raises while it is imported
        raise _unimportable(name, kind, error) from error


def _unimportable(name: str, kind: Kind[Any], error: BaseException) -> BarsweepError:
    log.debug("%s cannot be imported\n%s", name, traceback.format_exc())
    return kind.error(f"cannot be imported: {error_text(error)}", where=name, fix=TRACEBACK)


def modules_in(package: str) -> list[str]:
    """Module paths of the plug-ins in a package."""
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    return [f"{package}.{m.name}" for m in pkgutil.iter_modules(folders) if m.name != "base"]
