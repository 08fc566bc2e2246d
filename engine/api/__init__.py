"""The front door: what a program, a notebook and every command asks of barsweep.

`import barsweep as bs` is this.

Names are imported when they are first asked for, so that the door itself costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine import __version__
    from engine.api.archives import (
        InPlaceArchive,
        Layout,
        demo,
        diff_archives,
        import_archive,
        layouts,
        make_demo,
        read_in_place,
    )
    from engine.api.audits import Audit, audit
    from engine.api.configs import CheckedConfig, check_config, config_schema
    from engine.api.evaluations import Evaluated, evaluate
    from engine.api.explanations import Answer, NearMisses, explain, near_misses
    from engine.api.listings import (
        IndicatorFacts,
        PlugIn,
        allow_modules,
        describe_indicator,
        describe_scanner,
        describe_strategy,
        indicators,
        new_scanner,
        new_strategy,
        scanners,
        strategies,
    )
    from engine.api.market import Market, open_archive
    from engine.api.optimizations import Optimization, optimize
    from engine.api.pages import Chart, Shown, diff, report, show
    from engine.api.qualities import Checked, Quality, check, info, quality
    from engine.api.run_result import Run
    from engine.api.runs import UnfinishedRun, open_run, repeat, resume, run
    from engine.api.scans import Scan, scan
    from engine.api.sweeps import Swept, sweep, variant_config
    from engine.api.symbol_tables import actions, lean_markets, tickers
    from engine.archive.ingest.import_summary import ImportSummary
    from engine.archive.reading_cost import ReadingCost
    from engine.archive.reference.corporate_actions import ActionsSummary
    from engine.archive.reference.tickers import TickersSummary
    from engine.errors import BarsweepError, Interrupted
    from engine.indicators.expression import indicator
    from engine.runs.run_diff import RunsDiff, TableDiff
    from engine.scan.base import BaseScanner, ColumnarScanner, ScannerParams
    from engine.scan.scan_context import ScanContext
    from engine.scan.scan_result import ScanResult
    from engine.trading.strategy import ColumnarStrategy, Strategy
    from engine.trading.strategy_context import StrategyContext

__all__ = [
    "ActionsSummary",
    "Answer",
    "Audit",
    "BarsweepError",
    "BaseScanner",
    "Chart",
    "Checked",
    "CheckedConfig",
    "ColumnarScanner",
    "ColumnarStrategy",
    "Evaluated",
    "ImportSummary",
    "InPlaceArchive",
    "IndicatorFacts",
    "Interrupted",
    "Layout",
    "Market",
    "NearMisses",
    "Optimization",
    "PlugIn",
    "Quality",
    "ReadingCost",
    "Run",
    "RunsDiff",
    "Scan",
    "ScanContext",
    "ScanResult",
    "ScannerParams",
    "Shown",
    "Strategy",
    "StrategyContext",
    "Swept",
    "TableDiff",
    "TickersSummary",
    "UnfinishedRun",
    "__version__",
    "actions",
    "allow_modules",
    "audit",
    "check",
    "check_config",
    "config_schema",
    "demo",
    "describe_indicator",
    "describe_scanner",
    "describe_strategy",
    "diff",
    "diff_archives",
    "evaluate",
    "explain",
    "import_archive",
    "indicator",
    "indicators",
    "info",
    "layouts",
    "lean_markets",
    "make_demo",
    "near_misses",
    "new_scanner",
    "new_strategy",
    "open_archive",
    "open_run",
    "optimize",
    "quality",
    "read_in_place",
    "repeat",
    "report",
    "resume",
    "run",
    "scan",
    "scanners",
    "show",
    "strategies",
    "sweep",
    "tickers",
    "variant_config",
]

_MODULES = {
    "engine": "__version__",
    "engine.api.archives": "InPlaceArchive Layout demo diff_archives import_archive layouts "
    "make_demo read_in_place",
    "engine.api.symbol_tables": "actions lean_markets tickers",
    "engine.api.audits": "Audit audit",
    "engine.api.configs": "CheckedConfig check_config config_schema",
    "engine.api.evaluations": "Evaluated evaluate",
    "engine.api.explanations": "Answer NearMisses explain near_misses",
    "engine.api.market": "Market open_archive",
    "engine.api.optimizations": "Optimization optimize",
    "engine.api.pages": "Chart Shown diff report show",
    "engine.api.listings": "IndicatorFacts PlugIn allow_modules describe_indicator "
    "describe_scanner "
    "describe_strategy indicators new_scanner new_strategy scanners strategies",
    "engine.api.qualities": "Checked Quality check info quality",
    "engine.api.run_result": "Run",
    "engine.api.runs": "UnfinishedRun open_run repeat resume run",
    "engine.api.scans": "Scan scan",
    "engine.api.sweeps": "Swept sweep variant_config",
    "engine.archive.reference.corporate_actions": "ActionsSummary",
    "engine.archive.ingest.import_summary": "ImportSummary",
    "engine.archive.reading_cost": "ReadingCost",
    "engine.archive.reference.tickers": "TickersSummary",
    "engine.errors": "BarsweepError Interrupted",
    "engine.indicators.expression": "indicator",
    "engine.runs.run_diff": "RunsDiff TableDiff",
    "engine.scan.base": "BaseScanner ColumnarScanner ScannerParams",
    "engine.scan.scan_context": "ScanContext",
    "engine.scan.scan_result": "ScanResult",
    "engine.trading.strategy_context": "StrategyContext",
    "engine.trading.strategy": "ColumnarStrategy Strategy",
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'barsweep' has no attribute {name!r}")
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
