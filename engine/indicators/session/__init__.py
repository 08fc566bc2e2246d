"""Session: the session so far, its opening, and what sessions before it had at that time."""
