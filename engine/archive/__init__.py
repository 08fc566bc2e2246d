"""An archive of bars: reading it in memory order, whoever laid out its files."""
