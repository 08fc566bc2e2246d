"""Which of a stretch of sessions each daily bar is of."""

from engine.kernels.jit import njit


@njit
def number_rows(starts, ends, days, first_day, number_of_day, numbers):
    """Write numbers[row] = number_of_day[days[row] - first_day] for the rows starts[symbol] .. ends[symbol] - 1; all int64."""
    for symbol in range(len(starts)):
        for row in range(starts[symbol], ends[symbol]):
            numbers[row] = number_of_day[days[row] - first_day]


@njit
def mark_rows(starts, ends, numbers, there):
    """Write there[numbers[row], symbol] = True for the rows of each symbol; bool[sessions, symbols]."""
    for symbol in range(len(starts)):
        for row in range(starts[symbol], ends[symbol]):
            there[numbers[row], symbol] = True
