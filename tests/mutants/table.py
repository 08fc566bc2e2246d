"""Which tests mirror which source file: what `python -m tests.mutants` runs for the faults of each.

The quickest tests stand first, for the first failure ends a run. `compiled=False` runs kernels as
Python (`NUMBA_DISABLE_JIT=1`), which is quicker than compiling a changed one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mirror:
    """The tests of one source file, as pytest takes them."""

    tests: tuple[str, ...]
    compiled: bool = True


BROKER = Mirror(
    (
        "tests/trading/test_fills.py",
        "tests/trading/test_ways_out.py",
        "tests/trading/test_model.py",
        "tests/trading/test_grids.py",
    ),
    compiled=False,
)

MIRRORS: dict[str, Mirror] = {
    "engine/kernels/broker/decimals.py": BROKER,
    "engine/kernels/broker/filling.py": BROKER,
    "engine/kernels/broker/money.py": BROKER,
    "engine/kernels/broker/overnight.py": BROKER,
    "engine/kernels/broker/placing.py": BROKER,
    "engine/kernels/broker/prices.py": BROKER,
    "engine/kernels/broker/records.py": BROKER,
    "engine/kernels/broker/signals.py": BROKER,
    "engine/kernels/broker/walk.py": BROKER,
    "engine/trading/broker.py": BROKER,
    "engine/scan/language.py": Mirror(("tests/scan/test_language.py",)),
}
