"""The model of a config's block `sweep`."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from engine.config.field_types import (
    Model,
    Text,
)


class SweepConfig(Model):
    """What `barsweep sweep` varies; nothing of it is read by a run."""

    grid: dict[Text, str | list[Any]] = Field(
        {},
        description="parameter -> its values: a list, or a text such as "
        '"0.01:0.10:0.005" or "50,60,70"; every combination is a variant',
    )
    random: int | None = Field(None, ge=1, description="so many variants drawn by chance instead")
    sobol: int | None = Field(
        None, ge=1, description="so many variants of a Sobol sequence instead"
    )
    seed: int = Field(0, ge=0, description="of variants that are drawn")
    first_hit: bool = Field(
        False, description="judge the first hit of each symbol and session alone"
    )
    horizons: list[Text] | None = Field(
        None,
        description=(
            "horizons of forward returns, of those that `barsweep evaluate` tells of; all "
            "where left out"
        ),
    )

    @model_validator(mode="after")
    def _one_way(self) -> SweepConfig:
        if self.random and self.sobol:
            raise ValueError("random and sobol; expected one of them")
        return self
