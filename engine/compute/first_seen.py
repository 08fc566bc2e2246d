"""Which of many finds is the first of its kind."""

from engine.runtime.jit import njit


@njit
def first_seen(numbers, places, seen, first):
    """Write first[i] = whether nothing has been seen at seen[numbers[i], places[i]] before, and
    note there that it has.

    numbers, places  int64
    seen, first      bool
    """
    for i in range(len(places)):
        first[i] = not seen[numbers[i], places[i]]
        seen[numbers[i], places[i]] = True
