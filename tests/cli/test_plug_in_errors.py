"""What a plug-in's own code raises before the first session: one message with file, line and expression, and exit status 2."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.archive.archive import Archive
from engine.indicators.catalogue import CATALOGUE
from tests.cli.barsweep import Barsweep

SCANNER = """import polars as pl
from scanners.base import ColumnarScanner


class Mine(ColumnarScanner):
    def criteria(self):
        return {"up": pl.col("close") > 0}

"""
SYMBOL_SCANNER = """from scanners.base import BaseScanner, ScanResult


class Mine(BaseScanner):
    def scan(self, context):
        return ScanResult()

"""
STRATEGY = """import polars as pl
from engine.strategies.base import ColumnarStrategy


class Mine(ColumnarStrategy):
    def entries(self):
        return {"up": pl.col("close") > 0}

"""
BAR_STRATEGY = """from engine.strategies.base import Strategy


class Mine(Strategy):
    def on_bar(self, context):
        pass

"""
INDICATOR = """import polars as pl
from engine.indicators.register import register
from scanners.base import ColumnarScanner


@register(inputs=("close",), state_size=lambda: {state}, warmup=lambda: {warmup})
def {name}(close, state, out):
    for row in range(len(out)):
        {line}


class Mine(ColumnarScanner):
    def criteria(self):
        return {{"up": pl.col("{name}_1m") > 0}}
"""

# the module, what is appended to the class, the expression at fault, the message
CASES: dict[str, tuple[str, str, str, str]] = {
    "__init__": (
        SCANNER,
        "    def __init__(self, config=None):\n        super().__init__(config)\n        self.x = 1 / self.params.zero",
        "self.params.zero",
        "__init__() failed: AttributeError: 'ScannerParams' object has no attribute 'zero'",
    ),
    "features": (
        SCANNER,
        "    def features(self):\n        return {'half': pl.col('close') / (1 // 0)}",
        "1 // 0",
        "features() failed: ZeroDivisionError: integer division or modulo by zero",
    ),
    "criteria": (
        SCANNER,
        "    def criteria(self):\n        return {'a': pl.col('close').no_such()}",
        "pl.col('close').no_such",
        "criteria() failed: AttributeError: 'Expr' object has no attribute 'no_such'",
    ),
    "a helper": (
        SCANNER,
        "    def helped(self):\n        return [][1]\n\n    def criteria(self):\n        return {'a': self.helped()}",
        "[][1]",
        "criteria() failed: IndexError: list index out of range",
    ),
    "a library": (
        SCANNER,
        "    def criteria(self):\n        return {'a': pl.col(object())}",
        "pl.col(object())",
        "criteria() failed: TypeError",
    ),
    "several lines": (
        SCANNER,
        "    def criteria(self):\n        return {'a': max(\n            1, 'a')}",
        "return {'a': max(",
        "criteria() failed: TypeError",
    ),
    "indicators": (
        SCANNER,
        "    def indicators(self):\n        return [undefined]",
        "undefined",
        "indicators() failed: NameError: name 'undefined' is not defined",
    ),
    "exit": (
        SCANNER,
        "    def criteria(self):\n        raise SystemExit(0)",
        "raise SystemExit(0)",
        "criteria() failed: SystemExit: 0",
    ),
    "no message": (
        SCANNER,
        "    def criteria(self):\n        raise ValueError",
        "raise ValueError",
        "criteria() failed: ValueError, in",
    ),
    "a scanner's __init__": (
        SYMBOL_SCANNER,
        "    def __init__(self, config=None):\n        raise ValueError('no\\nlicence')",
        "raise ValueError('no\\nlicence')",
        "__init__() failed: ValueError: no, in",
    ),
    "a scanner's setup": (
        SYMBOL_SCANNER,
        "    def setup(self, context):\n        return self.missing",
        "self.missing",
        "setup failed: AttributeError: 'Mine' object has no attribute 'missing'",
    ),
    "at import": (
        "import math\n",
        "math.sqrt(-1)",
        "math.sqrt(-1)",
        "cannot be imported: ValueError",
    ),
    "exit at import": (
        "import sys\n",
        "sys.exit()",
        "sys.exit()",
        "cannot be imported: SystemExit, in",
    ),
    "no Python": ("def f(:\n", "", "def f(:", "cannot be imported: SyntaxError: "),
    "of another module": (
        "import json\nimport no_such_library\n",
        "",
        "",
        "cannot be imported: ModuleNotFoundError: No module named",
    ),
    **{
        f"strategy's {method}": (
            STRATEGY,
            f"    def {method}(self):\n        return 1 / 0",
            "1 / 0",
            f"{method}() failed: ZeroDivisionError",
        )
        for method in (
            "entries",
            "short_entries",
            "exits",
            "short_exits",
            "limit",
            "stop",
            "stop_loss",
            "take_profit",
            "trailing_stop",
            "size",
            "weights",
            "indicators",
        )
    },
    "strategy's __init__": (
        STRATEGY,
        "    def __init__(self, config=None):\n        1 / 0",
        "1 / 0",
        "__init__() failed: ZeroDivisionError",
    ),
    "bar strategy's __init__": (
        BAR_STRATEGY,
        "    def __init__(self, config=None):\n        1 / 0",
        "1 / 0",
        "__init__() failed: ZeroDiv",
    ),
    "bar strategy's indicators": (
        BAR_STRATEGY,
        "    def indicators(self):\n        return 1 / 0",
        "1 / 0",
        "indicators() failed: ZeroDiv",
    ),
    "state_size": (
        INDICATOR.format(state="1 // 0", warmup="1", name="mine_state", line="out[row] = 1.0"),
        "",
        "1 // 0",
        "state_size() failed: ZeroDivisionError",
    ),
    "warmup": (
        INDICATOR.format(state="1", warmup="[][1]", name="mine_warmup", line="out[row] = 1.0"),
        "",
        "[][1]",
        "warmup() failed: IndexError",
    ),
    "kernel": (
        INDICATOR.format(
            state="1", warmup="1", name="mine_untyped", line="out[row] = close[row].nothing()"
        ),
        "",
        "out[row] = close[row].nothing()",
        "the kernel failed: TypingError: Unknown attribute 'nothing' of type float64",
    ),
    "kernel at work": (
        INDICATOR.format(
            state="1", warmup="1", name="mine_raising", line="raise ValueError('negative')"
        ),
        "",
        "raise ValueError('negative')",
        "the kernel failed: ValueError: negative",
    ),
}
RETURNS = {
    "a list": (
        "    def criteria(self):\n        return [pl.col('close') > 0]",
        "criteria() returned list; expected a dictionary of expressions",
    ),
    "nothing": (
        "    def features(self):\n        pass",
        "features() returned NoneType; expected a dictionary of expressions by their names",
    ),
    "numbers": (
        "    def features(self):\n        return {1: pl.col('close')}",
        "features() returned dict with names of int",
    ),
    "no expression": (
        "    def criteria(self):\n        return {'a': True}",
        "'a': True is not an expression",
    ),
    "no super": (
        "    def __init__(self, config=None):\n        self.x = 1",
        "__init__() leaves the base class as it is",
    ),
}
NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def catalogue() -> Iterator[None]:
    """What a test registers is gone after it: other tests look at every indicator there is."""
    yield
    for name in ("mine_state", "mine_warmup", "mine_untyped", "mine_raising"):
        CATALOGUE.remove(name)


def written(folder: Path, text: str, strategy: bool) -> tuple[str, Path, Path]:
    """A module of a name of its own, and a config that runs it."""
    name = f"plug_in_{next(NUMBERS)}_of_a_test"
    path = folder / f"{name}.py"
    path.write_text(text)
    block: dict[str, Any] = {"module": name}
    content: dict[str, Any] = {
        "mode": "backtest",
        "session_data_config": {"symbols": ["AAPL"]},
        "backtest_config": {"end_date": "2017-11-02"},
    }
    if strategy:
        content["strategies"] = [block]
    else:
        content["session_data_config"]["scanners"] = [
            block | {"regular_session": [{"start": "10:00", "end": "11:00", "interval": "1h"}]}
        ]
    (folder / "config.json").write_text(json.dumps(content))
    return name, path, folder / "config.json"


@pytest.mark.parametrize("name", CASES)
def test_one_message(
    name: str, demo: Archive, barsweep: Barsweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, more, expression, message = CASES[name]
    monkeypatch.chdir(tmp_path)
    text = head + more + "\n"
    module, path, config = written(tmp_path, text, "trategy" in head)
    called = barsweep("run", config, "--archive", demo.path, "--out", tmp_path / "runs", "--quiet")
    assert (
        called.status == 2 and "Traceback" not in called.err and not list(tmp_path.glob("runs/*"))
    )
    assert called.err.startswith("error: ") and called.err.count("\n") == 1, called.err
    assert message in called.err
    if expression:
        line = next(number for number, one in enumerate(text.splitlines(), 1) if expression in one)
        assert (
            f"{path}, line {line}: {expression}" in called.err
            or f"{path.name}, line {line}: {expression}" in called.err
        )
    module_of_error = re.match(r"error: (.*?): ", called.err)
    assert module_of_error and (
        module in module_of_error[1] or "indicator mine_" in module_of_error[1]
    )
    # and again, with the traceback
    debugged = barsweep(
        "run", config, "--archive", demo.path, "--out", tmp_path / "runs", "--log-level", "debug"
    )
    assert (
        debugged.status == 2
        and "Traceback (most recent call last)" in debugged.err
        and message in debugged.err
    )


@pytest.mark.parametrize("name", RETURNS)
def test_what_is_returned(
    name: str, demo: Archive, barsweep: Barsweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module, _, config = written(tmp_path, SCANNER + RETURNS[name][0] + "\n", False)
    for arguments in (
        ["run", config, "--archive", demo.path],
        ["config", "check", config],
        ["scan", module, "--archive", demo.path],
        ["scanners", "show", module],
    ):
        called = barsweep(*arguments)
        assert (
            called.status == 2 and RETURNS[name][1] in called.err and "Traceback" not in called.err
        ), called.err


@pytest.mark.parametrize(
    "name", ["features", "strategy's entries", "bar strategy's __init__", "__init__", "at import"]
)
def test_every_command_that_makes_one(
    name: str, demo: Archive, barsweep: Barsweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, more, _, message = CASES[name]
    monkeypatch.chdir(tmp_path)
    strategy = "trategy" in head
    module, path, config = written(tmp_path, head + more + "\n", strategy)
    commands: list[list[object]] = [
        ["config", "check", config],
        ["audit", config, "--archive", demo.path],
    ]
    commands.append(["strategies" if strategy else "scanners", "show", module])
    if not strategy:
        commands += [
            ["scan", module, "--archive", demo.path],
            [
                "explain",
                module,
                "--archive",
                demo.path,
                "--symbol",
                "AAPL",
                "--at",
                "2017-11-02 10:00",
            ],
        ]
    for arguments in commands:
        called = barsweep(*arguments)
        assert called.status == 2 and message in called.err and f"{path}, line " in called.err, (
            arguments,
            called.err,
        )
        assert "Traceback" not in called.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "--where", "close > 0"],
        ["archive", "quality"],
        ["explain", "--where", "close > 0", "--symbol", "AAPL", "--at", "2017-11-02 10:00"],
        ["run", "config.json"],
    ],
)
def test_reversed_dates(
    arguments: list[str],
    demo: Archive,
    barsweep: Barsweep,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, SCANNER, False)
    called = barsweep(
        *arguments, "--archive", demo.path, "--start", "2017-12-08", "--end", "2017-12-04"
    )
    assert (
        called.status == 2
        and "--start 2017-12-08 is after --end 2017-12-04: the two are reversed" in called.err
    )
    if arguments[0] == "run":
        called = barsweep(
            *arguments, "--archive", demo.path, "--start", "2017-12-08"
        )  # the config's end
        assert (
            called.status == 2
            and "start_date 2017-12-08 is after end_date 2017-11-02: the two are reversed"
            in called.err
        )
