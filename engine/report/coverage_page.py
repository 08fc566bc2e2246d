"""Which sessions of which symbols are there: a heat map in one self-contained HTML page."""

from __future__ import annotations

import html

import numpy as np

from engine.archive.quality.completeness import QualityTotals
from engine.report.candle_charts import plotly

MOST_SYMBOLS = 1000
COLORS = [[0.0, "#b71c1c"], [0.5, "#ef6c00"], [0.8, "#fdd835"], [0.95, "#9ccc65"], [1.0, "#2e7d32"]]


def coverage_page(title: str, totals: QualityTotals) -> str:
    """Symbols by sessions, the MOST_SYMBOLS least complete, the worst on top; raises RunError where plotly is not installed."""
    go, _ = plotly()
    table = totals.by_symbol
    shown = table["symbol"].head(MOST_SYMBOLS).to_list()
    if len(table) > len(shown):
        title += f", the {len(shown):,} least complete of {len(table):,} symbols"
    values = np.vstack([totals.market, totals.map(shown)]).round(1)
    cells = [[None if value != value else value for value in row] for row in values.tolist()]
    dates = [str(date) for date in totals.columns]
    names = ["all", *(html.escape(symbol) for symbol in shown)]
    figure = go.Figure(
        go.Heatmap(
            z=cells,
            x=dates,
            y=names,
            zmin=0,
            zmax=100,
            colorscale=COLORS,
            xgap=0,
            ygap=0,
            colorbar={"title": "% of bars"},
            hovertemplate="%{y} %{x}: %{z} %<extra></extra>",
        )
    )
    figure.update_xaxes(type="category", nticks=20)
    figure.update_yaxes(type="category", autorange="reversed")
    figure.update_layout(
        title=html.escape(title),
        template="plotly_white",
        height=max(400, 160 + 14 * len(names)),
        margin={"l": 90, "r": 20, "t": 80},
    )
    page: str = figure.to_html(
        include_plotlyjs=True, full_html=True, config={"displaylogo": False}, div_id="coverage"
    )
    return page.replace("<head>", f"<head><title>{html.escape(title)}</title>", 1)
