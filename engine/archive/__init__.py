"""Archives on disk: read, write, import, files in place, check, quality, repairs, the demo market; universes, actions, tickers."""
