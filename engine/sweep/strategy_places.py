"""Where a swept parameter of strategies goes in a config: `strategies.gap_and_go.target_r`,
`gap_and_go.target_r` or `target_r`.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.config.models import StrategyConfig
from engine.errors import ConfigError
from engine.runtime.module_loader import load_class
from engine.trading.strategy_runtime import STRATEGIES

BLOCK = "strategies"
LIMITS = ("max_open_positions", "max_percent")  # keys of a strategy's block that are swept too
Path = tuple[str | int, ...]


def names_of(strategy: StrategyConfig) -> tuple[str, ...]:
    """What a strategy is called in the names of parameters: its name or module, and the last part
    of the module.
    """
    last = strategy.module.partition(":")[0].rpartition(".")[2]
    return tuple(dict.fromkeys((strategy.label, last)))


def strategy_parameters(strategies: Sequence[StrategyConfig]) -> list[tuple[str, ...]]:
    """The parameters of each strategy of a config; none of one that is not enabled."""
    return [
        (*load_class(one.module, STRATEGIES).Params.model_fields, *LIMITS) if one.enabled else ()
        for one in strategies
    ]


def strategy_paths(
    name: str, strategies: Sequence[StrategyConfig], known: Sequence[tuple[str, ...]]
) -> list[Path]:
    """Where a parameter goes: of every strategy that has it, where the name tells of none.

    Raises ConfigError where a short name is that of several strategies.
    """
    found: list[Path] = []
    given = name.removeprefix(f"{BLOCK}.")
    for number, (strategy, parameters) in enumerate(zip(strategies, known, strict=True)):
        shorts = [given, *(given.removeprefix(f"{one}.") for one in names_of(strategy))]
        short = next((one for one in shorts if one in parameters), None)
        if short is None or (short == name and short in LIMITS):
            continue
        own = (short,) if short in LIMITS else ("config", short)
        found.append((BLOCK, number, *own))
    if len(found) > 1 and "." in given:
        raise ConfigError(
            f"{name} is a parameter of {len(found)} strategies",
            where="grid",
            expected=" or ".join(
                f"{BLOCK}.{path[1]}.{'.'.join(map(str, path[2:]))}" for path in found
            ),
        )
    return found
