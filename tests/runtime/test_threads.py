"""Items are shared by threads, each is done once, and what one raises is raised."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from engine.runtime import threads as shared


@pytest.fixture(params=[1, 4])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setenv(shared.THREADS, str(request.param))
    shared._pool.cache_clear()
    yield request.param
    shared._pool.cache_clear()


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_each_is_done_once(threads: int, count: int) -> None:
    done: list[int] = []
    shared.in_threads(done.append, range(count))
    assert sorted(done) == list(range(count))


def test_others_help(threads: int) -> None:
    met = threading.Barrier(threads, timeout=20)  # all of them at once, or it breaks
    shared.in_threads(lambda _: met.wait(), range(threads))


@pytest.mark.parametrize("bad", [0, 7, 199])
def test_what_one_raises_is_raised_and_no_more_is_begun(threads: int, bad: int) -> None:
    """An IndexError, too, which is what says that nothing is left."""
    running, begun = threading.Lock(), [0]

    def job(item: int) -> None:
        with running:
            begun[0] += 1
        if item == bad:
            raise IndexError("of the job")
        time.sleep(0.001)

    with pytest.raises(IndexError, match="of the job"):
        shared.in_threads(job, range(200))
    assert threads > 1 or begun[0] == bad + 1
    time.sleep(0.01)
    now = begun[0]
    time.sleep(0.01)
    assert begun[0] == now


def test_after_ctrl_c_helpers_are_not_waited_for(threads: int) -> None:
    """They may be compiling a kernel, which takes seconds."""
    begun, go_on, main = [], threading.Event(), threading.current_thread()

    def job(item: int) -> None:
        begun.append(item)
        if threading.current_thread() is not main:
            go_on.wait(20)
            return
        while len(begun) < threads:
            time.sleep(0.001)
        raise KeyboardInterrupt

    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        shared.in_threads(job, range(200))
    assert time.monotonic() - before < 10
    go_on.set()
    time.sleep(0.01)
    assert len(begun) == threads
