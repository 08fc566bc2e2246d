"""The bars of a session batch in memory: sorted columns and each symbol's slice of them.

Bars of wider intervals are derived from the base interval's.
"""
