"""The phases that drive a run, and SessionData: every symbol's state in the session at hand."""
