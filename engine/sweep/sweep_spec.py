"""What is swept: a config with places for parameters, and the values of each variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.analysis.forward_returns import HORIZONS
from engine.config.load import LoadedConfig
from engine.errors import ConfigError, did_you_mean
from engine.sweep.axes import Axis
from engine.sweep.config_template import Template, template_of
from engine.sweep.figures import Asked
from engine.sweep.variants import Variants, drawn, grid_of, spread


@dataclass(frozen=True)
class Sweep:
    """What is swept.

    template   the config with places for parameters
    variants   which values each variant has
    first_hit  whether the first hit of each symbol and session alone is judged
    drawn      how variants were chosen: "grid", "random", "sobol"; `seed` of those that are drawn
    horizons   of forward returns (engine/analysis/forward_returns.py)
    """

    template: Template
    variants: Variants
    first_hit: bool = False
    drawn: str = "grid"
    seed: int = 0
    horizons: tuple[str, ...] = HORIZONS

    @classmethod
    def of(
        cls,
        loaded: LoadedConfig,
        axes: Sequence[Axis],
        *,
        random: int | None = None,
        sobol: int | None = None,
        seed: int = 0,
        asked: Asked | None = None,
        where: Sequence[str] = (),
    ) -> Sweep:
        """All combinations of the axes' values, or `random` or `sobol` of them.

        asked  which hits are judged, and by what; all hits by every horizon where left out
        where  expressions of a sweep over expressions; see `template_of`
        """
        judged = asked or Asked()
        if random is not None and sobol is not None:
            raise ConfigError("random and sobol", expected="one of them")
        template = template_of(loaded, axes, where)
        if random is not None:
            how, variants = "random", drawn(axes, random, seed)
        elif sobol is not None:
            how, variants = "sobol", spread(axes, sobol, seed)
        else:
            how, variants = "grid", grid_of(axes)
        _check(judged.horizons)
        return cls(template, variants, judged.first_hit, how, seed, judged.horizons)

    @property
    def asked(self) -> Asked:
        """Which hits are judged, and by what."""
        return Asked(self.first_hit, self.horizons)

    def config(self, number: int) -> LoadedConfig:
        """The config of a variant: run alone it gives the figures of the variant."""
        return self.template.config(self.variants.values(number))

    @property
    def trades(self) -> bool:
        """Whether the config has strategies."""
        return any(block["enabled"] for block in self.template.content["strategies"])

    def scanners(self) -> list[tuple[int, str]]:
        """Place and name of each scanner of the config that is enabled."""
        scanners = self.template.content["session_data_config"]["scanners"]
        return [
            (number, block["name"] or block["module"])
            for number, block in enumerate(scanners)
            if block["enabled"]
        ]


def _check(horizons: Sequence[str]) -> None:
    for one in horizons:
        if one not in HORIZONS:
            raise ConfigError(
                f"no horizon {one!r}",
                expected=f"some of {', '.join(HORIZONS)}",
                fix=did_you_mean(one, HORIZONS),
            )
    if not horizons or len(set(horizons)) < len(horizons):
        raise ConfigError(f"horizons {', '.join(horizons)}", expected="each once, one at least")
