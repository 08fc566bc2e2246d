"""Proof that nothing looks ahead: replays over archives whose future is another one, compared with the whole."""
