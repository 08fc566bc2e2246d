"""Returns of several variants that statistics can be made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from engine.errors import ConfigError
from engine.statistics.sharpe import Floats


def checked_returns(returns: ArrayLike, least: int = 2) -> Floats:
    """Returns as float64[periods, variants]; refused where they are not, or one is no number.

    least  fewest periods
    """
    values = np.asarray(returns, np.float64)
    if values.ndim != 2 or values.shape[0] < least or not values.shape[1]:
        raise ConfigError(
            f"returns of shape {list(values.shape)}",
            expected=f"[periods, variants], {least} periods or more, 1 variant or more",
        )
    # of a sum that is finite every part is, and a sum needs no second array of the same size
    if not np.isfinite(values.sum()) and not np.isfinite(values).all():
        period, variant = np.argwhere(~np.isfinite(values))[0].tolist()
        raise ConfigError(
            f"the return of variant {variant} in period {period} is {values[period, variant]}",
            expected="a number for each; 0 where a variant held nothing",
        )
    return values
