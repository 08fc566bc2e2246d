"""Scanners: what they see at a tick, what they declare, how a session is scanned in one columnar
pass.
"""
