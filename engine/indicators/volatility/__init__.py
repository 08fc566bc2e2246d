"""Volatility: how far the price moves."""
