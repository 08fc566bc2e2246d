"""The command line, as in the tests of the commands."""

from tests.cli.conftest import barsweep

__all__ = ["barsweep"]
