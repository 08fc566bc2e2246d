"""Types of a session config's fields: checked names, times of day, and the base of all blocks."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from engine.clock.interval import Interval
from engine.errors import BarsweepError


def collected(check: Any) -> Any:
    """A validator whose BarsweepError pydantic can collect with the other problems."""

    def validate(value: Any) -> Any:
        try:
            return check(value)
        except BarsweepError as error:
            raise ValueError(
                "; ".join(
                    filter(None, (error.what, error.expected and f"expected {error.expected}"))
                )
            ) from None

    return validate


def _wall_clock(value: Any) -> Any:
    if isinstance(value, str) and value.count(":") in (1, 2):
        time = dt.time.fromisoformat(value)
        if time.tzinfo is None:
            return time
    raise ValueError("expected a time of day such as 09:35, exchange-local")


def unique_symbols(values: list[str]) -> list[str]:
    """Symbols in capitals; ValueError where one is empty or repeated."""
    upper = [value.strip().upper() for value in values]
    twice = repeated_names(upper)
    if twice or "" in upper:
        raise ValueError(f"named twice: {', '.join(twice[:10])}" if twice else "an empty symbol")
    return upper


def repeated_names(names: list[str]) -> list[str]:
    """The names that are there more than once, sorted."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _interval_name(text: str) -> str:
    return Interval.parse(text).name


IntervalName = Annotated[str, AfterValidator(collected(_interval_name))]


WallClock = Annotated[dt.time, BeforeValidator(_wall_clock)]


Text = Annotated[str, Field(min_length=1)]


class Model(BaseModel):
    """Frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
