"""Compiled code over plain arrays: what makes a kernel, the passes that indicators share, and rows.

Arrays in, arrays out; numba and numpy alone, no Polars, and nothing of the project but
`engine.runtime`.
"""
