"""Statistics of what was chosen as the best of several."""
