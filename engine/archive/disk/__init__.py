"""The files of an archive: names, archive.json, atomic writes, locks, bar files of sessions and of
years.
"""
