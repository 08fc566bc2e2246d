"""Searches for the best variant, and how much of it is luck."""
