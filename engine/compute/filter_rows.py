"""Conditions over rows of ticks and symbols, evaluated without a frame: a small machine that works
on stretches of rows.

Rows go through the conditions a stretch at a time, so that what one step makes is read by the next
from the processor's cache, and only rows that passed a condition are read for the next one (the
selection vectors of MonetDB/X100; Boncz, Zukowski, Nes: Hyper-pipelining query execution, CIDR
2005).
"""

import numpy as np
from numba import carray, types  # type: ignore[attr-defined]
from numba.extending import intrinsic

from engine.runtime.jit import njit

# What a step does with the machine's stack. A place on the stack is a number, missing where it is
# NaN, or a truth, known or missing.
LOAD, CONSTANT, LOAD_TRUTH, TRUTH = 0, 1, 2, 3
ADD, SUBTRACT, MULTIPLY, DIVIDE = 10, 11, 12, 13
GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, EQUAL, UNEQUAL = 20, 21, 22, 23, 24, 25
AND, OR = 30, 31
NOT, NEGATE, ABSOLUTE, IS_MISSING, IS_KNOWN, IS_NAN, IS_NUMBER = (
    40,
    41,
    42,
    43,
    44,
    45,
    46,
)  # IS_MISSING, IS_KNOWN: of a truth
WITH_CONSTANT = 100  # added to a computation or comparison whose right side is a constant, no NaN

ROWS_A_STRETCH = 1024
PICK_BELOW = 0.5  # share of a stretch's rows below which those that are left are picked out
DEEPEST = 8  # places on the stack


@intrinsic
def _pointer(typing_context, address):
    """The address of a float64 as a pointer to it."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.float64)(types.int64), generate


@intrinsic
def _pointer_to_integers(typing_context, address):
    """The address of an int64 as a pointer to it."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.int64)(types.int64), generate


@njit
def filter_rows(
    ticks, spans, members, columns, steps, constants, ends, counts, out_ticks, out_members
):
    """Write the rows for which all conditions hold, tick by tick, and return how many they are.

    ticks                   int64, increasing
    spans                   int64[2, ticks]: the rows of a tick are members[spans[0]:spans[1]]
    members                 int64, increasing within each span
    columns                 int64[columns, 4]: address of a column's float64[0, 0], bytes from tick
                            to tick, from place to place, address of the members' places, int64, or
                            0 where a member's place is its number
    steps                   int64[steps, 2]: what to do, and with which column or constant
    ends                    int64[conditions]: where each condition's steps end
    counts                  uint32[conditions, every tick there is], written at `ticks`: rows left
                            after each condition
    out_ticks, out_members  int64, long enough for every row

    A missing value (NaN, of a column or computed as 0 / 0 is) makes whatever is computed from it
    missing, comparisons and `not` among it, but for `or` with a truth and `and` with an untruth; a
    condition does not hold where it is missing.
    """
    numbers = np.empty((DEEPEST, ROWS_A_STRETCH))
    truths = np.empty((DEEPEST, ROWS_A_STRETCH), np.bool_)
    known = np.empty((DEEPEST, ROWS_A_STRETCH), np.bool_)
    left = np.empty(ROWS_A_STRETCH, np.bool_)
    picked = np.empty(ROWS_A_STRETCH, np.int64)
    found = 0
    for place in range(len(ticks)):
        tick = ticks[place]
        for first in range(spans[0, place], spans[1, place], ROWS_A_STRETCH):
            rows = min(spans[1, place] - first, ROWS_A_STRETCH)
            who = members[first : first + rows]
            _fill(True, left[:rows])
            count, step = rows, 0
            for condition in range(len(ends)):
                if count:
                    _evaluate(
                        tick,
                        who,
                        rows,
                        columns,
                        steps[step : ends[condition]],
                        constants,
                        numbers,
                        truths,
                        known,
                    )
                    count = _pass_on(rows, left, truths[0], known[0])
                    if count < PICK_BELOW * rows:
                        rows, who = _pick(rows, left, who, picked), picked
                step = ends[condition]
                counts[condition, tick] += count
            if count < rows:
                rows, who = _pick(rows, left, who, picked), picked
            for row in range(rows):
                out_ticks[found + row] = tick
                out_members[found + row] = who[row]
            found += rows
    return found


@njit
def compute_rows(ticks, spans, members, columns, steps, constants, ends, first_row, out):
    """Write the numbers that computations come to in every row, NaN where there is none.

    ticks, spans, members, columns, steps, constants, ends  as for `filter_rows`
    first_row  of `out`, where the first goes
    out        float64[computations, rows]
    """
    numbers = np.empty((DEEPEST, ROWS_A_STRETCH))
    truths = np.empty((DEEPEST, ROWS_A_STRETCH), np.bool_)
    known = np.empty((DEEPEST, ROWS_A_STRETCH), np.bool_)
    done = first_row
    for place in range(len(ticks)):
        for first in range(spans[0, place], spans[1, place], ROWS_A_STRETCH):
            rows, step = min(spans[1, place] - first, ROWS_A_STRETCH), 0
            who = members[first : first + rows]
            for number in range(len(ends)):
                _evaluate(
                    ticks[place],
                    who,
                    rows,
                    columns,
                    steps[step : ends[number]],
                    constants,
                    numbers,
                    truths,
                    known,
                )
                for row in range(rows):
                    out[number, done + row] = numbers[0, row]
                step = ends[number]
            done += rows


@njit
def _pass_on(rows, left, truth, known):
    """Note which rows passed, and return how many are left."""
    count = 0
    for row in range(rows):
        left[row] &= truth[row] & known[row]
        count += left[row]
    return count


@njit
def _pick(rows, left, who, picked):
    """Write the rows that are left, which may be the same array, and return how many they are."""
    kept = 0
    for row in range(rows):
        picked[kept] = who[row]  # no branch: whether a row is left is hard to foretell
        kept += left[row]
    _fill(True, left[:kept])
    return kept


@njit
def _evaluate(tick, who, rows, columns, steps, constants, numbers, truths, known):
    """Run one condition's steps; what it comes to stands in the first place of the stack."""
    top = -1
    for step in range(len(steps)):
        what, argument = steps[step]
        if what <= TRUTH:
            top += 1
            if what in (CONSTANT, TRUTH):
                _fill(constants[argument], numbers[top][:rows])
            else:
                _load(tick, who, rows, columns[argument], numbers[top])
            if what >= LOAD_TRUTH:
                _as_truth(rows, numbers[top], truths[top], known[top])
        elif what <= DIVIDE:
            top -= 1
            _compute(what, rows, numbers[top], numbers[top + 1])
        elif what <= UNEQUAL:
            top -= 1
            _both_known(rows, numbers[top], numbers[top + 1], known[top])
            _compare(what, rows, numbers[top], numbers[top + 1], truths[top])
        elif what <= OR:
            top -= 1
            _connect(what, rows, truths[top], known[top], truths[top + 1], known[top + 1])
        elif what < WITH_CONSTANT:
            _alone(what, rows, numbers[top], truths[top], known[top])
        elif what <= WITH_CONSTANT + DIVIDE:
            _compute_with(what - WITH_CONSTANT, rows, numbers[top], constants[argument])
        else:
            _name_known(rows, numbers[top], known[top])
            _compare_with(
                what - WITH_CONSTANT, rows, numbers[top], constants[argument], truths[top]
            )


@njit
def _load(tick, who, rows, column, number):
    address, apart = column[0] + tick * column[1], column[2]
    if apart == 0:
        _fill(carray(_pointer(address), 1)[0], number[:rows])
        return
    width = apart // 8
    first, last = who[0], who[rows - 1]
    values = carray(_pointer(address), (last + 1) * width)  # of which places may be fewer
    if column[3]:
        places = carray(_pointer_to_integers(column[3]), last + 1)
        for row in range(rows):
            number[row] = values[places[who[row]] * width]
    elif width == 1 and last - first == rows - 1:
        _copy(values[first : last + 1], number)
    else:
        for row in range(rows):
            number[row] = values[who[row] * width]


@njit
def _copy(values, number):
    for row in range(len(values)):
        number[row] = values[row]


@njit
def _fill(value, out):
    for row in range(len(out)):  # where a slice assignment would look for overlaps first
        out[row] = value


@njit
def _as_truth(rows, number, truth, known):
    for row in range(rows):
        truth[row] = number[row] == 1.0
    _name_known(rows, number, known)


@njit
def _name_known(rows, number, known):
    for row in range(rows):
        known[row] = number[row] == number[row]


@njit
def _both_known(rows, a, b, known):
    for row in range(rows):
        known[row] = (a[row] == a[row]) & (b[row] == b[row])


@njit
def _compute(what, rows, a, b):
    if what == ADD:
        for row in range(rows):
            a[row] += b[row]
    elif what == SUBTRACT:
        for row in range(rows):
            a[row] -= b[row]
    elif what == MULTIPLY:
        for row in range(rows):
            a[row] *= b[row]
    else:
        for row in range(rows):
            a[row] /= b[row]


@njit
def _compute_with(what, rows, a, constant):
    if what == ADD:
        for row in range(rows):
            a[row] += constant
    elif what == SUBTRACT:
        for row in range(rows):
            a[row] -= constant
    else:
        for row in range(rows):
            a[row] *= constant


@njit
def _compare(what, rows, a, b, truth):
    if what == GREATER:
        for row in range(rows):
            truth[row] = a[row] > b[row]
    elif what == GREATER_EQUAL:
        for row in range(rows):
            truth[row] = a[row] >= b[row]
    elif what == LESS:
        for row in range(rows):
            truth[row] = a[row] < b[row]
    elif what == LESS_EQUAL:
        for row in range(rows):
            truth[row] = a[row] <= b[row]
    elif what == EQUAL:
        for row in range(rows):
            truth[row] = a[row] == b[row]
    else:
        for row in range(rows):
            truth[row] = a[row] != b[row]


@njit
def _compare_with(what, rows, a, constant, truth):
    if what == GREATER:
        for row in range(rows):
            truth[row] = a[row] > constant
    elif what == GREATER_EQUAL:
        for row in range(rows):
            truth[row] = a[row] >= constant
    elif what == LESS:
        for row in range(rows):
            truth[row] = a[row] < constant
    elif what == LESS_EQUAL:
        for row in range(rows):
            truth[row] = a[row] <= constant
    elif what == EQUAL:
        for row in range(rows):
            truth[row] = a[row] == constant
    else:
        for row in range(rows):
            truth[row] = a[row] != constant


@njit
def _connect(what, rows, truth, known, other, other_known):
    """What is missing leaves the answer open only where the other side does not settle it (Kleene's
    logic).
    """
    settling = what == OR
    for row in range(rows):
        settled = (known[row] & (truth[row] == settling)) | (
            other_known[row] & (other[row] == settling)
        )
        known[row] = settled | (known[row] & other_known[row])
        truth[row] = settled == settling


@njit
def _alone(what, rows, number, truth, known):
    if what == NOT:
        for row in range(rows):
            truth[row] = not truth[row]
    elif what == NEGATE:
        for row in range(rows):
            number[row] = -number[row]
    elif what == ABSOLUTE:
        for row in range(rows):
            number[row] = abs(number[row])
    elif what <= IS_KNOWN:
        for row in range(rows):
            truth[row] = known[row] == (what == IS_KNOWN)
        _fill(True, known[:rows])
    else:
        for row in range(rows):
            truth[row] = (number[row] == number[row]) == (what == IS_NUMBER)
        _fill(True, known[:rows])
