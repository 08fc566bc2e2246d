"""Runs: executed, stored whole or not at all, resumed, compared."""
