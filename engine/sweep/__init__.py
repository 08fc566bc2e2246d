"""Sweeps: many variants of a session config judged in one pass over the archive."""
