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
        "tests/trading/test_model.py",
        "tests/trading/test_ways_out.py",
    ),
    compiled=False,
)
DECIMALS = Mirror(
    ("tests/trading/test_decimals.py", "tests/trading/test_grids.py"),
    compiled=False,
)
CLOCK = Mirror(("tests/clock",))
PANEL = Mirror(("tests/panel",))
EVALUATE = Mirror(("tests/analysis/test_tally.py", "tests/analysis/test_evaluate.py"))

MIRRORS: dict[str, Mirror] = {
    "engine/trading/broker/decimals.py": DECIMALS,
    "engine/trading/broker/filling.py": BROKER,
    "engine/trading/broker/money.py": BROKER,
    "engine/trading/broker/overnight.py": BROKER,
    "engine/trading/broker/placing.py": BROKER,
    "engine/trading/broker/prices.py": BROKER,
    "engine/trading/broker/records.py": BROKER,
    "engine/trading/broker/signals.py": BROKER,
    "engine/trading/broker/walk.py": BROKER,
    "engine/trading/broker/quotes.py": BROKER,
    "engine/trading/broker_account.py": BROKER,
    "engine/trading/rules.py": BROKER,
    "engine/scan/expression_language.py": Mirror(
        ("tests/scan/test_language.py", "tests/scan/test_grammar.py")
    ),
    "engine/scan/language_functions.py": Mirror(
        ("tests/scan/test_language.py", "tests/scan/test_grammar.py")
    ),
    "engine/scan/clause_evaluation.py": Mirror(
        (
            "tests/scan/test_evaluation.py",
            "tests/scan/test_expressions.py",
        )
    ),
    "engine/clock/calendar.py": CLOCK,
    "engine/clock/calendar_cache.py": CLOCK,
    "engine/clock/from_parts.py": CLOCK,
    "engine/clock/interval.py": CLOCK,
    "engine/clock/schedule.py": CLOCK,
    "engine/clock/time_manager.py": CLOCK,
    "engine/panel/bars.py": PANEL,
    "engine/panel/session_panel.py": PANEL,
    "engine/panel/session_coverage.py": PANEL,
    "engine/archive/vendor_files/validate.py": Mirror(("tests/archive/test_validate.py",)),
    "engine/archive/reference/corporate_actions.py": Mirror(("tests/archive/test_actions.py",)),
    "engine/archive/reference/universe.py": Mirror(
        ("tests/archive/test_members.py", "tests/archive/test_universe.py")
    ),
    "engine/analysis/evaluate.py": EVALUATE,
    "engine/analysis/tally.py": EVALUATE,
    "engine/analysis/forward_returns.py": EVALUATE,
    "engine/analysis/metrics.py": Mirror(("tests/analysis/test_metrics.py",)),
}
