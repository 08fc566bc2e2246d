"""Small faults, one at a time: do the tests that mirror a file notice them?

    python -m tests.mutants                       so many faults of every file, drawn at random
    python -m tests.mutants prices.py --all       every fault of the files whose path ends so
    python -m tests.mutants --seed 5 --count 40

Exit status 1 where a file's tests notice less than 90 % of the faults that change something, or a
fault survives that tests/mutants/equivalent.py does not explain.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.faults import Fault, draw, read_faults
from tests.mutants.table import MIRRORS
from tests.mutants.trial import Outcome, copy_tree, run_trials

ROOT = Path(__file__).resolve().parents[2]
COUNT, SEED = 25, 20261201
LEAST = 0.9  # share of the faults that change something, noticed


def explained(fault: Fault) -> str | None:
    """Why a fault changes nothing, where that is known."""
    return EQUIVALENT.get(fault.file, {}).get((fault.text, fault.change))


def main(arguments: list[str] | None = None) -> int:
    """Runs the trials and prints a table of the files and the list of survivors."""
    given = _parser().parse_args(arguments)
    files = [file for file in MIRRORS if not given.files or file.endswith(tuple(given.files))]
    if not files:
        raise SystemExit(f"no file of tests/mutants/table.py ends in {' or '.join(given.files)}")
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = copy_tree(ROOT, Path(folder))
        for file in files:
            outcomes += _try_file(tree, file, None if given.all else given.count, given.seed)
    return _report(files, outcomes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", nargs="*", help="ends of paths in tests/mutants/table.py")
    parser.add_argument("--count", type=int, default=COUNT, help="faults a file (%(default)s)")
    parser.add_argument("--all", action="store_true", help="every fault")
    parser.add_argument("--seed", type=int, default=SEED, help="of the draw (%(default)s)")
    return parser


def _try_file(tree: Path, file: str, count: int | None, seed: int) -> list[Outcome]:
    faults = draw(read_faults(tree, file), count, seed)
    told = tree.parent / "outcomes"
    told.write_text("")
    with told.open("a") as out:

        def tell(outcome: Outcome) -> None:
            out.write(f"{faults.index(outcome.fault)} {outcome.told} {outcome.seconds}\n")
            out.flush()
            if not outcome.noticed:
                print(_line(outcome.fault), flush=True)

        run_trials(tree, MIRRORS[file], faults, tell)
    rows = [line.split() for line in told.read_text().splitlines()]
    if len(rows) != len(faults):
        raise SystemExit(f"{file}: {len(rows)} of {len(faults)} faults were tried")
    return [Outcome(faults[int(number)], how, float(took)) for number, how, took in rows]


def _line(fault: Fault) -> str:
    why = explained(fault)
    return f"{fault.file}:{fault.line}: {fault.text}\n    {fault.change}\n    " + (
        f"changes nothing: {why}" if why else "SURVIVED"
    )


def _report(files: list[str], outcomes: list[Outcome]) -> int:
    print(
        f"\n{'file':40} {'faults':>7} {'noticed':>8} {'explained':>10} {'share':>7} {'s each':>7}"
    )
    failed = False
    for file in files:
        own = [outcome for outcome in outcomes if outcome.fault.file == file]
        noticed = sum(outcome.noticed for outcome in own)
        known = sum(not o.noticed and explained(o.fault) is not None for o in own)
        share = noticed / max(1, len(own) - known)
        failed |= share < LEAST or noticed + known < len(own)
        seconds = sum(outcome.seconds for outcome in own) / max(1, len(own))
        print(
            f"{file:40} {len(own):7} {noticed:8} {known:10} {share:7.1%} {seconds:7.1f}", flush=True
        )
    return int(failed)


if __name__ == "__main__":
    started = time.monotonic()
    status = main()
    print(f"\n{time.monotonic() - started:.0f} s")
    sys.exit(status)
