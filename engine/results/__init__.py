"""The run directory: what a run leaves behind, whole or not at all."""
