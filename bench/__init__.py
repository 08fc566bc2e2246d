"""Benchmarks; nothing here decides whether a test passes."""
