"""Flat prices, one step, flat prices: what is flat has one answer to the last bit, and no average leaves what it averages.

Prices lie on the grids of real markets, as nearest doubles of decimals: sums and products of them are rounded, so that an answer
that is only nearly right shows for one price in four.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from engine.compute.session_so_far import volume_weighted_price
from engine.indicators.catalogue import CATALOGUE
from engine.indicators.indicator import Indicator
from tests.indicators.oracles import CUMULATIVE, PARAMS
from tests.indicators.series import CANDLE, SESSION_ROWS, Floats, bars, compute

PRICE, NONE, ANY = "the price", "no value", "as volume has it"
Answer = str | float

# What an output is while prices are flat, once the warm-up is over; the docstrings say the same.
FLAT: dict[str, tuple[Answer, ...]] = {
    "sma": (PRICE,),
    "ema": (PRICE,),
    "bollinger_bands": (PRICE, PRICE, PRICE, 0.0, NONE),
    "dema": (PRICE,),
    "donchian_channels": (PRICE, PRICE, PRICE),
    "hma": (PRICE,),
    "midpoint": (PRICE,),
    "midprice": (PRICE,),
    "smma": (PRICE,),
    "t3": (PRICE,),
    "tema": (PRICE,),
    "trima": (PRICE,),
    "vwma": (PRICE,),
    "wma": (PRICE,),
    "zlema": (PRICE,),
    "kama": (PRICE,),
    "keltner_channels": (PRICE, PRICE, PRICE),
    "linear_regression": (PRICE, 0.0, NONE),
    "alma": (PRICE,),
    "ichimoku": (PRICE, PRICE, PRICE, PRICE),
    "parabolic_sar": (PRICE,),
    "supertrend": (PRICE, 1.0),
    "rsi": (50.0,),
    "macd": (0.0, 0.0, 0.0),
    "roc": (0.0,),
    "bop": (0.0,),
    "cci": (0.0,),
    "cmo": (0.0,),
    "mfi": (0.0,),
    "mom": (0.0,),
    "stoch": (0.0, 0.0),
    "trix": (0.0,),
    "williams_r": (NONE,),
    "adx": (0.0, 0.0, 0.0),
    "apo": (0.0,),
    "aroon": (100.0, 100.0),
    "aroon_oscillator": (0.0,),
    "awesome_oscillator": (0.0,),
    "coppock": (0.0,),
    "dpo": (0.0,),
    "ppo": (0.0,),
    "rsi_cutler": (50.0,),
    "stoch_rsi": (0.0, 0.0),
    "tsi": (0.0,),
    "ultimate_oscillator": (0.0,),
    "vortex": (NONE, NONE),
    "connors_rsi": (100.0 / 3.0,),
    "fisher": (0.0, 0.0),
    "kst": (0.0, 0.0),
    "atr": (0.0,),
    "stddev": (0.0,),
    "natr": (0.0,),
    "true_range": (0.0,),
    "variance": (0.0,),
    "choppiness": (NONE,),
    "historical_volatility": (0.0,),
    "mass_index": (NONE,),
    "ulcer_index": (0.0,),
    "ttm_squeeze": (0.0, 0.0),
    "ad": (0.0,),
    "obv": (ANY,),
    "volume_sma": (ANY,),
    "klinger": (0.0, 0.0),
    "cmf": (0.0,),
    "force_index": (0.0,),
    "pvt": (0.0,),
    "ad_oscillator": (0.0,),
    "average_dollar_volume": (ANY,),
    "eom": (0.0,),
    "vwap": (PRICE,),
    "anchored_vwap": (PRICE,),
    "vwap_distance": (NONE,),
    "vwap_streak": (0.0, 0.0),
    "gap_percent": (0.0,),
    "opening_range": (PRICE, PRICE),
    "premarket": (PRICE, PRICE, ANY),
    "session_extremes": (ANY, ANY, ANY, ANY),
    "rvol": (ANY,),
    "average_daily_range": (0.0,),
    "consecutive_bars": (0.0,),
    "inside_bar": (1.0,),
    "narrow_range": (1.0,),
    "outside_bar": (0.0,),
    "prior_range": (PRICE, PRICE, ANY),
    "rolling_max": (PRICE,),
    "rolling_min": (PRICE,),
    "rolling_rank": (1.0,),
    "percentile": (PRICE,),
    "correlation": (NONE,),
    "beta": (0.0,),
    "relative_strength": (0.0,),
    "skew": (NONE,),
    "zscore": (NONE,),
    "doji": (100.0,),
    **{
        name: (0.0,)
        for name, row in CATALOGUE.items()
        if row.group == "candles" and row.inputs == CANDLE and name != "doji"
    },
}

# Where they are averages: which output, of what, and whether of the last `period` rows alone (else of all rows so far). Not
# those of dema, tema, hma, zlema and t3, and a line's end, which may lie beyond.
AVERAGES: dict[str, tuple[int, str, bool]] = {
    "sma": (0, "close", True),
    "ema": (0, "close", False),
    "smma": (0, "close", False),
    "wma": (0, "close", True),
    "trima": (0, "close", True),
    "alma": (0, "close", True),
    "kama": (0, "close", False),
    "midpoint": (0, "close", True),
    "vwma": (0, "traded", True),
    "percentile": (0, "close", True),
    "bollinger_bands": (1, "close", True),
    "keltner_channels": (1, "close", False),
    "volume_sma": (0, "volume", True),
    "average_dollar_volume": (0, "dollars", True),
    "vwap": (0, "typical", False),
    "anchored_vwap": (0, "typical", False),
    "atr": (0, "true_range", False),
}

# Between which bounds each output lies, whatever rounding does.
BOUNDS: dict[str, tuple[float, float]] = {
    "rsi": (0, 100),
    "rsi_cutler": (0, 100),
    "connors_rsi": (0, 100),
    "stoch_rsi": (0, 100),
    "stoch": (0, 100),
    "mfi": (0, 100),
    "adx": (0, 100),
    "aroon": (0, 100),
    "ultimate_oscillator": (0, 100),
    "williams_r": (-100, 0),
    "cmo": (-100, 100),
    "tsi": (-100, 100),
    "aroon_oscillator": (-100, 100),
    "cmf": (-1, 1),
    "bop": (-1, 1),
    "correlation": (-1, 1),
    "rolling_rank": (0, 1),
    "choppiness": (0, np.inf),
    "atr": (0, np.inf),
    "variance": (0, np.inf),
    "stddev": (0, np.inf),
}

GRIDS = {
    "cents": (1, 100),
    "nickels": (5, 100),
    "thirty-seconds": (1, 32),
    "satoshis": (1, 10**8),
    "tenths": (1, 10),
}
TICKS = st.tuples(st.sampled_from(list(GRIDS)), st.integers(1, 10**6))
EVERY = pytest.mark.parametrize("indicator", CATALOGUE.values(), ids=list(CATALOGUE))
ROWS = 260


def price(ticks: tuple[str, int]) -> float:
    """The nearest double of a number of ticks on a grid."""
    step, parts = GRIDS[ticks[0]]
    return ticks[1] * step / parts


def at_prices(close: Floats, seed: int) -> dict[str, Floats]:
    """Bars of one price each, volumes of which some are 0."""
    rows, random = len(close), np.random.default_rng(seed)
    volume = np.floor(random.lognormal(4, 2, rows)) * (random.random(rows) > 0.1)
    columns = (
        bars(rows) | {name: close for name in ("open", "high", "low", "close")} | {"volume": volume}
    )
    return columns | {"session_volume": volume}


def on_a_grid(ticks: tuple[str, int], rows: int, seed: int) -> dict[str, Floats]:
    """A walk of few ticks a bar, from far or near, which often stays where it is, with ranges of few ticks."""
    (step, parts), random = GRIDS[ticks[0]], np.random.default_rng(seed)
    moves = random.integers(-3, 4, rows) * (random.random(rows) < random.choice([0.1, 0.5, 1.0]))
    close = 4 + np.abs(ticks[1] + np.cumsum(moves))
    opened = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(opened, close) + random.integers(0, 3, rows)
    low = np.minimum(opened, close) - random.integers(0, 3, rows)
    columns = at_prices(close.astype(float), seed)
    return columns | {
        n: v * step / parts
        for n, v in (("open", opened), ("high", high), ("low", low), ("close", close))
    }


def own_rows() -> Iterator[str]:
    for name, row in CATALOGUE.items():
        if row.kernel.py_func.__module__.startswith("engine."):
            yield name


def test_every_indicator_says_what_it_is_while_prices_are_flat() -> None:
    assert set(FLAT) == set(own_rows())
    assert all(len(answers) == len(CATALOGUE[name].outputs) for name, answers in FLAT.items())


def holds(found: Floats, answer: Answer, level: float) -> bool:
    """Whether known values are the answer to the last bit, and are there at all."""
    if answer == ANY:
        return True
    known = found[~np.isnan(found)]
    return (
        not len(known)
        if answer == NONE
        else bool(len(known)) and bool((known == (level if answer == PRICE else answer)).all())
    )


@EVERY
@settings(max_examples=20)
@given(ticks=TICKS, seed=st.integers(0, 99))
def test_flat_prices_have_one_answer_to_the_last_bit(
    indicator: Indicator, ticks: tuple[str, int], seed: int
) -> None:
    level = price(ticks)
    columns = at_prices(np.full(ROWS, level), seed)
    if indicator.name == "relative_strength":
        columns["benchmark"] = columns["close"]
    for found, answer in zip(
        compute(indicator, columns), FLAT.get(indicator.name, ()), strict=False
    ):
        assert holds(found, answer, level), (indicator.name, level, found[-3:])


def forgets(indicator: Indicator) -> int:
    """Rows after which a value is an exact function of what came since; 0 where an average never quite forgets."""
    warmup, settle = indicator.warmup(*indicator.defaults), indicator.settle(*indicator.defaults)
    session = indicator.of_session or indicator.rows == "ticks" or indicator.name in CUMULATIVE
    return 0 if session or settle > warmup else warmup


@EVERY
@settings(max_examples=20)
@given(first=TICKS, second=TICKS, seed=st.integers(0, 99))
def test_after_a_step_they_are_flat_again(
    indicator: Indicator, first: tuple[str, int], second: tuple[str, int], seed: int
) -> None:
    """Where a value is a function of a window, or of the session: as if the step had never been."""
    levels, step = (price(first), price(second)), 7 * SESSION_ROWS
    columns = at_prices(np.where(np.arange(ROWS) < step, *levels), seed)
    if indicator.name in ("beta", "correlation", "relative_strength"):
        columns["benchmark"] = (
            columns["close"] if indicator.name == "relative_strength" else columns["benchmark"]
        )
    start = step + (
        SESSION_ROWS
        if indicator.name in ("vwap", "vwap_streak", "opening_range", "premarket")
        else forgets(indicator)
    )
    if start == step:
        return
    answers = (
        [0.0, *FLAT["vwap_streak"][1:]]
        if indicator.name == "vwap_streak"
        else FLAT.get(indicator.name, ())
    )
    for found, answer in zip(compute(indicator, columns), answers, strict=False):
        assert holds(found[start:], answer, levels[1]), (
            indicator.name,
            levels,
            found[start : start + 3],
        )


def sources(columns: dict[str, Floats]) -> dict[str, tuple[Floats, Floats]]:
    """What averages are of: the least and the greatest that each row may count as."""
    high, low, close, volume = (columns[name] for name in ("high", "low", "close", "volume"))
    typical = np.clip((high + low + close) / 3, low, high)
    last = np.concatenate([[np.nan], close[:-1]])
    reach = np.maximum(high, last) - np.minimum(low, last)
    traded = columns["regular"] * volume > 0
    made = {
        "close": close,
        "volume": volume,
        "dollars": close * volume,
        "true_range": np.where(np.isnan(reach), np.inf, reach),
    }
    return {
        name: (values, np.where(values == np.inf, -np.inf, values)) for name, values in made.items()
    } | {
        "traded": (np.where(volume > 0, close, np.inf), np.where(volume > 0, close, -np.inf)),
        "typical": (np.where(traded, typical, np.inf), np.where(traded, typical, -np.inf)),
    }


def bounds(
    indicator: Indicator, columns: dict[str, Floats], params: tuple[float, ...]
) -> tuple[Floats, Floats]:
    """The least and the greatest of what the average at each row is of."""
    _, source, of_a_window = AVERAGES[indicator.name]
    least, greatest = sources(columns)[source]
    if indicator.name == "vwap":
        parts = np.split(np.arange(len(least)), np.flatnonzero(np.diff(columns["session"])) + 1)
        return (
            np.concatenate([np.minimum.accumulate(least[part]) for part in parts]),
            np.concatenate([np.maximum.accumulate(greatest[part]) for part in parts]),
        )
    if not of_a_window:
        return np.minimum.accumulate(least), np.maximum.accumulate(greatest)
    period = int(params[0])
    pad = np.full(period - 1, np.nan)
    low = np.concatenate([pad, sliding_window_view(least, period).min(axis=1)])
    return low, np.concatenate([pad, sliding_window_view(greatest, period).max(axis=1)])


AVERAGE_CASES = [
    (n, p)
    for n in AVERAGES
    for p in [CATALOGUE[n].defaults, *PARAMS.get(n, [])]
    if not p or p[0] < ROWS
]


@pytest.mark.parametrize(("name", "params"), AVERAGE_CASES, ids=str)
@pytest.mark.parametrize("kind", ["step", "walk"])
@settings(max_examples=25)
@given(first=TICKS, second=TICKS, seed=st.integers(0, 10_000))
def test_an_average_lies_within_what_it_averages(
    name: str,
    params: tuple[float, ...],
    kind: str,
    first: tuple[str, int],
    second: tuple[str, int],
    seed: int,
) -> None:
    levels = price(first), price(second)
    stepped = at_prices(np.where(np.arange(ROWS) % 90 < 45, *levels), seed)
    columns = stepped if kind == "step" else on_a_grid(first, ROWS, seed)
    found = compute(CATALOGUE[name], columns, params)[AVERAGES[name][0]]
    least, greatest = bounds(CATALOGUE[name], columns, params)
    known = ~np.isnan(found)
    assert known.any()
    assert (found[known] >= least[known]).all()
    assert (found[known] <= greatest[known]).all()


@pytest.mark.parametrize("name", BOUNDS)
@settings(max_examples=25)
@given(ticks=TICKS, rising=st.sampled_from([-1, 0, 1]), seed=st.integers(0, 10_000))
def test_no_oscillator_leaves_its_scale(
    name: str, ticks: tuple[str, int], rising: int, seed: int
) -> None:
    """Also where prices only rise, or fall, so that the one side is all there is."""
    columns = on_a_grid(ticks, ROWS, seed)
    if rising:
        close = np.maximum.accumulate(columns["close"])[::rising]
        columns |= {"open": close, "high": close, "low": close, "close": close}
    found = compute(CATALOGUE[name], columns)
    least, greatest = BOUNDS[name]
    known = found[~np.isnan(found)]
    assert ((known >= least) & (known <= greatest)).all(), (name, known.min(), known.max())


def session_column(columns: dict[str, Floats], step: int = 0) -> Floats:
    """The cross-section's session_vwap over one session, in pieces of `step` rows."""
    arrays, state = tuple(columns[name] for name in ("high", "low", "close", "volume")), np.zeros(6)
    out = np.full(len(arrays[0]), -1.0)
    for start in range(0, len(out), step or len(out)):
        piece = slice(start, start + (step or len(out)))
        volume_weighted_price.over_rows(
            tuple(array[piece] for array in arrays), (), state, (out[piece],)
        )
    return out


@settings(max_examples=40)
@given(ticks=TICKS, second=TICKS, seed=st.integers(0, 10_000), step=st.sampled_from([3, 50]))
def test_the_sessions_vwap_is_within_its_prices_and_equals_the_indicator(
    ticks: tuple[str, int], second: tuple[str, int], seed: int, step: int
) -> None:
    flat = at_prices(np.full(60, price(ticks)), seed)
    stepped = at_prices(np.where(np.arange(60) < 30, price(ticks), price(second)), seed)
    for columns in (flat, stepped, on_a_grid(ticks, 60, seed)):
        columns |= {"regular": np.ones(60), "session": np.full(60, 736_000.0)}
        found = session_column(columns)
        least, greatest = (
            bound.accumulate(side)
            for bound, side in zip(
                (np.minimum, np.maximum), sources(columns)["typical"], strict=True
            )
        )
        known = ~np.isnan(found)
        assert np.array_equal(known, np.cumsum(columns["volume"]) > 0)
        assert ((found >= least) & (found <= greatest))[known].all()
        assert np.array_equal(found, session_column(columns, step), equal_nan=True)
        assert np.array_equal(found, compute(CATALOGUE["vwap"], columns)[0], equal_nan=True)
    assert (session_column(flat)[flat["volume"].cumsum() > 0] == price(ticks)).all()


@pytest.mark.parametrize(
    "name", [n for n, answers in FLAT.items() if PRICE in answers and not CATALOGUE[n].of_session]
)
def test_every_cent_is_that_cent(name: str) -> None:
    """All prices of a range, in pieces of one series each."""
    indicator = CATALOGUE[name]
    columns = at_prices(np.ones(130), 1) | {"volume": np.arange(1.0, 131.0)}
    for cents in range(101, 1200, 7):
        level = cents / 100
        found = compute(
            indicator,
            columns | {column: np.full(130, level) for column in ("open", "high", "low", "close")},
        )
        for output, answer in zip(found, FLAT[name], strict=True):
            assert answer != PRICE or (output[~np.isnan(output)] == level).all(), level


EQUAL = (
    (0.84, 0.79, 0.82),
    (0.91, 0.76, 0.78),
)  # high, low, close: typical prices that differ in the last bits alone


def equal_in_decimals(rows: int) -> dict[str, Floats]:
    high, low, close = (np.resize([bar[k] for bar in EQUAL], rows) for k in range(3))
    assert len(set((high + low + close).tolist())) == 2
    return bars(rows) | {
        "high": high,
        "low": low,
        "close": close,
        "volume": np.arange(1.0, rows + 1),
    }


DIRECTIONS: list[tuple[str, tuple[float, ...], Callable[[Floats], bool]]] = [
    ("mfi", (2,), lambda found: bool((found[0, 2:] == 0.0).all())),
    ("mfi", (14,), lambda found: bool((found[0, 14:] == 0.0).all())),
    ("cci", (14,), lambda found: bool((found[0, 13:] == 0.0).all())),
    (
        "klinger",
        (3, 10, 4),
        lambda found: bool((found[0, 9:][~np.isnan(found[0, 9:])] < 0.0).all()),
    ),  # the trend never turns
]


@pytest.mark.parametrize(("name", "params", "right"), DIRECTIONS)
def test_prices_that_differ_by_rounding_did_not_move(
    name: str, params: tuple[float, ...], right: Callable[[Floats], bool]
) -> None:
    found = compute(CATALOGUE[name], equal_in_decimals(80), params)
    assert right(found), found[:, -4:]


def test_middles_that_differ_by_rounding_did_not_move() -> None:
    """Bars around .58, of several widths."""
    width = np.resize([1, 2, 3, 5, 7, 9, 11], 60)
    columns = bars(60) | {
        "high": (58 + width) / 100,
        "low": (58 - width) / 100,
        "volume": np.ones(60),
    }
    assert len(set((columns["high"] + columns["low"]).tolist())) > 1
    assert (compute(CATALOGUE["eom"], columns)[0, 14:] == 0.0).all()
    assert (compute(CATALOGUE["fisher"], columns)[:, 10:] == 0.0).all()


def test_ranges_that_differ_by_rounding_are_a_tie() -> None:
    low = np.resize([1001, 2003, 333, 777, 1234], 60)
    columns = bars(60) | {"high": (low + 2) / 100, "low": low / 100}
    assert len(set((columns["high"] - columns["low"]).tolist())) > 1
    assert (compute(CATALOGUE["narrow_range"], columns)[0, 6:] == 1.0).all()


def test_a_close_at_the_vwap_but_for_rounding_has_no_side() -> None:
    """10.01 and 10.03 weigh the same, then 10.02: the VWAP of the three is 10.02."""
    for base in range(1000, 1400, 7):
        close = np.array([base - 1, base + 1, base, base]) / 100
        columns = bars(4) | {name: close for name in ("high", "low", "close")}
        columns |= {"volume": np.ones(4), "regular": np.ones(4), "session": np.full(4, 736_000.0)}
        assert compute(CATALOGUE["vwap_streak"], columns)[0].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_an_rsi_that_stays_has_no_stochastic() -> None:
    """The RSI of a price that no longer moves stays, but for rounding, of which no place in a range can be made."""
    for seed in range(40):
        moving = on_a_grid(("cents", 1000 + seed), 60, seed)["close"]
        columns = bars(120) | {"close": np.concatenate([moving, np.full(60, moving[-1])])}
        assert (compute(CATALOGUE["stoch_rsi"], columns)[:, 80:] == 0.0).all()
