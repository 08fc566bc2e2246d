"""Passes that kernels are made of: each goes over a piece of rows, carries its own stretch of the state, and may write in place."""
