"""A run in a thread other than the main one: it is what it is in the main one; a time limit is refused in words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.archive.archive import Archive
from engine.errors import ConfigError
from tests.running import config, momentum, tables

SPAN = {"start": "2017-11-28", "end": "2017-11-29"}


def test_a_run_in_another_thread(demo: Archive) -> None:
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(tables, config([momentum()], **SPAN), demo).result()
    expected = tables(config([momentum()], **SPAN), demo)
    assert expected["hits"].height and all(
        found[name].equals(expected[name], null_equal=True) for name in ("hits", "symbols")
    )


def test_a_time_limit_in_another_thread_is_refused(demo: Archive) -> None:
    limited = config([momentum()], scan_time_limit=30.0, **SPAN)
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(ConfigError, match=r"cannot be kept here; .* leave scan_time_limit out"),
    ):
        pool.submit(tables, limited, demo).result()
    assert tables(limited, demo)["hits"].height
