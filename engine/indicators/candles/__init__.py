"""Candles: patterns of one bar and of a few bars in a row."""
