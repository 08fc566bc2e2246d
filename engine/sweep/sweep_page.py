"""sweep.html: one self-contained page about a sweep, drawn by engine/sweep/sweep.js.

1. heat map of any two parameters, the others chosen      2. the figure against each parameter
3. parallel coordinates                                   4. stability: a variant against its
   neighbours
5. equity of chosen variants
"""

from __future__ import annotations

import html
import json
from importlib.resources import files
from typing import Any

import numpy as np

from engine.report.candle_charts import plotly
from engine.report.evaluation_page import STYLE
from engine.sweep.run_sweep import SweepResult
from engine.sweep.strategy_variants import TradingFigures
from engine.sweep.sweep_data import A_NUMBER, BYTES, SweepData

CONTROLS = """select,input{font:inherit;margin:.1rem .6rem .1rem .2rem}.controls{margin:.4rem 0}
.chart{width:100%;height:480px}"""
CHARTS = {
    "heat": "Two parameters",
    "line": "Figure against a parameter",
    "parallel": "Parallel coordinates",
    "stability": "Stability: each variant against its neighbours",
    "equity": "Equity of chosen variants",
}


def sweep_page(result: SweepResult) -> str:
    """The page; raises RunError where plotly is not installed."""
    plotly()
    from plotly.offline import get_plotlyjs

    data = SweepData.of(result.sweep.variants, result.figures)
    content = data.content() | {"equity": _equity(result.trading, data)}
    charts = "".join(
        f"<h2>{title}</h2><div class=controls id={name}_controls></div><div class=chart "
        f"id={name}></div>"
        for name, title in CHARTS.items()
        if name != "equity" or result.trading is not None
    )
    script = files("engine.sweep").joinpath("sweep.js").read_text(encoding="utf-8")
    return (
        "<!doctype html><html><head><meta charset='utf-8'><title>sweep</title>"
        f"<style>{STYLE}{CONTROLS}</style><script>{get_plotlyjs()}</script></head><body>"
        f"<h1>sweep of {len(result.sweep.variants):,} variants</h1>{_told(result, data)}{charts}"
        f"<script type='application/json' id=data>{_json(content)}</script>"
        f"<script>{script}</script></body></html>"
    )


def _told(result: SweepResult, data: SweepData) -> str:
    """What the page shows, and what it leaves out."""
    told = [f"{name}: {way}" for name, way in result.ways.items()]
    told += [sentence for luck in result.luck for sentence in luck.sentences]
    if not data.whole:
        told.append(
            f"Of {len(data.variants):,} variants the page holds means and best values by each "
            "parameter and each two; "
            "single variants are the best ones and some drawn by chance. All are in "
            "variants.parquet."
        )
    if data.left_out:
        told.append(f"Left out, so that the page stays small: {', '.join(data.left_out)}.")
    return "".join(f"<p>{html.escape(one)}</p>" for one in told)


def _equity(trading: TradingFigures | None, data: SweepData) -> dict[str, Any] | None:
    """Growth of one unit by session, of the best variants by the first figure, within BYTES."""
    if trading is None:
        return None
    first = next(iter(data.figures.values()))
    room = max(1, BYTES // (A_NUMBER * max(1, len(trading.dates))))
    best = np.argsort(-np.nan_to_num(first, nan=-np.inf), kind="stable")[:room]
    growth = np.cumprod(1.0 + np.nan_to_num(trading.returns[best]), axis=1)
    return {
        "sessions": [str(date) for date in trading.dates],
        "growth": {
            str(number): [round(value, 5) for value in row]
            for number, row in zip(best.tolist(), growth.tolist(), strict=True)
        },
    }


def _json(content: Any) -> str:
    """JSON that ends no script, whatever its texts say."""
    text = json.dumps(content, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
