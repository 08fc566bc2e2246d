"""A config over some sessions alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from engine.config.load import LoadedConfig


def between(loaded: LoadedConfig, dates: Sequence[dt.date]) -> LoadedConfig:
    """The config over some dates alone."""
    block = loaded.config.backtest_config.model_copy(
        update={"start_date": dates[0], "end_date": dates[-1]}
    )
    return loaded.changed(backtest_config=block)
