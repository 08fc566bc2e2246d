"""barsweep's engine: the rooms are listed, in the order data passes through them, in
ARCHITECTURE.md.
"""

__version__ = "0.1.0"
