"""The lock files: what is installed is pinned and known by its hash, and is nothing with a known hole.

These are the rules that need no network; `make audit` asks the advisory service.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.data import PROJECT

RUN, DEV = (PROJECT / name for name in ("requirements.lock", "requirements-dev.lock"))
PIN = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[0-9][0-9a-z.]*)(?: ; [^\\]+?)?(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n"
)
# Versions with holes that touch what we do with them, and where they are told of. `make audit` knows more.
HOLES = {
    "duckdb": ("<1.1", "CVE-2024-41672"),
    "jinja2": ("<3.1.6", "CVE-2025-27516"),
    "numpy": ("<1.22", "CVE-2021-41496"),
    "pillow": ("<11.3", "CVE-2025-48379"),
    "pyarrow": ("<14.0.1", "CVE-2023-47248"),
    "pydantic": ("<2.4", "CVE-2024-3772"),
    "pygments": ("<2.15.1", "CVE-2022-40896"),
    "pyyaml": ("<5.4", "CVE-2020-14343"),
    "tornado": ("<6.5", "CVE-2025-47287"),
}


def pins(path: Path) -> dict[str, Version]:
    return {match["name"]: Version(match["version"]) for match in PIN.finditer(path.read_text())}


def asked(*extras: str) -> list[Requirement]:
    """What pyproject.toml asks for, extras of extras included."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    found = [Requirement(text) for text in project["dependencies"]]
    for extra in extras:
        for text in project["optional-dependencies"][extra]:
            one = Requirement(text)
            found += asked(*one.extras) if one.name == project["name"] else [one]
    return found


@pytest.mark.parametrize("path", [RUN, DEV], ids=lambda p: p.name)
def test_there_are_pins_with_hashes_and_nothing_else(path: Path) -> None:
    assert PIN.sub("", path.read_text()) == ""


@pytest.mark.parametrize(("path", "extras"), [(RUN, ()), (DEV, ("dev",))], ids=["run", "dev"])
def test_all_that_the_project_asks_for_is_pinned(path: Path, extras: tuple[str, ...]) -> None:
    pinned = pins(path)
    for one in asked(*extras):
        assert one.specifier.contains(pinned[canonicalize_name(one.name)]), (
            f"{one}: run `make lock`"
        )


def test_tests_run_with_what_users_run_with() -> None:
    run, dev = pins(RUN), pins(DEV)
    assert run.items() <= dev.items()


def test_nothing_with_a_known_hole_is_pinned_or_allowed() -> None:
    least = {
        canonicalize_name(one.name): Version(next(iter(one.specifier)).version)
        for one in asked("dev")
        if one.specifier
    }
    for name, (versions, where) in HOLES.items():
        for chosen in (pins(DEV).get(name), least.get(name)):
            assert chosen is None or chosen not in SpecifierSet(versions), (
                f"{name} {chosen}: {where}"
            )


def test_the_makefile_installs_from_the_locks() -> None:
    text = (PROJECT / "Makefile").read_text()
    for path in (RUN, DEV):
        assert f"pip install --quiet --require-hashes --requirement {path.name}" in text
