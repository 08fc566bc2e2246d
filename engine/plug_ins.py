"""Errors of plug-ins as one message: what failed, the file, the line and the expression.

Plug-ins (scanners, strategies, registered indicators) are users' code. Whatever they raise before
the first session is a mistake in the input, like a wrong key of a config: it becomes a
BarsweepError, and the traceback goes to the log (`--log-level debug`).
"""

from __future__ import annotations

import inspect
import linecache
import logging
import re
import site
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import BarsweepError

log = logging.getLogger("barsweep")
TRACEBACK = "the traceback: --log-level debug"
LONGEST_EXPRESSION = 200
_ENGINE = Path(__file__).parent
_BUILT_IN = _ENGINE / "strategies"  # plug-ins that come with the engine
_PYTHON = map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))
_INSTALLED = [Path(folder) for folder in {*_PYTHON, *site.getsitepackages()}]
_NUMBA_PLACE = re.compile(r'File "([^"]+)", line (\d+)')
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def plug_in_code(
    what: str, where: object, error: type[BarsweepError], code: Any = None
) -> Iterator[None]:
    """Run a plug-in's code; `error` for whatever it raises, unless that is a message of ours
    already.

    what   what is run, such as "criteria()"
    where  the plug-in
    code   the function or class, of which the file is told where the traceback leads nowhere into
           it
    """
    try:
        yield
    except BarsweepError:
        raise
    except (Exception, SystemExit) as raised:
        log.debug("%s of %s failed\n%s", what, where, traceback.format_exc())
        raise error(
            f"{what} failed: {error_text(raised, code)}", where=where, fix=TRACEBACK
        ) from raised


def instantiate(
    kind: Callable[..., Any], where: object, error: type[BarsweepError], *arguments: Any
) -> Any:
    """An instance of a plug-in's class."""
    with plug_in_code("__init__()", where, error, kind):
        instance = kind(*arguments)
    if not hasattr(instance, "config"):  # the base class's __init__ sets it
        raise error(
            "__init__() leaves the base class as it is",
            where=f"{where}, {_place_of(kind)}",
            expected="super().__init__(config)",
        )
    return instance


def named_expressions(
    plug_in: Any, method: str, where: object, error: type[BarsweepError]
) -> Mapping[str, Any]:
    """The named expressions that a method of a plug-in returns."""
    with plug_in_code(f"{method}()", where, error, getattr(type(plug_in), method)):
        returned = getattr(plug_in, method)()
    if not isinstance(returned, Mapping) or not all(isinstance(name, str) for name in returned):
        names = (
            f" with names of {type(next(iter(returned), None)).__name__}"
            if isinstance(returned, Mapping)
            else ""
        )
        raise error(
            f"{method}() returned {type(returned).__name__}{names}",
            where=where,
            expected="a dictionary of expressions by their names",
        )
    return returned


def error_text(raised: BaseException, code: Any = None) -> str:
    """An exception as text: type, message, and file, line and expression in the user's code."""
    text = f"{type(raised).__name__}: {_reason(raised)}".removesuffix(": ")
    place = _place_in(raised, code) or (_place_of(code) if code is not None else "")
    return f"{text}, in {place}" if place else text


def _reason(raised: BaseException) -> str:
    """The message in one line; of numba's, which are pages, the line that says what is wrong."""
    lines = [line.strip() for line in _COLOUR.sub("", str(raised)).splitlines() if line.strip()]
    if type(raised).__module__.startswith("numba"):
        lines = [line for line in lines if not line.startswith(("Failed in", "File ", "<source"))]
    return lines[0] if lines else ""


def _place_in(raised: BaseException, code: Any) -> str | None:
    """The innermost line of the traceback in user code: not the engine's, not a library's."""
    if isinstance(raised, SyntaxError) and raised.filename:
        return _place(raised.filename, raised.lineno or 0, raised.text or "")
    if type(raised).__module__.startswith("numba"):
        places = _NUMBA_PLACE.findall(_COLOUR.sub("", str(raised)))
        # The engine's code that calls the user's function is compiled under the user's file name;
        # only line numbers within the function are the user's.
        first, last = _lines_of(code)
        in_code = [
            (str(Path(file).absolute()), int(line))
            for file, line in places
            if first <= int(line) <= last
        ]
        return _place(*in_code[-1], linecache.getline(*in_code[-1])) if in_code else None
    frames = [
        frame
        for frame in traceback.extract_tb(raised.__traceback__)
        if _is_users(Path(frame.filename))
    ]
    return (
        _place(frames[-1].filename, frames[-1].lineno or 0, _expression(frames[-1]))
        if frames
        else None
    )


def _lines_of(code: Any) -> tuple[int, int]:
    """The first line of a function, and the last."""
    try:
        lines, first = inspect.getsourcelines(code)
        return first, first + len(lines) - 1
    except (OSError, TypeError):
        return 0, 0


def _place_of(code: Any) -> str:
    """Where a function or a class begins."""
    try:
        lines, first = inspect.getsourcelines(inspect.unwrap(getattr(code, "py_func", code)))
        number = next((n for n, line in enumerate(lines) if not line.lstrip().startswith("@")), 0)
        return _place(
            inspect.getsourcefile(inspect.unwrap(getattr(code, "py_func", code))) or "?",
            first + number,
            lines[number],
        )
    except (OSError, TypeError):
        return ""


def _place(file: str, line: int, expression: str) -> str:
    shown = " ".join(expression.split())
    shown = shown if len(shown) <= LONGEST_EXPRESSION else f"{shown[:LONGEST_EXPRESSION]}..."
    return f"{file}, line {line}: {shown}".removesuffix(": ")


def _expression(frame: traceback.FrameSummary) -> str:
    """The expression of a frame that was evaluated: of its line, the part that Python knows to be
    at fault.
    """
    whole = linecache.getline(frame.filename, frame.lineno or 0).encode()
    if frame.colno is not None and frame.end_colno is not None and frame.lineno == frame.end_lineno:
        return whole[frame.colno : frame.end_colno].decode(errors="replace") or frame.line or ""
    return frame.line or ""


def _is_users(file: Path) -> bool:
    if file.is_relative_to(_BUILT_IN):
        return True
    return not str(file).startswith("<frozen") and not any(
        file.is_relative_to(folder) for folder in (_ENGINE, *_INSTALLED)
    )
