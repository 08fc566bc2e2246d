"""How long the seed of a recursive average matters."""

import math

NEGLIGIBLE = 1e-9


def rows_to_forget(weight: float) -> int:
    """Rows after which what was before weighs less than 1e-9 in an average that takes `weight` of each new value."""
    return 0 if weight >= 1.0 else math.ceil(math.log(NEGLIGIBLE) / math.log1p(-weight))
