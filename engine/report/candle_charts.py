"""Candle charts of one symbol in one self-contained HTML page; plotly draws them."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.clock.calendar import ExchangeCalendar
from engine.errors import RunError

UP, DOWN = "#26a69a", "#ef5350"


@dataclass(frozen=True)
class Mark:
    """A mark on a chart: a hit, an entry or an exit."""

    time: Any
    price: float
    label: str
    text: str = ""
    symbol: str = "triangle-up"
    color: str = "#5c6bc0"


def candle_page(
    title: str, bars: pl.DataFrame, columns: Sequence[str], marks: Sequence[Mark] = ()
) -> str:
    """An HTML page: candles and volume, `columns` over the candles where they are prices, below them where not.

    bars  time (exchange-local), open, high, low, close, volume, and the columns; a row a bar
    Raises RunError where plotly is not installed.
    """
    go, make_subplots = plotly()
    over = [name for name in columns if _is_price(bars, name)]
    below = [name for name in columns if name not in over]
    panels = list(dict.fromkeys(name.partition(".")[0] for name in below))
    height = 0.33 / max(1, len(panels))
    figure = make_subplots(
        rows=2 + len(panels),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.02,
        row_heights=[0.55, 0.12, *[height] * len(panels)],
        subplot_titles=["", "volume", *panels],
    )
    time = bars["time"].to_list()
    figure.add_trace(candles(bars, "price"), 1, 1)
    figure.add_trace(
        go.Bar(x=time, y=bars["volume"].to_list(), name="volume", marker_color="#90a4ae"), 2, 1
    )
    for name in columns:
        line = go.Scatter(x=time, y=bars[name].to_list(), name=name, mode="lines", line_width=1.3)
        row = 1 if name in over else 3 + panels.index(name.partition(".")[0])
        figure.add_trace(line, row, 1)
    for label in dict.fromkeys(mark.label for mark in marks):
        figure.add_trace(_markers([mark for mark in marks if mark.label == label]), 1, 1)
    figure.update_xaxes(rangebreaks=_closed_hours(bars), rangeslider_visible=False)
    figure.update_layout(
        title=title,
        template="plotly_white",
        height=560 + 170 * len(panels),
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.04, "x": 1, "xanchor": "right"},
        margin={"l": 60, "r": 20, "t": 80, "b": 30},
    )
    page = figure_html(figure, "chart", plotly_too=True, full_page=True)
    return page.replace("<head>", f"<head><title>{html.escape(title)}</title>", 1)


def candles(bars: pl.DataFrame, name: str) -> Any:
    """A plotly trace of candles, from the columns time, open, high, low, close of bars."""
    go, _ = plotly()
    prices = {name: bars[name].to_list() for name in ("open", "high", "low", "close")}
    return go.Candlestick(
        x=bars["time"].to_list(),
        **prices,
        name=name,
        increasing_line_color=UP,
        decreasing_line_color=DOWN,
    )


def _markers(marks: Sequence[Mark]) -> Any:
    """A plotly trace of the marks of one label."""
    go, _ = plotly()
    return go.Scatter(
        x=[mark.time for mark in marks],
        y=[mark.price for mark in marks],
        name=marks[0].label,
        mode="markers",
        text=[mark.text for mark in marks],
        hovertemplate="%{x|%H:%M}  %{y}<br>%{text}",
        marker={
            "symbol": marks[0].symbol,
            "size": 11,
            "color": marks[0].color,
            "line": {"width": 1, "color": "black"},
        },
    )


def _closed_hours(bars: pl.DataFrame) -> list[dict[str, Any]]:
    """Plotly's range breaks: weekends, and of intraday bars of several days the nights."""
    breaks: list[dict[str, Any]] = [{"bounds": ["sat", "mon"]}]
    days = bars["time"].dt.date().n_unique()
    if 1 < days < len(bars):
        first, last = bars["time"].dt.time().min(), bars["time"].dt.time().max()
        breaks.append({"bounds": [_hour(last) + 0.02, _hour(first)], "pattern": "hour"})
    return breaks


def figure_html(figure: Any, name: str, plotly_too: bool, full_page: bool = False) -> str:
    """A figure's HTML.

    name        its id in the page
    plotly_too  whether plotly itself comes with it, as it does once in a page
    Names that come from data are shown as they are: plotly would take `<a href=...>` in them for a link.
    """
    import plotly.io

    text: str = plotly.io.to_html(
        _escaped(figure.to_dict()),
        include_plotlyjs=plotly_too,
        full_html=full_page,
        div_id=name,
        config={"displaylogo": False},
        validate=False,
    )
    return text


def _escaped(value: Any) -> Any:
    """Texts escaped, but for the templates, which are ours."""
    if isinstance(value, str):
        return html.escape(value, quote=False)
    if isinstance(value, list | tuple):
        return [_escaped(one) for one in value]
    if isinstance(value, dict):
        return {
            key: one if key.endswith("template") else _escaped(one) for key, one in value.items()
        }
    return value


def chart_bars(series: pl.DataFrame, calendar: ExchangeCalendar) -> pl.DataFrame:
    """What `indicator_series` gives as bars to draw: a row a tick that has a bar of its own, at the exchange's wall clock."""
    step = pl.col("bar_time").is_not_null() & (
        pl.col("bar_time") != pl.col("bar_time").shift()
    ).fill_null(True)
    local = (
        pl.col("bar_time")
        .dt.convert_time_zone(str(calendar.tz))
        .dt.replace_time_zone(None)
        .alias("time")
    )
    return series.filter(step).with_columns(local)


def _is_price(bars: pl.DataFrame, name: str) -> bool:
    """Whether a column's values lie where the prices do."""
    values = bars[name].drop_nulls()
    low, high = bars["low"].min(), bars["high"].max()
    if values.is_empty() or low is None or high is None:
        return False
    return bool(values.min() >= 0.5 * low and values.max() <= 2.0 * high)  # type: ignore[operator]


def _hour(time: Any) -> float:
    return float(time.hour + time.minute / 60)


def plotly() -> tuple[Any, Any]:
    """plotly.graph_objects and make_subplots; raises RunError where plotly is not installed."""
    try:
        import plotly.graph_objects as go
        from plotly.subplots import make_subplots
    except ImportError:
        raise RunError(
            "charts need plotly, which is not installed", fix="pip install 'barsweep[charts]'"
        ) from None
    return go, make_subplots
