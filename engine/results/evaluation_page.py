"""An evaluation as one self-contained HTML page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from engine.results.charts import figure_html, plotly
from engine.results.evaluate import Evaluation
from engine.results.exact_sums import LEAST_SESSIONS
from engine.results.outcomes import HORIZONS

STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1100px;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #ddd}
th:first-child,td:first-child{text-align:left}h2{margin-top:2.5rem}"""
ABOUT = f"""Returns from the next bar's open. Excess is over the mean of the universe's other symbols at the same tick; t is
clustered by session; the interval is a bootstrap over sessions; of fewer than {LEAST_SESSIONS} sessions there is neither. A return
of exactly 0 is no win."""
NAMES = {
    "m5": "+5 min",
    "m15": "+15 min",
    "m30": "+30 min",
    "m60": "+60 min",
    "close": "to the close",
    "next_open": "next open",
    "next_close": "next close",
    "day5": "+5 sessions",
    "mfe": "best (MFE)",
    "mae": "worst (MAE)",
}


def evaluation_page(title: str, evaluations: Sequence[Evaluation]) -> str:
    """The page; raises RunError where plotly is not installed."""
    go, make_subplots = plotly()
    parts = [f"<h1>{html.escape(title)}</h1>", f"<p>{ABOUT}</p>"]
    for number, one in enumerate(evaluations):
        parts += [f"<h2>{html.escape(one.scanner)}</h2>", _facts(one), _table(one)]
        parts += [f"<p>{html.escape(line)}</p>" for line in exit_lines(one)]
        kinds = [kind for kind in one.groups if len(one.groups[kind]) > 1]
        figure = make_subplots(
            rows=1 + (len(kinds) + 1) // 2,
            cols=2,
            subplot_titles=["mean excess by horizon", "", *kinds],
        )
        shown = [h for h in HORIZONS if one.excess[h]["count"] and h not in ("mfe", "mae")]
        means = [100 * one.excess[h]["mean"] for h in shown]
        errors = [[_off(one.excess[h], side) for h in shown] for side in ("high", "low")]
        bars = go.Bar(
            x=[NAMES[h] for h in shown],
            y=means,
            error_y={"type": "data", "array": errors[0], "arrayminus": errors[1]},
            marker_color="#5c6bc0",
        )
        figure.add_trace(bars, 1, 1)
        horizon = group_horizon(one)
        for place, kind in enumerate(kinds):
            groups = {
                name: g[horizon]
                for name, g in one.groups[kind].items()
                if g.get(horizon, {"count": 0})["count"]
            }
            trace = go.Bar(
                x=list(groups),
                y=[100 * g["mean"] for g in groups.values()],
                text=[g["count"] for g in groups.values()],
                hovertemplate="%{x}: %{y:.3f} %, %{text} hits<extra></extra>",
                marker_color="#90a4ae",
            )
            figure.add_trace(trace, 2 + place // 2, 1 + place % 2)
        figure.update_layout(
            showlegend=False,
            template="plotly_white",
            height=300 * (1 + (len(kinds) + 1) // 2),
            margin={"t": 50},
        )
        figure.update_yaxes(ticksuffix=" %")
        parts.append(f"<p>Groups: mean excess {NAMES[horizon]}.</p>")
        parts.append(figure_html(figure, f"figure{number}", plotly_too=number == 0))
    body = "\n".join(parts)
    head = f"<meta charset='utf-8'><title>{html.escape(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"


def _facts(one: Evaluation) -> str:
    tried = (
        f"; {one.tried} variants were tried, so t is also given deflated" if one.tried > 1 else ""
    )
    return f"<p>{one.hits:,} hits in {one.sessions} sessions, {one.first} to {one.last}{tried}.</p>"


def horizon_table(one: Evaluation) -> tuple[list[str], list[list[Any]]]:
    """Heads and rows of the figures by horizon, those that have hits; the first column names the horizon."""
    several = one.tried > 1
    heads = [
        "",
        "hits",
        "win rate",
        "mean",
        "median",
        "excess",
        "95 % from",
        "to",
        "t",
        *(["deflated t"] if several else []),
    ]
    rows = []
    for horizon in HORIZONS:
        own, over = one.returns[horizon], one.excess[horizon]
        if own["count"]:
            rows.append(
                [
                    NAMES[horizon],
                    own["count"],
                    percent(own["win_rate"], 1),
                    percent(own["mean"]),
                    percent(own["median"]),
                    percent(over.get("mean")),
                    percent(over.get("low")),
                    percent(over.get("high")),
                    plain(over.get("t")),
                    *([plain(over.get("deflated_t"))] if several else []),
                ]
            )
    return heads, rows


def exit_lines(one: Evaluation) -> list[str]:
    """What is to be said of hits that are left out, or sold at an earlier price, horizon by horizon."""
    told = (
        (
            one.left_out,
            "left out, for their symbols have no price then (they stopped trading, or do not trade then)",
        ),
        (one.at_last_price, "sold at the last price before, for their symbols have none then"),
    )
    return [
        f"hits {why}: {', '.join(f'{NAMES[horizon]} {count:,}' for horizon, count in counts.items())}"
        for counts, why in told
        if counts
    ]


def _off(figures: dict[str, Any], side: str) -> float | None:
    """How far one end of an interval is from the mean, in percent; None without an interval."""
    return None if figures[side] is None else 100 * abs(figures[side] - figures["mean"])


def group_horizon(one: Evaluation) -> str:
    """The horizon that groups are shown at: to the close, or where hits are of daily bars to the next one."""
    return "close" if one.excess["close"]["count"] else "next_close"


def _table(one: Evaluation) -> str:
    heads, rows = horizon_table(one)
    lines = [f"<tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"]
    for row in rows:
        cells = (f"{cell:,}" if isinstance(cell, int) else cell for cell in row)
        lines.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def percent(value: float | None, digits: int = 3) -> str:
    """A share as percent, or a dash."""
    return "-" if value is None else f"{100 * value:.{digits}f} %"


def plain(value: float | None) -> str:
    """Two decimals, or a dash."""
    return "-" if value is None else f"{value:.2f}"
