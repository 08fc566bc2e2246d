"""report.html: one self-contained page about a run, or several runs side by side.

1. `RunTables`    what the page is made from: the tables of a run directory, and bars of the archive for the trades it draws
2. `report_page`  key figures, equity and drawdown, months, trades, scans, the best and the worst trades on their bars
3. `compare_page` the figures of several runs in one table, their curves in one chart
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import polars as pl

from engine.errors import RunError
from engine.report import report_figures as figures
from engine.report.candle_charts import figure_html
from engine.report.evaluation_page import STYLE
from engine.runs.run_tables import RunTables
from engine.runs.survivorship import HEADS, survivorship_rows

SHOWN_TRADES = 5  # best, and as many of the worst
KEY_FIGURES = {
    "cum_returns_final": ("return", "%"),
    "annual_return": ("a year", "%"),
    "annual_volatility": ("volatility", "%"),
    "sharpe_ratio": ("Sharpe", ""),
    "sortino_ratio": ("Sortino", ""),
    "calmar_ratio": ("Calmar", ""),
    "max_drawdown": ("max drawdown", "%"),
    "omega_ratio": ("Omega", ""),
    "value_at_risk": ("VaR 95 %", "%"),
    "alpha": ("alpha", "%"),
    "beta": ("beta", ""),
    "benchmark_return": ("benchmark", "%"),
}
TRADE_FIGURES = {
    "count": ("trades", ""),
    "win_rate": ("won of all", "%"),
    "won": ("won", ""),
    "lost": ("lost", ""),
    "break_even": ("broke even", ""),
    "open": ("still open", ""),
    "profit_factor": ("profit factor", ""),
    "pnl": ("profit", ""),
    "expectancy": ("a trade", ""),
    "average_win": ("average win", ""),
    "average_loss": ("average loss", ""),
    "costs": ("costs", ""),
    "average_bars": ("bars held", ""),
}
MORE_STYLE = """.tiles{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0}.tile{border:1px solid #e3e5ee;border-radius:8px;
padding:.5rem .9rem;min-width:7rem}.tile b{display:block;font-size:1.25rem}.tile span{color:#667;font-size:.8rem}
.good{color:#1b8a5a}.bad{color:#c62828}.two{display:grid;grid-template-columns:1fr 1fr;gap:1rem}@media(max-width:900px){.two{
display:block}}a{color:#3949ab}nav a{margin-right:1rem}"""


def report_page(run: RunTables) -> str:
    """The page of one run; raises RunError where plotly is not installed."""
    page = _Page(run.name)
    page.add(_facts(run))
    if run.trading:
        _trading(page, run)
    _scans(page, run)
    if run.trading:
        _trades_on_their_bars(page, run)
    return page.text()


def compare_page(runs: Sequence[RunTables]) -> str:
    """Several runs side by side; raises RunError where one of them did not trade."""
    for run in runs:
        if not run.trading:
            raise RunError(
                "did not trade",
                where=run.folder,
                expected="runs with strategies",
                fix="name one run for its own report",
            )
    page = _Page("comparison")
    names = _distinct([run.name for run in runs], [run.folder.name for run in runs])
    page.figure(figures.compared_equity(dict(zip(names, [run.ends for run in runs], strict=True))))
    rows = [["sessions", *(f"{run.summary['sessions']:,}" for run in runs)]]
    rows += [
        [label, *(run.summary[key] for run in runs)]
        for label, key in (("from", "first_session"), ("to", "last_session"))
    ]
    for block, known in (("metrics", KEY_FIGURES), ("trades", TRADE_FIGURES)):
        for key, (label, unit) in known.items():
            rows.append(
                [label, *(_shown((run.trading or {})[block].get(key), unit) for run in runs)]
            )
    page.add("<h2>Figures</h2>" + _table(["", *names], rows))
    page.add(
        "<h2>Configs</h2>"
        + _table(["key", *names], _differences([run.manifest["config"] for run in runs]))
    )
    return page.text()


class _Page:
    """Parts of an HTML page; the first figure brings plotly along."""

    def __init__(self, title: str):
        self._title, self._parts, self._figures = title, [f"<h1>{html.escape(title)}</h1>"], 0

    def add(self, text: str) -> None:
        self._parts.append(text)

    def figure(self, figure: Any) -> None:
        self.add(self.drawn(figure))

    def drawn(self, figure: Any) -> str:
        """A figure's HTML."""
        self._figures += 1
        return figure_html(figure, f"figure{self._figures}", plotly_too=self._figures == 1)

    def text(self) -> str:
        head = f"<meta charset='utf-8'><title>{html.escape(self._title)}</title><style>{STYLE}{MORE_STYLE}</style>"
        return (
            f"<!doctype html><html><head>{head}</head><body>"
            + "\n".join(self._parts)
            + "</body></html>"
        )


def _facts(run: RunTables) -> str:
    summary, manifest = run.summary, run.manifest
    links = ["scans", *(["equity", "trades", "best"] if run.trading else [])]
    told = (
        f"{summary['sessions']} sessions, {summary['first_session']} to {summary['last_session']}; {summary['bars']:,} bars, "
        f"{summary['hits']:,} hits. Config {manifest['config_digest']}, archive {manifest['archive_digest']}, barsweep "
        f"{manifest['barsweep']}."
    )
    return f"<p>{html.escape(told)}</p><nav>{''.join(f'<a href=#{name}>{name}</a>' for name in sorted(links))}</nav>"


def _trading(page: _Page, run: RunTables) -> None:
    trading = run.trading or {}
    page.add("<h2 id=equity>Equity</h2>")
    page.add(_tiles(trading["metrics"], KEY_FIGURES))
    page.figure(figures.equity(run.ends, trading["starting_cash"], run.benchmark))
    page.figure(figures.months(run.ends, trading["starting_cash"]))
    page.add("<h2 id=trades>Trades</h2>")
    page.add(_tiles(trading["trades"], TRADE_FIGURES))
    if len(run.trades):
        page.add(
            f"<div class=two>{page.drawn(figures.returns(run.trades))}{page.drawn(figures.excursions(run.trades))}</div>"
        )
        page.add(
            f"<div class=two>{page.drawn(figures.by_group(trading['by'], 'hour', 'profit by hour of the entry'))}"
            f"{page.drawn(figures.by_group(trading['by'], 'weekday', 'profit by weekday'))}</div>"
        )
        for group, title in (
            ("strategy", "strategies"),
            ("scanner", "found by"),
            ("side", "sides"),
            ("exit_reason", "exits"),
        ):
            page.add(f"<h3>{title}</h3>" + _group_table(trading["by"][group]))


def _group_table(groups: dict[str, dict[str, Any]]) -> str:
    heads = ["", "trades", "won", "profit", "a trade", "profit factor", "costs"]
    rows = [
        [
            name,
            f"{one['count']:,}",
            _shown(one["win_rate"], "%"),
            _shown(one["pnl"]),
            _shown(one["expectancy"]),
            _shown(one["profit_factor"]),
            _shown(one["costs"]),
        ]
        for name, one in groups.items()
    ]
    return _table(heads, rows)


def _scans(page: _Page, run: RunTables) -> None:
    scans = run.table("scans")
    page.add("<h2 id=scans>Scans</h2>")
    if scans.is_empty():
        page.add("<p>No scanner looked.</p>")
        return
    for scanner in run.summary["scanners"]:
        page.figure(
            figures.funnel(scans, scanner, list(run.summary["scanners"][scanner]["funnel"]))
        )
    if run.summary["hits"]:
        page.figure(figures.hits_by_time(run.hit_counts, run.tz))
    rows = survivorship_rows(run.summary.get("survivorship", {}))  # runs of before have none
    if rows:
        page.add(
            "<h3>survivorship: what the universes leave out</h3>"
            + _table(HEADS, [["-" if c is None else c for c in r] for r in rows])
        )


def _trades_on_their_bars(page: _Page, run: RunTables) -> None:
    """A table of the best and the worst trades; each row leads to its chart."""
    ordered = run.trades.sort("pnl", descending=True)
    best, worst = (
        ordered.head(SHOWN_TRADES),
        ordered.tail(min(SHOWN_TRADES, max(0, len(ordered) - SHOWN_TRADES))),
    )
    shown = pl.concat([best, worst.reverse()])
    page.add("<h2 id=best>Best and worst trades</h2>")
    rows, charts = [], []
    for number, trade in enumerate(shown.iter_rows(named=True)):
        chart = figures.trade(run, trade)
        name = html.escape(trade["symbol"])
        rows.append(
            [
                f"<a href=#trade{number}>{name}</a>" if chart is not None else name,
                html.escape(trade["side"]),
                figures.local(run, trade["entry_time"]),
                figures.local(run, trade["exit_time"]),
                _shown(trade["entry_price"]),
                _shown(trade["exit_price"]),
                _shown(trade["pnl"]),
                _shown(trade["return"], "%"),
                *(
                    html.escape(told or "")
                    for told in (
                        trade["entry_reason"],
                        trade["exit_reason"] or "open",
                        trade["scanner"],
                    )
                ),
            ]
        )
        if chart is not None:
            charts.append((number, chart))
    heads = [
        "",
        "side",
        "entry",
        "exit",
        "at",
        "left at",
        "profit",
        "return",
        "why",
        "why left",
        "found by",
    ]
    page.add(_table(heads, rows, escape=False))
    for number, chart in charts:
        page.add(f"<div id=trade{number}>{page.drawn(chart)}</div>")


def _tiles(values: dict[str, Any], known: dict[str, tuple[str, str]]) -> str:
    tiles = []
    for key, (label, unit) in known.items():
        if values.get(key) is not None:
            tone = (
                ""
                if key not in ("cum_returns_final", "annual_return", "pnl", "alpha")
                else "good"
                if values[key] > 0
                else "bad"
            )
            tiles.append(
                f"<div class=tile><b class='{tone}'>{_shown(values[key], unit)}</b><span>{label}</span></div>"
            )
    return f"<div class=tiles>{''.join(tiles)}</div>"


def _shown(value: Any, unit: str = "") -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{100 * value:,.2f} %" if unit else f"{value:,.2f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]], escape: bool = True) -> str:
    told = (lambda cell: html.escape(str(cell))) if escape else str
    lines = [f"<tr>{''.join(f'<th>{html.escape(head)}</th>' for head in heads)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{told(cell)}</td>' for cell in row)}</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _distinct(names: list[str], folders: list[str]) -> list[str]:
    return [
        name if names.count(name) == 1 else folder
        for name, folder in zip(names, folders, strict=True)
    ]


def _differences(configs: list[dict[str, Any]]) -> list[list[str]]:
    """The keys at which configs differ."""
    flat = [_flat(config) for config in configs]
    keys = list(dict.fromkeys(key for one in flat for key in one))
    return [
        [key, *(one.get(key, "-") for one in flat)]
        for key in keys
        if len({one.get(key) for one in flat}) > 1
    ]


def _flat(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        return {
            k: v
            for key, inner in value.items()
            for k, v in _flat(inner, f"{path}.{key}" if path else key).items()
        }
    if isinstance(value, list):
        return {
            k: v
            for number, inner in enumerate(value)
            for k, v in _flat(inner, f"{path}.{number}").items()
        }
    return {path: str(value)}
