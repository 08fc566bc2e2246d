"""Volume: turnover, and the price's moves weighted by it."""
