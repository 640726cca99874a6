"""A collectivity as one file: people, desks, types, circuits and settings written, compared, applied. No secret is in it."""
