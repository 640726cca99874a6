"""The heart: folders, what may happen to them, and the one door through which they move."""
