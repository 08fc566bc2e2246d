"""Faults that change nothing which anybody could see, each with why.

A fault is told by its file, the text of its line, and its change, as the listing of survivors
prints them; what stands here is not counted against the tests. tests/mutants/test_faults.py holds
each entry to the source, so that an entry goes when its line goes.
"""

from __future__ import annotations

NEVER_EQUAL = "the date is no session, so none of the sessions around it is of that date"
AHEAD = "how far beyond what is asked for a calendar is built decides when it is built again, only"
SAME_VALUE = "where both are equal, what is assigned is what is there"
ZERO = "of nothing, and of minus nothing, both ways are nothing"

EQUIVALENT: dict[str, dict[tuple[str, str], str]] = {
    "engine/archive/vendor_files/validate.py": {
        (
            "twice = ordered.select(again | again.shift(-1, fill_value=False)).to_series()",
            "False -> True",
        ): "the last bar is taken for one of several alike, and is the only one that is alike",
        (
            '*[name for name in bars.columns if name not in ("symbol", "timestamp")],',
            "[name for name in bars.columns if name not in ('symbol', 'timestamp')]"
            " -> [name for name in bars.columns]",
        ): "bars are sorted by symbol and time first; to name them again changes no order",
    },
    "engine/clock/calendar.py": {
        (
            "before = [s.date for s in around if s.date < date][-1:]",
            "s.date < date -> s.date <= date",
        ): NEVER_EQUAL,
        (
            "after = [s.date for s in around if s.date > date][:1]",
            "s.date > date -> s.date >= date",
        ): NEVER_EQUAL,
        ("min(LATEST, high + dt.timedelta(days=60)),", "60 -> 59"): AHEAD,
        ("min(LATEST, high + dt.timedelta(days=60)),", "60 -> 61"): AHEAD,
        ("max(EARLIEST, low - dt.timedelta(days=400)),", "400 -> 399"): AHEAD,
        ("max(EARLIEST, low - dt.timedelta(days=400)),", "400 -> 401"): AHEAD,
    },
    "engine/trading/broker/decimals.py": {
        (
            "SPLITTER = 2.0**27 + 1.0  # halves a double's digits (Veltkamp)",
            "2.0 ** 27 + 1.0 -> 2.0 ** 27 - 1.0",
        ): "halves of 26 digits are halves whichever of both numbers splits them",
        (
            "positive = amount if amount[0] >= 0.0 else (-amount[0], -amount[1])",
            "amount[0] >= 0.0 -> amount[0] > 0.0",
        ): ZERO,
        (
            "return units if amount[0] >= 0.0 else -units",
            "amount[0] >= 0.0 -> amount[0] > 0.0",
        ): ZERO,
    },
    "engine/trading/broker/filling.py": {
        (
            "if order.reduce or opening <= rules.dust:",
            "order.reduce or opening <= rules.dust -> order.reduce",
        ): "spares the reckoning of what the account can take of nothing",
        (
            "if position.side * up > position.side * position.best:",
            "position.side * up > position.side * position.best"
            " -> position.side * up >= position.side * position.best",
        ): SAME_VALUE,
        (
            "if position.side * down < position.side * position.worst:",
            "position.side * down < position.side * position.worst"
            " -> position.side * down <= position.side * position.worst",
        ): SAME_VALUE,
    },
    "engine/scan/clause_evaluation.py": {
        (
            "self._places = ticks[:0]  # of the rows that were picked out, in the grid",
            "0 -> -1",
        ): "set before it is read: rows are picked out first",
    },
}
