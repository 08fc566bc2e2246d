"""barsweep's engine.

The rooms are listed, in the order data passes through them, in ARCHITECTURE.md.
"""

__version__ = "0.1.0"
