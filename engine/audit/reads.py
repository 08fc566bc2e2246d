"""Warns of what plug-ins read that an audit cannot redirect to a changed archive.

While a replay over a changed archive runs, these reads by a plug-in's code are noticed:

files                   in the archive itself, in earlier runs, or elsewhere, except Python,
                        installed packages and the changed copies
services and processes  connections and commands
environment             variables and the command line

Files of a universe that the config names are read by the engine, so they are redirected.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.archive.archive import Archive
from engine.audit.paths import is_above, paths_in, start_of
from engine.runtime.opened_files import watched
from engine.runtime.plug_in_frames import OURS, plug_in_on_the_stack
from engine.runtime.read_settings import watched_settings

PLUG_IN_CALLER = os.path.join("audit", "audited_session.py")  # calls the plug-ins
KNOWN = (
    os.path.join("reference", "universe.py"),
    os.path.join("runtime", "module_loader.py"),
)
OF_THE_ENVIRONMENT = (
    "os.py",
    "_collections_abc.py",
    "read_settings.py",
)  # files of `os.environ.get`
SYSTEM = ("/proc", "/sys", "/dev", "/usr/share/zoneinfo")
SOURCE = (".py", ".pyc", ".so")
ELSEWHERE = {
    "socket.connect": "a service",
    "subprocess.Popen": "a process",
    "os.system": "a process",
}
IN_ARCHIVE, IN_RUN, OUTSIDE = (
    "the archive itself",
    "an earlier run",
    "outside of what can be led to another future",
)
SHOWN = 3  # names of each kind in a warning


@dataclass
class Reads:
    """What was noticed: (module of the plug-in, kind) -> the names, in order."""

    archive: Archive
    found: dict[tuple[str, str], dict[str, None]] = field(default_factory=dict)

    @contextmanager
    def watch(self, changed: Path) -> Iterator[None]:
        """Watch a replay whose files lie in the folder `changed`."""
        self._changed = changed.resolve()
        with ExitStack() as stack:
            stack.enter_context(watched(self._opened))
            stack.enter_context(watched_settings(self._read))
            yield

    @property
    def warnings(self) -> list[str]:
        """One warning per plug-in and kind."""
        told = []
        for (module, kind), names in self.found.items():
            some = ", ".join(list(names)[:SHOWN]) + (
                f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
            )
            told.append(
                f"{module} reads {kind}: {some}; the audit cannot see what that tells of the future"
            )
        return told

    def _note(self, module: str, kind: str, what: str) -> None:
        self.found.setdefault((module, kind), {})[what] = None

    def _read(self, kind: str, name: object) -> None:
        through = OF_THE_ENVIRONMENT if kind == "environment" else ()
        module = plug_in_on_the_stack(PLUG_IN_CALLER, only_through=through)
        if module is not None and kind == "environment":
            self._note(module, "environment variables", str(name))
        elif module is not None:
            self._note(module, "the command line", "sys.argv")

    def _opened(self, event: str, what: object) -> None:
        module = plug_in_on_the_stack(PLUG_IN_CALLER, KNOWN)
        if module is None:
            return
        if event in ELSEWHERE:
            self._note(module, ELSEWHERE[event], str(what))
        elif isinstance(what, str | bytes | os.PathLike):
            text = os.fsdecode(what)
            for path in paths_in(text) if event.startswith("duckdb.") else [start_of(text)]:
                kind = self._kind(Path(path), event)
                if kind is not None:
                    self._note(module, kind, path)

    def _kind(self, path: Path, event: str) -> str | None:
        """The kind of a file that cannot be redirected; None for known or missing files."""
        try:
            real = path.resolve()
            there = real.is_file() or real.is_dir()
        except (OSError, ValueError):
            return None
        text, archive = str(real), self.archive.path.resolve()
        if (
            not there
            or real.is_relative_to(self._changed)
            or text.endswith(SOURCE)
            or text.startswith((*OURS, *SYSTEM))
        ):
            return None
        if real.is_relative_to(archive) or is_above(real, archive):
            return (
                IN_ARCHIVE
                if real.is_relative_to(archive) or not event.startswith(("open", "os."))
                else None
            )
        if any(
            (folder / "manifest.json").is_file() and (folder / "hits.parquet").is_file()
            for folder in (real, *real.parents)
        ):
            return IN_RUN
        return OUTSIDE if real.is_file() else None
