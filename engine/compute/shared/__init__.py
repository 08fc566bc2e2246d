"""Passes that indicators are made of: each goes over a piece of rows, and carries its part of the
state.
"""
