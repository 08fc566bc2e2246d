"""Files as vendors deliver them: text, times, symbols and columns read as bars."""
