"""Sums over the rows that pass each variant of a list; every condition is a bitmap of rows."""

import numpy as np
from numba import types
from numba.extending import intrinsic

from engine.compute.demean_rows import excess_of
from engine.runtime.jit import njit


@intrinsic
def _trailing_zeros(typing_context, word):
    """How many bits below the lowest one are not set, of a word that is not 0."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.uint64(types.uint64), generate


@njit
def pick_rows(words, uses, limit, most, once, at, who, seen, stamp, out):
    """Write the rows that a variant keeps, and return how many they are.

    words  uint64[conditions, words]: which rows each condition holds for; rows are sorted by tick
           and rank
    uses   int32[]: the conditions of the variant; negative for none
    limit  most rows of a tick; most  most symbols of the session, each once; once  whether each
           symbol is kept once; negative: no limit
    at, who  int64[rows]: tick and symbol
    seen   int64[symbols]: the last stamp of each symbol; stamp  of this variant
    out    int64[rows]
    """
    kept, tick, in_tick, symbols = 0, -1, 0, 0
    for place in range(words.shape[1]):
        word = words[uses[0], place]
        for use in range(1, len(uses)):
            if uses[use] >= 0:
                word &= words[uses[use], place]
        while word:
            row = place * 64 + int(_trailing_zeros(word))
            word &= word - np.uint64(1)
            if at[row] != tick:
                tick, in_tick = at[row], 0
            in_tick += 1
            if 0 <= limit < in_tick:
                continue
            if most >= 0 or once:
                if seen[who[row]] == stamp or 0 <= most <= symbols:
                    continue
                seen[who[row]] = stamp
                symbols += 1
            out[kept] = row
            kept += 1
    return kept


@njit
def sum_variants(variants, words, uses, limits, rows, returns, ticks, hits, sums, seen_by):
    """Add one session's rows of some variants to what the sessions before came to.

    variants  int64[]: which of them
    words, uses  as for `pick_rows`, int32[variants, conditions]
    limits    int64[variants, 3]: limit, most, once
    rows      at, who  int64[rows]
    returns   distances float64[rows, horizons], highs, lows  int64[rows, horizons], wins
              bool[rows, horizons]
    ticks     known int64[ticks, horizons], rest, units  float64[ticks, horizons]
    hits      int64[variants, 2]: hits, sessions with one
    sums      whole  int64[variants, horizons, 6]: returns, wins, higher parts, lower parts,
              excesses, sessions with one
              excess  float64[variants, horizons, 4]: as `sums` of sum_excess_of_boxes
    seen_by   uint64[variants, symbols / 64]: the symbols that each variant has found
    """
    at, who = rows
    kept = np.empty(len(at), np.int64)
    seen = np.zeros(seen_by.shape[1] * 64, np.int64)
    horizons = returns[0].shape[1]
    of_tick, of_session = np.zeros((2, horizons)), np.zeros((2, horizons))
    for place in range(len(variants)):
        variant = variants[place]
        count = pick_rows(
            words,
            uses[variant],
            limits[variant, 0],
            limits[variant, 1],
            limits[variant, 2] > 0,
            at,
            who,
            seen,
            place + 1,
            kept,
        )
        if count == 0:
            continue
        hits[variant, 0] += count
        hits[variant, 1] += 1
        for number in range(count):
            symbol = who[kept[number]]
            seen_by[variant, symbol // 64] |= np.uint64(1) << np.uint64(symbol % 64)
        _add_rows(kept[:count], at, returns, ticks, of_tick, of_session, sums[0][variant])
        _fold_session(of_session, sums[0][variant], sums[1][variant])


@njit
def _add_rows(kept, at, returns, ticks, of_tick, of_session, whole):
    """Add a session's rows: their returns to `whole`, their counts and excess to `of_session`,
    which is zeros.
    """
    distances, highs, lows, wins = returns
    tick = at[kept[0]]
    for number in range(len(kept)):
        row = kept[number]
        if at[row] != tick:
            _end_tick(tick, ticks, of_tick, of_session)
            tick = at[row]
        for horizon in range(distances.shape[1]):
            distance = distances[row, horizon]
            if distance == distance:
                of_tick[0, horizon] += 1.0
                of_tick[1, horizon] += distance
                whole[horizon, 0] += 1
                whole[horizon, 1] += wins[row, horizon]
                whole[horizon, 2] += highs[row, horizon]
                whole[horizon, 3] += lows[row, horizon]
    _end_tick(tick, ticks, of_tick, of_session)


@njit
def _end_tick(tick, ticks, of_tick, of_session):
    """Add a tick's excess to its session's, and begin the next."""
    known, rest, units = ticks
    for horizon in range(of_tick.shape[1]):
        count, total = of_tick[0, horizon], of_tick[1, horizon]
        others = known[tick, horizon] - count
        if count and others:
            of_session[0, horizon] += count
            of_session[1, horizon] += excess_of(
                count, total, others, rest[tick, horizon] - total, units[tick, horizon]
            )
        of_tick[0, horizon] = 0.0
        of_tick[1, horizon] = 0.0


@njit
def _fold_session(of_session, whole, sums):
    """Add a session's excess to that of the sessions before, and begin the next."""
    for horizon in range(of_session.shape[1]):
        count, excess = of_session[0, horizon], of_session[1, horizon]
        if count:
            whole[horizon, 4] += int(count)
            whole[horizon, 5] += 1
            sums[horizon, 0] += excess
            sums[horizon, 1] += excess * excess
            sums[horizon, 2] += excess * count
            sums[horizon, 3] += count * count
        of_session[0, horizon] = 0.0
        of_session[1, horizon] = 0.0
