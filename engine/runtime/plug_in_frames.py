"""Whose code runs.

Why: what is noticed of a process (a file that is opened, a variable that is read) is to be told of
a plug-in, and not of the engine or a library that does it for its own sake. The calling thread's
stack tells.
The test: tests/audit/test_reads.py.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from pathlib import Path
from types import FrameType

from engine.runtime.forget_modules import INSTALLED

ENGINE = Path(__file__).resolve().parents[1]
OURS = tuple(f"{folder}{os.sep}" for folder in (ENGINE, ENGINE.parent / "scanners", *INSTALLED))
MADE = ("<frozen", "<string>", "<attrs", "<__array")  # code that libraries make


def plug_in_on_the_stack(
    until: str, unless: Collection[str] = (), only_through: Collection[str] | None = None
) -> str | None:
    """The module of a plug-in that has called what runs now; None where no plug-in has.

    until         a file of the engine, from which on the stack is not the plug-in's
    unless        files of the engine that do it for a plug-in by themselves
    only_through  names of files that may stand between; any where None
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.endswith(until) or any(map(file.endswith, unless)):
            return None
        if not file.startswith(MADE) and not os.path.realpath(file).startswith(OURS):
            return str(frame.f_globals.get("__name__", file))
        if (
            only_through is not None
            and not file.startswith(str(ENGINE))
            and os.path.basename(file) not in only_through
        ):
            return None
        frame = frame.f_back
    return None
