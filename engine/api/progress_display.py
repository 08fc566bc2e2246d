"""Who is told how far work is: whoever was named, else a notebook's widget, else a line on a
terminal, else nobody.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from engine.progress import Progress, silent

PAUSE = 0.1  # seconds between two looks at a line or a widget


@contextmanager
def telling(on_progress: Progress | None) -> Iterator[Progress]:
    """What to call with what, done, and of how many."""
    if on_progress is not None:
        yield on_progress
        return
    shown = _shown()
    try:
        yield shown.tell if shown else silent
    finally:
        if shown:
            shown.close()


def by_session(progress: Progress) -> Callable[[int, int, Any], None]:
    """A run's progress, as told by its sessions, in words."""
    return lambda done, total, date: progress(f"sessions: {date}", done, total)


def _shown() -> _Shown | None:
    """A widget in a notebook, a line where somebody types, nothing in a script."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and hasattr(shell, "kernel"):
        return _Widget() if importlib.util.find_spec("ipywidgets") else _Line()
    typed = shell is not None or hasattr(sys, "ps1")
    return _Line() if typed and sys.stderr is not None else None


class _Shown:
    """Something that shows the last that was told, now and then."""

    def __init__(self) -> None:
        self._next = 0.0

    def tell(self, what: str, done: int, total: int) -> None:
        """Show it, unless something was shown a moment ago."""
        now = time.monotonic()
        if now >= self._next or done >= total:
            self._next = now + PAUSE
            self.show(what, done, total)

    def show(self, what: str, done: int, total: int) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class _Line(_Shown):
    """One line on stderr, written over and over."""

    _wide = 0

    def show(self, what: str, done: int, total: int) -> None:
        text = f"{what} {done}/{total}"
        sys.stderr.write(f"\r{text:<{self._wide}}")
        sys.stderr.flush()
        self._wide = len(text)

    def close(self) -> None:
        if self._wide:
            sys.stderr.write(f"\r{'':<{self._wide}}\r")
            sys.stderr.flush()


class _Widget(_Shown):
    """A bar of ipywidgets, which goes when the work is over."""

    def __init__(self) -> None:
        super().__init__()
        import ipywidgets
        from IPython.display import display

        self._bar = ipywidgets.IntProgress(layout={"width": "60%"})
        self._text = ipywidgets.Label()
        self._box = ipywidgets.HBox([self._bar, self._text])
        display(self._box)

    def show(self, what: str, done: int, total: int) -> None:
        self._bar.max, self._bar.value = max(1, total), done
        self._text.value = f"{what} {done}/{total}"

    def close(self) -> None:
        self._box.close()
