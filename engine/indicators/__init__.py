"""Indicators by group, one file each; the catalogue that finds them, their keys, users' own ones."""
