"""The catalogue of indicators, their keys, and the states that carry them from session to session."""
