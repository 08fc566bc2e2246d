"""The search for the best variant.

Objectives, splits of the sessions, searches, the ledger of trials.
"""
