"""What luck alone would give: statistics of figures that were chosen as the best of several."""
