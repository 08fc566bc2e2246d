"""Strategies' base, the broker, the trading desk that drives both through a session."""
