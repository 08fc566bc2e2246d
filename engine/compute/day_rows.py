"""Facts of calendar days for each daily bar."""

from engine.runtime.jit import njit


@njit
def look_up_days(first, last, starts, ends, days, first_day, of_day, out):
    """Write out[row] = of_day[days[row] - first_day] for the rows of symbols [first, last).

    starts, ends  int64[symbols]: a symbol's rows
    days          int64[rows], ordinals of dates
    of_day        int64[days], from first_day on
    """
    for symbol in range(first, last):
        for row in range(starts[symbol], ends[symbol]):
            out[row] = of_day[days[row] - first_day]


@njit
def mark_rows(starts, ends, days, first_day, number_of_day, there):
    """Write there[number_of_day[days[row] - first_day], symbol] = True for the rows of each symbol.

    there  bool[sessions, symbols]
    """
    for symbol in range(len(starts)):
        for row in range(starts[symbol], ends[symbol]):
            there[number_of_day[days[row] - first_day], symbol] = True
