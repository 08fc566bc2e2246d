"""Every exception of the project: what is wrong, where, what was expected, and what to do about it.

A `BarsweepError` is a mistake in what the user gave us (a file, a key, a value). The command line
prints its message without a traceback and exits with status 2. Anything else that escapes is a bug
of ours.
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
from collections.abc import Iterable
from typing import Any

LONGEST_NAME = 200  # of a name that was mistyped
LONGEST_LINE = 2_000


class BarsweepError(Exception):
    """A mistake in the input, told in one message.

    what      what is wrong, with the offending value in it
    where     the file, key or place it was found in
    expected  what would have been right
    fix       what to do
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: str | None = None,
        fix: str | None = None,
    ):
        self.what = what
        self.where = None if where is None else str(where)
        self.expected = expected
        self.fix = fix
        super().__init__(self._message())

    def __reduce__(self) -> tuple[object, ...]:  # survives the trip back from a worker process
        return _rebuild, (type(self), self.what, self.where, self.expected, self.fix)

    def _message(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.fix:
            parts.append(self.fix)
        return "\n".join(map(_shortened, "; ".join(parts).replace("\n; ", "\n").split("\n")))


def _shortened(line: str) -> str:
    """A line of at most LONGEST_LINE characters or so: the middle of a longer one is left out."""
    return (
        line
        if len(line) <= LONGEST_LINE
        else f"{line[: LONGEST_LINE // 2]} ... {line[-LONGEST_LINE // 4 :]}"
    )


def _rebuild(
    kind: type[BarsweepError], what: str, where: str | None, expected: str | None, fix: str | None
) -> BarsweepError:
    return kind(what, where=where, expected=expected, fix=fix)


class ConfigError(BarsweepError):
    """A session config, or an option of a command, is wrong."""


class CalendarError(BarsweepError):
    """An unknown exchange, a date out of the calendar's reach, a schedule that cannot tick."""


class ArchiveError(BarsweepError):
    """An archive, or a file of one, cannot be read or is not what it should be."""


class SessionFileError(ArchiveError):
    """The bars of one session cannot be read.

    date  the session
    """

    def __init__(self, error: ArchiveError, date: dt.date):
        super().__init__(error.what, where=error.where, expected=error.expected, fix=error.fix)
        self.date = date

    def __reduce__(self) -> tuple[object, ...]:
        return SessionFileError, (
            ArchiveError(self.what, where=self.where, expected=self.expected, fix=self.fix),
            self.date,
        )


class BarImportError(BarsweepError):
    """Source files cannot be imported."""


class UniverseError(BarsweepError):
    """A universe cannot be loaded."""


class IndicatorError(BarsweepError):
    """An indicator is unknown, or its parameters or key are wrong."""


class ScannerError(BarsweepError):
    """A scanner cannot be loaded, is wrongly declared, or failed where the run cannot go on without
    it.
    """


class StrategyError(BarsweepError):
    """A strategy cannot be loaded, is wrongly declared, or asks for what cannot be."""


class RunError(BarsweepError):
    """A run cannot start or cannot write its results."""


class StoppedError(RunError):
    """A run was stopped from outside, not by its input: what it has done is worth keeping."""


class WriteError(StoppedError):
    """Results cannot be written: a full disk, a folder that may not be written to."""

    @classmethod
    def of(cls, error: BaseException, where: object) -> WriteError:
        """The error of writing to `where`, with the operating system's message."""
        message = (
            error.strerror
            if isinstance(error, OSError) and error.strerror
            else str(error).splitlines()[0]
        )
        number = re.search(r"\[errno (\d+)\]", message)  # as Arrow writes it
        message = os.strerror(int(number[1])) if number else message
        return cls(f"cannot be written: {message}", where=where)


class Interrupted(KeyboardInterrupt):
    """Work was interrupted (Ctrl-C, a notebook's stop button).

    result  the complete part of what was done until then

    Not a BarsweepError: code that does not catch it is stopped, as by any KeyboardInterrupt.
    """

    def __init__(self, result: object, what: str):
        super().__init__(what)
        self.result: Any = result


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None: for "did you mean" in messages."""
    if len(name) > LONGEST_NAME:
        return None  # comparing names takes time that grows with the square of the length
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A sentence suggesting the nearest known name, or None."""
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else None
