"""A virtual machine that filters rows by clauses of a few instructions, straight from the columns.

A row is a (tick, symbol) pair. `engine/scan/filter_program.py` compiles a clause to instructions
for a stack machine. Instructions process a chunk of rows at a time, so that each reads what the one
before it wrote from the processor's cache. Only surviving rows are read for the next clause. These
are the selection vectors of MonetDB/X100 (Boncz, Zukowski, Nes: Hyper-pipelining query execution,
CIDR 2005).

A missing value is NaN, of a column or computed as 0 / 0 is. What is computed from it is missing, as
are comparisons and `not`; `true or missing` is true, `false and missing` is false (Kleene's logic).
A clause does not hold where it is missing.
"""

import numpy as np
from numba import carray, types  # type: ignore[attr-defined]
from numba.extending import intrinsic

from engine.runtime.jit import njit

# Opcodes. A place on the stack holds a number (NaN: missing), or a truth, known or missing.
LOAD, CONSTANT, LOAD_TRUTH, TRUTH = 0, 1, 2, 3
ADD, SUBTRACT, MULTIPLY, DIVIDE = 10, 11, 12, 13
GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, EQUAL, UNEQUAL = 20, 21, 22, 23, 24, 25
AND, OR = 30, 31
NOT, NEGATE, ABSOLUTE = 40, 41, 42
IS_MISSING, IS_KNOWN = 43, 44  # of a truth
IS_NAN, IS_NUMBER = 45, 46
WITH_CONSTANT = 100  # added to a computation or comparison whose right side is a constant, no NaN

ROWS_A_CHUNK = 1024
COMPACT_BELOW = 0.5  # surviving share of a chunk's rows below which only they are kept
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
    ticks, spans, members, columns, instructions, constants, ends, counts, out_ticks, out_members
):
    """Write the rows for which all clauses hold, tick by tick; return their number.

    ticks                   int64, increasing
    spans                   int64[2, ticks]: the rows of a tick are members[spans[0]:spans[1]]
    members                 int64, increasing within each span
    columns                 int64[columns, 4]: address of a column's float64[0, 0], bytes from tick
                            to tick, from place to place, address of the members' places, int64, or
                            0 where a member's place is its number
    instructions            int64[instructions, 2]: opcode, and column or constant
    ends                    int64[clauses]: end of each clause's instructions
    counts                  uint32[clauses, all ticks], written at `ticks`: surviving rows
    out_ticks, out_members  int64, long enough for every row
    """
    numbers = np.empty((DEEPEST, ROWS_A_CHUNK))
    truths = np.empty((DEEPEST, ROWS_A_CHUNK), np.bool_)
    known = np.empty((DEEPEST, ROWS_A_CHUNK), np.bool_)
    surviving = np.empty(ROWS_A_CHUNK, np.bool_)
    compacted = np.empty(ROWS_A_CHUNK, np.int64)
    written = 0
    for place in range(len(ticks)):
        tick = ticks[place]
        for first in range(spans[0, place], spans[1, place], ROWS_A_CHUNK):
            rows = min(spans[1, place] - first, ROWS_A_CHUNK)
            symbol_ids = members[first : first + rows]
            _fill(True, surviving[:rows])
            count, start = rows, 0
            for clause in range(len(ends)):
                if count:
                    own = instructions[start : ends[clause]]
                    _evaluate(
                        tick, symbol_ids, rows, columns, own, constants, numbers, truths, known
                    )
                    count = _apply_clause(rows, surviving, truths[0], known[0])
                    if count < COMPACT_BELOW * rows:
                        rows = _compact(rows, surviving, symbol_ids, compacted)
                        symbol_ids = compacted
                start = ends[clause]
                counts[clause, tick] += count
            if count < rows:
                rows = _compact(rows, surviving, symbol_ids, compacted)
                symbol_ids = compacted
            for row in range(rows):
                out_ticks[written + row] = tick
                out_members[written + row] = symbol_ids[row]
            written += rows
    return written


@njit
def compute_rows(ticks, spans, members, columns, instructions, constants, ends, first_row, out):
    """Write the numbers that computations come to in every row, NaN where there is none.

    ticks, spans, members, columns, instructions, constants, ends  as for `filter_rows`
    first_row  of `out`, where the first goes
    out        float64[computations, rows]
    """
    numbers = np.empty((DEEPEST, ROWS_A_CHUNK))
    truths = np.empty((DEEPEST, ROWS_A_CHUNK), np.bool_)
    known = np.empty((DEEPEST, ROWS_A_CHUNK), np.bool_)
    done = first_row
    for place in range(len(ticks)):
        for first in range(spans[0, place], spans[1, place], ROWS_A_CHUNK):
            rows, start = min(spans[1, place] - first, ROWS_A_CHUNK), 0
            symbol_ids = members[first : first + rows]
            for number in range(len(ends)):
                _evaluate(
                    ticks[place],
                    symbol_ids,
                    rows,
                    columns,
                    instructions[start : ends[number]],
                    constants,
                    numbers,
                    truths,
                    known,
                )
                for row in range(rows):
                    out[number, done + row] = numbers[0, row]
                start = ends[number]
            done += rows


@njit
def _apply_clause(rows, surviving, truth, known):
    """AND a clause's result into `surviving`, bool[rows]; return the number of surviving rows."""
    count = 0
    for row in range(rows):
        surviving[row] &= truth[row] & known[row]
        count += surviving[row]
    return count


@njit
def _compact(rows, surviving, symbol_ids, compacted):
    """Write the ids of surviving rows to `compacted`, which may be `symbol_ids`; their number."""
    count = 0
    for row in range(rows):
        compacted[count] = symbol_ids[row]  # no branch: the processor cannot predict it
        count += surviving[row]
    _fill(True, surviving[:count])
    return count


@njit
def _evaluate(tick, symbol_ids, rows, columns, instructions, constants, numbers, truths, known):
    """Run the instructions of one clause; its result is in the first place of the stack."""
    top = -1
    for place in range(len(instructions)):
        opcode, argument = instructions[place]
        if opcode <= TRUTH:
            top += 1
            if opcode in (CONSTANT, TRUTH):
                _fill(constants[argument], numbers[top][:rows])
            else:
                _load(tick, symbol_ids, rows, columns[argument], numbers[top])
            if opcode >= LOAD_TRUTH:
                _as_truth(rows, numbers[top], truths[top], known[top])
        elif opcode <= DIVIDE:
            top -= 1
            _compute(opcode, rows, numbers[top], numbers[top + 1])
        elif opcode <= UNEQUAL:
            top -= 1
            _mark_both_known(rows, numbers[top], numbers[top + 1], known[top])
            _compare(opcode, rows, numbers[top], numbers[top + 1], truths[top])
        elif opcode <= OR:
            top -= 1
            _combine(opcode, rows, truths[top], known[top], truths[top + 1], known[top + 1])
        elif opcode < WITH_CONSTANT:
            _apply_to_one(opcode, rows, numbers[top], truths[top], known[top])
        elif opcode <= WITH_CONSTANT + DIVIDE:
            _compute_with(opcode - WITH_CONSTANT, rows, numbers[top], constants[argument])
        else:
            _mark_known(rows, numbers[top], known[top])
            _compare_with(
                opcode - WITH_CONSTANT, rows, numbers[top], constants[argument], truths[top]
            )


@njit
def _load(tick, symbol_ids, rows, column, number):
    """Copy the values of some symbols at a tick from a column to `number`, float64[rows]."""
    address, apart = column[0] + tick * column[1], column[2]
    if apart == 0:
        _fill(carray(_pointer(address), 1)[0], number[:rows])
        return
    width = apart // 8
    first, last = symbol_ids[0], symbol_ids[rows - 1]
    values = carray(_pointer(address), (last + 1) * width)  # of which places may be fewer
    if column[3]:
        places = carray(_pointer_to_integers(column[3]), last + 1)
        for row in range(rows):
            number[row] = values[places[symbol_ids[row]] * width]
    elif width == 1 and last - first == rows - 1:
        _copy(values[first : last + 1], number)
    else:
        for row in range(rows):
            number[row] = values[symbol_ids[row] * width]


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
    _mark_known(rows, number, known)


@njit
def _mark_known(rows, number, known):
    for row in range(rows):
        known[row] = number[row] == number[row]


@njit
def _mark_both_known(rows, a, b, known):
    for row in range(rows):
        known[row] = (a[row] == a[row]) & (b[row] == b[row])


@njit
def _compute(opcode, rows, a, b):
    if opcode == ADD:
        for row in range(rows):
            a[row] += b[row]
    elif opcode == SUBTRACT:
        for row in range(rows):
            a[row] -= b[row]
    elif opcode == MULTIPLY:
        for row in range(rows):
            a[row] *= b[row]
    else:
        for row in range(rows):
            a[row] /= b[row]


@njit
def _compute_with(opcode, rows, a, constant):
    if opcode == ADD:
        for row in range(rows):
            a[row] += constant
    elif opcode == SUBTRACT:
        for row in range(rows):
            a[row] -= constant
    else:
        for row in range(rows):
            a[row] *= constant


@njit
def _compare(opcode, rows, a, b, truth):
    if opcode == GREATER:
        for row in range(rows):
            truth[row] = a[row] > b[row]
    elif opcode == GREATER_EQUAL:
        for row in range(rows):
            truth[row] = a[row] >= b[row]
    elif opcode == LESS:
        for row in range(rows):
            truth[row] = a[row] < b[row]
    elif opcode == LESS_EQUAL:
        for row in range(rows):
            truth[row] = a[row] <= b[row]
    elif opcode == EQUAL:
        for row in range(rows):
            truth[row] = a[row] == b[row]
    else:
        for row in range(rows):
            truth[row] = a[row] != b[row]


@njit
def _compare_with(opcode, rows, a, constant, truth):
    if opcode == GREATER:
        for row in range(rows):
            truth[row] = a[row] > constant
    elif opcode == GREATER_EQUAL:
        for row in range(rows):
            truth[row] = a[row] >= constant
    elif opcode == LESS:
        for row in range(rows):
            truth[row] = a[row] < constant
    elif opcode == LESS_EQUAL:
        for row in range(rows):
            truth[row] = a[row] <= constant
    elif opcode == EQUAL:
        for row in range(rows):
            truth[row] = a[row] == constant
    else:
        for row in range(rows):
            truth[row] = a[row] != constant


@njit
def _combine(opcode, rows, truth, known, other, other_known):
    """AND or OR in Kleene's logic: missing unless the known side alone settles the result."""
    settling = opcode == OR
    for row in range(rows):
        settled = (known[row] & (truth[row] == settling)) | (
            other_known[row] & (other[row] == settling)
        )
        known[row] = settled | (known[row] & other_known[row])
        truth[row] = settled == settling


@njit
def _apply_to_one(opcode, rows, number, truth, known):
    if opcode == NOT:
        for row in range(rows):
            truth[row] = not truth[row]
    elif opcode == NEGATE:
        for row in range(rows):
            number[row] = -number[row]
    elif opcode == ABSOLUTE:
        for row in range(rows):
            number[row] = abs(number[row])
    elif opcode <= IS_KNOWN:
        for row in range(rows):
            truth[row] = known[row] == (opcode == IS_KNOWN)
        _fill(True, known[:rows])
    else:
        for row in range(rows):
            truth[row] = (number[row] == number[row]) == (opcode == IS_NUMBER)
        _fill(True, known[:rows])
