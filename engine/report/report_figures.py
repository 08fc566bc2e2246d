"""The figures of a run's report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from engine.report.candle_charts import DOWN, UP, Mark, candles, plotly
from engine.runs.run_tables import RunTables
from engine.runs.trading_summary import Benchmark
from engine.schema import BAR_SCHEMA

COLORS = ("#3949ab", "#ef6c00", "#00897b", "#8e24aa", "#6d4c41", "#c2185b")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BARS_AROUND = 30  # bars that a trade's chart shows before its entry and after its exit
LONGEST = 1200  # bars of a trade's chart


def equity(ends: pl.DataFrame, starting_cash: float, benchmark: Benchmark | None) -> Any:
    """Equity at each session's end, the benchmark from the same cash, and the drawdown below."""
    go, make_subplots = plotly()
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.04
    )
    days = ends["session"].to_list()
    figure.add_trace(
        go.Scatter(
            x=days, y=ends["equity"].to_list(), name="equity", line={"color": COLORS[0], "width": 2}
        ),
        1,
        1,
    )
    if benchmark is not None:
        curve = starting_cash * np.cumprod(1.0 + benchmark.returns)
        figure.add_trace(
            go.Scatter(
                x=days,
                y=curve.tolist(),
                name=benchmark.name,
                line={"color": "#9e9e9e", "width": 1.3},
            ),
            1,
            1,
        )
    figure.add_trace(
        go.Scatter(
            x=days,
            y=(100 * ends["drawdown"]).to_list(),
            name="drawdown",
            fill="tozeroy",
            line={"color": DOWN, "width": 1},
        ),
        2,
        1,
    )
    figure.update_yaxes(ticksuffix=" %", row=2, col=1)
    return _laid_out(figure, 460)


def compared_equity(runs: Mapping[str, pl.DataFrame]) -> Any:
    """The growth of one unit in each run, and the drawdowns below."""
    go, make_subplots = plotly()
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.04
    )
    for number, (name, ends) in enumerate(runs.items()):
        line = {"color": COLORS[number % len(COLORS)], "width": 1.6}
        days, first = ends["session"].to_list(), ends["equity"][0]
        figure.add_trace(
            go.Scatter(
                x=days, y=(ends["equity"] / first).to_list(), name=name, line=line, legendgroup=name
            ),
            1,
            1,
        )
        figure.add_trace(
            go.Scatter(
                x=days,
                y=(100 * ends["drawdown"]).to_list(),
                name=name,
                line=line,
                legendgroup=name,
                showlegend=False,
            ),
            2,
            1,
        )
    figure.update_yaxes(ticksuffix=" %", row=2, col=1)
    return _laid_out(figure, 520)


def months(ends: pl.DataFrame, starting_cash: float) -> Any:
    """Return of each month, years down, months across."""
    go, _ = plotly()
    by_month = ends.group_by(
        year=pl.col("session").dt.year(), month=pl.col("session").dt.month(), maintain_order=True
    ).agg(pl.col("equity").last())
    before = by_month["equity"].shift(1, fill_value=starting_cash)
    returns = by_month.with_columns(r=100 * (pl.col("equity") / before - 1.0))
    years = returns["year"].unique().sort().to_list()
    grid: list[list[float | None]] = [[None] * 12 for _ in years]
    for year, month, value in returns.select("year", "month", "r").iter_rows():
        grid[years.index(year)][month - 1] = value
    texts = [["" if value is None else f"{value:.1f}" for value in row] for row in grid]
    scale = [[0.0, "#c62828"], [0.5, "#ffffff"], [1.0, "#1b8a5a"]]
    heat = go.Heatmap(
        z=grid,
        x=MONTHS,
        y=[str(y) for y in years],
        text=texts,
        texttemplate="%{text}",
        colorscale=scale,
        zmid=0,
        showscale=False,
        hovertemplate="%{y} %{x}: %{z:.2f} %<extra></extra>",
        xgap=2,
        ygap=2,
    )
    figure = _laid_out(go.Figure(heat), 110 + 34 * len(years), "return by month, percent")
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def returns(trades: pl.DataFrame) -> Any:
    """How the trades' returns are distributed."""
    go, _ = plotly()
    values = 100 * trades["return"]
    low, high = float(values.quantile(0.005) or 0), float(values.quantile(0.995) or 0)
    size = max((high - low) / 60, 1e-6)
    bins = {"start": size * np.floor(low / size), "end": high + size, "size": size}
    figure = go.Figure(
        [
            go.Histogram(
                x=values.filter(trades["pnl"] > 0).to_list(),
                xbins=bins,
                name="won",
                marker_color=UP,
            ),
            go.Histogram(
                x=values.filter(trades["pnl"] <= 0).to_list(),
                xbins=bins,
                name="lost",
                marker_color=DOWN,
            ),
        ]
    )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(ticksuffix=" %")
    return _laid_out(figure, 360, "trades by return")


def excursions(trades: pl.DataFrame) -> Any:
    """How far each trade went for and against itself."""
    go, _ = plotly()
    shown = trades if len(trades) <= 5000 else trades.sample(5000, seed=0)
    figure = go.Figure()
    for name, won, color in (("won", pl.col("pnl") > 0, UP), ("lost", pl.col("pnl") <= 0, DOWN)):
        own = shown.filter(won)
        figure.add_trace(
            go.Scattergl(
                x=(100 * own["mae"]).to_list(),
                y=(100 * own["mfe"]).to_list(),
                mode="markers",
                name=name,
                marker={"size": 5, "color": color, "opacity": 0.55},
                text=[
                    f"{symbol} {day}" for symbol, day in own.select("symbol", "session").iter_rows()
                ],
                hovertemplate="%{text}<br>against %{x:.2f} %, for %{y:.2f} %<extra></extra>",
            )
        )
    figure.update_xaxes(title="worst excursion (MAE)", ticksuffix=" %")
    figure.update_yaxes(title="best excursion (MFE)", ticksuffix=" %")
    return _laid_out(figure, 360, "excursions")


def by_group(groups: Mapping[str, Mapping[str, Mapping[str, Any]]], name: str, title: str) -> Any:
    """Profit of each group of trades."""
    go, _ = plotly()
    values = {key: one["pnl"] for key, one in groups[name].items()}
    colors = [UP if value > 0 else DOWN for value in values.values()]
    counts = [one["count"] for one in groups[name].values()]
    bars = go.Bar(
        x=list(values),
        y=list(values.values()),
        marker_color=colors,
        text=counts,
        hovertemplate="%{x}: %{y:,.2f}, %{text} trades<extra></extra>",
    )
    figure = _laid_out(go.Figure(bars), 300, title)
    figure.update_xaxes(type="category")
    return figure


def funnel(scans: pl.DataFrame, scanner: str, clauses: Sequence[str]) -> Any:
    """How many symbols each clause left, session by session."""
    go, _ = plotly()
    steps = ["scanned", *(name for name in clauses if name in scans.columns)]
    own = (
        scans.filter(pl.col("scanner") == scanner)
        .group_by("session", maintain_order=True)
        .agg(pl.col(steps).sum())
    )
    figure = go.Figure()
    for number, step in enumerate(steps):
        shade = "#bdbdbd" if number == 0 else COLORS[(number - 1) % len(COLORS)]
        line = {"color": shade, "width": 1.4}
        figure.add_trace(
            go.Scatter(
                x=own["session"].to_list(),
                y=own[step].to_list(),
                name=step,
                mode="lines",
                line=line,
            )
        )
    figure.update_yaxes(type="log")
    return _laid_out(
        figure, 320, f"{scanner}: symbols left after each clause, all scans of a session"
    )


def hits_by_time(counts: pl.DataFrame, tz: str) -> Any:
    """Hits by time of day, exchange-local, out of counts by scanner and tick."""
    go, _ = plotly()
    local = counts.with_columns(time=pl.col("tick").dt.convert_time_zone(tz).dt.to_string("%H:%M"))
    figure = go.Figure()
    for number, ((scanner,), own) in enumerate(local.group_by("scanner", maintain_order=True)):
        by_time = own.group_by("time").agg(pl.col("len").sum()).sort("time")
        figure.add_trace(
            go.Bar(
                x=by_time["time"].to_list(),
                y=by_time["len"].to_list(),
                name=str(scanner),
                marker_color=COLORS[number % len(COLORS)],
            )
        )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(type="category", categoryorder="category ascending")
    return _laid_out(figure, 300, "hits by time of day")


def trade(run: RunTables, one: Mapping[str, Any]) -> Any | None:
    """A trade on its bars: entry, exit, stop, target, and the scanner's hits; None where the archive is not there."""
    bars = _bars(run, one)
    if bars is None or bars.is_empty():
        return None
    go, _ = plotly()
    figure = go.Figure(candles(bars, one["symbol"]))
    shape = "triangle-up" if one["side"] == "long" else "triangle-down"
    entry = Mark(one["entry_time"], one["entry_price"], "entry", one["entry_reason"] or "", shape)
    _add_mark(figure, run, replace(entry, color="#1e88e5"))
    if one["exit_time"] is not None:
        why = one["exit_reason"] or ""
        _add_mark(
            figure, run, Mark(one["exit_time"], one["exit_price"], "exit", why, "x", "#212121")
        )
    for name, color in (("stop", DOWN), ("target", UP)):
        if one[name] is not None:
            figure.add_hline(
                y=one[name], line={"color": color, "dash": "dot", "width": 1}, annotation_text=name
            )
    if one["found"] is not None:
        seen = [
            price
            for time, price in bars.select("time", "close").iter_rows()
            if time < _wall(run, one["found"])
        ]
        if seen:
            hit = Mark(one["found"], seen[-1], "hit", one["scanner"] or "", "star", "#ab47bc")
            _add_mark(figure, run, hit)
    figure.update_xaxes(rangeslider_visible=False, type="category", nticks=12)
    title = f"{one['symbol']} {one['session']}, {one['side']}: {one['pnl']:,.2f} ({100 * one['return']:.2f} %)"
    return _laid_out(figure, 420, title)


def local(run: RunTables, time: dt.datetime | None) -> str:
    """A time at the exchange."""
    return "" if time is None else f"{time.astimezone(ZoneInfo(run.tz)):%Y-%m-%d %H:%M}"


def _wall(run: RunTables, time: dt.datetime) -> str:
    return f"{time.astimezone(ZoneInfo(run.tz)):%Y-%m-%d %H:%M}"


def _add_mark(figure: Any, run: RunTables, mark: Mark) -> None:
    """Draw a mark at the last bar that begins by its time (`mark.time`, with a zone)."""
    go, _ = plotly()
    shown = figure.data[0].x
    at = _wall(run, mark.time)
    within = [x for x in shown if x <= at]
    figure.add_trace(
        go.Scatter(
            x=[within[-1] if within else shown[0]],
            y=[mark.price],
            mode="markers",
            name=mark.label,
            text=[f"{at} {mark.text}"],
            hovertemplate="%{text}<br>%{y}<extra></extra>",
            marker={
                "symbol": mark.symbol,
                "size": 13,
                "color": mark.color,
                "line": {"width": 1, "color": "white"},
            },
        )
    )


def _bars(run: RunTables, one: Mapping[str, Any]) -> pl.DataFrame | None:
    """Bars around a trade with their exchange-local times as text: of the replayed interval within a session, else daily ones."""
    if run.archive is None:
        return None
    base = (
        run.manifest["config"]["session_data_config"]["interval"] or run.archive.manifest.base.name
    )
    ends = one["exit_time"] or one["entry_time"]
    first, last = (time.astimezone(ZoneInfo(run.tz)).date() for time in (one["entry_time"], ends))
    if base == "1d" or (last - first).days > 3:
        start, end = first - dt.timedelta(days=60), last + dt.timedelta(days=30)
        daily = run.archive.read_daily(list(BAR_SCHEMA)[1:], start, end).filter(
            pl.col("symbol") == one["symbol"]
        )
        return _timed(daily, run).head(LONGEST)
    days = [day for day in run.archive.sessions(base) if first <= day <= last]
    bars = pl.concat(
        run.archive.read_session(day, list(BAR_SCHEMA), base).filter(
            pl.col("symbol") == one["symbol"]
        )
        for day in days
    )
    sessions = [run.archive.calendar.session(day) for day in days]
    stamps = pl.col("timestamp").to_physical()
    regular = bars.filter(
        pl.any_horizontal(stamps.is_between(s.open, s.close, closed="left") for s in sessions)
    )
    entered = int((regular["timestamp"] < one["entry_time"]).sum())
    left = int((regular["timestamp"] <= ends).sum())
    return _timed(regular[max(0, entered - 2 * BARS_AROUND) : left + BARS_AROUND], run).head(
        LONGEST
    )


def _timed(bars: pl.DataFrame, run: RunTables) -> pl.DataFrame:
    return bars.with_columns(
        time=pl.col("timestamp").dt.convert_time_zone(run.tz).dt.to_string("%Y-%m-%d %H:%M")
    )


def _laid_out(figure: Any, height: int, title: str = "") -> Any:
    figure.update_layout(
        template="plotly_white",
        height=height,
        title=title,
        margin={"l": 60, "r": 20, "t": 50 if title else 20, "b": 40},
        legend={"orientation": "h", "y": 1.08, "x": 1, "xanchor": "right"},
        hovermode="closest",
    )
    return figure
