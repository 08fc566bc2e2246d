"""The catalogue: every indicator by name, those that come with barsweep and those that users
register.

The indicator `rsi` stands in `engine/indicators/momentum/rsi.py`: its name is the file's, its group
the folder's. So names are known from the files, and a file is imported when its indicator is first
asked for: its `@register` adds the row. Importing all of them takes 0.3 s.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.errors import IndicatorError
from engine.indicators.indicator import Indicator

PACKAGE = "engine.indicators"
OWN = "own"  # the group of users' indicators


class Catalogue(Mapping[str, Indicator]):
    """Name -> indicator: built-in ones by group and name, then users' in order of registration."""

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.glob("*/[a-z]*.py"))
        self._modules = {file.stem: f"{PACKAGE}.{file.parent.name}.{file.stem}" for file in files}
        self._rows: dict[str, Indicator] = {}

    def __getitem__(self, name: str) -> Indicator:
        if name not in self._rows and name in self._modules:
            importlib.import_module(self._modules[name])
            if name not in self._rows:
                raise IndicatorError(
                    f"no indicator {name!r} is registered",
                    where=self._modules[name],
                    expected="one function with @register, named like its file",
                )
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._modules
        yield from (name for name in list(self._rows) if name not in self._modules)

    def __len__(self) -> int:
        return len(self._modules.keys() | self._rows.keys())

    def __contains__(self, name: object) -> bool:
        return name in self._modules or name in self._rows

    def add(self, row: Indicator) -> None:
        """Put an indicator in, in the place of one of the same name."""
        self._rows[row.name] = row

    def remove(self, name: str) -> None:
        """Take a user's indicator out; nothing happens where there is none."""
        if name not in self._modules:
            self._rows.pop(name, None)

    def module_of(self, name: str) -> str | None:
        """The module that an indicator stands in; None where there is no such name."""
        row = self._rows.get(name)
        return self._modules.get(name) if row is None else str(row.kernel.py_func.__module__)

    def group_of(self, module: str) -> str:
        """The group of the indicators of a module: a built-in's folder, else `own`."""
        return module.split(".")[-2] if module in self._modules.values() else OWN


CATALOGUE = Catalogue(Path(__file__).parent)
