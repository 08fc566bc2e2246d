"""The search for the best variant: objectives, splits of the sessions, searches, the ledger of
trials.
"""
