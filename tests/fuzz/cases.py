"""What fuzz tests share: how many cases there are, and what counts as an answer."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from engine.errors import BarsweepError

NIGHTLY = "nightly"  # the hypothesis profile of `make fuzz`, registered in tests/conftest.py
SECONDS = (
    120  # of computing, so that a busy machine is no failure; without an answer by then it hangs
)
LONGEST = 20_000  # characters of a message that somebody can still read

tally: Counter[tuple[str, str]] = (
    Counter()
)  # (kind, "result" or "error") -> cases, told when the tests are over


def cases(short: int, nightly: int) -> settings:
    """So many cases in `make test`, and in `make fuzz`."""
    count = nightly if settings.get_current_profile_name() == NIGHTLY else short
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))


def answer(kind: str, ask: Callable[[], Any]) -> Any:
    """What `ask` gives: a result, or the one error of ours. Whatever else is raised, and silence, fails the test.

    kind  under which the case is counted; "" where it has been, by an earlier question
    """
    try:
        with _limit():
            result = ask()
    except BarsweepError as error:
        message = str(error)
        assert error.what.strip() and len(message) < LONGEST and "Traceback" not in message, message
        tally[kind, "error"] += bool(kind)
        return error
    except BaseException as error:
        if (
            type(error).__name__ == "PanicException"
        ):  # polars'; not an Exception, so that hypothesis would not shrink it
            raise AssertionError(f"panic: {error}") from None
        raise
    tally[kind, "result"] += bool(kind)
    return result


@contextmanager
def _limit() -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise AssertionError(f"no answer after computing for {SECONDS} s")

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


# Values that have broken programs before, beside whatever hypothesis thinks of.
TEXTS = st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\n",
        "..",
        "../../etc/passwd",
        "/",
        "~",
        "~nobody-here/x",
        "é",
        "\u202e",
        "💥",
        "'",
        '"',
        "<script>",
        "a" * 300,
        "1m",
        "5m",
        "0m",
        "1d",
        "9999h",
        "close",
        "09:35",
        "24:00",
        "23:59:59.5",
        "09:35+05:00",
        "0001-01-01",
        "9999-12-31",
        "2018-02-30",
        "nan",
        "-inf",
        "1e400",
        "true",
        "null",
        "all",
        "AAPL",
        "XNYS",
        "24/7",
        "sma",
        "sma_20_1d",
        "macd_12_26_9_5m.signal",
    ]
) | st.text(max_size=30)
NUMBERS = (
    st.sampled_from(
        [0, 1, -1, 2, 7, 60, 10**4, 10**9, 2**31, 2**63, 10**30, 0.5, -0.0, 1e-320, 1e300]
    )
    | st.integers()
    | st.floats()
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
