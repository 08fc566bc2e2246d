"""Which hits are the first of their scanner and symbol."""

from engine.runtime.jit import njit


@njit
def first_seen(numbers, places, seen, first):
    """Write first[i] = whether seen[numbers[i], places[i]] was False, and set it.

    numbers, places  int64[hits]
    seen             bool[numbers, places]
    first            bool[hits]
    """
    for i in range(len(places)):
        first[i] = not seen[numbers[i], places[i]]
        seen[numbers[i], places[i]] = True
