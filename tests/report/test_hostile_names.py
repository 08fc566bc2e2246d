"""Names come from files and configs of others: on the pages that show them they are text, whatever they hold."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from engine.analysis.evaluate import Evaluator
from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.bar_files import write_bars
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.report.candle_charts import Mark, candle_page
from engine.report.evaluation_page import evaluation_page
from engine.report.run_page import compare_page, report_page
from engine.runs.execute_run import execute_run
from engine.runs.run_tables import RunTables

SCRIPT, IMAGE, LINK = (
    "<script>steal()</script>",
    "\"'><img src=x onerror=steal()>",
    '</title><a href="https://evil.example">x</a>',
)
HARMLESS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "h1",
    "h2",
    "h3",
    "p",
    "nav",
    "a",
    "div",
    "b",
    "span",
    "table",
    "tr",
    "th",
    "td",
    "script",
    "br",
}


class Page(HTMLParser):
    """What a browser would see: elements, links, and scripts."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}
        self._in_script = tag == "script"
        self.scripts += [""] * self._in_script

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False


def is_harmless(text: str) -> None:
    page = Page(text)
    assert page.elements <= HARMLESS
    assert all(link.startswith("#") for link in page.links)
    assert not any(name.startswith("on") for name in page.attributes)
    own = [
        script for script in page.scripts if len(script) < 1_000_000
    ]  # the other is plotly itself
    assert own and not any("<" in script and "steal" in script for script in own)
    assert not any(
        "<a href" in script or "\\u003ca href" in script for script in own
    )  # plotly makes links of these
    assert "steal()" in text  # they are there, as text


@pytest.fixture(scope="module")
def hostile(demo: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The demo market under other names."""
    path = tmp_path_factory.mktemp("hostile") / "archive"
    shutil.copytree(demo.path, path)
    names = {
        old: f"{(SCRIPT, IMAGE, LINK)[number % 3].upper()}{number:02d}"
        for number, old in enumerate(demo.symbols())
    }
    for file in path.glob("bars/*/*/bars.parquet"):
        bars = pl.read_parquet(file, hive_partitioning=False).with_columns(
            pl.col("symbol").replace(names)
        )
        write_bars(file, bars.sort("symbol", "timestamp"))
    (path / layout.ACTIONS).unlink()
    return Archive.open(path)


@pytest.fixture(scope="module")
def run(hostile: Archive, tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    every_hour = [{"start": "10:00", "end": "15:00", "interval": "1h"}]
    clauses = {SCRIPT: "close > prev_close", "b": "close > 0"}
    scanner = {
        "module": "scanners.criteria_scanner",
        "name": IMAGE,
        "regular_session": every_hour,
        "config": {"criteria": clauses, "features": {LINK: "close"}, "limit": 3},
    }
    strategy = {
        "module": "engine.strategies.vwap_pullback",
        "name": SCRIPT,
        "config": {"min_change": 0.0},
    }
    content = {
        "session_name": SCRIPT + IMAGE,
        "mode": "backtest",
        "backtest_config": {"start_date": "2017-12-04", "end_date": "2017-12-08"},
        "session_data_config": {"scanners": [scanner]},
        "strategies": [strategy],
    }
    out = tmp_path_factory.mktemp("runs")
    finished = execute_run(
        LoadedConfig(SessionConfig(**content), Path("hostile.json")), hostile, out, lambda *_: None
    )
    assert finished.failures == 0 and finished.path.parent == out
    return RunTables(finished.path, hostile)


def test_the_report_of_a_run(run: RunTables) -> None:
    assert len(run.trades) > 3
    is_harmless(report_page(run))


def test_the_comparison_of_runs(run: RunTables) -> None:
    other = RunTables(run.folder, run.archive)
    other.manifest["config"]["session_name"] = LINK
    is_harmless(compare_page([run, other]))


def test_an_evaluation(run: RunTables, hostile: Archive) -> None:
    evaluator = Evaluator(run.folder / "hits.parquet", hostile, None, 1)
    evaluator.run(lambda *_: None)
    is_harmless(evaluation_page(SCRIPT, evaluator.evaluations()))


def test_a_chart(hostile: Archive) -> None:
    symbol = hostile.symbols()[0]
    bars = hostile.read_daily(["open", "high", "low", "close", "volume"], None, None).filter(
        pl.col("symbol") == symbol
    )
    bars = bars.with_columns(
        pl.col("date").cast(pl.Datetime("us")).alias("time"), pl.col("close").alias(IMAGE)
    )
    mark = Mark(bars["time"][3], 10.0, IMAGE, LINK + SCRIPT)
    is_harmless(candle_page(f"{symbol} {SCRIPT}", bars, [IMAGE], [mark]))


def test_the_folder_of_a_run_is_named_by_letters_alone(run: RunTables) -> None:
    assert set(run.folder.name) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
    )
