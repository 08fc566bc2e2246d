"""Momentum: how fast and how steadily the price moves."""
