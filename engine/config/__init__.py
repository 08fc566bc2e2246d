"""Session configs: strict models, loading with near-miss suggestions, look-up of the files they
name, JSON Schema.
"""
