"""Returns less the mean of their tick, as whole multiples of a unit: their sums are exact, in any
order.
"""

import math

import numpy as np

from engine.runtime.jit import njit

# Distances from a tick's mean add up to less than 2**51 units: float64 holds every such sum.
BITS = 51


@njit
def demean_rows(returns, inside, means, units, known, rest, out):
    """Write each tick's mean, and every return's distance from it in units of the tick, rounded to
    a whole number.

    returns  float64[ticks, symbols], NaN for none
    inside   bool[symbols]: whose returns the mean is taken of
    means    float64[ticks]; 0 where no symbol inside has a return
    units    float64[ticks]: a power of two
    known    int64[ticks]: how many symbols inside have a return
    rest     float64[ticks]: the sum of their distances, which rounding leaves near 0
    out      float64[ticks, symbols]: distances, NaN for none
    """
    for tick in range(len(returns)):
        count, total, size = 0, 0.0, 0.0
        for symbol in range(returns.shape[1]):
            value = returns[tick, symbol]
            if inside[symbol] and value == value:
                count += 1
                total += value
        mean = total / count if count else 0.0
        for symbol in range(returns.shape[1]):
            value = returns[tick, symbol]
            if value == value:
                size += abs(value - mean)
        unit = math.ldexp(1.0, math.frexp(size)[1] - BITS) if size > 1e-200 else 1.0
        means[tick], units[tick], known[tick] = mean, unit, count
        rest[tick] = _distances(returns[tick], inside, mean, 1.0 / unit, out[tick])


@njit
def _distances(returns, inside, mean, per_unit, out):
    """Write the distances of a tick's returns, and return the sum of those inside."""
    rest = 0.0
    for symbol in range(len(returns)):
        out[symbol] = np.rint((returns[symbol] - mean) * per_unit)
        if inside[symbol] and out[symbol] == out[symbol]:
            rest += out[symbol]
    return rest


@njit
def excess_of(count, total, others, left, unit):
    """What hits of a tick came to over the mean of the symbols that did not hit.

    count, total  of hits with a return, and the sum of their distances, in units
    others, left  of symbols inside that did not hit, and the sum of their distances
    """
    return (total - count * (left / others)) * unit


@njit
def sum_excess(at, distances, inside, known, rest, units, counts, totals, counts_in, totals_in):
    """The excess of a session's hits, added up: how many have one, and their sum.

    at         int64[hits]: tick of each
    distances  float64[hits], NaN for no return
    inside     bool[hits]: whether its symbol is among those that the mean is of
    known, rest, units  of each tick, as `demean_rows` writes them
    counts, counts_in, totals, totals_in  int64 and float64[ticks], of zeros: what hits of each tick
                                          come to, all and those inside
    """
    for hit in range(len(at)):
        if distances[hit] == distances[hit]:
            counts[at[hit]] += 1
            totals[at[hit]] += distances[hit]
            if inside[hit]:
                counts_in[at[hit]] += 1
                totals_in[at[hit]] += distances[hit]
    found, excess = 0, 0.0
    for tick in range(len(counts)):
        others = known[tick] - counts_in[tick]
        if counts[tick] and others:
            found += counts[tick]
            excess += excess_of(
                counts[tick], totals[tick], others, rest[tick] - totals_in[tick], units[tick]
            )
    return found, excess
