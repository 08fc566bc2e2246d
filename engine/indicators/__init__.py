"""Indicators by group, one file each; the catalogue, the keys, and `@register` for users."""
