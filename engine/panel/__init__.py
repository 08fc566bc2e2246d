"""One session of the whole universe in memory: sorted columns and per-symbol slices, derived intervals, as-of rows."""
