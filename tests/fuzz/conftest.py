"""Says how many cases there were, of which kinds, and how they were answered; adds up what the workers of xdist tell."""

from __future__ import annotations

from typing import Any

import pytest

from engine.archive.archive import Archive
from engine.archive.ingest.demo import make_demo
from tests.fuzz.cases import tally


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """8 symbols, 4 sessions from 2017-11-01."""
    path = tmp_path_factory.mktemp("fuzz") / "small"
    make_demo(path, symbols=8, sessions=4)
    return Archive.open(path)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its counts to the process that started it."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["fuzz"] = [[*key, count] for key, count in tally.items()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add a worker's counts."""
    for kind, answered, count in getattr(node, "workeroutput", {}).get("fuzz", ()):
        tally[kind, answered] += count


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The counts, where tests of this folder ran."""
    kinds = sorted({kind for kind, _ in tally if kind})
    if not kinds:
        return
    terminalreporter.write_line(f"fuzz: {sum(tally.values()):,} cases")
    for kind in kinds:
        terminalreporter.write_line(
            f"  {kind:24} {tally[kind, 'result']:8,} results {tally[kind, 'error']:8,} errors"
        )
