"""The vocabulary of a cross-section: the columns every scan can name besides its indicators.

The nodes that compute them are declared here, in one literal table; docs and `explain` read it too.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from engine.compute import session_so_far as so_far
from engine.errors import IndicatorError, ScannerError, did_you_mean
from engine.features.feature_node import REGULAR, VISIBLE, Carry, FeatureNode
from engine.features.warm_up_block import CLOSE_EX, DIVIDEND
from engine.indicators.key import parse_column
from engine.schema import TIMESTAMP


@dataclass(frozen=True)
class Column:
    """name, dtype and meaning of a column; `nodes` are those it is read or made from."""

    name: str
    doc: str
    nodes: tuple[FeatureNode, ...] = ()
    dtype: pl.DataType = pl.Float64()  # noqa: RUF009  a constant
    daily: str | None = None  # the daily bars' column it is the previous session's value of


def _latest(name: str, value: str) -> FeatureNode:
    return FeatureNode(
        name=name,
        kernel=so_far.last_value,
        inputs=(value,),
        outputs=(name,),
        rows=VISIBLE,
        state_size=1,
        warmup_sessions=1,
        carry=Carry.LAST_SESSION,
    )


def _session(
    name: str, kernel: object, inputs: tuple[str, ...], size: int, empty: float = float("nan")
) -> FeatureNode:
    return FeatureNode(
        name=name,
        kernel=kernel,
        inputs=inputs,
        outputs=(name,),
        rows=REGULAR,
        state_size=size,
        carry=Carry.EACH_SESSION,
        empty=empty,
    )


BAR_TIME = _latest("bar_time", "timestamp")
SESSION_VOLUME = _session("session_volume", so_far.total_value, ("volume",), 1, empty=0.0)
BARS_TODAY = _session("bars_today", so_far.count_bars, ("close",), 1, empty=0.0)

COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("symbol", "the symbol", dtype=pl.String()),
        Column("tick", "the time of the scan", dtype=TIMESTAMP),
        Column("minute", "minutes from the session's open to the tick"),
        *(
            Column(
                name,
                f"{name} of the latest visible bar, of this session or the one before",
                (_latest(name, name),),
            )
            for name in ("open", "high", "low", "close", "volume")
        ),
        Column("bar_time", "start of the latest visible bar", (BAR_TIME,), TIMESTAMP),
        Column("bar_age", "minutes since the latest visible bar was complete", (BAR_TIME,)),
        Column(
            "bar_today",
            "whether the latest visible bar is of this session",
            (BAR_TIME,),
            pl.Boolean(),
        ),
        Column(
            "session_open",
            "open of the session's first regular bar",
            (_session("session_open", so_far.first_value, ("open",), 2),),
        ),
        Column(
            "session_high",
            "highest price of the session so far, regular hours",
            (_session("session_high", so_far.highest_value, ("high",), 2),),
        ),
        Column(
            "session_low",
            "lowest price of the session so far, regular hours",
            (_session("session_low", so_far.lowest_value, ("low",), 2),),
        ),
        Column(
            "session_volume",
            "volume of the session so far, regular hours; 0 before the first bar",
            (SESSION_VOLUME,),
        ),
        Column(
            "session_vwap",
            "typical price (high + low + close) / 3 weighted by volume, of the session's regular "
            "bars so far",
            (
                _session(
                    "session_vwap",
                    so_far.volume_weighted_price,
                    ("high", "low", "close", "volume"),
                    6,
                ),
            ),
        ),
        Column(
            "bars_today",
            "number of the session's regular bars so far; 0 before the first",
            (BARS_TODAY,),
            pl.Int64(),
        ),
        Column(
            "quality",
            "bars_today in percent of the regular bars that a symbol could have by the tick; none "
            "before the first",
            (BARS_TODAY,),
        ),
        *(
            Column(
                f"prev_{name}",
                f"{name} of the last regular session before this one in which the symbol traded, "
                "in this session's scale",
                daily=name,
            )
            for name in ("open", "high", "low", "close", "volume")
        ),
        Column(
            "prev_close_ex",
            "prev_close less the dividends since: what it is worth to who buys now, so that "
            "`session_open / "
            "prev_close_ex - 1` is a gap and not a dividend; prev_close where the archive knows "
            "of none",
            daily=CLOSE_EX,
        ),
        Column(
            "dividend",
            "cash a share with an ex-date after the session that the prev_ columns are of, up to "
            "this one, in this "
            "session's scale; 0 where the archive knows of none",
            daily=DIVIDEND,
        ),
        Column(
            "prev_time",
            "open of the session that the prev_ columns are of",
            dtype=TIMESTAMP,
            daily="timestamp",
        ),
    )
}


PREVIOUS = "previous("


def previous_name(name: str) -> str:
    """The column that holds a column's value at the tick before."""
    return f"{PREVIOUS}{name})"


def previous_of(name: str) -> str | None:
    """The column whose value at the tick before a column holds, or None."""
    return name[len(PREVIOUS) : -1] if name.startswith(PREVIOUS) else None


def at_the_tick(name: str) -> str:
    """The column that is computed: itself, or the one whose value at the tick before it is."""
    return previous_of(name) or name


def dtype_of(name: str) -> pl.DataType:
    """The type of a column of the vocabulary, or of an indicator."""
    name = at_the_tick(name)
    return COLUMNS[name].dtype if name in COLUMNS else pl.Float64()


def require_known(name: str, provisioned: set[str], where: str) -> None:
    """Refuse an unknown column; the error names the nearest known one."""
    name = at_the_tick(name)
    if name in COLUMNS or name in provisioned:
        return
    raise ScannerError(
        f"unknown column {name!r}",
        where=where,
        expected="a column of the cross-section or an indicator key such as sma_20_1d",
        fix=_key_meant(name)
        or did_you_mean(name, [*COLUMNS, *provisioned])
        or "see docs/scanners.md for the columns",
    )


def _key_meant(name: str) -> str | None:
    """The whole key where `name` is one cut short: rvol_20 is rvol_20_1m, and macd_12_26_9_5m has
    outputs.
    """
    try:
        key, column = parse_column(name)
    except IndicatorError:
        return None
    return (
        f"a key is written whole: {column}"
        if column in key.columns
        else f"name one of its outputs: {', '.join(key.columns)}"
    )
