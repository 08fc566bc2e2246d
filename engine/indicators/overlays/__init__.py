"""Overlays: averages, bands, channels and lines in the scale of the price."""
