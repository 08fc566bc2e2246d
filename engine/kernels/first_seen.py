"""Which of many finds is the first of its kind."""

from engine.kernels.jit import njit


@njit
def first_seen(places, seen, first):
    """Write first[i] = whether nothing has been seen at places[i] before, and note there that it has; int64, bool, bool."""
    for i in range(len(places)):
        first[i] = not seen[places[i]]
        seen[places[i]] = True
