"""Sums over the rows that pass each variant of a grid of thresholds.

A row passes the variants whose thresholds all lie below its values: a box of the grid, from its
corner to the row's cell. So a row is added to its cell, or to its box within a plane of the grid,
and sums along the axes give every variant's.
"""

import numpy as np

from engine.compute.demean_rows import excess_of
from engine.runtime.jit import njit

# Rows of a tick and a layer that are added box by box; more are added to cells, and these summed
# up.
FEW = 12


@njit
def add_returns(cells, highs, lows, wins, known, out):
    """Add rows to their cells.

    cells  int64[rows]
    highs, lows  int64[rows]: parts of each row's return (engine/analysis/exact_sums.py); wins
                 bool[rows]: whether it is above 0
    known  bool[rows]: whether it has a return
    out    int64[4, cells]: count, wins, sum of the higher parts, of the lower parts
    """
    for row in range(len(cells)):
        if known[row]:
            cell = cells[row]
            out[0, cell] += 1
            out[1, cell] += wins[row]
            out[2, cell] += highs[row]
            out[3, cell] += lows[row]


@njit
def sum_down(cells, size, stride):
    """Sum along an axis of `size` whose neighbours are `stride` apart, from its end: each cell
    becomes the sum of all at or above it.
    """
    block = size * stride
    for start in range(0, len(cells), block):
        for cell in range(start + block - stride - 1, start - 1, -1):
            cells[cell] += cells[cell + stride]


@njit
def sum_excess_of_boxes(
    levels, at, distances, known, rest, units, sizes, outer, window, counts, sessions, sums
):
    """Add one session's excess of every variant to what the sessions before came to.

    levels     int32[rows, axes]: how many of each axis' values a row passes, 1 at least; sorted by
               the layer axis, largest first,
               then by tick. Axes are outer ones, then the layer axis, then the two of a plane.
    at         int64[rows]: tick of each
    distances  float64[rows]: its return less the tick's mean, in units of the tick, NaN for none
    known, rest, units  of each tick, as `demean_rows` writes them
    sizes      int64[axes]
    outer      the combination of the outer axes' values
    window     the values of the last axis: first, and last + 1
    counts     int64[variants]; sessions  int32[variants]: returns, and sessions with one
    sums       float64[4, variants]: excess, its square, times count, count squared: of sessions
    """
    axes, ticks = len(sizes), len(known)
    height, width = sizes[axes - 2], window[1] - window[0]
    plane_counts = np.zeros((ticks, height, width), np.int32)
    plane_totals = np.zeros((ticks, height, width))
    reach = np.zeros((ticks, 2), np.int64)  # how far into each plane rows reach
    count, total = np.empty((height, width), np.int64), np.empty((height, width))
    cell_counts, cell_totals = np.zeros((height, width), np.int32), np.zeros((height, width))
    least = _outer_levels(sizes, outer)
    end = 0
    for layer in range(sizes[axes - 3] - 1, -1, -1):
        start = end
        while end < len(levels) and levels[end, axes - 3] == layer + 1:
            end += 1
        _add_layer(
            levels[start:end],
            at[start:end],
            distances[start:end],
            least,
            window[0],
            plane_counts,
            plane_totals,
            reach,
            cell_counts,
            cell_totals,
        )
        _sum_ticks(plane_counts, plane_totals, reach, known, rest, units, count, total)
        first = ((outer * sizes[axes - 3] + layer) * height) * sizes[axes - 1] + window[0]
        _fold(count, total, first, sizes[axes - 1], counts, sessions, sums)


@njit
def _outer_levels(sizes, outer):
    """How many values of each outer axis a row must pass."""
    axes = len(sizes) - 3
    least = np.empty(axes, np.int64)
    for axis in range(axes - 1, -1, -1):
        least[axis] = outer % sizes[axis] + 1
        outer //= sizes[axis]
    return least


@njit
def _passes(levels, least, left):
    for axis in range(len(least)):
        if levels[axis] < least[axis]:
            return False
    return levels[len(levels) - 1] > left


@njit
def _add_layer(levels, at, distances, least, left, counts, totals, reach, cell_counts, cell_totals):
    """Add the rows of a layer to the planes of their ticks."""
    axes, end = levels.shape[1], 0
    while end < len(at):
        start, tick = end, at[end]
        while end < len(at) and at[end] == tick:
            end += 1
        many = end - start > FEW
        high = wide = 0
        for row in range(start, end):
            distance = distances[row]
            if distance == distance and _passes(levels[row], least, left):
                k = levels[row, axes - 2]
                m = min(levels[row, axes - 1] - left, counts.shape[2])
                high, wide = max(high, k), max(wide, m)
                if many:
                    cell_counts[k - 1, m - 1] += 1
                    cell_totals[k - 1, m - 1] += distance
                else:
                    for i in range(k):
                        for j in range(m):
                            counts[tick, i, j] += 1
                            totals[tick, i, j] += distance
        if many:
            _spread(cell_counts, cell_totals, high, wide, counts[tick], totals[tick])
        reach[tick, 0], reach[tick, 1] = max(reach[tick, 0], high), max(reach[tick, 1], wide)


@njit
def _spread(cell_counts, cell_totals, high, wide, counts, totals):
    """Add to each cell of a plane the sum of all cells at or above it, and empty these."""
    for i in range(high - 1, -1, -1):
        for j in range(wide - 2, -1, -1):
            cell_counts[i, j] += cell_counts[i, j + 1]
            cell_totals[i, j] += cell_totals[i, j + 1]
        if i < high - 1:
            for j in range(wide):
                cell_counts[i, j] += cell_counts[i + 1, j]
                cell_totals[i, j] += cell_totals[i + 1, j]
        for j in range(wide):
            counts[i, j] += cell_counts[i, j]
            totals[i, j] += cell_totals[i, j]
    for i in range(high):
        for j in range(wide):
            cell_counts[i, j] = 0
            cell_totals[i, j] = 0.0


@njit
def _sum_ticks(counts, totals, reach, known, rest, units, count, total):
    """Each variant's returns and excess of a plane: over all ticks, in their order."""
    for i in range(count.shape[0]):
        for j in range(count.shape[1]):
            count[i, j] = 0
            total[i, j] = 0.0
    for tick in range(len(known)):
        high, wide = reach[tick]
        if high and known[tick] > counts[tick, 0, 0]:  # somebody is left in every variant
            for i in range(high):
                _add_tick(
                    counts[tick, i, :wide],
                    totals[tick, i, :wide],
                    known[tick],
                    rest[tick],
                    units[tick],
                    count[i],
                    total[i],
                )
        elif high:
            for i in range(high):
                for j in range(wide):
                    hits = counts[tick, i, j]
                    others = known[tick] - hits
                    if others and hits:
                        count[i, j] += hits
                        total[i, j] += excess_of(
                            hits,
                            totals[tick, i, j],
                            others,
                            rest[tick] - totals[tick, i, j],
                            units[tick],
                        )


@njit
def _add_tick(counts, totals, known, rest, unit, count, total):
    """The same of a row of a plane at one tick: where nothing hit, 0 is added."""
    for j in range(len(counts)):
        hits = counts[j]
        count[j] += hits
        total[j] += excess_of(hits, totals[j], known - hits, rest - totals[j], unit)


@njit
def _fold(count, total, first, apart, counts, sessions, sums):
    """Add a session's sums of a plane to those of the sessions before.

    The plane's lines are `apart` variants from each other.
    """
    for i in range(count.shape[0]):
        for j in range(count.shape[1]):
            if count[i, j]:
                variant = first + i * apart + j
                excess, hits = total[i, j], float(count[i, j])
                counts[variant] += count[i, j]
                sessions[variant] += 1
                sums[0, variant] += excess
                sums[1, variant] += excess * excess
                sums[2, variant] += excess * hits
                sums[3, variant] += hits * hits


@njit
def count_unions(levels, starts, sizes, out):
    """Count, for every variant, the groups of rows of which it is passed by one at least.

    levels  int32[rows, axes], sorted by group; axes as in `sum_excess_of_boxes`
    starts  int64[groups + 1]: where each group's rows begin
    out     int32[variants]: the groups whose reach along the last axis ends here; to be summed down
            along it
    """
    axes = len(sizes)
    layers, height, width = sizes[axes - 3], sizes[axes - 2], sizes[axes - 1]
    combinations = 1
    for axis in range(axes - 3):
        combinations *= sizes[axis]
    reach = np.empty((layers, height), np.int64)
    for group in range(len(starts) - 1):
        rows = levels[starts[group] : starts[group + 1]]
        for outer in range(combinations):
            least = _outer_levels(sizes, outer)
            reach[:] = 0
            there = False
            for row in range(len(rows)):
                if _passes(rows[row], least, 0):
                    there = True
                    i, k = rows[row, axes - 3] - 1, rows[row, axes - 2] - 1
                    reach[i, k] = max(reach[i, k], rows[row, axes - 1])
            if not there:
                continue
            for i in range(layers - 1, -1, -1):
                for k in range(height - 1, -1, -1):
                    if i + 1 < layers:
                        reach[i, k] = max(reach[i, k], reach[i + 1, k])
                    if k + 1 < height:
                        reach[i, k] = max(reach[i, k], reach[i, k + 1])
                    if reach[i, k]:
                        at = ((outer * layers + i) * height + k) * width + reach[i, k] - 1
                        out[at] += 1
