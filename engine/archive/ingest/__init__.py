"""From vendors' files to an archive: import, recognition of files in place, LEAN's tables, the demo
market.
"""
