"""Features: what is computed of each symbol, its state from session to session, its warm-up."""
