"""Which of a stretch of sessions each daily bar is of."""

from engine.kernels.jit import njit


@njit
def number_rows(first, last, starts, ends, days, first_day, number_of_day, closes, numbers, known_at):
    """Write which session each row is of, and when it is known, of symbols [first, last); all int64.

    numbers[row] = number_of_day[days[row] - first_day] and known_at[row] = closes[numbers[row]], for the rows
    starts[symbol] .. ends[symbol] - 1.
    """
    for symbol in range(first, last):
        for row in range(starts[symbol], ends[symbol]):
            number = number_of_day[days[row] - first_day]
            numbers[row], known_at[row] = number, closes[number]


@njit
def mark_rows(starts, ends, numbers, there):
    """Write there[numbers[row], symbol] = True for the rows of each symbol; bool[sessions, symbols]."""
    for symbol in range(len(starts)):
        for row in range(starts[symbol], ends[symbol]):
            there[numbers[row], symbol] = True
