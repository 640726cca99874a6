"""Forgeries that are still believed: each leaves this list with the change that stops it."""

PENDING: frozenset[str] = frozenset()
