"""In DuckDB: one query over the whole archive.

SQL has no recursion over rows that is fast, so Wilder's average is a weighted sum: within blocks of
100 rows as a running sum of values weighted up by their age, and from the blocks before as their
sums weighted down; 0.93 to the power of 500 is below the last bit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb
import polars as pl

from bench.peers import STEP, files, previous_closes, sessions
from engine.archive.archive import Archive
from engine.clock.interval import MICROS_A_MINUTE

WEIGHT, BLOCK = 1 / 14, 100
QUERY = f"""
with bars as (
    select b.symbol, b.date, c.month, c.averaged, c.first_tick, c.ticks, p.prev_close, b.high, b.low, b.close, b.volume, b.close / p.scale as adjusted,
           epoch_us(b.timestamp) + {MICROS_A_MINUTE} as known
    from read_parquet($files, hive_partitioning = true) b
    join sessions c on b.date = c.date
    left join previous p on p.symbol = b.symbol and p.date = b.date
    where epoch_us(b.timestamp) >= c.opens and epoch_us(b.timestamp) < c.closes
), rows as (
    select *,
        row_number() over own - 1 as n,
        adjusted - lag(adjusted) over own as change,
        case when sum(averaged::int) over own >= 20 then avg(adjusted) over (own rows between 19 preceding and current row) end as sma,
        sum((high + low + close) / 3 * volume) over day / sum(volume) over day as vwap,
        lead(known) over day as next_known
    from bars
    window own as (partition by symbol, month order by known), day as (partition by symbol, month, date order by known)
), seeds as (
    select symbol, month, avg(greatest(change, 0)) as gain, avg(greatest(-change, 0)) as loss
    from rows where n between 1 and 14 group by symbol, month having count(*) = 14
), weighted as (
    select r.*, n // {BLOCK} as block, n % {BLOCK} as place,
        case when n > 14 then greatest(change, 0) * {WEIGHT} when n = 14 then s.gain end * pow({1 - WEIGHT}, -(n % {BLOCK})) as gain,
        case when n > 14 then greatest(-change, 0) * {WEIGHT} when n = 14 then s.loss end * pow({1 - WEIGHT}, -(n % {BLOCK})) as loss
    from rows r left join seeds s on s.symbol = r.symbol and s.month = r.month
), running as (
    select symbol, month, date, first_tick, ticks, prev_close, close, adjusted, known, next_known, sma, vwap, n, block, place,
        sum(gain) over upto as gain, sum(loss) over upto as loss
    from weighted
    window upto as (partition by symbol, month, block order by known)
), ends as (
    select symbol, month, block, gain * pow({1 - WEIGHT}, {BLOCK - 1}) as gain, loss * pow({1 - WEIGHT}, {BLOCK - 1}) as loss
    from running where place = {BLOCK - 1}
), before as (
    select symbol, month, block + 1 as block,
        {" + ".join(f"coalesce(lag(gain, {k}) over o, 0) * {(1 - WEIGHT) ** (BLOCK * k)!r}" for k in range(6))} as gain,
        {" + ".join(f"coalesce(lag(loss, {k}) over o, 0) * {(1 - WEIGHT) ** (BLOCK * k)!r}" for k in range(6))} as loss
    from ends window o as (partition by symbol, month order by block)
), measured as (
    select r.*,
        pow({1 - WEIGHT}, place) * (coalesce(r.gain, 0) + {1 - WEIGHT} * coalesce(b.gain, 0)) as up,
        pow({1 - WEIGHT}, place) * (coalesce(r.loss, 0) + {1 - WEIGHT} * coalesce(b.loss, 0)) as down
    from running r left join before b on b.symbol = r.symbol and b.month = r.month and b.block = r.block
), passed as (
    select date, symbol, first_tick, ticks,
        least(ticks, greatest(0, (known - first_tick + {STEP - 1}) // {STEP})) as since,
        least(ticks, greatest(0, coalesce((next_known - first_tick + {STEP - 1}) // {STEP}, ticks))) as until
    from measured
    where close > 5 and close / prev_close - 1 > 0.03 and close > vwap and n >= 14 and 100 * up > 70 * (up + down) and adjusted > sma
)
select date as session, make_timestamp(first_tick + unnest(range(since, until)) * {STEP}) as tick, symbol from passed
"""


def find(archive: Archive, dates: Sequence[dt.date]) -> pl.DataFrame:
    """session, tick, symbol of every hit, sorted by tick and symbol."""
    clock = sessions(archive, dates)
    with duckdb.connect() as connection:
        connection.register("sessions", clock.to_arrow())
        connection.register("previous", previous_closes(archive, dates).to_arrow())
        found: pl.DataFrame = connection.sql(QUERY, params={"files": files(archive, clock)}).pl()
    tick = pl.col("tick").dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    return found.with_columns(
        tick, pl.col("session").cast(pl.Date), pl.col("symbol").cast(pl.String)
    ).sort("tick", "symbol")
