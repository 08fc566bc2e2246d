"""barsweep: scan whole markets of historical bars, and trade what is found, without looking ahead.

    import barsweep as bs

    market = bs.open_archive("parquet_data/demo")
    scan = market.scan("close > rolling_max_20_1d and rvol_20 > 2")
    scan.hits

A thin face of `engine/api/`; docs/python.md shows what there is.
"""

from typing import TYPE_CHECKING

from engine.api import __all__, __dir__, __getattr__  # noqa: F401  asked for names, and which there are

if (
    TYPE_CHECKING
):  # for checkers and editors; at run time names are imported when they are asked for
    from engine.api import *  # noqa: F403

__all__ = __all__  # noqa: PLW0127  re-exported: what there is
