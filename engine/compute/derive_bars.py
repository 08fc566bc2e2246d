"""Aggregate bars to a wider interval, within one session."""

from engine.runtime.jit import njit


@njit
def bucket_bounds(timestamp, width, session_open, session_close):
    """Start and end, microseconds, of the bucket that holds `timestamp`.

    Buckets are counted from the session's open: with 1h and a 09:30 open the first is 09:30 to
    10:30. The regular close cuts the last one; after it they are counted from the close.
    """
    anchor = session_open if timestamp < session_close else session_close
    start = anchor + (timestamp - anchor) // width * width
    end = start + width
    if start < session_close < end:
        end = session_close
    return start, end


@njit
def derive_bars(  # type: ignore[no-untyped-def]
    first,
    last,
    starts,
    ends,
    timestamps,
    prices,
    volume,
    width,
    session_open,
    session_close,
    out_ends,
    out_timestamps,
    out_known_at,
    out_prices,
    out_volume,
):
    """Aggregate each symbol's bars into buckets of `width` microseconds.

    prices, out_prices  tuples (open, high, low, close), float64[bars]
    out_known_at        end of the bucket, microseconds, whether or not a bar was traded there

    The output arrays are as long as the inputs. A symbol's wider bars are written from its start
    on, to [starts[symbol], out_ends[symbol]), so that no counting pass is needed.
    """
    opens, highs, lows, closes = prices
    out_opens, out_highs, out_lows, out_closes = out_prices
    for symbol in range(first, last):
        out = starts[symbol] - 1
        bucket_end = -1
        for row in range(starts[symbol], ends[symbol]):
            if out < starts[symbol] or timestamps[row] >= bucket_end:
                bucket_start, bucket_end = bucket_bounds(
                    timestamps[row], width, session_open, session_close
                )
                out += 1
                out_timestamps[out], out_known_at[out] = bucket_start, bucket_end
                out_opens[out], out_highs[out], out_lows[out] = opens[row], highs[row], lows[row]
                out_volume[out] = 0.0
            out_highs[out] = max(out_highs[out], highs[row])
            out_lows[out] = min(out_lows[out], lows[row])
            out_closes[out] = closes[row]
            out_volume[out] += volume[row]
        out_ends[symbol] = out + 1
