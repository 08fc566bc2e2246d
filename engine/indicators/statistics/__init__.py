"""Statistics of a sliding window: ranks, quantiles, moments, and against the benchmark."""
