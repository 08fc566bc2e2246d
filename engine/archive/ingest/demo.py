"""The demo market: a deterministic, synthetic archive that looks like a market.

Fat-tailed returns with a common factor and volatility that clusters, U-shaped volume, overnight
gaps, days with news (a large gap, several times the volume, a trend), illiquid names with missing
bars, pre- and post-market bars of liquid ones, early closes and daylight saving as the calendar has
them, a split, a reverse split, a dividend, a delisting and an IPO.

Each session draws from a random stream of its own, keyed by the seed and the session's number;
prices go on from the session before. Nothing runs per symbol in Python.
"""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.archive.disk import layout
from engine.archive.disk.atomic import atomic_path
from engine.archive.disk.bar_files import write_bars
from engine.archive.disk.daily_files import daily_from_session, update_daily
from engine.clock.calendar import ExchangeCalendar, Session
from engine.clock.interval import MICROS_A_MINUTE
from engine.errors import ArchiveError, BarImportError
from engine.progress import Progress, silent
from engine.schema import BAR_SCHEMA, CORPORATE_ACTIONS_SCHEMA, PRICE_COLUMNS

EXCHANGE = "XNYS"
DEFAULT_START = dt.date(2017, 11, 1)
# Borrowed names, so that the sample universes and examples find symbols here; the prices have
# nothing to do with them.
TICKERS = (
    "AAPL MSFT AMZN FB GOOGL NVDA TSLA NFLX JPM BAC XOM JNJ V WMT PG MA HD DIS CVX KO PFE INTC "
    "CSCO ORCL IBM T VZ MRK"
    " PEP ABT C WFC GS MS BA CAT MMM GE F GM NKE MCD SBUX COST TGT LOW AMD MU QCOM TXN AVGO ADBE "
    "CRM PYPL GILD AMGN"
    " BIIB CELG REGN VRTX ABBV BMY UNH CVS MDT HON UPS FDX UNP LMT RTN GD NOC DE EMR SLB HAL EOG "
    "PXD COP FCX NUE AA X"
    " CLF DAL AAL UAL LUV EBAY ATVI EA TWTR SNAP SQ ROKU BABA JD BIDU WYNN MGM ULTA"
).split()
LIQUID = 0.7  # names present in at least this share of minutes also trade before and after hours

Floats = NDArray[np.float64]


@dataclass
class Market:
    """The state that carries over from session to session; every array is [symbols]."""

    names: NDArray[np.str_]
    price: Floats
    volatility: Floats  # of a session's returns
    heat: Floats  # log of today's volatility over the usual one
    presence: Floats  # share of minutes with a trade
    volume: Floats  # mean shares a minute with a trade
    beta: Floats


@dataclass(frozen=True)
class Events:
    """Events that happen once, each (session number, symbol id[, ratio or amount])."""

    splits: tuple[tuple[int, int, float], ...]
    dividend: tuple[int, int, float]
    delisting: tuple[int, int]
    listing: tuple[int, int]


def make_demo(
    path: Path,
    symbols: int = 100,
    sessions: int = 117,
    seed: int = 7,
    start: dt.date = DEFAULT_START,
    force: bool = False,
    progress: Progress = silent,
) -> bool:
    """Write the demo market into a folder; raises ArchiveError.

    force  replace another archive in the folder

    Returns False where the same market is there already.
    """
    source = (
        f"synthetic demo market: symbols={symbols} sessions={sessions} seed={seed} start={start}"
    )
    if symbols < 8 or sessions < 1:
        raise ArchiveError(
            f"{symbols} symbols and {sessions} sessions",
            where="demo",
            expected="at least 8 symbols and 1 session",
        )
    if (path / layout.MANIFEST).exists() and not force:
        present = layout.read_manifest(path).source
        if present == source:
            return False
        raise ArchiveError(
            f"holds something else: {present}",
            where=path,
            fix="give another folder, or --force to replace it",
        )
    if path.exists():
        _clear(path)
    calendar = ExchangeCalendar.of(EXCHANGE)
    days = calendar.sessions(start, start + dt.timedelta(days=int(sessions * 1.6) + 30))[:sessions]
    market, events = _market(symbols, seed), _events(symbols, sessions)
    try:
        _write(path, market, events, days, seed, progress)
    except OSError as error:
        raise BarImportError(f"cannot be written: {error.strerror or error}", where=path) from None
    layout.write_manifest(
        path, layout.ArchiveManifest(exchange=EXCHANGE, source=source, intervals=("1m", "1d"))
    )
    return True


def _clear(path: Path) -> None:
    """Remove what an archive consists of, and nothing else that may lie in the folder."""
    (path / layout.MANIFEST).unlink(missing_ok=True)
    (path / layout.ACTIONS).unlink(missing_ok=True)
    shutil.rmtree(path / "bars", ignore_errors=True)


def _write(
    path: Path, market: Market, events: Events, days: list[Session], seed: int, progress: Progress
) -> None:
    order = np.argsort(market.names)
    daily: dict[dt.date, pl.DataFrame] = {}
    for number, session in enumerate(days):
        _overnight_events(market, events, number)
        alive = _alive(events, number, len(market.names))
        bars = _session(market, session, alive, np.random.default_rng([seed, number]), order)
        write_bars(layout.session_file(path, "1m", session.date), bars)
        daily[session.date] = daily_from_session(bars, session)
        progress("writing sessions", number + 1, len(days))
    update_daily(path, daily)
    with atomic_path(path / layout.ACTIONS) as target:
        _actions(market, events, days).write_parquet(target)


def _market(symbols: int, seed: int) -> Market:
    rng = np.random.default_rng([seed, 1_000_003])
    generated = [f"S{i:05d}" for i in range(len(TICKERS) + 1, symbols + 1)]
    presence = np.clip(np.exp(rng.normal(0.0, 1.5, symbols)) / 3.0, 0.03, 0.97)
    presence[: len(TICKERS)] = np.maximum(
        presence[: len(TICKERS)], rng.uniform(0.5, 0.97, symbols)[: len(TICKERS)]
    )
    return Market(
        names=np.array([*TICKERS[:symbols], *generated]),
        price=np.exp(rng.normal(3.5, 0.9, symbols)).clip(2.0),
        volatility=np.exp(rng.normal(np.log(0.016), 0.4, symbols)),
        heat=np.zeros(symbols),
        presence=presence,
        volume=np.exp(rng.normal(6.0, 1.0, symbols)) * (0.3 + 3.0 * presence),
        beta=rng.normal(1.0, 0.3, symbols),
    )


def _events(symbols: int, sessions: int) -> Events:
    def at(share: float) -> int:
        return min(sessions - 1, max(1, int(share * sessions)))

    return Events(
        splits=((at(0.6), 4, 4.0), (at(0.4), symbols - 2, 0.2)),
        dividend=(at(0.5), 1, 0.42),
        delisting=(at(0.75), symbols - 1),
        listing=(at(0.3), symbols - 3),
    )


def _actions(market: Market, events: Events, days: list[Session]) -> pl.DataFrame:
    rows: list[tuple[str, dt.date, float | None, float | None]] = [
        (str(market.names[symbol]), days[number].date, ratio, None)
        for number, symbol, ratio in events.splits
        if number < len(days)
    ]
    number, symbol, amount = events.dividend
    rows += (
        [(str(market.names[symbol]), days[number].date, None, amount)] if number < len(days) else []
    )
    return pl.DataFrame(rows, schema=CORPORATE_ACTIONS_SCHEMA, orient="row").sort(
        "ex_date", "symbol"
    )


def _overnight_events(market: Market, events: Events, number: int) -> None:
    for when, symbol, ratio in events.splits:
        if when == number:
            market.price[symbol] /= ratio
            market.volume[symbol] *= ratio
    when, symbol, amount = events.dividend
    if when == number:
        market.price[symbol] -= amount


def _alive(events: Events, number: int, symbols: int) -> NDArray[np.bool_]:
    alive = np.ones(symbols, np.bool_)
    alive[events.delisting[1]] = number < events.delisting[0]
    alive[events.listing[1]] = number >= events.listing[0]
    return alive


def _session(
    market: Market,
    session: Session,
    alive: NDArray[np.bool_],
    rng: np.random.Generator,
    order: NDArray[np.int64],
) -> pl.DataFrame:
    """One session's bars of all symbols, and the market moved on to its close."""
    minutes, symbols = session.minutes, len(market.names)
    before = market.price.copy()
    news = rng.random(symbols) < 0.015
    trend = _open(market, rng, news)
    curve = _u_shape(minutes)
    closes = _path(market, rng, trend, curve)
    market.price = closes[:, -1].copy()
    busy = np.where(news, rng.uniform(4.0, 10.0, symbols), np.exp(rng.normal(0.0, 0.25, symbols)))
    present = rng.random((symbols, minutes)) < np.clip(
        market.presence[:, None] * (0.7 + 0.3 * curve), 0.0, 1.0
    )
    present &= alive[:, None]
    starts = session.open + np.arange(minutes) * MICROS_A_MINUTE
    market_open = closes[:, 0] / np.exp(
        _noise(rng, symbols) * 0.3 * market.volatility / np.sqrt(minutes)
    )
    opens = np.concatenate([market_open[:, None], closes[:, :-1]], axis=1)
    volume = market.volume * busy
    regular = _bars(rng, starts, opens, closes, volume[:, None] * curve, present)
    outside = _outside(market, session, rng, before, market_open, volume, alive)
    return _frame(market.names, order, [regular, *outside])


def _open(market: Market, rng: np.random.Generator, news: NDArray[np.bool_]) -> Floats:
    """Move prices overnight; returns each symbol's drift of the day."""
    symbols = len(market.price)
    market.heat = 0.9 * market.heat + rng.normal(0.0, 0.15, symbols)
    jump = np.sign(rng.normal(size=symbols)) * rng.uniform(0.03, 0.12, symbols)
    gap = rng.normal() * 0.003 * market.beta + rng.standard_t(4, symbols) * 0.3 * market.volatility
    gap = np.where(news, jump, gap).clip(-0.3, 0.4)
    market.price = (market.price * np.exp(gap)).clip(1.5)
    follow = np.where(rng.random(symbols) < 0.6, 1.0, -0.5)
    return np.where(news, jump * follow * rng.uniform(0.2, 0.8, symbols), 0.0)


def _path(market: Market, rng: np.random.Generator, trend: Floats, curve: Floats) -> Floats:
    """float64[symbols, minutes]: closes of all minutes, traded or not."""
    symbols, minutes = len(market.price), len(curve)
    shape = np.sqrt(curve / curve.mean())
    common = _noise(rng, minutes) * 0.006 / np.sqrt(390) * shape
    own = rng.standard_normal((symbols, minutes))
    own *= np.where(rng.random((symbols, minutes)) < 0.01, 4.0, 1.0)  # fat tails
    own *= (market.volatility * np.exp(market.heat) / np.sqrt(390))[:, None] * shape
    own += market.beta[:, None] * common + (trend / minutes)[:, None]
    np.cumsum(own, axis=1, out=own)
    np.exp(own, out=own)
    own *= market.price[:, None]
    return own


def _noise(rng: np.random.Generator, size: int) -> Floats:
    return rng.standard_t(5, size)


def _u_shape(minutes: int) -> Floats:
    """How busy each minute is: most at the open, least at noon, mean about 1."""
    after, left = np.arange(minutes), np.arange(minutes)[::-1]
    curve: Floats = 0.6 + 2.2 * np.exp(-after / 25.0) + 1.6 * np.exp(-left / 20.0)
    curve /= curve.mean()
    return curve


Bars = tuple[
    NDArray[np.int64], NDArray[np.int64], Floats, Floats, Floats, Floats, Floats
]  # symbol, start, o h l c v


def _bars(
    rng: np.random.Generator,
    starts: NDArray[np.int64],
    opens: Floats,
    closes: Floats,
    volume: Floats,
    present: NDArray[np.bool_],
) -> Bars:
    symbol, minute = np.nonzero(present)
    first, last = opens[present].round(2), closes[present].round(2)
    reach = np.abs(rng.standard_normal((2, len(first)))) * 0.0004
    high = np.maximum(np.maximum(first, last), (np.maximum(first, last) * (1 + reach[0])).round(2))
    low = np.minimum(
        np.minimum(first, last), (np.minimum(first, last) * (1 - reach[1])).round(2)
    ).clip(0.01)
    shares = np.floor(volume[present] * rng.lognormal(-0.5, 1.0, len(first))) + 1.0
    return symbol, starts[minute], first, high, low, last, shares


def _outside(
    market: Market,
    session: Session,
    rng: np.random.Generator,
    before: Floats,
    opened: Floats,
    volume: Floats,
    alive: NDArray[np.bool_],
) -> list[Bars]:
    """Pre-market bars, on the way from yesterday's close to the open, and post-market bars around
    the close.
    """
    spans = (
        (session.extended_open, session.open, before, opened),
        (session.close, session.extended_close, market.price, market.price),
    )
    made = []
    for begins, ends, start_price, end_price in spans:
        minutes = (ends - begins) // MICROS_A_MINUTE
        if not minutes:
            continue
        way = (np.arange(minutes) + 1) / minutes
        drift = start_price[:, None] * (end_price / start_price)[:, None] ** way
        jitter = np.exp(rng.standard_normal((len(before), minutes)) * 0.0006)
        chance = 0.08 * way**3 if ends == session.open else 0.04 * (1 - way) ** 2
        present = (
            rng.random((len(before), minutes))
            < chance * (alive & (market.presence >= LIQUID))[:, None]
        )
        starts = begins + np.arange(minutes) * MICROS_A_MINUTE
        made.append(
            _bars(
                rng,
                starts,
                drift,
                drift * jitter,
                np.broadcast_to(0.3 * volume[:, None], drift.shape),
                present,
            )
        )
    return made


def _frame(names: NDArray[np.str_], order: NDArray[np.int64], parts: list[Bars]) -> pl.DataFrame:
    symbol, start, *values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    sorting = np.lexsort((start, rank[symbol]))
    columns = dict(
        zip((*PRICE_COLUMNS, "volume"), (value[sorting] for value in values), strict=True)
    )
    text = pl.Series("symbol", names[order].tolist()).gather(rank[symbol][sorting])
    return pl.DataFrame(
        [text, pl.Series("timestamp", start[sorting]).cast(BAR_SCHEMA["timestamp"])]
    ).with_columns(**{name: pl.Series(value) for name, value in columns.items()})
