"""numba only: arrays in, arrays out, state carried; one kernel a file; no polars and no project imports."""
